"""One objective of each SLI kind, for each period; used by the tests and by tools/test_rules.py."""

import rendered

KINDS = {
    "availability": "{availability: {}}",
    "latency": "{latency: {threshold: 250ms}}",
    "ratio": "{ratio: {total: 'http_requests_total{job=\"orders\"}',"
    ' bad: \'http_requests_total{job="orders",code=~"5.."}\'}}',
    "ratio-good": "{ratio: {total: 'jobs_total', good: 'jobs_done_total{result!=\"failed\"}'}}",
    "probe": "{probe: {success: 'probe_success{instance=\"https://shop.example.com\"}'}}",
    "semconv": "{latency: {threshold: 500ms}}",
}
PERIODS = ("7d", "28d", "30d", "90d")
# What `make test` proves: each kind, and each period, and the four kinds of the model in each.
QUICK = [
    *(
        (kind, period)
        for kind in ("availability", "latency", "ratio", "probe")
        for period in PERIODS
    ),
    ("ratio-good", "30d"),
    ("semconv", "30d"),
]
TARGETS = ("99%", "99.9%")


def text(kind: str, period: str, target: str = "99.9%") -> str:
    """An estate with one objective."""
    more = f"period: {period}\n"
    if kind == "semconv":
        more += "annotations: {telford.dev/metrics: http-server}\n"
    return rendered.service("orders") + rendered.objective("promise", KINDS[kind], target, more)
