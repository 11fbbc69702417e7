"""Whatever becomes of a text, its reader answers: diagnostics and whole accounts, no traceback."""

import random
from collections.abc import Iterator

import infrastructure_cases as cases
import pytest

from telford.intake import emission
from telford.intake.cloudformation.reading import FORMAT as CLOUDFORMATION
from telford.intake.format import Format
from telford.intake.gitops.reading import FORMAT as GITOPS
from telford.intake.terraform.reading import FORMAT as TERRAFORM

ROUNDS = 1_000
_LETTERS = "{}[]()\"'$%!&*:,-=.#<>|\\ \n\tab01é\u2028\x00\ud800"
_WORDS = (
    "${", "!Ref", "!Sub ", "Fn::If", "{{", "null", "true", "[]", "{}", "-1", "1e999", "<<EOT\n",
    "for_each", "count = 0", "count = 3", "dynamic", "Ref", "Condition", "*a", "&a ", "<<: ",
    "kind:", "spec:", "0x", "Type: AWS::", "source = \"./x\"", "each.key", "var.x", "[*]", "---\n",
)  # fmt: skip
_FORMATS = (
    (TERRAFORM, "shop"),
    (TERRAFORM, "shown"),
    (CLOUDFORMATION, "stacks"),
    (GITOPS, "delivery"),
)


def _mutated(dice: random.Random, text: str) -> str:
    """The text after one to four small accidents."""
    for _ in range(dice.randint(1, 4)):
        text = dice.choice(_ACCIDENTS)(dice, text)
    return text


def _swap(dice: random.Random, text: str) -> str:
    at = dice.randrange(len(text) + 1)
    return text[:at] + dice.choice(_LETTERS) + text[at + dice.randint(0, 2) :]


def _word(dice: random.Random, text: str) -> str:
    at = dice.randrange(len(text) + 1)
    return text[:at] + dice.choice(_WORDS) + text[at:]


def _cut(dice: random.Random, text: str) -> str:
    at = dice.randrange(len(text) + 1)
    return text[:at] + text[at + dice.randint(1, 60) :]


def _line(dice: random.Random, text: str) -> str:
    """A line is gone, is there twice, or is somewhere else."""
    lines = text.split("\n")
    taken = lines.pop(dice.randrange(len(lines)))
    for _ in range(dice.randint(0, 2)):
        lines.insert(dice.randrange(len(lines) + 1), taken)
    return "\n".join(lines)


def _value(dice: random.Random, text: str) -> str:
    """A word takes the place of another one of the text."""
    words = text.split(" ")
    words[dice.randrange(len(words))] = words[dice.randrange(len(words))]
    return " ".join(words)


_ACCIDENTS = (_swap, _word, _cut, _line, _value)


def _inputs(format_: Format, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """One file each time, or now and then the whole folder, with accidents."""
    texts = cases.texts(name, format_)
    for seed in range(ROUNDS):
        dice = random.Random(f"{name} {seed}")
        chosen = texts if seed % 25 == 0 else {key: texts[key] for key in [dice.choice([*texts])]}
        hurt = dice.choice([*chosen])
        yield seed, {**chosen, hurt: _mutated(dice, chosen[hurt])}


@pytest.mark.parametrize(
    ("format_", "name"), _FORMATS, ids=lambda value: getattr(value, "name", value)
)
def test_a_thousand_accidents_give_diagnostics_only(format_: Format, name: str) -> None:
    for _seed, texts in _inputs(format_, name):
        answer = cases.read(format_, texts)
        cases.accounted(answer)
        assert emission.files(answer.documents) is not None
        for problem in answer.diagnostics:
            assert problem.position is None or problem.position.file in (*texts, "")
