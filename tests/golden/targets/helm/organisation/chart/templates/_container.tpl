{{/*
One container, as an item of a list.
  given: its values; root: the chart
*/}}
{{- define "road.container" -}}
{{- $c := dict }}
{{- $_ := include "road.complete" (dict "into" $c "given" .given "defaults" .defaults) -}}
- name: {{ $c.name | quote }}
  {{- include "road.fields" (dict "of" $c "as" (dict
    "image" "image" "pull" "imagePullPolicy" "command" "command" "args" "args"
    "workingDirectory" "workingDir" "resources" "resources" "ready" "readinessProbe"
    "live" "livenessProbe" "startup" "startupProbe" "lifecycle" "lifecycle"
    "tty" "tty" "stdin" "stdin" "messagePath" "terminationMessagePath"
    "messagePolicy" "terminationMessagePolicy" "security" "securityContext"
    "mounts" "volumeMounts" "restart" "restartPolicy")) | indent 2 }}
  {{- with $c.ports }}
  ports:
    {{- range . }}
    - containerPort: {{ .port }}
      {{- include "road.fields" (dict "of" . "as" (dict "name" "name" "protocol" "protocol" "hostPort" "hostPort")) | indent 6 }}
    {{- end }}
  {{- end }}
  {{- with $c.env }}
  env:
    {{- range . }}
    - {{ include "road.variable" . | nindent 6 | trim }}
    {{- end }}
  {{- end }}
  {{- with $c.envFrom }}
  envFrom:
    {{- range . }}
    - {{ include "road.variables" . | nindent 6 | trim }}
    {{- end }}
  {{- end }}
{{- end }}

{{/* One variable: its value, or where the value comes from. */}}
{{- define "road.variable" -}}
name: {{ .name | quote }}
{{- if hasKey . "value" }}
value: {{ .value | quote }}
{{- else if or .config .secret }}
valueFrom:
  {{ ternary "configMapKeyRef" "secretKeyRef" (hasKey . "config") }}:
    name: {{ .config | default .secret | quote }}
    key: {{ .key | quote }}
    {{- if hasKey . "optional" }}
    optional: {{ .optional }}
    {{- end }}
{{- else if .field }}
valueFrom:
  fieldRef:
    fieldPath: {{ .field | quote }}
{{- else if .resource }}
valueFrom:
  resourceFieldRef:
    resource: {{ .resource | quote }}
    {{- include "road.fields" (dict "of" . "as" (dict "container" "containerName" "divisor" "divisor")) | indent 4 }}
{{- end }}
{{- end }}

{{/* All keys of a ConfigMap or Secret as variables. */}}
{{- define "road.variables" -}}
{{ ternary "configMapRef" "secretRef" (hasKey . "config") }}:
  name: {{ .config | default .secret | quote }}
  {{- if hasKey . "optional" }}
  optional: {{ .optional }}
  {{- end }}
{{- with .prefix }}
prefix: {{ . | quote }}
{{- end }}
{{- end }}
