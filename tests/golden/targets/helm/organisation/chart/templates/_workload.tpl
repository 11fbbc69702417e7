{{/* Deployment, StatefulSet, DaemonSet. */}}
{{- define "road.long" -}}
{{- $s := .s -}}
apiVersion: apps/v1
kind: {{ $s.kind }}
{{ include "road.metadata" (merge (dict "of" ($s.object | default dict)) .) }}
spec:
  {{- include "road.fields" (dict "of" $s "as" (dict
    "replicas" "replicas" "history" "revisionHistoryLimit" "rollout" "strategy"
    "update" "updateStrategy" "minReadySeconds" "minReadySeconds"
    "progressDeadlineSeconds" "progressDeadlineSeconds" "paused" "paused"
    "order" "podManagementPolicy" "governedBy" "serviceName")) | indent 2 }}
  selector:
    {{- if eq (include "road.selected" . | trim) "{}" }}
    matchLabels: {}
    {{- else }}
    matchLabels:
      {{- include "road.selected" . | trim | nindent 6 }}
    {{- end }}
  template:
    {{- include "road.pod" . | nindent 4 }}
  {{- with $s.claimTemplates }}
  volumeClaimTemplates:
    {{- range . }}
    - metadata:
        name: {{ .name | quote }}
      spec:
        {{- include "road.claim" . | nindent 8 }}
    {{- end }}
  {{- end }}
{{- end }}

{{/* What a volume claim asks for. */}}
{{- define "road.claim" -}}
accessModes:
  {{- toYaml .access | nindent 2 }}
{{- with .class }}
storageClassName: {{ . | quote }}
{{- end }}
resources:
  requests:
    storage: {{ .size | quote }}
{{- end }}

{{/* The specification of a Job, and of the Jobs of a CronJob. */}}
{{- define "road.finite" -}}
{{- include "road.fields" (dict "of" .s "as" (dict
  "completions" "completions" "parallelism" "parallelism" "retries" "backoffLimit"
  "deadlineSeconds" "activeDeadlineSeconds" "keepSeconds" "ttlSecondsAfterFinished"
  "completion" "completionMode" "onFailure" "podFailurePolicy")) | trim }}
template:
  {{- include "road.pod" . | nindent 2 }}
{{- end }}

{{- define "road.job" -}}
apiVersion: batch/v1
kind: Job
{{ include "road.metadata" (merge (dict "of" (.s.object | default dict)) .) }}
spec:
  {{- include "road.finite" . | trim | nindent 2 }}
{{- end }}

{{- define "road.cronjob" -}}
apiVersion: batch/v1
kind: CronJob
{{ include "road.metadata" (merge (dict "of" (.s.object | default dict)) .) }}
spec:
  {{- include "road.fields" (dict "of" .s "as" (dict
    "schedule" "schedule" "timeZone" "timeZone" "concurrency" "concurrencyPolicy"
    "suspend" "suspend" "startDeadlineSeconds" "startingDeadlineSeconds"
    "keepSucceeded" "successfulJobsHistoryLimit" "keepFailed" "failedJobsHistoryLimit")) | indent 2 }}
  jobTemplate:
    {{- if or .s.jobName .s.jobLabels }}
    metadata:
      {{- include "road.fields" (dict "of" .s "as" (dict "jobName" "name" "jobLabels" "labels")) | indent 6 }}
    {{- end }}
    spec:
      {{- include "road.finite" . | trim | nindent 6 }}
{{- end }}
