"""An API server for tests, in this process and on loopback: what Telford and kubectl ask of one.

Discovery the aggregated and the old way; get, list (pages, label and field selectors, one moment
for all pages, metadata only), watch with bookmarks; create, update, patch, server-side apply with
owners and conflicts, delete; rights; and anything that can go wrong: 409, 410, 429, 500, silence.
What it answers follows https://kubernetes.io/docs/reference/using-api/api-concepts/ and
https://kubernetes.io/docs/reference/using-api/server-side-apply/; `test_api_server.py` drives it
with kubectl. What it does not have: admission, finalizers, protobuf, OpenAPI, other API versions
of a kind.
"""

import base64
import contextlib
import dataclasses
import http.server
import json
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import quick_yaml as yaml
from backends.kubernetes import api_patches, api_schema
from backends.kubernetes.api_schema import Kind
from backends.kubernetes.api_store import Object, Refused, Store, Writing

_PATH = re.compile(
    r"^/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]+))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>status|scale|eviction))?)?$"
)
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclasses.dataclass
class Fault:
    """What goes wrong: for requests whose path and query match, `times` times (-1: for ever)."""

    match: str
    status: int = 0
    times: int = 1
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    delay_seconds: float = 0.0
    reason: str = "InternalError"
    body: bytes | None = None
    # Between two bytes of the answer.
    trickle_seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    accept: str
    headers: Mapping[str, str]


class ApiServer:
    """`with ApiServer() as server:` serves at `server.url` until the end of the block."""

    def __init__(
        self,
        *,
        kinds: tuple[Kind, ...] = api_schema.KINDS,
        aggregated: bool = True,
        fill_defaults: bool = True,
        token: str = "",
    ) -> None:
        self.kinds = list(kinds)
        self.aggregated = aggregated
        self.token = token
        self.store = Store(fill_defaults=fill_defaults)
        self.faults: list[Fault] = []
        # (verb, plural, namespace): "" in the place of a part is any.
        self.forbidden: list[tuple[str, str, str]] = []
        # Group and version whose own server does not answer.
        self.stale: set[str] = set()
        self.asked: list[Asked] = []
        # A server sends a bookmark about once a minute; a test has less time.
        self.bookmark_seconds = 0.2
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self._server = _Listening(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.api = self  # type: ignore[attr-defined]
        self.stopped = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "ApiServer":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped = True
        with self.lock:
            self.changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def kubeconfig(self, context: str = "tests", namespace: str = "default") -> str:
        """The text of a kubeconfig for this server."""
        user = {"token": self.token} if self.token else {}
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": context,
                "clusters": [{"name": "here", "cluster": {"server": self.url}}],
                "users": [{"name": "me", "user": user}],
                "contexts": [
                    {
                        "name": context,
                        "context": {"cluster": "here", "user": "me", "namespace": namespace},
                    }
                ],
            }
        )

    def kind(self, api_version: str, name: str) -> Kind:
        return next(k for k in self.kinds if (k.api_version, k.kind) == (api_version, name))

    def kind_of(self, item: Object) -> Kind:
        return self.kind(item["apiVersion"], item["kind"])

    def apply(self, item: Object, manager: str = "telford", *, force: bool = True) -> Object:
        """Server-side apply, as a client would."""
        kind = self.kind_of(item)
        namespace = item["metadata"].get("namespace", "default")
        with self.changed:
            made = self.store.apply(kind, namespace, item, Writing(manager, force))
            self.changed.notify_all()
            return made

    def create(self, item: Object, manager: str = "kubectl-create") -> Object:
        """POST, as a client would."""
        kind = self.kind_of(item)
        namespace = item["metadata"].get("namespace", "default")
        with self.changed:
            made = self.store.create(kind, namespace, item, Writing(manager))
            self.changed.notify_all()
            return made

    def update(self, item: Object, manager: str, subresource: str = "") -> Object:
        """PUT of a changed copy, as a controller or `kubectl edit` would."""
        kind = self.kind_of(item)
        namespace = item["metadata"].get("namespace", "default")
        with self.changed:
            made = self.store.update(
                kind, namespace, item, Writing(manager, subresource=subresource)
            )
            self.changed.notify_all()
            return made

    def delete(self, item: Object, uid: str = "") -> None:
        """DELETE, as a controller would: nothing where it is gone, or another one by now."""
        about, observed = item["metadata"], {"uid": uid} if uid else {}
        with self.changed, contextlib.suppress(Refused):
            self.store.delete(
                self.kind_of(item), about.get("namespace", "default"), about["name"], observed
            )
            self.changed.notify_all()

    def methods(self) -> set[str]:
        """Which methods were ever asked."""
        return {asked.method for asked in self.asked}


class _Listening(http.server.ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle of a watch is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A page of answers goes out in one write.
    wbufsize = -1

    @property
    def api(self) -> ApiServer:
        return self.server.api  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        accept = self.headers.get("Accept", "")
        self.api.asked.append(Asked(self.command, self.path, accept, dict(self.headers)))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            try:
                if not self._failed():
                    self._answer(body)
            except Refused as refused:
                self._send(refused.code, refused.status)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the library's names

    def _failed(self) -> bool:
        api = self.api
        with api.lock:
            fault = next((f for f in api.faults if f.times and re.search(f.match, self.path)), None)
            if fault is None:
                return False
            fault.times -= 1
        if fault.delay_seconds:
            time.sleep(fault.delay_seconds)
        if fault.status:
            said = Refused(fault.status, fault.reason, "as the test wants it").status
            if fault.trickle_seconds:
                self._trickle(fault)
                return True
            self._raw(fault.status, fault.body or json.dumps(said).encode(), fault.headers)
        return bool(fault.status)

    def _trickle(self, fault: Fault) -> None:
        self.send_response(fault.status)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        while not self.api.stopped:
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(fault.trickle_seconds)

    def _raw(self, code: int, data: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        self.send_header("Content-Type", headers.get("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            if name != "Content-Type":
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def _send(self, code: int, body: Object, content_type: str = "application/json") -> None:
        self._raw(code, json.dumps(body).encode(), {"Content-Type": content_type})

    def _answer(self, body: bytes) -> None:
        api = self.api
        if api.token and self.headers.get("Authorization") != f"Bearer {api.token}":
            raise Refused(401, "Unauthorized", "Unauthorized")
        parts = urlsplit(self.path)
        if self._discovery(parts.path):
            return
        found = _PATH.match(parts.path)
        if found is None:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        request = _Request.of(api, found, parse_qs(parts.query), self)
        if self.command == "GET" and request.name == "" and request.flag("watch"):
            self._watch(request)
            return
        with api.changed:
            code, said = request.answer(self.command, body)
            if self.command != "GET":
                api.changed.notify_all()
        self._send(code, said)

    def _discovery(self, path: str) -> bool:
        api = self.api
        if path in ("/api", "/apis"):
            core = path == "/api"
            if api.aggregated and "as=APIGroupDiscoveryList" in self.headers.get("Accept", ""):
                self._send(200, _aggregated(api, core=core), AGGREGATED)
            else:
                self._send(200, _versions(api) if core else _groups(api))
        elif path == "/version":
            version = {"major": "1", "minor": "34", "gitVersion": "v1.34.0"}
            self._send(200, version)
        elif re.fullmatch(r"/api/v1|/apis/[^/]+/[^/]+", path):
            name = path.removeprefix("/apis/").removeprefix("/api/")
            if name in api.stale:
                raise Refused(503, "ServiceUnavailable", "service unavailable")
            self._send(200, _resources(api, name))
        else:
            return False
        return True

    def _watch(self, request: "_Request") -> None:
        """Events as they come, with bookmarks where they are asked for, until the time is up."""
        api = self.api
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        end = time.monotonic() + float(request.one("timeoutSeconds") or 5)
        version = int(request.one("resourceVersion") or 0)
        bookmark = time.monotonic() + api.bookmark_seconds
        while time.monotonic() < end and not api.stopped:
            with api.changed:
                try:
                    events = list(api.store.since(version, request.kind, request.namespace))
                except Refused as refused:
                    self._chunk({"type": "ERROR", "object": refused.status})
                    break
                seen = api.store.version
                if not events:
                    api.changed.wait(0.05)
            for event in events:
                if request.selects(event.object):
                    self._chunk({"type": event.type, "object": request.shown(event.object)})
            version = max(version, seen if events else version)
            if request.flag("allowWatchBookmarks") and time.monotonic() >= bookmark:
                about = {"resourceVersion": str(max(version, seen))}
                kind = {"apiVersion": request.kind.api_version, "kind": request.kind.kind}
                self._chunk({"type": "BOOKMARK", "object": {**kind, "metadata": about}})
                bookmark = time.monotonic() + api.bookmark_seconds
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _chunk(self, said: Object) -> None:
        data = json.dumps(said).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


@dataclasses.dataclass
class _Request:
    """One request about objects of one kind."""

    api: ApiServer
    kind: Kind
    namespace: str
    name: str
    subresource: str
    query: dict[str, list[str]]
    accept: str
    content_type: str
    agent: str

    @staticmethod
    def of(
        api: ApiServer, found: re.Match[str], query: dict[str, list[str]], handler: _Handler
    ) -> "_Request":
        version = found["core"] or f"{found['group']}/{found['version']}"
        if version in api.stale:
            raise Refused(503, "ServiceUnavailable", "service unavailable")
        plural = found["plural"]
        known = (k for k in api.kinds if k.api_version == version and k.plural == plural)
        kind = next(known, None)
        if kind is None:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        # kubectl's own agent is ``kubectl/v1.33``: the part before the slash is the manager.
        agent = handler.headers.get("User-Agent", "").partition("/")[0]
        return _Request(
            api,
            kind,
            unquote(found["namespace"] or ""),
            unquote(found["name"] or ""),
            found["sub"] or "",
            query,
            handler.headers.get("Accept", ""),
            handler.headers.get("Content-Type", "").partition(";")[0],
            agent,
        )

    def one(self, name: str) -> str:
        return self.query.get(name, [""])[0]

    def flag(self, name: str) -> bool:
        return self.one(name) in ("1", "true")

    def answer(self, method: str, body: bytes) -> tuple[int, Object]:
        self._allow(method)
        if method == "GET":
            return 200, self._get() if self.name else self._list()
        if method == "DELETE":
            options = _loaded(body) if body else {}
            return 200, self._delete(options.get("preconditions") or {})
        if "protobuf" in self.content_type:
            raise Refused(415, "UnsupportedMediaType", "the body of the request was in protobuf")
        item = _loaded(body)
        if method == "POST" and self.subresource == "eviction":
            return 201, self._evict(item)
        if method == "POST":
            return 201, self.api.store.create(self.kind, self.namespace, item, self._writing())
        if method == "PUT":
            return 200, self.api.store.update(self.kind, self.namespace, item, self._writing())
        return self._patch(item)

    def _delete(self, preconditions: Mapping[str, str]) -> Object:
        return self.api.store.delete(self.kind, self.namespace, self.name, preconditions)

    def _evict(self, said: Object) -> Object:
        """https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/"""
        pod = self.api.store.find(self.kind, self.namespace, self.name)
        for budget in self.api.store.all(
            self.api.kind("policy/v1", "PodDisruptionBudget"), self.namespace
        ):
            chosen = budget["spec"]["selector"].get("matchLabels", {})
            covers = chosen.items() <= (pod["metadata"].get("labels") or {}).items()
            if covers and budget.get("status", {}).get("disruptionsAllowed", 1) < 1:
                why = "The disruption budget needs more healthy pods"
                cause = {"reason": "DisruptionBudget", "message": why}
                raise Refused(
                    429, "TooManyRequests",
                    "Cannot evict pod as it would violate the pod's disruption budget.",
                    {"causes": [cause]},
                )  # fmt: skip
        self._delete((said.get("deleteOptions") or {}).get("preconditions") or {})
        return {"kind": "Status", "apiVersion": "v1", "status": "Success", "code": 201}

    def _allow(self, method: str) -> None:
        verb = {"GET": "get" if self.name else "list", "POST": "create", "PUT": "update"}.get(
            method, method.lower()
        )
        asked = (verb, self.kind.plural, self.namespace)
        for rule in self.api.forbidden:
            if all(part in ("", have) for part, have in zip(rule, asked, strict=True)):
                where = f' in the namespace "{self.namespace}"' if self.namespace else ""
                raise Refused(
                    403, "Forbidden",
                    f'{self.kind.plural} is forbidden: User "tests" cannot {verb} resource '
                    f'"{self.kind.plural}" in API group "{self.kind.group}"{where}',
                )  # fmt: skip

    def _writing(self) -> Writing:
        return Writing(
            self.one("fieldManager") or self.agent or "unknown",
            self.flag("force"),
            self.subresource,
            bool(self.one("dryRun")),
        )

    def _get(self) -> Object:
        item = self.api.store.find(self.kind, self.namespace, self.name)
        if self.subresource == "scale":
            return _scale(item)
        return self.shown(item)

    def shown(self, item: Object) -> Object:
        """The object in the form that was asked for."""
        if "as=PartialObjectMetadata" not in self.accept:
            return item
        return {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": item["metadata"],
        }

    def selects(self, item: Object) -> bool:
        return _labelled(self.one("labelSelector"), item["metadata"].get("labels") or {}) and (
            _fielded(self.one("fieldSelector"), item)
        )

    def _list(self) -> Object:
        store = self.api.store
        limit = int(self.one("limit") or 0)
        start, version = 0, store.version
        if token := self.one("continue"):
            version, start = json.loads(base64.urlsafe_b64decode(token))
            if version < store.compacted:
                raise Refused(
                    410, "Expired",
                    "The provided continue parameter is too old to display a consistent list result."
                    " You can start a new list without the continue parameter.",
                )  # fmt: skip
        every = store.all(self.kind, self.namespace, None if version == store.version else version)
        chosen = [item for item in every if self.selects(item)]
        page = chosen[start : start + limit] if limit else chosen[start:]
        about: Object = {"resourceVersion": str(version)}
        if start + len(page) < len(chosen):
            token_text = json.dumps([version, start + len(page)]).encode()
            about["continue"] = base64.urlsafe_b64encode(token_text).decode()
            if not self.one("labelSelector") and not self.one("fieldSelector"):
                about["remainingItemCount"] = len(chosen) - start - len(page)
        return self._as_list([self.shown(item) for item in page], about)

    def _as_list(self, items: list[Object], about: Object) -> Object:
        if "as=PartialObjectMetadataList" in self.accept:
            head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
            return {**head, "metadata": about, "items": items}
        # Items of a list do not say their kind.
        bare = [{k: v for k, v in i.items() if k not in ("kind", "apiVersion")} for i in items]
        head = {"kind": f"{self.kind.kind}List", "apiVersion": self.kind.api_version}
        return {**head, "metadata": about, "items": bare}

    def _patch(self, patch: Any) -> tuple[int, Object]:
        store = self.api.store
        if self.content_type == "application/apply-patch+yaml":
            there = store.key(self.kind, self.namespace, self.name) in store.objects
            if not self.one("fieldManager"):
                raise Refused(400, "BadRequest", "fieldManager is required for apply patch")
            made = store.apply(self.kind, self.namespace, patch, self._writing())
            return 200 if there else 201, made
        before = store.find(self.kind, self.namespace, self.name)
        if self.subresource == "scale":
            patch = {"spec": {"replicas": patch["spec"]["replicas"]}}
        after = api_patches.patched(self.content_type, self.kind, before, patch)
        made = store.update(self.kind, self.namespace, after, self._writing())
        return 200, _scale(made) if self.subresource == "scale" else made


def _scale(item: Object) -> Object:
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {k: v for k, v in item["metadata"].items() if k != "managedFields"},
        "spec": {"replicas": item["spec"]["replicas"]},
        "status": {"replicas": item["spec"]["replicas"]},
    }


def _labelled(selector: str, labels: Mapping[str, str]) -> bool:
    """https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api"""
    for part in re.findall(r"[^,(]+(?:\([^)]*\))?", selector):
        one = part.strip()
        if found := re.fullmatch(r"(\S+) (in|notin) \(([^)]*)\)", one):
            inside = labels.get(found[1]) in [v.strip() for v in found[3].split(",")]
            if inside != (found[2] == "in"):
                return False
        elif "!=" in one:
            name, _, value = one.partition("!=")
            if labels.get(name) == value:
                return False
        elif "=" in one:
            name, _, value = one.replace("==", "=").partition("=")
            if labels.get(name) != value:
                return False
        elif one.startswith("!"):
            if one[1:] in labels:
                return False
        elif one and one not in labels:
            return False
    return True


def _fielded(selector: str, item: Object) -> bool:
    for part in filter(None, selector.split(",")):
        name, _, value = part.partition("=")
        found: Any = item
        for step in name.split("."):
            found = found.get(step, "")
        if found != value:
            return False
    return True


def _by_group(api: ApiServer) -> Iterator[tuple[str, str, list[Kind]]]:
    """Group, version and kinds, the core first."""
    for version in sorted({k.api_version for k in api.kinds}):
        kinds = [k for k in api.kinds if k.api_version == version]
        yield kinds[0].group, kinds[0].version, kinds


def _aggregated(api: ApiServer, *, core: bool) -> Object:
    items = []
    for group, version, kinds in _by_group(api):
        if (group == "") == core:
            stale = f"{group}/{version}" in api.stale
            said = {
                "version": version,
                "freshness": "Stale" if stale else "Current",
                "resources": [] if stale else [_discovered(kind) for kind in kinds],
            }
            items.append({"metadata": {"name": group} if group else {}, "versions": [said]})
    head = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2"}
    return {**head, "metadata": {}, "items": items}


def _discovered(kind: Kind) -> Object:
    about = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    return {
        "resource": kind.plural,
        "responseKind": about,
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.kind.lower(),
        "shortNames": [kind.short] if kind.short else [],
        "verbs": list(api_schema.VERBS),
        "subresources": [
            {
                "subresource": name,
                "responseKind": (
                    {"group": "autoscaling", "version": "v1", "kind": "Scale"}
                    if name == "scale"
                    else about
                ),
                "verbs": ["get", "patch", "update"],
            }
            for name in kind.subresources
        ],
    }


def _versions(api: ApiServer) -> Object:
    return {"kind": "APIVersions", "versions": ["v1"]}


def _groups(api: ApiServer) -> Object:
    groups = []
    for group, version, _ in _by_group(api):
        if group:
            named = {"groupVersion": f"{group}/{version}", "version": version}
            groups.append({"name": group, "versions": [named], "preferredVersion": named})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _resources(api: ApiServer, version: str) -> Object:
    kinds = [k for k in api.kinds if k.api_version == version]
    if not kinds:
        raise Refused(404, "NotFound", "the server could not find the requested resource")
    rows: list[Object] = []
    for kind in kinds:
        row = {
            "name": kind.plural,
            "singularName": kind.kind.lower(),
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "shortNames": [kind.short] if kind.short else [],
            "verbs": list(api_schema.VERBS),
        }
        rows.append(row)
        for name in kind.subresources:
            rows.append({**row, "name": f"{kind.plural}/{name}", "verbs": ["get", "patch"]})
            if name == "scale":
                rows[-1] |= {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    head = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version}
    return {**head, "resources": rows}


def _loaded(body: bytes) -> Any:
    """What was sent: JSON nearly always, which is read a hundred times faster than as YAML."""
    try:
        return json.loads(body)
    except ValueError:
        return yaml.safe_load(body)
