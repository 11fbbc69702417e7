"""What a change means is said for every field that there is a rule for, and never less than it is."""

import json

import pytest

import quick_yaml as yaml
from telford.plan import fields, meaning, measures, table
from telford.plan.measures import Way

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, labels: {team: a}, annotations: {telford.dev/digest: '1', other: x}}
spec:
  replicas: 2
  strategy: {type: RollingUpdate}
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {annotations: {telford.dev/config-digest: '1'}}
    spec:
      automountServiceAccountToken: false
      containers:
      - name: main
        image: orders:1
        env:
        - {name: KEY, valueFrom: {secretKeyRef: {name: keys, key: a}}}
        resources: {requests: {cpu: 100m}, limits: {memory: 1Gi}}
        securityContext:
          readOnlyRootFilesystem: true
          allowPrivilegeEscalation: false
          runAsNonRoot: true
          runAsUser: 1000
          capabilities: {drop: [ALL]}
          seccompProfile: {type: RuntimeDefault}
"""
STATEFUL = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  updateStrategy: {type: RollingUpdate}
  template: {spec: {containers: [{name: main, image: 'db:1'}]}}
  volumeClaimTemplates:
  - {metadata: {name: data}, spec: {resources: {requests: {storage: 2Gi}}}}
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: orders, namespace: shop}
spec:
  podSelector: {matchLabels: {app: orders}}
  policyTypes: [Ingress, Egress]
  ingress:
  - {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]}
  egress: []
"""
ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: orders}
rules:
- {apiGroups: [''], resources: [configmaps], verbs: [get]}
"""
BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: orders}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: orders}}}
"""
ALLOW = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: orders}
spec:
  selector: {matchLabels: {app: orders}}
  action: ALLOW
  rules:
  - from: [{source: {principals: [web]}}]
    to: [{operation: {ports: ['80']}}]
"""
STRICT = """\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default}
spec: {mtls: {mode: STRICT}}
"""
RULES = """\
groups:
- name: orders
  rules:
  - {record: 'a:b', expr: sum(x)}
  - {alert: Burn, expr: 'a:b > 0.05', for: 5m, labels: {severity: page}}
"""
WORKFLOW = """\
on: {push: {}}
permissions: {contents: read}
jobs:
  build:
    runs-on: ubuntu-24.04
    steps: [{uses: actions/checkout@0123}]
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: orders}
spec: {clusterIP: None, selector: {app: orders}, ports: [{name: http, port: 80}]}
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}
"""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{hosts: [a.example.com], secretName: cert}]
  rules:
  - {host: a.example.com, http: {paths: [{path: /, backend: {service: {name: web}}}]}}
"""
CRON = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: 0 1 * * *
  jobTemplate: {spec: {template: {spec: {containers: [{name: main, image: 'n:1'}]}}}}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec: {parallelism: 2, template: {spec: {containers: [{name: main, image: 'n:1'}]}}}
"""
NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: restricted}}
"""
STRANGE = """\
apiVersion: example.com/v1
kind: Gizmo
metadata: {name: a}
spec: {size: 1}
"""

# What is written, what is written in its place, and what that means, the gravest first.
CASES = [
    (DEPLOYMENT, "image: orders:1", "image: orders:2", "restarts releases"),
    (DEPLOYMENT, "config-digest: '1'", "config-digest: '2'", "restarts"),
    (DEPLOYMENT, "telford.dev/digest: '1'", "telford.dev/digest: '2'", "label"),
    (DEPLOYMENT, "team: a", "team: b", "label"),
    (DEPLOYMENT, "other: x", "other: y", "unknown"),
    (DEPLOYMENT, "replicas: 2", "replicas: 3", "grows"),
    (DEPLOYMENT, "replicas: 2", "replicas: 0", "shrinks"),
    (DEPLOYMENT, "  replicas: 2\n", "", "shrinks"),
    (DEPLOYMENT, "matchLabels: {app: orders}", "matchLabels: {app: other}", "replaces"),
    (DEPLOYMENT, "type: RollingUpdate", "type: Recreate", "later"),
    (DEPLOYMENT, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "loosens restarts"),
    (DEPLOYMENT, "runAsNonRoot: true", "runAsNonRoot: false", "loosens restarts"),
    (DEPLOYMENT, "runAsUser: 1000", "runAsUser: 0", "loosens restarts"),
    (DEPLOYMENT, "runAsUser: 1000", "runAsUser: 1001", "restarts"),
    (DEPLOYMENT, "Escalation: false", "Escalation: true", "loosens restarts"),
    (DEPLOYMENT, "drop: [ALL]", "drop: [NET_RAW]", "loosens restarts"),
    (DEPLOYMENT, "drop: [ALL]", "add: [NET_ADMIN], drop: [ALL]", "loosens restarts"),
    (DEPLOYMENT, "type: RuntimeDefault", "type: Unconfined", "loosens restarts"),
    (DEPLOYMENT, "Token: false", "Token: true", "loosens restarts"),
    (DEPLOYMENT, "      containers:", "      hostNetwork: true\n      containers:", "loosens restarts"),
    (DEPLOYMENT, "cpu: 100m", "cpu: 0.1", "restarts"),
    (DEPLOYMENT, "cpu: 100m", "cpu: 200m", "restarts grows"),
    (DEPLOYMENT, "memory: 1Gi", "memory: 512Mi", "shrinks restarts"),
    (DEPLOYMENT, "{name: keys, key: a}", "{name: keys, key: b}", "restarts secrets"),
    (DEPLOYMENT, "      - name: main", "      - {name: log, image: l}\n      - name: main", "restarts releases"),
    (DEPLOYMENT, "      - name: main", "      - {name: log, securityContext: {privileged: true}}\n      - name: main", "loosens restarts"),
    (STATEFUL, "image: 'db:1'", "image: 'db:2'", "restarts releases"),
    (STATEFUL, "serviceName: db", "serviceName: other", "replaces"),
    (STATEFUL, "storage: 2Gi", "storage: 3Gi", "replaces"),
    (STATEFUL, "storage: 2Gi", "storage: 1Gi", "loses-data replaces"),
    (STATEFUL, "name: data}", "name: disk}", "loses-data replaces"),
    (POLICY, "app: web", "app: any", "loosens tightens"),
    (POLICY, "  egress: []", "  - {}\n  egress: []", "loosens"),
    (POLICY, "ports: [{port: 80}]", "ports: []", "loosens"),
    (POLICY, "ports: [{port: 80}]", "ports: [{port: 80}, {port: 81}]", "loosens"),
    (POLICY, "[Ingress, Egress]", "[Ingress]", "loosens"),
    (POLICY, "app: orders", "app: other", "loosens tightens"),
    (ROLE, "[get]", "[get, list]", "loosens"),
    (ROLE, "[get]", "['*']", "loosens"),
    (ROLE, "[configmaps]", "[secrets]", "loosens tightens"),
    (BUDGET, "maxUnavailable: 1", "maxUnavailable: 2", "loosens"),
    (BUDGET, "maxUnavailable: 1", "maxUnavailable: 50%", "loosens tightens"),
    (BUDGET, "maxUnavailable: 1", "maxUnavailable: 1, unhealthyPodEvictionPolicy: AlwaysAllow", "loosens"),
    (ALLOW, "[web]", "[web, batch]", "loosens"),
    (ALLOW, "    to: [{operation: {ports: ['80']}}]\n", "", "loosens"),
    (ALLOW, "action: ALLOW", "action: DENY", "tightens"),
    (ALLOW.replace("ALLOW", "DENY"), "[web]", "[web, batch]", "tightens"),
    (STRICT, "STRICT", "PERMISSIVE", "loosens"),
    (STRICT, "{mode: STRICT}", "{}", "loosens"),
    (RULES, "> 0.05", "> 0.5", "loosens shows"),
    (RULES, "> 0.05", "> 0.01", "shows tightens"),
    (RULES, "a:b > 0.05", "a:c > 0.05", "shows"),
    (RULES, "for: 5m", "for: 1h", "loosens shows"),
    (RULES, "severity: page", "severity: ticket", "loosens shows"),
    (RULES, "  - {record: 'a:b', expr: sum(x)}\n", "", "shows"),
    (WORKFLOW, "contents: read", "contents: write", "loosens runs"),
    (WORKFLOW, "contents: read", "contents: read, id-token: write", "loosens runs"),
    (WORKFLOW, "permissions: {contents: read}\n", "", "loosens runs"),
    (WORKFLOW, "{contents: read}", "write-all", "loosens runs"),
    (WORKFLOW, "push: {}", "pull_request_target: {types: [opened]}", "loosens runs"),
    (WORKFLOW, "@0123", "@4567", "releases runs"),
    (WORKFLOW, "ubuntu-24.04", "ubuntu-22.04", "runs"),
    (SERVICE, "clusterIP: None", "clusterIP: 10.0.0.1", "replaces"),
    (SERVICE, "selector:", "type: LoadBalancer, selector:", "exposes"),
    (SERVICE, "port: 80}", "port: 81}", "reroutes"),
    (CLAIM, "storage: 2Gi", "storage: 3Gi", "grows"),
    (CLAIM, "storage: 2Gi", "storage: 1Gi", "loses-data shrinks"),
    (CLAIM, "ReadWriteOnce", "ReadWriteMany", "loses-data"),
    (INGRESS, "host: a.ex", "host: b.ex", "exposes reroutes hides"),
    (INGRESS, "name: web}}}", "name: api}}}", "exposes reroutes hides"),
    (INGRESS, "  tls: [{hosts: [a.example.com], secretName: cert}]\n", "", "loosens secrets"),
    (INGRESS, "secretName: cert", "secretName: other", "secrets configures"),
    (CRON, "n:1", "n:2", "releases later"),
    (CRON, "0 1 * * *", "0 2 * * *", "later"),
    (JOB, "n:1", "n:2", "replaces releases"),
    (JOB, "parallelism: 2", "parallelism: 1", "shrinks"),
    (NAMESPACE, "restricted", "baseline", "loosens"),
    (STRANGE, "size: 1", "size: 2", "unknown"),
    (STRANGE, "metadata: {name: a}", "metadata: {name: a, labels: {a: b}}", "unknown"),
    (STRANGE, "metadata: {name: a}", "metadata: {name: a, annotations: {telford.dev/owner: b}}", "label"),
]  # fmt: skip

WHOLE = [
    (DEPLOYMENT, "starts", "stops"),
    (STATEFUL, "starts", "loses-data"),
    (CLAIM, "adds", "loses-data"),
    (NAMESPACE, "adds", "loses-data"),
    (POLICY, "tightens", "loosens"),
    (ALLOW, "tightens", "loosens"),
    (STRICT, "tightens adds", "loosens removes"),
    (ROLE, "loosens", "tightens"),
    (BUDGET, "tightens", "loosens"),
    (INGRESS, "exposes", "hides"),
    (RULES, "tightens", "loosens"),
    (STRANGE, "unknown", "unknown"),
]  # fmt: skip


def said(old: str, new: str, path: str = "x.yaml") -> str:
    return " ".join(one.name for one in meaning.summed(meaning.of(path, old, new)))


@pytest.mark.parametrize(("text", "old", "new", "expected"), CASES)
def test_a_changed_field_means(text, old, new, expected):
    assert text.count(old) >= 1
    assert said(text, text.replace(old, new)) == expected


@pytest.mark.parametrize(("text", "old", "new", "expected"), CASES)
def test_what_loosens_one_way_tightens_the_other(text, old, new, expected):
    back = said(text.replace(old, new), text).split()
    for name in expected.split():
        if name in table.opposites():
            assert table.opposites()[name] in back


@pytest.mark.parametrize(("text", "created", "deleted"), WHOLE)
def test_an_object_comes_and_goes(text, created, deleted):
    assert (said("", text), said(text, "")) == (created, deleted)


def test_a_new_workload_that_is_privileged_loosens():
    privileged = DEPLOYMENT.replace("runAsUser: 1000", "privileged: true")
    assert said("", privileged) == "loosens starts"
    assert said(privileged, "") == "stops tightens"


def test_replicas_go_as_the_workload_says():
    recreated = DEPLOYMENT.replace("RollingUpdate", "Recreate")
    by_hand = STATEFUL.replace("RollingUpdate", "OnDelete")
    assert said(recreated, recreated.replace("orders:1", "orders:2")) == "recreates releases"
    assert said(by_hand, by_hand.replace("db:1", "db:2")) == "releases later"


def test_a_second_policy_for_the_same_pods_adds_an_opening():
    more = POLICY.replace("name: orders", "name: orders-too")
    assert said(POLICY, f"{POLICY}---\n{more}") == "loosens"
    assert said(f"{POLICY}---\n{more}", POLICY) == "tightens"
    empty = more.replace("ingress:\n", "ingress: []\n").replace(
        "  - {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]}\n", ""
    )
    assert said(POLICY, f"{POLICY}---\n{empty}") == "label"


def test_a_second_denial_beside_a_policy_tightens():
    denial = ALLOW.replace("name: orders", "name: not-these").replace("ALLOW", "DENY")
    assert said(ALLOW, f"{ALLOW}---\n{denial}") == "tightens"


def test_order_comments_and_style_are_nothing():
    again = "# made anew\n" + yaml.safe_dump(yaml.safe_load(DEPLOYMENT), sort_keys=True)
    assert said(DEPLOYMENT, again) == "label"
    assert said(f"{SERVICE}---\n{CLAIM}", f"{CLAIM}---\n{SERVICE}") == "label"


def test_an_object_in_another_file_is_neither_deleted_nor_created():
    files = [
        meaning.Side("a.yaml", "kubernetes prod", CLAIM, ""),
        meaning.Side("b.yaml", "kubernetes prod", "", CLAIM.replace("2Gi", "3Gi")),
        meaning.Side("c.yaml", "kubernetes dev", "", CLAIM),
    ]
    gone, come, elsewhere = [
        [one.name for one in meaning.summed(found)] for found in meaning.of_files(files)
    ]
    assert (gone, come, elsewhere) == (["label"], ["grows"], ["adds"])


def test_an_object_of_the_same_name_in_another_namespace_is_another():
    other = CLAIM.replace("name: data", "name: data, namespace: other")
    assert said(CLAIM, other) == "loses-data adds"


def test_a_text_of_another_language_says_so():
    for path in ("CODEOWNERS", "Jenkinsfile", "map.mmd", "workspace.dsl"):
        assert said("a\n", "b\n", path) == "text"


def test_a_template_of_a_chart_is_a_text():
    assert said("a: {{ .x }}\n", "a: {{ .y }}\n", "helm/chart/templates/a.yaml") == "text"


def test_a_patch_that_comes_is_no_object_that_does():
    patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: 3}\n"
    assert said(patch, patch.replace("3", "2"), "kustomize/prod/patches/a.yaml") == "shrinks"
    assert "stops" not in said(patch, "", "kustomize/prod/patches/a.yaml").split()
    assert "shrinks" in said(patch, "", "kustomize/prod/patches/a.yaml").split()


def test_values_of_a_chart_mean_what_the_chart_makes_of_them():
    values = (
        "services:\n  service/a:\n    replicas: 2\n    containers: [{name: main, image: 'a:1'}]\n"
    )
    assert said(values, values.replace("a:1", "a:2")) == "restarts releases"
    assert said(values, values.replace("replicas: 2", "replicas: 1")) == "shrinks"
    assert said(values, "") == "stops"


def test_json_is_read_as_well():
    old, new = {"schemaVersion": 1, "panels": []}, {"schemaVersion": 1, "panels": [1]}
    assert said(json.dumps(old), json.dumps(new), "a.json") == "shows"


def test_a_secret_is_never_shown():
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {password: b2xk}\n"
    (found,) = meaning.of("a.yaml", secret, secret.replace("b2xk", "bmV3"))
    assert (found.change.old, found.change.new) == ("(not shown)", "(not shown)")
    assert [one.name for one in found.meanings] == ["secrets"]


def test_the_gravest_comes_first_and_has_a_source():
    (found,) = meaning.of(
        "a.yaml", DEPLOYMENT, DEPLOYMENT.replace("Escalation: false", "Escalation: true")
    )
    assert found.meanings[0].words == "a protection is loosened"
    assert found.meanings[0].source.startswith("https://kubernetes.io/")


# A pair of values for each measure: the second is more than the first.
SAMPLES = {
    measures.number: (1, 2),
    measures.boolean: (False, True),
    measures.members: (["a"], ["a", "b"]),
    measures.presence: (None, "x"),
    measures.limit: (1, 2),
    measures.limited: (["a"], []),
    measures.dropped: (["NET_RAW"], ["ALL"]),
    measures.root: (1000, 0),
    measures.claims: (
        [{"metadata": {"name": "a"}, "spec": {}}],
        [{"metadata": {"name": n}, "spec": {}} for n in ("a", "b")],
    ),
    measures.alerts: ([{"record": "a"}], [{"record": "a"}, {"alert": "b"}]),
    measures.openings: ([], [{}]),
    measures.grants: ([], [{"verbs": ["get"]}]),
    measures.callers: ([], [{}]),
    measures.permissions: ("read-all", "write-all"),
    measures.threshold: ("a > 2", "a > 1"),
}


def sample(rule):
    if rule.measure in SAMPLES:
        return SAMPLES[rule.measure]
    # Words in an order: the first and the last that there are.
    words = next(
        row["measure"]
        for row, made in zip(table._data()["rules"], table.rules(), strict=True)
        if made is rule
    )
    return words[0], words[-1]


def answered(rule, old, new):
    """What a rule says of a change, in a document of its first kind."""
    steps = tuple("x" if step in ("*", "**") else step for step in rule.fields[0])
    change = fields.Change("", "", "", fields.Subject(rule.kinds[0]), steps, old, new)
    return {one.name for one in meaning._answer(rule, change, {}, item=False)}


def test_what_is_neither_more_nor_less_means_both():
    for rule in table.rules():
        if rule.measure is measures.change:
            assert answered(rule, "a", "b") == {"loosens", "tightens"}


MEASURED = [r for r in table.rules() if r.measure and r.measure is not measures.change]


@pytest.mark.parametrize("rule", MEASURED, ids=lambda r: r.why)
def test_every_measured_rule_says_more_less_and_neither(rule):
    old, new = sample(rule)
    assert answered(rule, old, new) == set(rule.meanings[Way.MORE])
    assert answered(rule, new, old) == set(rule.meanings[Way.LESS])
    assert {table.opposites().get(name, name) for name in answered(rule, old, new)} & set(
        table.opposites()
    ) <= set(rule.meanings[Way.LESS])


@pytest.mark.parametrize("rule", [r for r in table.rules() if not r.measure], ids=lambda r: r.why)
def test_every_other_rule_says_what_it_means(rule):
    assert answered(rule, "a", "b") == set(rule.meanings[Way.SAME])


def test_every_field_of_a_rule_is_answered_by_it_or_by_one_before_it():
    for rule in table.rules():
        for kind in rule.kinds:
            for pattern in rule.fields:
                steps = tuple("x" if step in ("*", "**") else step for step in pattern)
                found = table.rules_for(kind, steps, whole=rule.whole)
                assert rule.about in {one.about for one in found}, (kind, pattern)


@pytest.mark.parametrize("row", table.wholes(), ids=lambda row: row.why)
def test_every_whole_object_turns_round(row):
    turned = {table.opposites()[n] for n in row.created if n in table.opposites()}
    assert turned == {n for n in row.deleted if n in table.opposites()}


def test_every_meaning_has_words_and_every_rule_a_reason():
    used = set(table.opposites())
    for rule in table.rules():
        assert rule.why
        assert rule.source == "own" or rule.source.startswith("https://")
        used.update(*rule.meanings.values())
    for row in table.wholes():
        assert row.why
        used.update(row.created, row.deleted)
    used |= {"recreates", "later", "unknown", "text", "label"}
    assert used == set(table.names())
