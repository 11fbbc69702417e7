{{/* How others reach a service: a Service for each endpoint. */}}
{{- define "road.endpoint" -}}
apiVersion: v1
kind: Service
{{ include "road.metadata" . }}
spec:
  {{- if .of.headless }}
  clusterIP: None
  {{- end }}
  {{- include "road.fields" (dict "of" .of "as" (dict
    "type" "type" "affinity" "sessionAffinity" "externalTraffic" "externalTrafficPolicy"
    "internalTraffic" "internalTrafficPolicy" "publishUnready" "publishNotReadyAddresses"
    "ipPolicy" "ipFamilyPolicy" "ipFamilies" "ipFamilies" "loadBalancerClass" "loadBalancerClass"
    "allowed" "loadBalancerSourceRanges" "externalIps" "externalIPs")) | indent 2 }}
  {{- if hasKey .of "selector" }}
  {{- with .of.selector }}
  selector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- else }}
  selector:
    {{- include "road.selected" . | trim | nindent 4 }}
  {{- end }}
  {{- with .of.ports }}
  ports:
    {{- range . }}
    - port: {{ .port }}
      {{- include "road.fields" (dict "of" . "as" (dict
        "name" "name" "target" "targetPort" "protocol" "protocol" "nodePort" "nodePort"
        "appProtocol" "appProtocol")) | indent 6 }}
    {{- end }}
  {{- end }}
{{- end }}

{{/* The way in from outside. */}}
{{- define "road.ingress" -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
{{ include "road.metadata" . }}
spec:
  {{- with .of.class }}
  ingressClassName: {{ . | quote }}
  {{- end }}
  {{- with .of.tls }}
  tls:
    {{- range . }}
    - {{ include "road.fields" (dict "of" . "as" (dict "hosts" "hosts" "secret" "secretName")) | trim | nindent 6 | trim }}
    {{- end }}
  {{- end }}
  {{- with .of.to }}
  defaultBackend:
    {{- include "road.backend" . | nindent 4 }}
  {{- end }}
  {{- with .of.rules }}
  rules:
    {{- range . }}
    - http:
        paths:
          {{- range .paths }}
          - backend:
              {{- include "road.backend" .to | nindent 14 }}
            {{- include "road.fields" (dict "of" . "as" (dict "path" "path" "match" "pathType")) | indent 12 }}
          {{- end }}
      {{- with .host }}
      host: {{ . | quote }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}

{{- define "road.backend" -}}
service:
  name: {{ .endpoint | quote }}
  {{- if hasKey . "port" }}
  port:
    {{ ternary "name" "number" (kindIs "string" .port) }}: {{ toJson .port }}
  {{- end }}
{{- end }}

{{/* What may talk to a service, and what it may talk to. */}}
{{- define "road.policy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
{{ include "road.metadata" . }}
spec:
  podSelector:
    matchLabels:
      {{- include "road.selected" . | trim | nindent 6 }}
  policyTypes:
    {{- if hasKey .of "from" }}
    - Ingress
    {{- end }}
    {{- if hasKey .of "to" }}
    - Egress
    {{- end }}
  {{- if hasKey .of "from" }}
  ingress:
    {{- range .of.from }}
    {{- include "road.opening" (dict "of" . "side" "from") | nindent 4 }}
    {{- else }} []
    {{- end }}
  {{- end }}
  {{- if hasKey .of "to" }}
  {{- $to := .of.to }}
  {{- if .of.names }}{{ $to = prepend $to .place.names }}{{ end }}
  egress:
    {{- range $to }}
    {{- include "road.opening" (dict "of" . "side" "to") | nindent 4 }}
    {{- else }} []
    {{- end }}
  {{- end }}
{{- end }}

{{/* One way in or out, as an item of a list; without a peer it is open to anybody. */}}
{{- define "road.opening" -}}
{{- if or .of.pods .of.namespace .of.block -}}
- {{ .side }}:
    {{- if .of.block }}
    - ipBlock:
        cidr: {{ .of.block | quote }}
    {{- else }}
    - {{ if .of.namespace -}}
      namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ .of.namespace | quote }}
      {{ end -}}
      {{ with .of.pods -}}
      podSelector:
        matchLabels:
          {{- toYaml . | nindent 10 }}
      {{- end }}
    {{- end }}
  {{- with .of.ports }}
  ports:
    {{- range . }}
    - protocol: {{ .protocol }}
      port: {{ .port }}
    {{- end }}
  {{- end }}
{{- else if .of.ports -}}
- ports:
    {{- range .of.ports }}
    - protocol: {{ .protocol }}
      port: {{ .port }}
    {{- end }}
{{- else -}}
- {}
{{- end }}
{{- end }}
