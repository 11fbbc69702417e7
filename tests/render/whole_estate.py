"""An estate with every field of the format that the targets read, at least once."""

import rendered

EVERYTHING = (
    rendered.service(
        "orders",
        """type: http
tier: 1
description: on
labels: {cost-centre: c-17, "not a label": "two words"}
annotations: {note: "yes"}
run:
  image: shop/orders:1.0.0
  pull: IfNotPresent
  command: [python, -m, orders]
  args: ["--port", "8080", "1_000", "12:30:45"]
  workingDirectory: /srv
  ports: [{name: http, port: 8080}, {name: dns, port: 5353, protocol: UDP}]
  replicas: {min: 2, max: 8, targetCpu: 65%}
  env:
    A: "on"
    B: "0123"
    C: {config: settings, key: level}
    D: {secret: passwords, optional: true}
    E: {field: status.podIP}
  envFrom: [{config: settings}, {secret: passwords, prefix: P_, optional: true}]
  resources: {requests: {cpu: 250m}, limits: {memory: 1Gi, ephemeralStorage: 2Gi}}
  health:
    ready: {path: /ready, headers: [{name: Host, value: x}], every: 5s}
    live: {tcp: true, port: http, delay: 3s}
    startup: {command: [test, -f, /tmp/started], failures: 9, successes: 1, timeout: 300ms}
  volumes:
    - {name: files, path: /etc/files, type: config, source: settings, items: {level: level.txt}, mode: 288}
    - {name: keys, path: /etc/keys, type: secret, source: passwords, optional: true}
    - {name: data, path: /data, type: storage, size: 5Gi, storageClass: fast, subPath: x}
    - {name: cache, path: /cache, medium: Memory, size: 64Mi}
  mounts: [{volume: cache, path: /tmp/cache}]
  beforeStop: {sleep: 5s}
  disruption: {minAvailable: 50%}
  security: {runAsUser: 1000, fsGroup: 2000, addCapabilities: [NET_BIND_SERVICE]}
  rollout: {surge: 50%, unavailable: 1}
  history: 5
  stop: 45s
  nodeSelector: {disk: ssd}
  tolerations: [{key: spot, operator: Exists, effect: NoSchedule}]
  podLabels: {track: stable}
  podAnnotations: {scrape: "true"}
  sidecars: [{name: proxy, image: "shop/proxy:1"}]
  initialise: [{name: migrate, image: "shop/migrate:1", command: [migrate]}]
uses:
  - {service: catalogue, timeout: 300ms}
  - {datastore: main}
  - {datastore: outside}
  - {stream: events, role: publish}
endpoints:
  - {name: orders, ports: [{name: http, port: 80, target: http}]}
  - {name: orders-lb, type: LoadBalancer, ports: [{port: 443, target: http}, {port: 444, target: 8080}]}
  - {name: orders-all, type: Headless, ports: [{port: 8080}]}
  - {name: orders-node, type: NodePort, ports: [{port: 8080, target: http, nodePort: 30080}]}
routes: [{host: shop.example.com, path: /orders}, {path: /o, port: 80, match: Exact}]
in:
  prod: {run: {replicas: {min: 3, max: 30}}}
""",
    )
    + rendered.service("catalogue", "type: grpc\n")
    + rendered.service("emails", "type: worker\n")
    + rendered.service("lambda", "type: function\n")
    + rendered.service("agent", "run: {image: shop/agent:1, workload: DaemonSet}\n")
    + rendered.service("migrate", "type: job\nrun: {image: shop/m:1, batch: {retries: 1}}\n")
    + rendered.service(
        "report",
        "type: cron\nrun: {image: shop/r:1, schedule: '0 3 * * *', batch: {timeZone: Europe/Rome}}\n",
    )
    + rendered.service(
        "main",
        "engine: postgres\nrun:\n  image: postgres:16\n  replicas: 2\n"
        "  volumes: [{name: data, path: /var/lib/postgresql, type: storage, size: 10Gi}]\n",
        kind="Datastore",
    )
    + rendered.service("outside", "engine: mysql\nhost: 10.1.2.3\n", kind="Datastore", image="")
    + rendered.service("events", "engine: kafka\n", kind="Stream", image="")
    + rendered.service("settings", 'values: {level: info, "yes": "no"}\n', kind="Config", image="")
    + rendered.objective("orders-up", "{availability: {}}")
    + rendered.objective("orders-fast", "{latency: {threshold: 250ms}}", "99%")
)
