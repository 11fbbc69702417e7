{{/* Who a service is. */}}
{{- define "road.account" -}}
apiVersion: v1
kind: ServiceAccount
{{ include "road.metadata" . }}
{{- include "road.fields" (dict "of" .of "as" (dict "mountToken" "automountServiceAccountToken")) }}
{{- with .of.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Role and ClusterRole. */}}
{{- define "road.role" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .of.kind }}
{{ include "road.metadata" (merge (dict "clusterWide" (hasPrefix "Cluster" .of.kind)) .) }}
{{- include "road.fields" (dict "of" .of "as" (dict "rules" "rules")) }}
{{- end }}

{{/* RoleBinding and ClusterRoleBinding. */}}
{{- define "road.binding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .of.kind }}
{{ include "road.metadata" (merge (dict "clusterWide" (hasPrefix "Cluster" .of.kind)) .) }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .of.role.kind }}
  name: {{ .of.role.name | quote }}
{{- include "road.fields" (dict "of" .of "as" (dict "subjects" "subjects")) }}
{{- end }}

{{/* Settings. */}}
{{- define "road.config" -}}
apiVersion: v1
kind: ConfigMap
{{ include "road.metadata" . }}
{{- include "road.fields" (dict "of" .of "as" (dict "values" "data" "immutable" "immutable")) }}
{{- end }}

{{/* Storage that outlives a service. */}}
{{- define "road.storage" -}}
apiVersion: v1
kind: PersistentVolumeClaim
{{ include "road.metadata" . }}
spec:
  {{- include "road.claim" .of | nindent 2 }}
{{- end }}

{{/* How many replicas there are. */}}
{{- define "road.scaler" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
{{ include "road.metadata" . }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: {{ .of.of | default .s.kind }}
    name: {{ .s.name | quote }}
  {{- include "road.fields" (dict "of" .of "as" (dict "min" "minReplicas" "max" "maxReplicas" "behaviour" "behavior")) | indent 2 }}
  {{- if or .of.targets .of.metrics }}
  metrics:
    {{- range .of.targets }}
    - type: Resource
      resource:
        name: {{ .resource }}
        target:
          type: Utilization
          averageUtilization: {{ .percent }}
    {{- end }}
    {{- with .of.metrics }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
{{- end }}

{{/* How many replicas may be away. */}}
{{- define "road.disruption" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
{{ include "road.metadata" . }}
spec:
  {{- include "road.fields" (dict "of" .of "as" (dict
    "minAvailable" "minAvailable" "maxUnavailable" "maxUnavailable"
    "evict" "unhealthyPodEvictionPolicy")) | indent 2 }}
  selector:
    matchLabels:
      {{- if hasKey .of "selector" }}
      {{- toYaml .of.selector | nindent 6 }}
      {{- else }}
      {{- include "road.selected" . | trim | nindent 6 }}
      {{- end }}
{{- end }}
