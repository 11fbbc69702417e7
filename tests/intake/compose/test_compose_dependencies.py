"""What services depend on: declared, inferred, and what is neither."""

import compose_cases as cases

SHOP = """
services:
  web:
    image: web
    hostname: www
    depends_on:
      api: {condition: service_healthy, restart: true}
      setup: {condition: service_completed_successfully}
      metrics: {required: false}
    environment:
      API_URL: http://api:8080/x
      OWN: http://web:80 http://www/
      CACHE_HOST: cache
      DATABASE_URL: postgres://u:sesame@db:5432/x
      WORD: cache
      OUTSIDE: https://api.example.com/
      LOST: http://nobody:80
    command: serve --db-host=db --queue queue:5672
    links: ["mail:post"]
    healthcheck: {test: curl http://other:80}
  api:
    image: api
    environment: [MAIL_HOST=post, QUEUE_URL=amqp://rabbit-1:5672]
  cache: {image: redis}
  db: {image: postgres, container_name: main-db}
  setup: {image: setup}
  metrics: {image: metrics}
  mail: {image: mail}
  other: {image: other}
  queue: {image: rabbitmq, container_name: rabbit-1, expose: ["5672"]}
  sidecar: {image: sidecar, network_mode: "service:web", environment: {TARGET_URL: "http://api"}}
  backup: {image: backup, volumes_from: ["db:ro"], environment: {DB_HOST: main-db}}
"""


def _uses(found: object, name: str) -> dict[str, dict[str, object]]:
    value = cases.documents(found, "Service")[name]  # type: ignore[arg-type]
    return {
        str(use.get("service") or use.get("datastore")): dict(use) for use in value.get("uses", [])
    }


def test_declared_dependencies_go_before_inferred_ones() -> None:
    uses = _uses(cases.imported(SHOP), "web")
    assert uses["api"] == {"service": "api", "wait": "ready"}
    assert uses["setup"] == {"service": "setup", "wait": "done"}
    assert uses["metrics"] == {"service": "metrics", "critical": False}
    assert uses["mail"] == {"service": "mail"}
    assert uses["cache"] == {
        "datastore": "cache",
        "inferred": {"from": "env CACHE_HOST in compose.yaml:13"},
    }
    assert uses["db"]["inferred"] == {"from": "env DATABASE_URL in compose.yaml:14"}
    assert uses["queue"]["inferred"] == {"from": "command --queue in compose.yaml:18"}
    assert set(uses) == {"api", "setup", "metrics", "mail", "cache", "db", "queue"}


def test_own_names_and_health_checks_are_no_dependencies() -> None:
    edges = cases.edges(cases.imported(SHOP))
    assert ("web", "web") not in edges
    assert ("web", "other") not in edges


def test_names_are_those_that_compose_resolves() -> None:
    """Container names and links; a link's alias is known to its own service alone."""
    edges = cases.edges(cases.imported(SHOP))
    assert ("api", "queue") in edges
    assert ("api", "mail") not in edges
    assert edges["sidecar", "web"] == ""
    assert ("sidecar", "api") in edges
    assert edges["backup", "db"] == ""


def test_addresses_that_lead_nowhere_are_reported() -> None:
    found = cases.imported(SHOP)
    unresolved = {item.host: item.external for item in found.report.unresolved}
    assert unresolved == {"api.example.com": True, "nobody": False}
    (nowhere,) = [d for d in found.diagnostics if d.code == "TEL604"]
    assert "nobody" in nowhere.summary
    assert cases.problems(found) == []
    assert "sesame" not in repr(found)


def test_services_that_share_no_network_do_not_know_each_other() -> None:
    text = """
services:
  a: {image: a, networks: [left], environment: {B_URL: "http://b", C_URL: "http://c"}}
  b: {image: b, networks: [left, right]}
  c: {image: c, networks: [right], environment: {B_URL: "http://bee"}}
  d: {image: d, networks: {right: {aliases: [bee]}}}
networks: {left: , right: }
"""
    found = cases.imported(text)
    assert set(cases.edges(found)) == {("a", "b"), ("c", "d")}
    assert [item.host for item in found.report.unresolved] == ["c"]


def test_projects_know_each_other_by_networks_they_share() -> None:
    texts = {
        "one/compose.yaml": """
services:
  a: {image: a, networks: [shared], environment: {B_URL: "http://b:80"}}
networks: {shared: {external: true}}
""",
        "two/compose.yaml": """
services:
  b: {image: b, networks: {outside: }}
  c: {image: c, environment: {A_URL: "http://a"}}
networks: {outside: {name: shared}}
""",
    }
    found = cases.imported(texts)
    assert set(cases.edges(found)) == {("a", "b")}
    assert cases.documents(found, "Service")["a"]["uses"][0]["service"] == "two.b"
    assert cases.problems(found) == []


def test_a_dependency_on_nothing_is_reported_and_carried() -> None:
    found = cases.imported("services: {web: {image: w, depends_on: [gone], links: [gone2]}}")
    places = [(d.summary, str(d.position)) for d in found.diagnostics if d.code == "TEL631"]
    assert places == [
        (
            "`depends_on` names gone, which is no service of the project",
            "compose.yaml:1:41",
        ),
        ("`links` names gone2, which is no service of the project", "compose.yaml:1:56"),
    ]
    kept = cases.documents(found, "Service")["web"]["x-compose"]
    assert set(kept) == {"depends_on", "links"}
