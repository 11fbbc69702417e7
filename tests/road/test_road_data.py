"""The road's numbers are data, and each has a source or says that it is our own."""

import re

from telford.basics import resources
from telford.road import conventions, defaults


def test_every_section_of_the_defaults_says_where_it_comes_from():
    text = resources.text("telford.road", "defaults.toml")
    sections = re.split(r"^\[", text, flags=re.MULTILINE)[1:]
    assert len(sections) > 10
    before = re.split(r"^\[[a-z]+\]$", text, flags=re.MULTILINE)
    for name, body in zip(sections, before[1:], strict=True):
        comments = " ".join(line for line in body.splitlines() if line.startswith("#"))
        above = "documentation" in text.partition(f"[{name.split(']')[0]}]")[0].splitlines()[-1]
        assert re.search(r"https://|\bown\b|same path|schemas|read-only", comments) or above, name


def test_the_windows_name_their_book():
    assert "sre.google/workbook" in resources.text("telford.road", "windows.toml")


def test_the_defaults_are_read_whole():
    road = defaults.defaults()
    assert road.health.path.startswith("/")
    assert road.engine_ports["postgres"] == 5432


def test_a_cluster_is_named_after_its_service_and_version():
    assert conventions.envoy_cluster("orders", "1.4.2") == "orders/1.4.2"
    pattern = conventions.ENVOY.service_pattern.format(service="orders")
    assert re.fullmatch(pattern, conventions.envoy_cluster("orders", "1.4.2"))
    assert re.fullmatch(pattern, conventions.envoy_cluster("orders"))
    assert not re.fullmatch(pattern, conventions.envoy_cluster("orders-archive"))
