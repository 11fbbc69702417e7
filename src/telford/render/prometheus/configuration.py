"""The configuration of a place's Prometheus: what it reads, the rules, where alerts go.

Everything is found by Kubernetes' own service discovery and by labels, so no address of anything
stands in the file. Called by `target`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from telford.estate.place import Place
from telford.road import conventions, monitored, scraping
from telford.road.scraping import Page, keep

Object = dict[str, Any]

_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a file, no secret
_AUTHORITY = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"


@dataclass(frozen=True, slots=True)
class Read:
    """A workload whose metrics are read: where it is, and which pages it has."""

    address: str
    namespace: str
    pages: tuple[Page, ...]


def configuration(
    place: Place,
    read: Iterable[Read],
    needs: frozenset[str],
    *,
    folders: Iterable[str],
    namespaces: Iterable[str],
) -> Object:
    """The whole file. `read` are the workloads that this Prometheus finds by itself, `needs` what
    there is to be watched (`health.Facts.needs`), `folders` the systems that have rules,
    `namespaces` those of the place's services.
    """
    table = scraping.table()
    return {
        "global": {
            "scrape_interval": table["interval"],
            "scrape_timeout": table["timeout"],
            "evaluation_interval": table["evaluation"],
            "external_labels": monitored.placed(place),
        },
        # A pattern may stand for names of files only, not of folders.
        "rule_files": ["*.rules.yaml", *(f"{folder}/*.rules.yaml" for folder in sorted(folders))],
        "alerting": {"alertmanagers": [_alertmanager(table["alertmanager"])]},
        "scrape_configs": [
            *_workloads(tuple(read)),
            _proxies(table["mesh"], namespaces),
            *_around(table, needs),
        ],
    }


def _spelled(steps: Iterable[scraping.Relabel]) -> list[Object]:
    return [_step(step) for step in steps]


def _step(step: scraping.Relabel) -> Object:
    told = {
        "source_labels": list(step.sources),
        "regex": step.regex,
        "target_label": step.target,
        "replacement": step.replacement,
        "action": step.action,
    }
    return {key: value for key, value in told.items() if value}


def _alertmanager(row: Mapping[str, str]) -> Object:
    return {
        "kubernetes_sd_configs": [{"role": "pod"}],
        "relabel_configs": _found_by(row["app"], row["ports"]),
    }


def _found_by(app: str, ports: str) -> list[Object]:
    return _spelled([keep(app, scraping.POD_APP), keep(ports, scraping.POD_PORT)])


def _workloads(read: tuple[Read, ...]) -> Iterator[Object]:
    """A job for each way of being read; the usual one finds its workloads by the port's name."""
    ways: dict[Page, list[tuple[Read, str]]] = {}
    for about in read:
        for page in about.pages:
            way = Page("", page.path, page.scheme, page.every, page.timeout)
            ways.setdefault(way, []).append((about, page.port))
    for way, members in sorted(ways.items()):
        yield _job(way, members)


def _job(way: Page, members: list[tuple[Read, str]]) -> Object:
    usual = way == Page("") and {port for _, port in members} == {conventions.METRICS_PORT}
    wanted = f"{conventions.MANAGER};{conventions.METRICS_PORT}"
    found = keep(wanted, scraping.POD_MANAGED_BY, scraping.POD_PORT) if usual else _chosen(members)
    namespaces = sorted({about.namespace for about, _ in members})
    return {
        "job_name": "workloads" if usual else f"workloads {_title(way)}",
        "metrics_path": way.path,
        "scheme": way.scheme,
        **({"scrape_interval": way.every} if way.every else {}),
        **({"scrape_timeout": way.timeout} if way.timeout else {}),
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": namespaces}}],
        "relabel_configs": _spelled([found, *scraping.identity()]),
    }


def _title(way: Page) -> str:
    return " ".join(filter(None, [way.scheme, way.path, way.every, way.timeout]))


def _chosen(members: list[tuple[Read, str]]) -> scraping.Relabel:
    """Ports of certain workloads: by their address, and the port's name or number."""
    every = sorted({(about.address, port) for about, port in members})
    ways = [
        f"{_literal(address)};{'[^;]*;' + port if port.isdigit() else port + ';.*'}"
        for address, port in every
    ]
    sources = (scraping.POD_ADDRESS, scraping.POD_PORT, scraping.POD_PORT_NUMBER)
    return keep("|".join(ways), *sources)


def _literal(text: str) -> str:
    """An address in a regular expression: nothing in it but the dot means anything there."""
    return text.replace(".", r"\.")


def _around(table: Mapping[str, Any], needs: frozenset[str]) -> Iterator[Object]:
    """The cluster's own metrics."""
    if not needs:
        return
    for row in table["job"]:
        if row.get("needs", "") in {"", *needs}:
            yield _cluster_job(row)
    for row in table["node"]:
        yield _node_job(row)


def _proxies(row: Mapping[str, str], namespaces: Iterable[str]) -> Object:
    """Whatever counts requests: beside workloads, and at the edge."""
    found, kept = scraping.proxies(namespaces)
    return {
        "job_name": "envoy",
        "metrics_path": row["path"],
        "kubernetes_sd_configs": [{"role": "pod"}],
        "relabel_configs": _spelled(found),
        "metric_relabel_configs": _spelled(kept),
    }


def _cluster_job(row: Mapping[str, Any]) -> Object:
    return {
        "job_name": row["name"],
        "metrics_path": row.get("path", conventions.METRICS_PATH),
        **({"honor_labels": True} if row.get("honor_labels") else {}),
        "kubernetes_sd_configs": [{"role": "pod"}],
        "relabel_configs": _found_by(row["app"], row["port"]),
        "metric_relabel_configs": _spelled([keep("|".join(row["series"]), "__name__")]),
    }


def _node_job(row: Mapping[str, Any]) -> Object:
    """Machines answer for what runs on them over TLS, to whoever the cluster lets in."""
    return {
        "job_name": row["name"],
        "metrics_path": row["path"],
        "scheme": "https",
        "honor_labels": True,
        "authorization": {"credentials_file": _TOKEN},
        "tls_config": {"ca_file": _AUTHORITY},
        "kubernetes_sd_configs": [{"role": "node"}],
        "relabel_configs": _spelled([scraping.copied("__meta_kubernetes_node_name", "node")]),
        "metric_relabel_configs": _spelled([keep("|".join(row["series"]), "__name__")]),
    }
