"""Contracts in files beside the documents: found, compared, and whoever they break is named."""

import datetime as dt
import json
import pathlib

import pytest

from telford.app import check, loading
from telford.backends import cache, files
from telford.basics.diagnostics import Severity

API = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1"},
    "paths": {
        "/orders/{id}": {"get": {"responses": {"200": {"description": "One."}}}},
        "/orders": {"post": {"responses": {"201": {"description": "Made."}}}},
    },
}
LESS = {**API, "paths": {"/orders": API["paths"]["/orders"]}}  # type: ignore[index]
ESTATE = """
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: Service
name: orders
owner: team/shop
---
apiVersion: telford/v1
kind: Contract
name: orders
owner: team/shop
type: openapi
service: orders
versions:
  - {version: 1.0.0, file: api/one.json, sunset: "2026-06-30"}
  - {version: 1.1.0, file: api/two.json}
---
apiVersion: telford/v1
kind: Service
name: reads
owner: team/shop
uses: [{service: orders, operations: ["GET /orders/{order}"]}]
---
apiVersion: telford/v1
kind: Service
name: writes
owner: team/shop
uses: [{service: orders, operations: ["POST /orders"], version: 1.0.0}]
---
apiVersion: telford/v1
kind: Service
name: anything
owner: team/shop
uses: [{service: orders}]
---
apiVersion: telford/v1
kind: Service
name: moved-on
owner: team/shop
uses: [{service: orders, version: 1.1.0}]
"""


@pytest.fixture
def estate(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "estate"
    (folder / "api").mkdir(parents=True)
    (folder / "estate.yaml").write_text(ESTATE)
    (folder / "api" / "one.json").write_text(json.dumps(API, indent=1))
    (folder / "api" / "two.json").write_text(json.dumps(LESS, indent=1))
    return folder


def found(folder: pathlib.Path, today: dt.date | None = None) -> list[tuple[str, str, str]]:
    texts = files.read([folder])
    texts.today = today
    return [(d.code, d.summary, d.detail) for d in loading.of_texts(texts).diagnostics]


def test_a_minor_version_that_breaks_names_exactly_those_whom_it_breaks(estate: pathlib.Path):
    ((code, summary, detail),) = found(estate)
    assert code == "TEL260"
    assert summary.endswith("; it breaks service/anything, service/reads")
    line = (estate / "api" / "one.json").read_text().splitlines().index('  "/orders/{id}": {') + 2
    assert detail == f"GET /orders/{{id}}: is gone ({estate}/api/one.json:{line})"


def test_nothing_is_said_where_nobody_looked_for_the_files(estate: pathlib.Path):
    texts = files.Texts(texts={"estate/estate.yaml": ESTATE})
    assert not loading.of_texts(texts).diagnostics


def test_a_version_past_its_sunset_that_is_still_called(estate: pathlib.Path):
    codes = {code: summary for code, summary, _ in found(estate, dt.date(2026, 7, 1))}
    assert codes["TEL262"] == "nobody may count on version 1.0.0 since 2026-06-30"
    assert "TEL262" not in {code for code, *_ in found(estate, dt.date(2026, 6, 30))}


def test_a_changed_contract_is_checked_again(estate: pathlib.Path, tmp_path: pathlib.Path):
    store = cache.FileCache(tmp_path / "cache")
    assert not check.check([estate], store).ok
    assert check.check([estate], store).cached
    (estate / "api" / "two.json").write_text(json.dumps(API))
    again = check.check([estate], store)
    assert (again.ok, again.cached) == (True, False)


@pytest.mark.parametrize(
    "path", ["../outside.json", "/etc/hostname.json", "api/none.json", "api/link.json"]
)
def test_a_file_that_is_not_in_the_estate_is_not_read(estate: pathlib.Path, path: str):
    (estate.parent / "outside.json").write_text(json.dumps(API))
    (estate / "api" / "link.json").symlink_to(estate.parent / "outside.json")
    (estate / "estate.yaml").write_text(ESTATE.replace("api/two.json", path))
    (diagnostic,) = [d for d in loading.load_folder(estate).diagnostics if d.code == "TEL259"]
    assert diagnostic.severity is Severity.ERROR
    assert f"`{path}` cannot be read as openapi: there is no such file" in diagnostic.summary


def test_a_contract_that_is_no_contract_says_where(estate: pathlib.Path):
    (estate / "api" / "two.json").write_text('{"openapi": "3.1.0",\n "paths": [}')
    (diagnostic,) = loading.load_folder(estate).diagnostics
    assert diagnostic.code == "TEL259"
    assert "line 2" in diagnostic.summary


def test_a_contract_in_yaml_is_no_document_of_the_estate(
    estate: pathlib.Path, tmp_path: pathlib.Path
):
    (estate / "estate.yaml").write_text(ESTATE.replace("api/two.json", "api/two.yaml"))
    text = "# Ours.\n---\nopenapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {}\n"
    (estate / "api" / "two.yaml").write_text(text)
    ((code, summary, _),) = found(estate)
    assert code == "TEL260"
    assert "service/writes" in summary
    (estate / "estate.yaml").write_text(ESTATE)
    assert "TEL110" in {code for code, *_ in found(estate)}
