"""Contracts: what a version of an OpenAPI, AsyncAPI or protobuf document breaks of the one before.

Called by `telford.rules.agreements` and `telford.app.contracts`. What counts as breaking follows the
lists of oasdiff (https://www.oasdiff.com/docs/breaking-changes), of Buf's categories WIRE and
WIRE_JSON (https://buf.build/docs/breaking/rules/), of the protobuf guide on updating messages
(https://protobuf.dev/programming-guides/proto3/#updating) and the compatibility types of schema
registries (backward, forward, full).
"""
