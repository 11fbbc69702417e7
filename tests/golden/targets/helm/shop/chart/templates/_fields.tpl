{{/*
Fields under their Kubernetes names, each where it is given.
  of: the values; as: a dictionary from the name of a value to the name of the field
*/}}
{{- define "road.fields" -}}
{{- range $from, $to := .as }}
{{- if hasKey $.of $from }}
{{- $value := get $.of $from }}
{{- if and (or (kindIs "map" $value) (kindIs "slice" $value)) $value }}
{{ $to }}:
  {{- toYaml $value | nindent 2 }}
{{- else }}
{{ $to }}: {{ toJson $value }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/*
A service with what the road gives one of its kind. Its own values go first; `without` names what it
does not take.
  into: an empty dictionary; given: the values of the service; defaults: those of the road
*/}}
{{- define "road.complete" -}}
{{- if ne (get .given "road" | default "paved") "as-found" }}
{{- range $key, $value := .defaults }}
{{- if not (has $key ($.given.without | default list)) }}
{{- $_ := set $.into $key $value }}
{{- end }}
{{- end }}
{{- end }}
{{- range $key, $value := .given }}
{{- $_ := set $.into $key $value }}
{{- end }}
{{- end }}

{{/* The labels by which a service's pods are known, and which never change. */}}
{{- define "road.selector" -}}
app.kubernetes.io/name: {{ .s.name | quote }}
app.kubernetes.io/component: {{ .s.component | quote }}
{{- with .s.system }}
app.kubernetes.io/part-of: {{ . | quote }}
{{- end }}
{{- end }}

{{/* The labels of every object of a service. */}}
{{- define "road.labels" -}}
{{- if ne .s.road "as-found" }}
{{- with .s.component }}
app.kubernetes.io/component: {{ . | quote }}
{{- end }}
{{- with .s.system }}
app.kubernetes.io/part-of: {{ . | quote }}
{{- end }}
app.kubernetes.io/name: {{ .s.name | quote }}
app.kubernetes.io/managed-by: telford
telford.dev/environment: {{ .place.environment | quote }}
{{- with .place.region }}
telford.dev/region: {{ . | quote }}
{{- end }}
{{- if hasKey .s "tier" }}
telford.dev/tier: {{ .s.tier | toString | quote }}
{{- end }}
{{- end }}
{{- with .s.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
The metadata of an object of a service.
  s, place, address: the service; of: the object's own values; clusterWide: it has no namespace
*/}}
{{- define "road.metadata" -}}
{{- $labels := include "road.labels" . | trim }}
{{- with .of.labels }}{{ $labels = printf "%s\n%s" $labels (toYaml .) | trim }}{{ end }}
{{- $annotations := "" }}
{{- if ne .s.road "as-found" }}
{{- $annotations = printf "telford.dev/address: %s" (quote .address) }}
{{- with .s.owner }}{{ $annotations = printf "%s\ntelford.dev/owner: %s" $annotations (quote .) }}{{ end }}
{{- end }}
{{- with .s.annotations }}{{ $annotations = printf "%s\n%s" $annotations (toYaml .) | trim }}{{ end }}
{{- with .of.annotations }}{{ $annotations = printf "%s\n%s" $annotations (toYaml .) | trim }}{{ end }}
{{- with .of.digest }}{{ $annotations = printf "%s\ntelford.dev/digest: %s" $annotations (quote .) | trim }}{{ end }}
{{- $namespace := .place.namespace }}
{{- if hasKey .s "namespace" }}{{ $namespace = .s.namespace }}{{ end -}}
metadata:
  name: {{ .of.name | default .s.name | quote }}
  {{- if and $namespace (not .clusterWide) }}
  namespace: {{ $namespace | quote }}
  {{- end }}
  {{- with $labels }}
  labels:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with $annotations }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
{{- end }}
