"""What a service runs and how: image, build, command, health, restart, user and privileges. Called
by `services`.
"""

from typing import Any

from telford.intake.compose import hiding, nodes, paths, shapes
from telford.intake.compose.desk import Desk
from telford.intake.compose.nodes import Leaf, Node, Row, Table

_RESTARTS = {
    "no": "Never",
    "always": "Always",
    "unless-stopped": "Always",
    "on-failure": "OnFailure",
}
_CONDITIONS = {"none": "Never", "on-failure": "OnFailure", "any": "Always"}
_PULLS = {
    "always": "Always",
    "never": "Never",
    "missing": "IfNotPresent",
    "if_not_present": "IfNotPresent",
}
_TIMES = {"interval": "every", "timeout": "timeout", "start_period": "delay"}
STOPPED = "a container that somebody stopped stays stopped: no field says that"
GRACE = "as the wait before the first check"
NUMBER_OF_TRIES = "how often is not said: no field does for what runs on"


def image(desk: Desk, node: Node) -> None:
    """``image``."""
    text = nodes.text(node)
    if not text:
        desk.refuse(("image",), node, "it is no name of an image")
    else:
        desk.fit(("image",), node, image=desk.clear(text))


def build(desk: Desk, node: Node) -> None:
    """``build``: what a field says; the rest is carried."""
    for key, item in nodes.table(node).items():
        path = ("build", key)
        text = nodes.text(item)
        if key == "context" and text:
            desk.fit(path, item, build={"context": _context(desk, item, desk.clear(text))})
        elif key in ("dockerfile", "target") and text:
            desk.fit(path, item, build={key: text})
        elif key in ("context", "dockerfile", "target"):
            desk.refuse(path, item, "it must be a text")
        elif key == "args" and isinstance(item, Table):
            _arguments(desk, item)
        elif isinstance(item, Leaf) and item.value is None:
            desk.drop(item, "null: the same as not written")
        else:
            desk.keep(path, item)
    if not nodes.table(node):
        desk.keep(("build",), node)


def _context(desk: Desk, node: Node, text: str) -> str:
    """The folder from the root of what is imported; as it stands where it lies elsewhere."""
    if paths.refused(text) or text.startswith("/"):
        return text
    folder = desk.project.loader.folders.get(node.origin.file, "")
    return paths.joined(folder, text) or "."


def _arguments(desk: Desk, table: Table) -> None:
    for name, item in table.items.items():
        value = nodes.written(item)
        if not isinstance(item, Leaf):
            desk.refuse(("build", "args", name), item, "it must be a text")
        elif value is None:
            desk.keep(("build", "args", name), item)
        elif desk.clear(value) != value or hiding.secret(name, value):
            desk.hide(item, name)
        else:
            desk.fit(("build", "args", name), item, build={"args": {name: value}})


def command(desk: Desk, node: Node) -> None:
    """``command``: the arguments; ``entrypoint`` is what runs."""
    _words(desk, node, "command", "args")


def entrypoint(desk: Desk, node: Node) -> None:
    """``entrypoint``."""
    _words(desk, node, "entrypoint", "command")


def _words(desk: Desk, node: Node, key: str, field: str) -> None:
    found: list[str]
    if isinstance(node, Row):
        listed = [nodes.written(item) for item in node.items]
        found = [item for item in listed if item is not None]
        if len(found) != len(listed):
            desk.refuse((key,), node, "its items must be texts")
            return
    else:
        text = nodes.text(node)
        split = shapes.words(text) if text is not None else None
        if split is None:
            desk.refuse((key,), node, "it must be a text with closed quotes, or a list of texts")
            return
        found = split
    if found:
        fields: dict[str, Any] = {field: _cleared(desk, found)}
        desk.fit((key,), node, "", **fields)
    else:
        desk.keep((key,), node, "it empties what the image says: no field does")


def _cleared(desk: Desk, words: list[str]) -> list[str]:
    """The words without secrets: those that follow an option that names one too."""
    found: list[str] = []
    before = ""
    for word in words:
        joined = desk.clear(f"{before} {word}") if before.startswith("-") else ""
        found.append(
            joined[len(before) + 1 :] if joined.startswith(before + " ") else desk.clear(word)
        )
        before = word if word.startswith("-") and "=" not in word else ""
    return found


def working_directory(desk: Desk, node: Node) -> None:
    """``working_dir``."""
    desk.fit(("working_dir",), node, workingDirectory=nodes.written(node))


def pull(desk: Desk, node: Node) -> None:
    """``pull_policy``."""
    found = _PULLS.get(nodes.text(node) or "")
    if found is None:
        desk.keep(("pull_policy",), node)
    else:
        desk.fit(("pull_policy",), node, pull=found)


def restart(desk: Desk, node: Node) -> None:
    """``restart``, with ``on-failure:3``."""
    name, _, tries = (nodes.text(node) or "").partition(":")
    found = _RESTARTS.get(name)
    if found is None or (tries and not tries.isdigit()):
        desk.refuse(("restart",), node, "it must be no, always, on-failure or unless-stopped")
        return
    reason = STOPPED if name == "unless-stopped" else NUMBER_OF_TRIES if tries else ""
    desk.fit(("restart",), node, reason, restart=found)


def restart_policy(desk: Desk, node: Node) -> None:
    """``deploy.restart_policy``; it goes before `restart`."""
    for key, item in nodes.table(node).items():
        path = ("deploy", "restart_policy", key)
        found = _CONDITIONS.get(nodes.text(item) or "") if key == "condition" else None
        if found is not None:
            desk.fit(path, item, restart=found)
        else:
            desk.keep(path, item)


def stop(desk: Desk, node: Node) -> None:
    """``stop_grace_period``."""
    found = shapes.duration(nodes.written(node) or "")
    if found is None:
        desk.refuse(("stop_grace_period",), node, "it is no duration such as 1m30s")
    else:
        desk.fit(("stop_grace_period",), node, stop=found)


def health(desk: Desk, node: Node) -> None:
    """``healthcheck``: when a replica is ready, for that is what others wait for."""
    items = dict(nodes.table(node))
    test = items.pop("test", None)
    command = _test(test) if test is not None else None
    off = nodes.flag(items.get("disable")) is True
    if command is None or test is None or off:
        path = ("healthcheck",)
        why = "it only changes or switches off the check that the image brings"
        if test is not None and not off and _test_words(test) != ["NONE"]:
            desk.refuse(path, node, "`test` must be a text, or a list that begins with CMD")
        else:
            desk.keep(path, node, why)
        return
    words = _cleared(desk, command)
    if not desk.fit(("healthcheck", "test"), test, health={"ready": {"command": words}}):
        return
    for key, item in items.items():
        _timing(desk, key, item)


def _timing(desk: Desk, key: str, item: Node) -> None:
    path = ("healthcheck", key)
    found: Any = None
    if key in _TIMES:
        found = shapes.duration(nodes.written(item) or "")
    elif key == "retries":
        found = nodes.whole(item)
    elif key == "disable" and nodes.flag(item) is False:
        desk.drop(item, "false: the same as not written")
        return
    if key not in (*_TIMES, "retries"):
        desk.keep(path, item)
    elif found is None:
        desk.refuse(path, item, "it is no duration such as 1m30s, or no number")
    else:
        check = {**desk.run["health"]["ready"], _TIMES.get(key, "failures"): found}
        reason = GRACE if key == "start_period" else ""
        desk.fit(path, item, reason, health={"ready": check})


def _test_words(test: Node) -> list[str]:
    return [nodes.written(item) or "" for item in nodes.row(test)]


def _test(test: Node) -> list[str] | None:
    """The command of a check; None where it is none."""
    text = nodes.text(test)
    if text:
        return ["/bin/sh", "-c", text]
    words = _test_words(test)
    if words[:1] == ["CMD"] and len(words) > 1:
        return words[1:]
    if words[:1] == ["CMD-SHELL"] and len(words) > 1:
        return ["/bin/sh", "-c", " ".join(words[1:])]
    return None


def before_stop(desk: Desk, node: Node) -> None:
    """``pre_stop``: one command; several, or one with settings of its own, are carried."""
    hooks = nodes.row(node)
    command = nodes.table(hooks[0]).get("command") if len(hooks) == 1 else None
    alone = len(hooks) == 1 and nodes.table(hooks[0]).keys() == {"command"}
    text = nodes.text(command)
    words = [nodes.written(item) or "" for item in nodes.row(command)] if command else []
    found = (shapes.words(text) or []) if text is not None else words
    if alone and found:
        desk.fit(("pre_stop",), node, beforeStop={"command": _cleared(desk, found)})
    else:
        desk.keep(("pre_stop",), node)


def user(desk: Desk, node: Node) -> None:
    """``user``: numbers and root; the number behind another name is in the image."""
    name, _, group = (nodes.written(node) or "").partition(":")
    identity: dict[str, int] = {}
    for field, text in (("runAsUser", name), ("runAsGroup", group)):
        if text == "root":
            identity[field] = 0
        elif text.isascii() and text.isdigit() and len(text) < 11:
            identity[field] = int(text)
        elif text:
            desk.keep(("user",), node, "the number behind the name is in the image")
            return
    if identity:
        desk.fit(("user",), node, security=identity)
    else:
        desk.refuse(("user",), node, "it names no user")


def capabilities(desk: Desk, node: Node, key: str) -> None:
    """``cap_add`` and ``cap_drop``."""
    listed = [nodes.text(item) for item in nodes.row(node)]
    names = [item.upper() for item in listed if item]
    if len(names) != len(listed) or not names:
        desk.refuse((key,), node, "it must be a list of capabilities")
        return
    field = "addCapabilities" if key == "cap_add" else "dropCapabilities"
    desk.fit((key,), node, security={field: names})


def flag(desk: Desk, node: Node, key: str, field: str) -> None:
    """``privileged`` and ``read_only``."""
    found = nodes.flag(node)
    if found is None:
        desk.refuse((key,), node, "it must be true or false")
    else:
        desk.fit((key,), node, security={field: found})


def security(desk: Desk, node: Node) -> None:
    """``security_opt``."""
    for item in nodes.row(node):
        text = (nodes.text(item) or "").replace("=", ":")
        if text in ("no-new-privileges", "no-new-privileges:true"):
            desk.fit(("security_opt",), item, security={"allowPrivilegeEscalation": False})
        elif text == "seccomp:unconfined":
            desk.fit(("security_opt",), item, security={"seccomp": "Unconfined"})
        else:
            desk.keep_item(("security_opt",), item)
            if not text:
                desk.complain(("security_opt",), item, "it must be a text")
    if not nodes.row(node):
        desk.keep(("security_opt",), node)
