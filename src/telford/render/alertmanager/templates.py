"""The words of a message: templates of the Alertmanager. Called by `target`.

The rules themselves say which runbook leads out of what (`telford.render.monitoring`).
"""

_TITLE = """\
{{ define "telford.title" -}}
[{{ .Status }}{{ if eq .Status "firing" }} {{ .Alerts.Firing | len }}{{ end }}]
{{- with .CommonLabels.about }} {{ . }}{{ end }}
{{- with .CommonLabels.alertname }} {{ . }}{{ end }}
{{- with .CommonLabels.environment }} in {{ . }}{{ end }}
{{- with .CommonLabels.region }}/{{ . }}{{ end }}
{{- end }}
"""

_TEXT = """\
{{ define "telford.text" -}}
{{ range .Alerts -}}
{{ .Annotations.summary }}
{{ .Annotations.description }}
About: {{ .Labels.about }}, owner: {{ .Labels.owner }}, since {{ .StartsAt }}
Runbook: {{ .Annotations.runbook }}
{{ with .GeneratorURL }}{{ . }}
{{ end }}
{{ end -}}
{{ end }}
"""


TEXT = f"{_TITLE}\n{_TEXT}"
