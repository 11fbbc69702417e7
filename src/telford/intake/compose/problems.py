"""What somebody should look at after an import of compose files, as diagnostics.

Codes: docs/guides/import-compose.md. No diagnostic quotes the input's text, for a line of it may
hold a secret. Called all over this package.
"""

from collections.abc import Sequence

from telford.basics.diagnostics import Diagnostic, Position, Severity

# Named one by one up to here; the report has them all.
MAX_NAMED = 5
WARNING, INFO = Severity.WARNING, Severity.INFO


def not_compose(position: Position, why: str) -> Diagnostic:
    """A file that is none."""
    return Diagnostic(
        "TEL620",
        WARNING,
        f"this is no compose file: {why}; it is left out",
        position=position,
        fix="give it a mapping with `services`, or leave the file out",
    )


def unreadable(position: Position, path: str, why: str) -> Diagnostic:
    """A file that another one names and that cannot be had."""
    return Diagnostic(
        "TEL621",
        WARNING,
        f"{path} is not read because {why}",
        position=position,
        detail="Files outside of what is imported and remote ones are never fetched.",
        fix="import a folder that holds it, or correct the path",
    )


def unnamed(file: str, main: str) -> Diagnostic:
    """A file that compose reads only where it is named."""
    return Diagnostic(
        "TEL622",
        WARNING,
        f"{file} is left out: compose lays it over {main} only where it is named",
        position=Position(file),
        fix=f"name the files in their order to merge them: telford import {main} {file}",
    )


def unset(position: Position, name: str, *, hidden: bool) -> Diagnostic:
    """A variable that nobody sets."""
    detail = "It is a secret by its name: the estate refers to it and never holds it."
    return Diagnostic(
        "TEL623",
        Severity.INFO if hidden else WARNING,
        f"the variable {name} has no value: no `.env` beside the project sets it",
        position=position,
        length=len(name),
        detail=detail if hidden else "Where it is a whole setting, a reference to it is kept.",
        fix=f"see that the place has a secret with the key {name} before a build is applied"
        if hidden
        else f"set {name} in `.env`, or give it a default: ${{{name}:-value}}",
    )


def unknown(position: Position, path: str) -> Diagnostic:
    """A key that the Compose Specification does not have."""
    return Diagnostic(
        "TEL624",
        WARNING,
        f"`{path}` is no key of the Compose Specification",
        position=position,
        detail="It is carried along as it was found.",
        fix="correct the spelling, or begin it with `x-`",
    )


def refused(position: Position, path: str, why: str, address: str = "") -> Diagnostic:
    """A value that means nothing here."""
    return Diagnostic(
        "TEL625",
        WARNING,
        f"`{path}` cannot be a field: {why}",
        address=address,
        position=position,
        detail="It is carried along as it was found.",
        fix="correct the file and import it again",
    )


def cycle(position: Position, what: str, chain: Sequence[str]) -> Diagnostic:
    """Files or services that lead back to themselves."""
    shown = [*chain[:MAX_NAMED], "..."] if len(chain) > MAX_NAMED else chain
    return Diagnostic(
        "TEL626",
        WARNING,
        f"`{what}` leads back to where it began: {' -> '.join(shown)}",
        position=position,
        fix="take one of them out",
    )


def no_such_service(position: Position, name: str, file: str) -> Diagnostic:
    """`extends` of what is not there."""
    return Diagnostic(
        "TEL627",
        WARNING,
        f"{file} has no service `{name}` to extend",
        position=position,
        fix="correct the name, or the file it is looked for in",
    )


def conflict(position: Position, what: str, file: str) -> Diagnostic:
    """An included thing that is there already, and another."""
    return Diagnostic(
        "TEL628",
        WARNING,
        f"{what} is in {file}, which is included, and here too, and they differ",
        position=position,
        detail="Compose refuses this; the one here counts.",
        fix="rename one of them, or move what differs into an override file",
    )


def plain_secrets(
    position: Position, address: str, secret: str, names: Sequence[str]
) -> Diagnostic:
    """Secrets that are written into the file."""
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return Diagnostic(
        "TEL629",
        WARNING,
        f"secrets in plain text are left out: {', '.join(names[:MAX_NAMED])}{more}",
        address=address,
        position=position,
        detail=f"The estate refers to them as keys of the secret `{secret}`.",
        fix="see that the place has a secret of this name, and take them out of the file",
    )


def limit(position: Position, what: str) -> Diagnostic:
    """More than anybody means."""
    return Diagnostic(
        "TEL630",
        WARNING,
        what,
        position=position,
        fix="write fewer, or split what is imported",
    )


def no_target(position: Position, address: str, name: str, key: str) -> Diagnostic:
    """A dependency on a service that is not there."""
    return Diagnostic(
        "TEL631",
        WARNING,
        f"`{key}` names {name}, which is no service of the project",
        address=address,
        position=position,
        fix="correct the name, or import the file that has it too",
    )


def no_image(position: Position, address: str, name: str) -> Diagnostic:
    """A service that cannot run."""
    return Diagnostic(
        "TEL632",
        WARNING,
        f"the service {name} has neither `image` nor `build`",
        address=address,
        position=position,
        fix="give it one, or name the file that it completes as well",
    )


def required(position: Position, name: str) -> Diagnostic:
    """``${NAME:?message}`` without a value."""
    return Diagnostic(
        "TEL633",
        WARNING,
        f"the variable {name} must be set, and nothing sets it: compose would refuse to start",
        position=position,
        fix=f"set {name} in `.env` beside the project",
    )


def template(position: Position, why: str) -> Diagnostic:
    """A value with a `$` that means nothing."""
    return Diagnostic(
        "TEL634",
        WARNING,
        f"the variables of this value cannot be read: {why}",
        position=position,
        detail="It is taken as it stands.",
        fix="write a plain dollar sign as `$$`",
    )


def variables(position: Position, why: str) -> Diagnostic:
    """A line of a file of variables that cannot be read."""
    return Diagnostic(
        "TEL635",
        WARNING,
        f"this line of variables cannot be read: {why}",
        position=position,
        fix="write NAME=VALUE, with quotes around values that have spaces or `#`",
    )


def no_definition(position: Position, address: str, kind: str, name: str) -> Diagnostic:
    """A grant of a secret, config, volume or network that nothing defines."""
    return Diagnostic(
        "TEL636",
        WARNING,
        f"`{kind}` names {name}, which the top-level `{kind}` does not define",
        address=address,
        position=position,
        fix=f"define it under `{kind}`, or correct the name",
    )


def nowhere(position: Position, address: str, host: str, origin: str, others: int) -> Diagnostic:
    """An address that looks like a service and is none."""
    more = f", and in {others} more" if others else ""
    return Diagnostic(
        "TEL604",
        INFO,
        f"{host} names nothing in the input; no dependency is made of it",
        address=address,
        position=position,
        detail=f"It stands in {origin}{more}.",
        fix="import what it names too, or declare it under `uses`",
    )


def secret(position: Position, name: str) -> Diagnostic:
    """A top-level secret."""
    return Diagnostic(
        "TEL605",
        INFO,
        f"the secret {name} is only referred to: its value never enters an estate",
        position=position,
        fix="see that the place has a secret of this name before a build is applied",
    )


def unowned(addresses: Sequence[str], team: str) -> Diagnostic:
    """Things without an owner."""
    names = ", ".join(addresses[:MAX_NAMED])
    more = len(addresses) - MAX_NAMED
    rest = f" and {more} more" if more > 0 else ""
    return Diagnostic(
        "TEL606",
        INFO,
        f"{len(addresses)} things belong to team/{team}: {names}{rest}",
        address=f"team/{team}",
        fix="import with --owner TEAM, label the services with `owner`, or edit `owner:`",
    )
