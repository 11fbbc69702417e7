"""Linkerd's own resources as JSON schemas: no package carries them, so these are written by hand.

After the CRDs of Linkerd's chart `linkerd-crds`, every field that they know and no other:
https://github.com/linkerd/linkerd2/tree/main/charts/linkerd-crds/templates (read 2026-11-22).
"""

from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 253}
_GROUP: Schema = {
    "type": "string",
    "maxLength": 253,
    "pattern": r"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
}
_KIND: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 63,
    "pattern": "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$",
}
_IDENTITY: Schema = {
    "type": "string",
    "pattern": r"^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
}
_DURATION: Schema = {"type": "string", "pattern": "^([0-9.]+(h|m|s|ms|us|ns))+$"}


def _fields(*required: str, **properties: Schema) -> Schema:
    """An object of these fields and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_SELECTOR = _fields(
    matchLabels={"type": "object", "additionalProperties": _TEXT},
    matchExpressions=_list(
        _fields(
            "key",
            "operator",
            key=_TEXT,
            operator={"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
            values=_list(_TEXT),
        )
    ),
)
_NETWORKS = _list(_fields("cidr", cidr=_TEXT, **{"except": _list(_TEXT)}))
_REFERENCE = _fields("kind", "name", group=_GROUP, kind=_KIND, name=_NAME, namespace=_TEXT)

_SERVER: Schema = {
    **_fields(
        "port",
        podSelector=_SELECTOR,
        externalWorkloadSelector=_SELECTOR,
        port={"type": ["integer", "string"]},
        # The words that the policy controller takes.
        # https://linkerd.io/2/reference/authorization-policy/#server
        proxyProtocol={
            "enum": ["unknown", "HTTP/1", "HTTP/2", "gRPC", "opaque", "TLS"],
        },
        accessPolicy={
            "enum": [
                "all-unauthenticated",
                "all-authenticated",
                "cluster-unauthenticated",
                "cluster-authenticated",
                "deny",
                "audit",
            ]
        },
    ),
    "oneOf": [{"required": ["podSelector"]}, {"required": ["externalWorkloadSelector"]}],
}
_AUTHORIZATION = _fields(
    "targetRef",
    "requiredAuthenticationRefs",
    targetRef=_fields("kind", "name", group=_GROUP, kind=_KIND, name=_NAME),
    requiredAuthenticationRefs=_list(_REFERENCE),
)
_MESH_TLS: Schema = {
    **_fields(
        identities=_list(_IDENTITY),
        identityRefs=_list(
            _fields("kind", group=_GROUP, kind=_KIND, name=_NAME, namespace=_TEXT),
        ),
    ),
    "oneOf": [{"required": ["identities"]}, {"required": ["identityRefs"]}],
}
_PROFILE = _fields(
    dstOverrides=_list(_fields(authority=_TEXT, weight={"type": ["integer", "string"]})),
    opaquePorts=_list(_TEXT),
    retryBudget=_fields(
        "minRetriesPerSecond",
        "retryRatio",
        "ttl",
        minRetriesPerSecond={"type": "integer"},
        retryRatio={"type": "number"},
        ttl=_DURATION,
    ),
    routes=_list(
        _fields(
            "condition",
            "name",
            condition=_fields(
                pathRegex=_TEXT,
                method=_TEXT,
                all=_list({"type": "object"}),
                any=_list({"type": "object"}),
                **{"not": _list({"type": "object"})},
            ),
            isRetryable={"type": "boolean"},
            name=_TEXT,
            timeout=_DURATION,
            responseClasses=_list({"type": "object"}),
        )
    ),
)

_METADATA = _fields(
    "name",
    name=_NAME,
    namespace=_TEXT,
    labels={"type": "object", "additionalProperties": _TEXT},
    annotations={"type": "object", "additionalProperties": _TEXT},
)

_SPECS: dict[str, Schema] = {
    "policy.linkerd.io/v1beta3/Server": _SERVER,
    "policy.linkerd.io/v1alpha1/AuthorizationPolicy": _AUTHORIZATION,
    "policy.linkerd.io/v1alpha1/MeshTLSAuthentication": _MESH_TLS,
    "policy.linkerd.io/v1alpha1/NetworkAuthentication": _fields("networks", networks=_NETWORKS),
    "policy.linkerd.io/v1alpha1/EgressNetwork": _fields(
        "trafficPolicy", trafficPolicy={"enum": ["Allow", "Deny"]}, networks=_NETWORKS
    ),
    "linkerd.io/v1alpha2/ServiceProfile": _PROFILE,
}

# By ``apiVersion/kind``: the whole resource.
SCHEMAS: dict[str, Schema] = {
    name: _fields(
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        apiVersion=_TEXT,
        kind=_TEXT,
        metadata=_METADATA,
        spec=spec,
    )
    for name, spec in _SPECS.items()
}
