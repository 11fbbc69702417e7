"""The words of a message: templates of the Alertmanager. Called by `target`.

The runbook of an alert is its own, else the one that the estate has for what it is about or for
its objective; so a Runbook needs no word in the rules of an objective.
"""

from telford.road.monitored import Runbooks

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
Runbook: {{ template "telford.runbook" . }}
{{ with .GeneratorURL }}{{ . }}
{{ end }}
{{ end -}}
{{ end }}
"""


def text(runbooks: Runbooks) -> str:
    """The template file."""
    return f"{_TITLE}\n{_TEXT}\n{_runbook(runbooks)}"


def _runbook(runbooks: Runbooks) -> str:
    """By address, of the objective before what it is about; else what the alert says itself."""
    lines = ['{{ define "telford.runbook" -}}', "{{ if false -}}"]
    for label in ("address", "about"):
        for address, runbook in sorted(runbooks.by_address.items()):
            lines.append(f'{{{{- else if eq .Labels.{label} "{address}" }}}}{runbook}')
    lines += ["{{- else }}{{ .Annotations.runbook }}", "{{- end }}", "{{- end }}", ""]
    return "\n".join(lines)
