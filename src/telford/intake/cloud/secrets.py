"""What is a secret that is written out, so that it never enters an estate, a report or a message.

Called by `telford.intake.cloud.meaning` and `telford.intake.cloud.accounting`. Where it is wrong,
it is wrong on the safe side: a setting that only looks like a secret is named and left out.
"""

import re
from collections.abc import Iterator

from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Scalar
from telford.basics.yamltext import Sequence as Items
from telford.intake.cloud import tree
from telford.intake.cloud.tree import Path

# The last words of a key whose value, written out, is a secret: `master_password`, `SecretString`,
# `DB_PASSWORD`; not `secret_arn` or `token_ttl`.
_SECRET = re.compile(
    r"(password|passwd|secret|secret_?string|secret_?data|secret_?value|auth_?token|api_?token"
    r"|access_?token|api_?key|private_?key(_pem)?|secret_?key|access_?key|connection_?string"
    r"|primary_?key|shared_?key|credentials|token)$",
    re.IGNORECASE,
)
# Whatever stands below these is the secret itself.
_HOLDER = re.compile(r"secret_?(string|data|value|binary)", re.IGNORECASE)
# `password = "hunter2"` inside of a text; not a reference, and not an empty one.
_WRITTEN = re.compile(
    r"(?:password|passwd|secret|secret_?key|token|api_?key|access_?key|private_?key)"
    r"""["']?\s{0,8}[=:]\s{0,8}["'][^"'$\s{][^"'$]""",
    re.IGNORECASE,
)
# The same in a script or an environment file, without quotes.
_ASSIGNED = re.compile(
    r"(?:password|passwd|secret|token|api_?key|access_?key|private_?key)="
    r"""[^\s"'$<{(\[;&|]{3}""",
    re.IGNORECASE,
)
# A reference that CloudFormation resolves by itself is no secret, and neither is one to a resource.
_RESOLVED = "{{resolve:"
_REFERRING = frozenset({"Ref", "Fn::GetAtt", "Fn::ImportValue"})
# A literal text inside of an expression of Terraform.
_QUOTED = re.compile(r"\"[^\"$]{2,}\"")
_KEY_BLOCK = "PRIVATE KEY-----"
# A password in an address.
_URL = re.compile(r"[a-z0-9+.-]{1,30}://[^\s/:@\"'$]{1,200}:[^\s/@\"'${<]{1,200}@", re.IGNORECASE)


def written_out(path: Path, node: Node) -> bool:
    """Whether a leaf is a secret that is written out."""
    names = [step for step in path if isinstance(step, str)]
    last = names[-1] if names else ""
    if last.lower() in ("value", "default") and len(names) > 1:
        last = names[-2]
    called = any(_HOLDER.fullmatch(name) for name in names) or _SECRET.search(last) is not None
    if isinstance(node, tree.Unknown):
        return node.sensitive or _holds_secret(node.raw, called=called)
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value:
        return False
    return (called and not node.value.startswith(_RESOLVED)) or _says_secret(node.value)


def _holds_secret(raw: object, *, called: bool) -> bool:
    """Whether an expression has a secret in it: any literal where its key says that it is one."""
    if isinstance(raw, str):
        mixed = called and (not raw.startswith("${") or _QUOTED.search(raw) is not None)
        return mixed or _says_secret(raw)
    if isinstance(raw, dict) and len(raw) == 1:
        ((name, argument),) = raw.items()
        literal = called and name not in _REFERRING and _RESOLVED not in str(argument)
        return literal or _says_secret(str(argument))
    return False


def setting(name: str, value: str) -> bool:
    """Whether a setting of that name and value is a secret."""
    return bool(value) and (named(name) or _says_secret(value))


def named(name: str) -> bool:
    """Whether a setting's name says that it is a secret."""
    return _SECRET.search(name) is not None


def _says_secret(text: str) -> bool:
    """Whether a longer text (an expression, a policy, a script) has a secret written into it."""
    patterns = (_WRITTEN, _ASSIGNED, _URL)
    return any(one.search(text) for one in patterns) or _KEY_BLOCK in text


def in_pairs(node: Node, path: Path = ()) -> Iterator[Path]:
    """Values of pairs whose name says that they are secrets: ``{name: DB_PASSWORD, value: ...}``."""
    if isinstance(node, tree.Encoded):
        yield from in_pairs(node.inner, path)
    elif isinstance(node, MappingNode):
        yield from _secret_pair(node, path)
        for key, item in node.values.items():
            yield from in_pairs(item, (*path, key))
    elif isinstance(node, Items):
        for index, item in enumerate(node.items):
            yield from in_pairs(item, (*path, index))


def _secret_pair(node: MappingNode, path: Path) -> Iterator[Path]:
    for name_key, value_key in (("name", "value"), ("Name", "Value"), ("Key", "Value")):
        name, value = node.values.get(name_key), node.values.get(value_key)
        if not isinstance(name, Scalar) or not isinstance(value, Scalar):
            continue
        if isinstance(value.value, str) and value.value and _SECRET.search(name.text):
            yield (*path, value_key)
