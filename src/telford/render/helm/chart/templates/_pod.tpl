{{/*
The template of a service's pods.
  s: the service; place, address; defaults: the road's, of a container
*/}}
{{- define "road.pod" -}}
{{- $s := .s }}
{{- if and (ne $s.road "as-found") (not (hasKey $s "runsAs")) }}{{ $_ := set $s "runsAs" $s.name }}{{ end }}
{{- $labels := "" }}
{{- if ne $s.road "as-found" }}{{ $labels = include "road.labels" . | trim }}{{ end }}
{{- with $s.podLabels }}{{ $labels = printf "%s\n%s" $labels (toYaml .) | trim }}{{ end }}
{{- $annotations := "" }}
{{- if ne $s.road "as-found" }}{{ $annotations = printf "telford.dev/address: %s" (quote .address) }}{{ end }}
{{- with $s.podAnnotations }}{{ $annotations = printf "%s\n%s" $annotations (toYaml .) | trim }}{{ end }}
{{- with $s.configDigest }}{{ $annotations = printf "%s\ntelford.dev/config-digest: %s" $annotations (quote .) | trim }}{{ end -}}
{{- if or $s.podName $labels $annotations -}}
metadata:
  {{- with $s.podName }}
  name: {{ . | quote }}
  {{- end }}
  {{- with $labels }}
  labels:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with $annotations }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
{{ end -}}
spec:
  {{- include "road.fields" (dict "of" $s "as" (dict
    "runsAs" "serviceAccountName" "mountToken" "automountServiceAccountToken"
    "serviceLinks" "enableServiceLinks" "restart" "restartPolicy"
    "stopSeconds" "terminationGracePeriodSeconds" "nodeSelector" "nodeSelector"
    "tolerations" "tolerations" "podSecurity" "securityContext" "volumes" "volumes"
    "affinity" "affinity" "topologySpread" "topologySpreadConstraints"
    "priorityClass" "priorityClassName" "preemption" "preemptionPolicy"
    "runtimeClass" "runtimeClassName" "scheduler" "schedulerName"
    "hostNetwork" "hostNetwork" "hostProcesses" "hostPID" "hostMemory" "hostIPC"
    "shareProcesses" "shareProcessNamespace" "hostname" "hostname" "subdomain" "subdomain"
    "dnsPolicy" "dnsPolicy" "dns" "dnsConfig" "hostAliases" "hostAliases")) | indent 2 }}
  {{- with $s.spread }}
  topologySpreadConstraints:
    {{- range . }}
    - maxSkew: 1
      topologyKey: {{ . | quote }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "road.selected" $ | trim | nindent 10 }}
    {{- end }}
  {{- end }}
  {{- with $s.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . | quote }}
    {{- end }}
  {{- end }}
  {{- with $s.initialise }}
  initContainers:
    {{- range . }}
    {{- include "road.container" (dict "given" (set . "road" $s.road) "defaults" $.defaults) | nindent 4 }}
    {{- end }}
  {{- end }}
  containers:
    {{- range $s.containers }}
    {{- include "road.container" (dict "given" (set . "road" $s.road) "defaults" $.defaults) | nindent 4 }}
    {{- end }}
{{- end }}

{{/* The labels that select a service's pods: its own, or those of the road. */}}
{{- define "road.selected" -}}
{{- if hasKey .s "selector" }}
{{- toYaml .s.selector }}
{{- else }}
{{- include "road.selector" . }}
{{- end }}
{{- end }}
