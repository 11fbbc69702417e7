"""A generated estate, and the helm charts that make the same objects. Used by tools/bench_build.py.

`estate(count)` gives files of one service each, in systems of fifty, with overlays for two of three
environments, up to three dependencies and one objective. `chart(count)` gives one chart that ranges
over the same services, `single()` the chart of one service.
"""

import json
import pathlib

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"
ENVIRONMENTS = ("dev", "staging", "prod")
SYSTEM_SIZE = 50


def _system(index: int) -> str:
    return f"system-{index // SYSTEM_SIZE:02d}"


def _name(index: int) -> str:
    return f"service-{index:04d}"


def _uses(index: int) -> list[int]:
    """Up to three services of the same system that come before it: no cycles."""
    first = index - index % SYSTEM_SIZE
    return sorted({first + (index % SYSTEM_SIZE) // divisor for divisor in (2, 3, 5)} - {index})


def _replicas(index: int, environment: str) -> int | None:
    """None where a scaler decides."""
    if environment == "prod":
        return None if index % 2 else 3
    return 2 if environment == "staging" else 1


def estate(count: int) -> dict[str, str]:
    """File name -> text."""
    pins = (EXAMPLES / "organisation" / "estate" / "pins.yaml").read_text(encoding="utf-8")
    files = {
        "places.yaml": _places(),
        "people.yaml": _people(count),
        "road.yaml": _ARCHITECTURE,
        "pins.yaml": pins,
    }
    for index in range(count):
        files[f"{_system(index)}/{_name(index)}.yaml"] = _service(index)
    return files


_ARCHITECTURE = """apiVersion: telford/v1
kind: Architecture
name: bench
version: "1"
owner: team/platform
targets: [kubernetes]
repository: {url: "https://git.example.com/platform/estate.git", path: deploy, estate: estate}
registry: registry.example.com
issuer: https://git.example.com
domain: platform.example.com
telemetry:
  metrics: https://metrics.example.com/otlp
  logs: https://logs.example.com/otlp
  traces: https://traces.example.com/otlp
"""


def _places() -> str:
    documents = [
        f"apiVersion: telford/v1\nkind: Environment\nname: {name}\norder: {order}\n"
        f"production: {str(name == 'prod').lower()}\n"
        "annotations: {telford.dev/mail-server: 'mail.example.com:587',"
        " telford.dev/mail-from: alerts@example.com}\n"
        for order, name in enumerate(ENVIRONMENTS)
    ]
    return "---\n".join(documents)


_TEAM = """apiVersion: telford/v1
kind: Team
name: platform
email: platform@example.com
chat: "#platform"
handles: {github: example/platform}
"""


def _people(count: int) -> str:
    documents = [_TEAM]
    documents += [
        f"apiVersion: telford/v1\nkind: System\nname: {name}\nowner: team/platform\n"
        f"annotations: {{telford.dev/source: '{name}/{{name}}'}}\n"
        for name in sorted({_system(index) for index in range(count)})
    ]
    return "---\n".join(documents)


def _service(index: int) -> str:
    uses = "".join(f"  - {{service: {_name(i)}, timeout: 300ms}}\n" for i in _uses(index))
    scaled = "{min: 3, max: 9, targetCpu: 70%}" if index % 2 else "3"
    return f"""apiVersion: telford/v1
kind: Service
name: {_name(index)}
system: {_system(index)}
owner: team/platform
type: http
tier: {index % 3 + 1}
run:
  image: registry.example.com/{_system(index)}/{_name(index)}:1.{index}.0
  ports: [{{name: http, port: 8080}}]
  replicas: 1
  env:
    LOG_LEVEL: info
    REGION: eu-west-1
    GREETING: "hello from {index}"
  resources:
    requests: {{cpu: 100m, memory: 128Mi}}
    limits: {{memory: 256Mi}}
  health:
    ready: {{path: /ready, port: http, every: 5s}}
    live: {{path: /live, port: http, every: 10s}}
    startup: {{path: /ready, port: http, every: 2s, failures: 30}}
{"uses:" if uses else "uses: []"}
{uses}in:
  staging: {{run: {{replicas: 2}}}}
  prod:
    run:
      replicas: {scaled}
      env: {{LOG_LEVEL: warning}}
---
apiVersion: telford/v1
kind: Objective
name: {_name(index)}-up
system: {_system(index)}
owner: team/platform
service: {_name(index)}
target: 99.9%
sli: {{availability: {{}}}}
"""


def values(indices: range, environment: str, count: int) -> str:
    """The values of a chart for one environment, as JSON, which is YAML."""
    callers: dict[int, list[int]] = {}
    for index in range(count):
        for used in _uses(index):
            callers.setdefault(used, []).append(index)
    rows = [_values(index, environment, callers.get(index, [])) for index in indices]
    return json.dumps({"environment": environment, "services": rows})


def _values(index: int, environment: str, callers: list[int]) -> dict[str, object]:
    replicas = _replicas(index, environment)
    return {
        "name": _name(index),
        "system": _system(index),
        "tier": str(index % 3 + 1),
        "image": f"registry.example.com/{_system(index)}/{_name(index)}:1.{index}.0",
        "replicas": replicas,
        "least": 3 if environment == "prod" else replicas,
        "env": {
            "LOG_LEVEL": "warning" if environment == "prod" else "info",
            "REGION": "eu-west-1",
            "GREETING": f"hello from {index}",
        },
        "uses": [_name(i) for i in _uses(index)],
        "callers": [_name(i) for i in callers],
    }


CHART = "apiVersion: v2\nname: estate\nversion: 1.0.0\n"

_HELPERS = """{{- define "labels" }}
    app.kubernetes.io/name: {{ .s.name }}
    app.kubernetes.io/component: service
    app.kubernetes.io/part-of: {{ .s.system }}
    app.kubernetes.io/managed-by: telford
    telford.dev/environment: {{ .environment }}
    telford.dev/tier: {{ .s.tier | quote }}
{{- end }}
{{- define "selector" }}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/component: service
app.kubernetes.io/part-of: {{ .system }}
{{- end }}
{{- define "metadata" }}
metadata:
  name: {{ .s.name }}
  namespace: {{ .environment }}
  labels:
{{- include "labels" . }}
  annotations:
    telford.dev/address: service/{{ .s.system }}.{{ .s.name }}
    telford.dev/owner: team/platform
{{- end }}
"""

_TEMPLATE = """{{- $environment := .Values.environment }}
{{- range $s := .Values.services }}
{{- $c := dict "s" $s "environment" $environment }}
---
apiVersion: v1
kind: ServiceAccount
{{- include "metadata" $c }}
automountServiceAccountToken: false
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
{{- include "metadata" $c }}
spec:
  podSelector:
    matchLabels: {{- include "selector" $s | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
  {{- range $s.callers }}
  - from:
    - podSelector:
        matchLabels: {{- include "selector" (dict "name" . "system" $s.system) | nindent 10 }}
    ports:
    - protocol: TCP
      port: 8080
  {{- else }} []
  {{- end }}
  egress:
  - to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
    ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
  {{- range $s.uses }}
  - to:
    - podSelector:
        matchLabels: {{- include "selector" (dict "name" . "system" $s.system) | nindent 10 }}
    ports:
    - protocol: TCP
      port: 8080
  {{- end }}
---
apiVersion: apps/v1
kind: Deployment
{{- include "metadata" $c }}
spec:
  {{- if $s.replicas }}
  replicas: {{ $s.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels: {{- include "selector" $s | nindent 6 }}
  template:
    metadata:
      labels: {{- include "labels" $c | nindent 4 }}
      annotations:
        telford.dev/address: service/{{ $s.system }}.{{ $s.name }}
    spec:
      serviceAccountName: {{ $s.name }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        runAsNonRoot: true
        seccompProfile:
          type: RuntimeDefault
      {{- if gt (int $s.least) 1 }}
      topologySpreadConstraints:
      {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
      - maxSkew: 1
        topologyKey: {{ . }}
        whenUnsatisfiable: ScheduleAnyway
        labelSelector:
          matchLabels: {{- include "selector" $s | nindent 12 }}
      {{- end }}
      {{- end }}
      containers:
      - name: main
        image: {{ $s.image }}
        ports:
        - name: http
          containerPort: 8080
        env:
        {{- range $name, $value := $s.env }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
        resources:
          requests:
            cpu: 100m
            memory: 128Mi
          limits:
            memory: 256Mi
        readinessProbe:
          httpGet:
            path: /ready
            port: http
          periodSeconds: 5
        livenessProbe:
          httpGet:
            path: /live
            port: http
          periodSeconds: 10
        startupProbe:
          httpGet:
            path: /ready
            port: http
          periodSeconds: 2
          failureThreshold: 30
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities:
            drop:
            - ALL
        volumeMounts:
        - name: scratch
          mountPath: /tmp
      volumes:
      - name: scratch
        emptyDir:
          sizeLimit: 64Mi
      priorityClassName: tier-{{ $s.tier }}
---
apiVersion: v1
kind: Service
{{- include "metadata" $c }}
spec:
  type: ClusterIP
  selector: {{- include "selector" $s | nindent 4 }}
  ports:
  - name: http
    port: 8080
    targetPort: http
{{- if not $s.replicas }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
{{- include "metadata" $c }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ $s.name }}
  minReplicas: 3
  maxReplicas: 9
  metrics:
  - type: Resource
    resource:
      name: cpu
      target:
        type: Utilization
        averageUtilization: 70
{{- end }}
{{- if gt (int $s.least) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
{{- include "metadata" $c }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "selector" $s | nindent 6 }}
{{- end }}
{{- end }}
"""


def chart() -> dict[str, str]:
    """File name -> text of a chart that ranges over `services`."""
    return {
        "Chart.yaml": CHART,
        "templates/_names.tpl": _HELPERS,
        "templates/services.yaml": _TEMPLATE,
    }
