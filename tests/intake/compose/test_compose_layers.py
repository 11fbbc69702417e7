"""Several compose files as one: merging, resetting, extending, including."""

import compose_cases as cases
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telford.intake.compose import merging, nodes, reading
from telford.intake.compose.nodes import Leaf, Node, Origin, Row, Table
from telford.intake.format import Needs, Sources
from telford.intake.imported import Imported, Options

BASE = """
services:
  web:
    image: web:1
    command: [run, --slow]
    entrypoint: /start
    environment:
      A: "1"
      B: "2"
    labels: [one=1, two=2]
    ports:
    - "80:8080"
    - "81:8081"
    volumes:
    - data:/data
    - ./src:/src
    dns: 1.1.1.1
    cap_add: [NET_ADMIN]
    depends_on: [db]
    healthcheck:
      test: [CMD, check]
      interval: 10s
    logging:
      driver: syslog
      options: {a: "1"}
    build: .
  db:
    image: postgres:16
volumes:
  data:
  other:
"""


def _merged(over: str, base: str = BASE) -> dict[str, dict[str, object]]:
    texts = {"compose.yaml": base, "compose.override.yaml": over}
    found = cases.imported(texts)
    assert cases.accounted(found) == cases.written(texts)
    return {name: dict(value) for name, value in cases.documents(found, "Service").items()}


def _over(text: str) -> dict[str, object]:
    """`run` of web with settings laid over it."""
    indented = "".join(f"    {line}\n" for line in text.strip("\n").splitlines())
    value = _merged(f"services:\n  web:\n{indented}")["web"]
    return {**dict(value["run"]), "x": value.get("x-compose", {}), "uses": value.get("uses")}


def test_scalars_and_commands_are_replaced() -> None:
    run = _over("image: web:2\ncommand: fast now\nhealthcheck: {test: other check}")
    assert run["image"] == "web:2"
    assert run["args"] == ["fast", "now"]
    assert run["command"] == ["/start"]
    assert run["health"] == {"ready": {"command": ["/bin/sh", "-c", "other check"], "every": "10s"}}


def test_settings_merge_by_name_in_either_form() -> None:
    run = _over("environment: [B=3, C=4]\nlabels: {two: b}")
    assert run["env"] == {"A": "1", "B": "3", "C": "4"}


def test_lists_are_appended_and_unique_things_kept_once() -> None:
    run = _over(
        """
ports: ["80:8080", "82:8082"]
volumes: ["other:/data", "more:/more"]
dns: [1.1.1.1, 8.8.8.8]
cap_add: [NET_ADMIN, CHOWN]
"""
    )
    assert [port["port"] for port in run["ports"]] == [8080, 8081, 8082]
    assert [(v["source"], v["path"]) for v in run["volumes"]] == [
        *(("other", "/data"), ("./src", "/src"), ("more", "/more"))
    ]
    assert run["x"]["dns"] == ["1.1.1.1", "8.8.8.8"]
    assert run["security"] == {"addCapabilities": ["NET_ADMIN", "CHOWN"]}


def test_a_long_port_is_the_same_as_a_short_one() -> None:
    run = _over("ports:\n- target: 8080\n  published: 80\n  protocol: tcp")
    assert [port["port"] for port in run["ports"]] == [8080, 8081]


def test_conditions_are_laid_over_names() -> None:
    run = _over("depends_on: {db: {condition: service_healthy, required: false}}")
    assert run["uses"] == [{"datastore": "db", "critical": False, "wait": "ready"}]


def test_a_build_in_short_and_in_long_form_is_one() -> None:
    run = _over("build: {target: dev, args: [A=1]}")
    assert run["build"] == {"context": ".", "target": "dev", "args": {"A": "1"}}


def test_logging_of_another_driver_replaces() -> None:
    assert _over("logging: {options: {b: 2}}")["x"]["logging"]["options"] == {"a": "1", "b": 2}
    assert _over("logging: {driver: json}")["x"]["logging"] == {"driver": "json"}


def test_reset_takes_out_and_override_replaces() -> None:
    run = _over(
        """
ports: !reset []
environment:
  A: !reset null
volumes: !override
- new:/new
entrypoint: !reset null
labels: !override {three: "3"}
"""
    )
    assert "ports" not in run
    assert run["env"] == {"B": "2"}
    assert [volume["path"] for volume in run["volumes"]] == ["/new"]
    assert "command" not in run


def test_a_whole_service_can_be_reset() -> None:
    assert set(_merged("services:\n  web: !reset null\n")) == set()


def test_null_says_nothing_except_in_settings() -> None:
    run = _over("image:\nrestart:\nenvironment: {A: }")
    assert run["image"] == "web:1"
    assert run["env"]["A"] == {"config": "environment", "key": "A", "optional": True}


def test_every_replaced_leaf_is_dropped_with_its_reason() -> None:
    texts = {"compose.yaml": BASE, "compose.override.yaml": "services: {web: {image: web:2}}"}
    found = cases.imported(texts)
    lost = [f for f in found.report.fates if f.path == "image" and f.file == "compose.yaml"]
    assert [(f.subject, f.status.value, f.reason) for f in lost] == [
        ("services/web", "dropped", merging.REPLACED),
        ("services/db", "mapped", ""),
    ]


@pytest.mark.parametrize(
    ("files", "merged", "left"),
    [
        (("compose.yaml", "compose.override.yml"), 2, 0),
        (("docker-compose.yml", "compose.override.yaml"), 2, 0),
        (("compose.yml", "docker-compose.yml"), 1, 1),
        (("compose.yaml", "compose.prod.yaml"), 1, 1),
        (("dev.yml",), 1, 0),
    ],
)
def test_a_folder_is_read_as_compose_reads_it(
    files: tuple[str, ...], merged: int, left: int
) -> None:
    texts = {
        name: f"services:\n  web:\n    image: a\n    labels: [f{number}=1]\n"
        for number, name in enumerate(files)
    }
    found = cases.imported(texts)
    assert len(cases.documents(found, "Service")["web"]["annotations"]) == merged
    assert cases.codes(found)["TEL622"] == left
    assert cases.accounted(found) == cases.written(texts)


def test_named_files_are_merged_in_their_order() -> None:
    texts = {
        "b.yaml": "services: {web: {image: b}}",
        "a.yaml": "services: {web: {image: a}}",
    }
    assert cases.service(texts, named=("a.yaml", "b.yaml"))["run"]["image"] == "b"
    assert cases.service(texts, named=("b.yaml", "a.yaml"))["run"]["image"] == "a"


def test_files_of_a_folder_without_a_main_one_stand_together() -> None:
    texts = {
        "app.yml": "services:\n  web:\n    image: a\n",
        "db.yml": "services:\n  db:\n    image: postgres\n",
        "prod.yml": "services:\n  web:\n    image: b\n",
    }
    found = cases.imported(texts)
    assert set(cases.documents(found, "Service")) == {"web"}
    assert set(cases.documents(found, "Datastore")) == {"db"}
    assert [str(d.position) for d in found.diagnostics if d.code == "TEL622"] == ["prod.yml"]


def test_naming_a_file_leaves_the_projects_of_other_folders_as_they_are() -> None:
    texts = {
        "a/dev.yaml": "services: {web: {extends: {file: base.yml, service: base}}}",
        "a/base.yml": "services:\n  base:\n    image: base\n",
        "a/compose.yaml": "services: {main: {image: main}}",
        "b/compose.yaml": "services: {other: {image: other}}",
    }
    found = reading.read(Sources(texts), Options(named=("a/dev.yaml",)))
    assert isinstance(found, Needs)
    refused = {wanted.path: "it is not there" for wanted in found.files}
    found = reading.read(Sources(texts, refused), Options(named=("a/dev.yaml",)))
    assert isinstance(found, Imported)
    assert set(cases.documents(found, "Service")) == {"web", "other"}
    assert [str(d.position) for d in found.diagnostics if d.code == "TEL622"] == ["a/compose.yaml"]
    assert cases.accounted(found) == cases.written(texts)


def test_documents_of_one_file_are_merged() -> None:
    text = "services:\n  web:\n    image: a\n---\nservices:\n  web:\n    image: b\n"
    assert cases.run_of(text)["image"] == "b"


def test_anchors_and_merge_keys_count_where_they_are_used() -> None:
    text = """
x-base: &base
  restart: always
  environment: &env
    A: "1"
services:
  web:
    <<: *base
    image: web
  api:
    image: api
    environment:
      <<: *env
      A: "2"
"""
    found = cases.imported(text)
    services = cases.documents(found, "Service")
    assert services["web"]["run"]["restart"] == "Always"
    assert services["api"]["run"]["env"] == {"A": "2"}
    assert cases.accounted(found) == cases.written({"compose.yaml": text})
    assert cases.fates(found)["x-base.restart"][0] == "dropped"


# extends


def test_extends_lays_a_service_over_another_one() -> None:
    text = """
services:
  base:
    image: busybox
    environment: {TZ: utc, PORT: 80}
    cap_add: [CHOWN]
  common:
    extends: {service: base}
    restart: always
  cli:
    extends: common
    environment: [PORT=8080]
    cap_add: [SETUID]
"""
    found = cases.imported(text)
    run = cases.documents(found, "Service")["cli"]["run"]
    assert run["image"] == "busybox"
    assert run["restart"] == "Always"
    assert run["env"] == {"TZ": "utc", "PORT": "8080"}
    assert run["security"]["addCapabilities"] == ["CHOWN", "SETUID"]
    assert cases.accounted(found) == cases.written({"compose.yaml": text})
    assert set(cases.codes(found)) == {"TEL606"}


def test_extends_from_another_file_means_paths_from_there() -> None:
    texts = {
        "compose.yaml": """
services:
  web:
    extends: {file: common/base.yaml, service: web}
    command: serve
""",
        "common/base.yaml": """
services:
  web:
    extends: {file: more/root.yaml, service: root}
    build: ./web
  unused: {image: nothing}
""",
        "common/more/root.yaml": "services:\n  root:\n    image: root\n    env_file: root.env\n",
        "common/more/root.env": "ROOT=1\n",
    }
    found = cases.imported(texts, named=("compose.yaml",))
    run = cases.documents(found, "Service")["web"]["run"]
    assert run["build"] == {"context": "common/web"}
    assert run["image"] == "root"
    assert run["env"] == {"ROOT": "1"}
    yaml = {file: text for file, text in texts.items() if file.endswith(".yaml")}
    assert cases.accounted(found) == cases.written(yaml)
    assert "nothing that is read refers to it" in {f.reason for f in found.report.fates}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("services: {a: {extends: {service: b}}, b: {extends: {service: a}}}", "TEL626"),
        ("services: {a: {extends: {service: a}}}", "TEL626"),
        ("services: {a: {extends: {service: none}}}", "TEL627"),
        ("services: {a: {extends: {file: gone.yaml, service: none}}}", "TEL621"),
        ("services: {a: {extends: {file: compose.yaml, service: a}}}", "TEL626"),
        ("services: {a: {extends: {file: x}}}", "TEL625"),
        ("services: {a: {extends: [b]}}", "TEL625"),
        ("include: [compose.yaml]\nservices: {}", "TEL626"),
        ("include: [gone.yaml]\nservices: {}", "TEL621"),
        ("include: [../outside.yaml]\nservices: {}", "TEL621"),
        ("include: [/etc/compose.yaml]\nservices: {}", "TEL621"),
        ("include: ['https://host/compose.yaml']\nservices: {}", "TEL621"),
        ("include: ['git@host:org/repo.git']\nservices: {}", "TEL621"),
        ("include: ['oci://host/image:1']\nservices: {}", "TEL621"),
        ("include: ['https://user:sesame@host/compose.yaml']\nservices: {}", "TEL621"),
        ("include: ['~/compose.yaml']\nservices: {}", "TEL621"),
        ("include: 5\nservices: {}", "TEL625"),
        ("include: [{env_file: x}]\nservices: {}", "TEL625"),
    ],
)
def test_what_cannot_be_extended_or_included_is_reported(text: str, code: str) -> None:
    found = cases.imported(text)
    assert cases.codes(found)[code] >= 1
    place = next(item.position for item in found.diagnostics if item.code == code)
    assert place is not None
    assert place.line == 1
    assert place.column > 0
    assert "sesame" not in repr(found)
    assert cases.accounted(found) == cases.written({"compose.yaml": text})


# include


def test_includes_are_projects_with_their_own_folder_and_variables() -> None:
    texts = {
        "compose.yaml": """
include:
- ${PART}/compose.yaml
- path: [other/a.yaml, other/b.yaml]
  project_directory: elsewhere
  env_file: [other.env]
services:
  web: {image: "web:${TAG}", depends_on: [part, other]}
""",
        ".env": "PART=part\nTAG=outer\n",
        "part/compose.yaml": """
include: [deeper.yaml]
services:
  part: {image: "part:${TAG}-${OWN}", build: .}
""",
        "part/.env": "TAG=inner\nOWN=own\n",
        "part/deeper.yaml": "services:\n  deep:\n    image: deep:${OWN}\n",
        "other/a.yaml": "services:\n  other:\n    image: a:${X}\n    build: ./o\n",
        "other/b.yaml": "services:\n  other:\n    image: b:${X}\n",
        "other.env": "X=x\n",
    }
    found = cases.imported(texts)
    runs = {name: d["run"] for name, d in cases.documents(found, "Service").items()}
    assert {name: run["image"] for name, run in runs.items()} == {
        "web": "web:outer",
        "part": "part:outer-own",
        "deep": "deep:own",
        "other": "b:x",
    }
    assert runs["part"]["build"]["context"] == "part"
    assert runs["other"]["build"]["context"] == "elsewhere/o"
    assert set(cases.edges(found)) == {("web", "part"), ("web", "other")}
    assert set(cases.codes(found)) == {"TEL606"}


def test_an_included_thing_that_differs_is_a_conflict() -> None:
    texts = {
        "compose.yaml": "include: [part.yaml]\nservices:\n  a:\n    image: one\n",
        "part.yaml": "services:\n  a:\n    image: two\n  b:\n    image: b\n",
    }
    found = cases.imported(texts)
    assert cases.documents(found, "Service")["a"]["run"]["image"] == "one"
    (conflict,) = [d for d in found.diagnostics if d.code == "TEL628"]
    assert str(conflict.position) == "compose.yaml:4:5"
    assert cases.accounted(found) == cases.written(texts)


def test_files_that_include_one_another_in_a_circle_are_read_once() -> None:
    texts = {
        "a.yaml": "include: [b.yaml]\nservices:\n  a:\n    image: a\n",
        "b.yaml": "include: [a.yaml]\nservices:\n  b:\n    image: b\n",
    }
    found = cases.imported(texts)
    assert set(cases.documents(found, "Service")) == {"a", "b"}
    assert cases.codes(found)["TEL626"] == 1
    assert len(cases.documents(found, "System")) == 1


def test_includes_that_double_at_every_step_end() -> None:
    texts = {
        f"{n}.yaml": f"include: [{n + 1}.yaml, {n + 1}.yaml]\nservices: {{s{n}: {{image: i}}}}\n"
        for n in range(20)
    }
    found = cases.imported(texts, named=("0.yaml",))
    assert cases.codes(found)["TEL630"] == 1


def test_chains_of_includes_have_an_end() -> None:
    texts = {
        f"{n}.yaml": f"include: [{n + 1}.yaml]\nservices: {{s{n}: {{image: i}}}}\n"
        for n in range(60)
    }
    found = cases.imported(texts, named=("0.yaml",))
    assert cases.codes(found)["TEL626"] == 1


# Properties of merging

_ORIGIN = Origin("f", 0, 1, 1, ())
_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(0, 9), st.sampled_from("ab"))


def _node(value: object) -> Node:
    if isinstance(value, dict):
        return Table(_ORIGIN, {key: _node(item) for key, item in value.items()})
    if isinstance(value, list):
        return Row(_ORIGIN, tuple(map(_node, value)))
    assert value is None or isinstance(value, str | int | bool)
    return Leaf(_ORIGIN, value)


_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("pqr"), inner, max_size=3)
    ),
    max_leaves=8,
)
_TABLES = st.dictionaries(st.sampled_from("pqr"), _TREES, max_size=3)


@given(_TABLES)
def test_merging_with_nothing_changes_nothing(value: dict[str, object]) -> None:
    tree, nothing = _node(value), _node({})
    assert nodes.plain(merging.merge(tree, nothing, [])) == value
    assert nodes.plain(merging.merge(nothing, tree, [])) == value


@given(_TABLES, _TABLES, _TABLES)
def test_merging_is_associative(
    one: dict[str, object], two: dict[str, object], three: dict[str, object]
) -> None:
    """Where no list meets a mapping: what replaces what depends on the order then."""
    a, b, c = map(_node, (one, two, three))
    if _clash(one, two) or _clash(two, three) or _clash(one, three):
        return
    left = merging.merge(merging.merge(a, b, []), c, [])
    right = merging.merge(a, merging.merge(b, c, []), [])
    assert nodes.plain(left) == nodes.plain(right)


def _clash(one: object, two: object) -> bool:
    """Whether two trees have values of different shapes at one place."""
    if isinstance(one, dict) and isinstance(two, dict):
        return any(_clash(one[key], two[key]) for key in one.keys() & two.keys())
    return (isinstance(one, dict | list) or isinstance(two, dict | list)) and (
        type(one) is not type(two)
    )


@given(_TABLES, _TABLES)
def test_every_leaf_stays_or_is_lost_for_a_reason(
    one: dict[str, object], two: dict[str, object]
) -> None:
    a, b = _node(one), _node(two)
    lost: list[merging.Lost] = []
    merged = merging.merge(a, b, lost)
    count = len(list(nodes.leaves(merged))) + sum(len(list(nodes.leaves(x.node))) for x in lost)
    # An empty collection that something is merged into is a leaf no more.
    empty = sum(not isinstance(leaf, Leaf) for tree in (a, b) for leaf in nodes.leaves(tree))
    before = len(list(nodes.leaves(a))) + len(list(nodes.leaves(b)))
    assert before - empty <= count <= before
