"""What a new version of a contract breaks is found, and what it does not break is not."""

import copy
import json
import os
import pathlib
import re
import subprocess
from typing import Any

import pytest

import optional
from telford.analysis.contracts import comparing
from telford.analysis.contracts.change import CODES, Change

ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["id", "total"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "total": {"type": "number", "minimum": 0, "maximum": 100},
        "state": {"type": "string", "enum": ["new", "paid"]},
        "note": {"type": "string", "maxLength": 100, "pattern": "^a"},
        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}, "maxItems": 9},
    },
}
LINE: dict[str, Any] = {
    "type": "object",
    "properties": {"sku": {"type": "string"}, "inner": {"$ref": "#/components/schemas/Line"}},
}
API: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1"},
    "paths": {
        "/orders/{id}": {
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
            ],
            "get": {
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}},
                    {"name": "trace", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": {
                        "description": "",
                        "headers": {"ETag": {"required": True, "schema": {"type": "string"}}},
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Order"}},
                            "text/csv": {"schema": {"type": "string"}},
                        },
                    },
                    "404": {"description": ""},
                },
            },
            "put": {
                "security": [{"login": ["write"]}, {"key": []}],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Order"}}
                    }
                },
                "responses": {"204": {"description": ""}},
            },
        }
    },
    "webhooks": {
        "paid": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"type": "string"}}}}
            }
        }
    },
    "components": {"schemas": {"Order": ORDER, "Line": LINE}},
}
DELETE = object()


def edited(document: dict[str, Any], *edits: tuple[tuple[str, ...], Any]) -> dict[str, Any]:
    result = copy.deepcopy(document)
    for path, value in edits:
        holder: Any = result
        for step in path[:-1]:
            holder = holder[int(step) if isinstance(holder, list) else step]
        last: Any = int(path[-1]) if isinstance(holder, list) else path[-1]
        if value is DELETE:
            del holder[last]
        else:
            holder[last] = value
    return result


def changes(
    old: Any, new: Any, type_: Any = "openapi", sense: Any = "backward"
) -> tuple[Change, ...]:
    one, other = comparing.of_value(old, type_), comparing.of_value(new, type_)
    assert not one.problem
    assert not other.problem
    return comparing.changes(one, other, sense)


ITEM = ("paths", "/orders/{id}")
SCHEMAS = ("components", "schemas")
PROPERTIES = (*SCHEMAS, "Order", "properties")

# Each case: what is edited, and the (operation, code, level) that follow. Both directions of a
# schema that requests and answers share are told apart by the operation.
CASES: list[tuple[str, tuple[tuple[tuple[str, ...], Any], ...], set[tuple[str, str, str]]]] = [
    ("nothing", (), set()),
    ("an operation removed", (((*ITEM, "put"), DELETE),), {("PUT /orders/{id}", "operation-removed", "breaking")}),
    ("an operation added", (((*ITEM, "delete"), {"responses": {}}),), set()),
    ("a path parameter renamed", ((("paths",), {"/orders/{order}": {**API["paths"]["/orders/{id}"], "parameters": [{"name": "order", "in": "path", "required": True, "schema": {"type": "string"}}]}}),), set()),
    ("a parameter removed", (((*ITEM, "get", "parameters", "0"), DELETE),), {("GET /orders/{id}", "parameter-removed", "risky")}),
    ("a parameter narrowed", (((*ITEM, "get", "parameters", "0", "schema", "maximum"), 50),), {("GET /orders/{id}", "range-narrowed", "breaking")}),
    ("a parameter widened", (((*ITEM, "get", "parameters", "0", "schema", "maximum"), 500),), set()),
    ("a parameter required", (((*ITEM, "get", "parameters", "0", "required"), True),), {("GET /orders/{id}", "parameter-required", "breaking")}),
    ("a parameter moved", (((*ITEM, "get", "parameters", "0", "in"), "header"),), {("GET /orders/{id}", "parameter-moved", "breaking")}),
    ("a parameter written otherwise", (((*ITEM, "get", "parameters", "0", "explode"), False),), {("GET /orders/{id}", "parameter-moved", "breaking")}),
    ("a header in other letters", (((*ITEM, "get", "parameters", "1", "name"), "Trace"),), set()),
    ("a required parameter added", (((*ITEM, "get", "parameters", "1"), {"name": "x", "in": "query", "required": True}),), {("GET /orders/{id}", "parameter-required", "breaking"), ("GET /orders/{id}", "parameter-removed", "risky")}),
    ("a body required", (((*ITEM, "put", "requestBody", "required"), True),), {("PUT /orders/{id}", "body-required", "breaking")}),
    ("a body removed", (((*ITEM, "put", "requestBody"), DELETE),), {("PUT /orders/{id}", "body-removed", "risky")}),
    ("a media type removed", (((*ITEM, "get", "responses", "200", "content", "text/csv"), DELETE),), {("GET /orders/{id}", "media-type-removed", "breaking")}),
    ("an answer removed", (((*ITEM, "put", "responses", "204"), DELETE),), {("PUT /orders/{id}", "response-removed", "breaking")}),
    ("an error removed", (((*ITEM, "get", "responses", "404"), DELETE),), set()),
    ("a response header removed", (((*ITEM, "get", "responses", "200", "headers"), {}),), {("GET /orders/{id}", "header-removed", "breaking")}),
    ("a scope added", (((*ITEM, "put", "security"), [{"login": ["write", "admin"]}, {"key": []}]),), {("PUT /orders/{id}", "security-added", "breaking")}),
    ("a way in added", (((*ITEM, "put", "security"), [{"login": ["write"]}, {"key": []}, {}]),), set()),
    ("security added", (((*ITEM, "get", "security"), [{"key": []}]),), {("GET /orders/{id}", "security-added", "breaking")}),
    ("a response field removed", (((*PROPERTIES, "total"), DELETE), ((*SCHEMAS, "Order", "required"), ["id"])), {("GET /orders/{id}", "property-required", "breaking"), ("PUT /orders/{id}", "property-ignored", "risky")}),
    ("an optional response field removed", (((*PROPERTIES, "note"), DELETE),), {("PUT /orders/{id}", "property-ignored", "risky")}),
    ("a response field made optional", (((*SCHEMAS, "Order", "required"), ["id"]),), {("GET /orders/{id}", "property-required", "breaking")}),
    ("a request field required", (((*SCHEMAS, "Order", "required"), ["id", "total", "note"]),), {("PUT /orders/{id}", "property-required", "breaking")}),
    ("a required field that only answers have", (((*SCHEMAS, "Order", "required"), ["id", "total", "note"]), ((*PROPERTIES, "note", "readOnly"), True)), set()),
    ("a field added", (((*PROPERTIES, "more"), {"type": "string"}),), set()),
    ("an enum value added", (((*PROPERTIES, "state", "enum"), ["new", "paid", "lost"]),), {("GET /orders/{id}", "enum-narrowed", "breaking")}),
    ("an enum value removed", (((*PROPERTIES, "state", "enum"), ["new"]),), {("PUT /orders/{id}", "enum-narrowed", "breaking")}),
    ("an extensible enum value added", (((*PROPERTIES, "state"), {"type": "string", "enum": ["new", "paid", "lost"], "x-extensible-enum": True}),), {("GET /orders/{id}", "enum-narrowed", "breaking")}),
    ("a type changed", (((*PROPERTIES, "note"), {"type": "integer"}),), {("GET /orders/{id}", "type-changed", "breaking"), ("PUT /orders/{id}", "type-changed", "breaking"), ("GET /orders/{id}", "pattern-changed", "breaking"), ("GET /orders/{id}", "range-narrowed", "breaking")}),
    ("an integer for a number", (((*PROPERTIES, "total", "type"), "integer"),), {("PUT /orders/{id}", "type-changed", "breaking")}),
    ("null allowed", (((*PROPERTIES, "total", "type"), ["number", "null"]),), {("GET /orders/{id}", "type-changed", "breaking")}),
    ("nullable in 3.0", (((*PROPERTIES, "total", "nullable"), True),), {("GET /orders/{id}", "type-changed", "breaking")}),
    ("a format changed", (((*PROPERTIES, "id", "format"), "email"),), {("GET /orders/{id}", "format-changed", "breaking"), ("PUT /orders/{id}", "format-changed", "breaking")}),
    ("a range narrowed", (((*PROPERTIES, "total", "minimum"), 1),), {("PUT /orders/{id}", "range-narrowed", "breaking")}),
    ("a range widened", (((*PROPERTIES, "total", "maximum"), 1000),), {("GET /orders/{id}", "range-narrowed", "breaking")}),
    ("an edge left out in 3.0", (((*PROPERTIES, "total", "exclusiveMinimum"), True),), {("PUT /orders/{id}", "range-narrowed", "breaking")}),
    ("an edge left out in 3.1", (((*PROPERTIES, "total", "exclusiveMinimum"), 0),), {("PUT /orders/{id}", "range-narrowed", "breaking")}),
    ("shorter texts", (((*PROPERTIES, "note", "maxLength"), 10),), {("PUT /orders/{id}", "range-narrowed", "breaking")}),
    ("fewer items", (((*PROPERTIES, "lines", "maxItems"), 3),), {("PUT /orders/{id}", "range-narrowed", "breaking")}),
    ("another pattern", (((*PROPERTIES, "note", "pattern"), "^b"),), {("GET /orders/{id}", "pattern-changed", "risky"), ("PUT /orders/{id}", "pattern-changed", "risky")}),
    ("nothing more allowed", (((*SCHEMAS, "Order", "additionalProperties"), False), ((*PROPERTIES, "note"), DELETE)), {("PUT /orders/{id}", "property-refused", "breaking")}),
    ("something deep in a circle", (((*SCHEMAS, "Line", "properties", "sku", "type"), "integer"),), {("GET /orders/{id}", "type-changed", "breaking"), ("PUT /orders/{id}", "type-changed", "breaking")}),
    ("a schema by allOf", (((*SCHEMAS, "Order"), {"allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {k: v for k, v in ORDER["properties"].items() if k != "id"}, "required": ["total"]}]}), ((*SCHEMAS, "Base"), {"type": "object", "required": ["id"], "properties": {"id": ORDER["properties"]["id"]}})), set()),
    ("an alternative more", (((*SCHEMAS, "Order"), {"oneOf": [ORDER, {"type": "string"}]}),), {("GET /orders/{id}", "alternative-removed", "breaking")}),
    ("something not compared", (((*PROPERTIES, "note", "not"), {"const": "x"}),), {("PUT /orders/{id}", "not-compared", "risky")}),
    ("a webhook removed", ((("webhooks",), {}),), {("paid", "webhook-removed", "risky")}),
    ("a webhook's body changed", ((("webhooks", "paid", "post", "requestBody", "content", "application/json", "schema", "type"), "integer"),), {("paid", "type-changed", "breaking")}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "edits", "expected"), CASES, ids=[case[0] for case in CASES])
def test_changes_of_an_openapi_contract(name: str, edits: Any, expected: set[tuple[str, str, str]]):
    found = changes(API, edited(API, *edits))
    assert {(c.operation, c.code, c.level) for c in found} == expected, found


def test_a_change_says_where_it_is():
    new = edited(API, ((*PROPERTIES, "total", "minimum"), 1))
    (change,) = changes(API, new)
    assert change.pointer == "/components/schemas/Order/properties/total"
    assert change.newer
    document = comparing.read(json.dumps(new, indent=1), "openapi")
    line = json.dumps(new, indent=1).splitlines()[document.line(change.path) - 1]
    assert line.strip() == '"total": {'


def test_new_callers_of_the_old_version_are_asked_for_only_where_they_are_promised():
    new = edited(API, ((*ITEM, "delete"), {"responses": {}}))
    assert not changes(API, new, sense="backward")
    (change,) = changes(API, new, sense="forward")
    assert (change.operation, change.code) == ("DELETE /orders/{id}", "operation-removed")
    assert not changes(API, API, sense="none")


def message(
    payload: dict[str, Any], name: str = "Placed", address: str = "orders"
) -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "channels": {"c": {"address": address, "messages": {name: {"payload": payload}}}},
    }


def message_2(payload: dict[str, Any], name: str = "Placed") -> dict[str, Any]:
    return {
        "asyncapi": "2.6.0",
        "channels": {"orders": {"publish": {"message": {"name": name, "payload": payload}}}},
    }


STATE = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "state": {"enum": ["a", "b"]}}}  # fmt: skip
MORE = edited(STATE, (("required",), ["id", "state"]))
WIDER = edited(STATE, (("properties", "state", "enum"), ["a", "b", "c"]))


@pytest.mark.parametrize("wrap", [message, message_2], ids=["3.0", "2.6"])
@pytest.mark.parametrize(
    ("old", "new", "sense", "codes"),
    [
        (STATE, MORE, "backward", {"property-required"}),
        (STATE, MORE, "forward", set()),
        (MORE, STATE, "backward", set()),
        (MORE, STATE, "forward", {"property-required"}),
        (STATE, WIDER, "backward", set()),
        (STATE, WIDER, "forward", {"enum-narrowed"}),
        (WIDER, STATE, "full", {"enum-narrowed"}),
        (STATE, MORE, "none", set()),
    ],
)
def test_messages_are_compared_in_the_sense_that_is_promised(
    wrap: Any, old: Any, new: Any, sense: str, codes: set[str]
):
    assert {c.code for c in changes(wrap(old), wrap(new), "asyncapi", sense)} == codes


def test_channels_and_messages_that_are_gone():
    old = message(STATE)
    assert {c.code for c in changes(old, message(STATE, address="o2"), "asyncapi")} == {
        "channel-moved"
    }
    gone = {"asyncapi": "3.0.0", "channels": {}}
    assert {c.code for c in changes(old, gone, "asyncapi")} == {"channel-removed"}
    two = edited(old, (("channels", "c", "messages", "Lost"), {"payload": STATE}))
    assert {c.code for c in changes(two, old, "asyncapi")} == {"message-removed"}
    avro = message({"schemaFormat": "application/vnd.apache.avro;version=1.9.0", "schema": {"type": "record"}})  # fmt: skip
    other = message({"schemaFormat": "application/vnd.apache.avro;version=1.9.0", "schema": {"type": "string"}})  # fmt: skip
    assert {(c.code, c.level) for c in changes(avro, other, "asyncapi")} == {
        ("not-compared", "risky")
    }


PROTO = """
syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
option go_package = "shop/v1";
// An order.
message Order {
  option deprecated = false;
  string id = 1;
  int64 cents = 2 [json_name = "amount"];
  repeated string notes = 3;
  State state = 4;
  oneof how { string card = 5; string cash = 6; }
  map<string, int32> counts = 7;
  reserved 8, 10 to 12; reserved "old", "older";
  message Line { string sku = 1; }
  Line line = 9;
  optional bool gift = 13;
  Other other = 14;
}
message Other { google.protobuf.Timestamp at = 1; }
message CreateRequest { Order order = 1; }
enum State { STATE_UNSPECIFIED = 0; NEW = 1; PAID = 2; }
service Orders {
  option (x.y) = { a: "b" };
  rpc Create(CreateRequest) returns (Order) { option (google.api.http) = { post: "/v1" }; }
  rpc Watch(CreateRequest) returns (stream Order);
}
"""
PROTO_CASES: list[tuple[str, str, str, set[tuple[str, str]]]] = [
    ("nothing", "", "", set()),
    ("a field added", "Line line = 9;", "Line line = 9; string more = 20;", set()),
    ("a field removed", "string id = 1;", "", {("field-removed", "breaking")}),
    ("a field removed and reserved", "string id = 1;", "reserved 1;", {("field-removed", "risky")}),
    ("a type changed", "int64 cents", "string cents", {("field-type-changed", "breaking")}),
    ("a type alike on the wire", "int64 cents", "int32 cents", {("field-type-changed", "risky")}),
    ("a type alike in JSON", "int64 cents", "uint64 cents", set()),
    ("an enum as a number", "State state", "int32 state", {("field-type-changed", "risky")}),
    ("another message", "Other other", "Line other", {("field-type-changed", "breaking")}),
    ("a field renamed", "string id = 1", "string ident = 1", {("field-renamed", "risky")}),
    ("a JSON name", 'json_name = "amount"', 'json_name = "sum"', {("field-renamed", "risky")}),
    ("a field renumbered", "string id = 1", "string id = 21", {("field-renumbered", "breaking")}),
    ("single", "repeated string notes", "string notes", {("field-cardinality-changed", "breaking")}),
    ("out of a oneof", "oneof how { string card = 5; string cash = 6; }", "string card = 5; oneof how { string cash = 6; }", {("field-oneof-changed", "breaking")}),
    ("into a oneof alone", "optional bool gift = 13;", "oneof maybe { bool gift = 13; }", {("field-oneof-changed", "risky")}),
    ("a number reused", "reserved 8, 10 to 12;", "reserved 10 to 12; string new = 8;", {("field-number-reused", "breaking"), ("reserved-removed", "risky")}),
    ("a name given back", '"old", "older"', '"older"', {("reserved-removed", "risky")}),
    ("a value removed", "PAID = 2;", "", {("enum-value-removed", "breaking")}),
    ("a value removed and its number reserved", "PAID = 2;", "reserved 2;", {("enum-value-removed", "risky")}),
    ("a value removed and reserved", "PAID = 2;", 'reserved 2; reserved "PAID";', set()),
    ("a value renamed", "PAID = 2;", "PAYED = 2;", {("enum-value-renamed", "risky")}),
    ("a value renumbered", "PAID = 2;", "PAID = 3;", {("enum-value-removed", "breaking")}),
    ("a method removed", "rpc Watch(CreateRequest) returns (stream Order);", "", {("method-removed", "breaking")}),
    ("another answer", "returns (Order)", "returns (Other)", {("method-type-changed", "breaking")}),
    ("no stream any more", "(stream Order)", "(Order)", {("method-streaming-changed", "breaking")}),
    ("a service renamed", "service Orders", "service Bookings", {("service-removed", "breaking")}),
    ("a package renamed", "package shop.v1", "package shop.v2", {("package-changed", "breaking")}),
    ("a message removed", "message Other { google.protobuf.Timestamp at = 1; }", "", {("message-type-removed", "breaking")}),
    ("an enum removed", "enum State { STATE_UNSPECIFIED = 0; NEW = 1; PAID = 2; }", "", {("enum-removed", "breaking")}),
    ("a type with its package", "Other other", "shop.v1.Other other", set()),
    ("a map's value", "map<string, int32>", "map<string, string>", {("field-type-changed", "breaking")}),
    ("proto2", 'syntax = "proto3"', 'syntax = "proto2"', {("syntax-changed", "risky")}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "what", "by", "expected"), PROTO_CASES, ids=[c[0] for c in PROTO_CASES]
)
def test_changes_of_a_protobuf_contract(
    name: str, what: str, by: str, expected: set[tuple[str, str]]
):
    assert not what or PROTO.count(what) == 1
    new = PROTO.replace(what, by, 1) if what else PROTO
    found = changes(PROTO, new, "protobuf")
    assert {(c.code, c.level) for c in found} == expected, found
    assert all(c.line for c in found)


def test_a_required_field_of_proto2():
    old = 'syntax = "proto2"; message M { optional string a = 1; }'
    new = 'syntax = "proto2"; message M { required string a = 1; required string b = 2; }'
    assert [c.code for c in changes(old, new, "protobuf")] == ["field-cardinality-changed"] * 2


def test_every_code_is_seen_in_a_test():
    seen = {code for _, edits, expected in CASES for _, code, _ in expected}
    seen |= {code for *_, expected in PROTO_CASES for code, _ in expected}
    seen |= {"channel-moved", "channel-removed", "message-removed"}
    assert seen == set(CODES)


@pytest.mark.parametrize(
    ("text", "type_", "problem"),
    [
        ("a: b: c", "openapi", "line 1"),
        ("swagger: '2.0'", "openapi", "Swagger 2"),
        ("{}", "asyncapi", "no `asyncapi"),
        ("[]", "openapi", "no mapping"),
        ("message {", "protobuf", "line 1"),
        ("message A { string a = x; }", "protobuf", "a number"),
        ("message A " + "{ message B " * 200, "protobuf", "nested too deep"),
        ("\x00", "protobuf", "means nothing"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, type_: Any, problem: str):
    assert problem in comparing.read(text, type_).problem


def exploding(leaf: str) -> dict[str, Any]:
    """Twelve levels of six forms, each of which refers to all forms of the next level."""
    schemas: dict[str, Any] = {"S12F0": {"type": leaf}}
    for level in range(12):
        forms = [
            {"$ref": f"#/components/schemas/S{level + 1}F{i}"}
            for i in range(6 if level < 11 else 1)
        ]
        for i in range(6):
            schemas[f"S{level}F{i}"] = {
                "type": "object",
                "required": [f"p{i}"],
                "properties": {f"p{i}": {"oneOf": forms}},
            }
    return {**message({"$ref": "#/components/schemas/S0F0"}), "components": {"schemas": schemas}}


def test_a_schema_made_to_explode_is_compared_all_the_same():
    found = changes(exploding("string"), exploding("integer"), "asyncapi")
    assert "type-changed" in {change.code for change in found}


def test_a_chain_of_references_that_is_too_long_is_given_up_and_said():
    schemas = {
        f"S{i}": {"properties": {"next": {"$ref": f"#/components/schemas/S{i + 1}"}}}
        for i in range(3000)
    }
    old = {**message({"$ref": "#/components/schemas/S0"}), "components": {"schemas": schemas}}
    same = json.loads(json.dumps(old))
    assert not changes(old, same, "asyncapi")
    new = edited(old, (("components", "schemas", "S2999", "type"), "string"))
    (change,) = changes(old, new, "asyncapi")
    assert change.code == "not-compared"


BUF_RULES = """
version: v2
breaking:
  use: [WIRE_JSON, RPC_NO_DELETE, SERVICE_NO_DELETE, MESSAGE_NO_DELETE, ENUM_NO_DELETE,
        RPC_SAME_REQUEST_TYPE, RPC_SAME_RESPONSE_TYPE, PACKAGE_NO_DELETE]
"""


@pytest.mark.parametrize(
    ("name", "what", "by", "expected"), PROTO_CASES, ids=[c[0] for c in PROTO_CASES]
)
def test_buf_finds_something_exactly_where_we_do(
    tmp_path: pathlib.Path, name: str, what: str, by: str, expected: set[tuple[str, str]]
):
    buf = optional.require_tool("buf")
    for folder, text in (("old", PROTO), ("new", PROTO.replace(what, by, 1) if what else PROTO)):
        place = tmp_path / folder / "shop" / "v1"
        place.mkdir(parents=True)
        # Options of others need their files, and have no part in this.
        plain = re.sub(r"option \(x.*?;|\{ option \(google.*?; \}", ";", text)
        (place / "a.proto").write_text(plain)
        (tmp_path / folder / "buf.yaml").write_text(BUF_RULES)
    command = [buf, "breaking", "new", "--against", "old"]
    environment = {**os.environ, "HOME": str(tmp_path)}
    ran = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False
    )
    assert ran.returncode in {0, 100}, ran.stderr
    assert bool(ran.stdout) == bool(expected), ran.stdout
