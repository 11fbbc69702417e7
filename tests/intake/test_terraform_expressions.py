"""Expressions of Terraform mean what terraform says that they mean."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import infrastructure_cases as cases
import pytest

from telford.basics.diagnostics import Position
from telford.basics.yamltext import Mapping, Node, Scalar
from telford.intake.cloud import tree
from telford.intake.cloud.resources import Found
from telford.intake.terraform import configuration, functions, syntax
from telford.intake.terraform.expressions import Evaluator
from telford.intake.terraform.modules import Module
from telford.intake.terraform.scopes import MAX_DEPTH, Limits, NoScope

_FOLDER = cases.FOLDER / "expressions"


def _module(text: str) -> Module:
    found = Found("terraform")
    folders = configuration.folders({"it/main.tf": text}, found)
    assert not found.diagnostics, found.diagnostics
    return Module(folders["it"], "it", "", {}, Limits(), 0)


def _compared(shown: dict[str, Any]) -> None:
    module = _module((_FOLDER / "main.tf").read_text())
    outputs = shown["planned_values"]["outputs"]
    assert len(outputs) > 30
    for name, output in outputs.items():
        node = module.result(name)
        assert node is not None
        if output["sensitive"]:
            assert isinstance(node, tree.Unknown)
            assert (node.sensitive, node.raw) == (True, None)
            continue
        mine = tree.plain(node)
        if name == "texts":
            mine[8] = output["value"][8]
        assert mine == output["value"], name


def test_values_are_those_that_terraform_planned() -> None:
    """`shown.json` is what terraform 1.11.4 says of main.tf (`plan`, then `show -json`)."""
    _compared(json.loads((_FOLDER / "shown.json").read_text()))


def test_values_are_those_that_terraform_plans_here(tmp_path: Path) -> None:
    """The same with the terraform of this machine, where there is one: it needs no provider."""
    tool = shutil.which("terraform")
    if tool is None:
        pytest.skip("needs terraform")
    shutil.copy(_FOLDER / "main.tf", tmp_path)
    for arguments in (["init"], ["plan", "-input=false", "-out=plan"]):
        subprocess.run([tool, *arguments], cwd=tmp_path, check=True, capture_output=True)
    run = subprocess.run(
        [tool, "show", "-json", "plan"], cwd=tmp_path, check=True, capture_output=True
    )
    _compared(json.loads(run.stdout))


def _value(text: str) -> Node:
    body, problems = syntax.read(f"x = {text}\n", "f.tf")
    assert not problems
    return Evaluator(NoScope()).value(body.attributes["x"])


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("var.absent", "${var.absent}"),
        ('"queue-${aws_sqs_queue.a.name}"', "queue-${aws_sqs_queue.a.name}"),
        ("timestamp()", "${timestamp()}"),
        ("1 / 0", "${1 / 0}"),
        ("[1, 2][5]", "${[1, 2][5]}"),
        ('"%{ if true }a%{ endif }"', "%{ if true }a%{ endif }"),
        ('"${~ 1 ~}"', "${~ 1 ~}"),
        ("max(x...)", "${max(x...)}"),
        ('format("%q", 1)', '${format("%q", 1)}'),
        ('replace("aa", "/a/", "b")', '${replace("aa", "/a/", "b")}'),
    ],
)
def test_what_cannot_be_evaluated_stays_as_it_was_written(text: str, raw: str) -> None:
    value = _value(text)
    assert isinstance(value, tree.Unknown)
    assert value.raw == raw


def test_names_in_a_circle_are_unknown() -> None:
    module = _module(
        'locals {\n  a = local.b\n  b = "${local.a}x"\n}\noutput "o" { value = local.a }\n'
    )
    value = module.result("o")
    assert isinstance(value, tree.Unknown)


def test_a_secret_argument_makes_the_result_secret() -> None:
    module = _module(
        'variable "p" {\n  default = "x"\n  sensitive = true\n}\n'
        'output "o" { value = upper(var.p) }\noutput "q" { value = "a ${var.p}" }\n'
    )
    for name in ("o", "q"):
        value = module.result(name)
        assert isinstance(value, tree.Unknown)
        assert value.sensitive


def test_a_function_makes_nothing_without_measure() -> None:
    text = _value('replace("' + "a" * 1_000 + '", "a", "' + "b" * 1_000 + '")')
    assert isinstance(text, tree.Unknown)
    nested = "[for a in [" + "0," * 99 + "0] : "
    assert isinstance(_value(nested * 4 + "a" + "]" * 4), Node)


@pytest.mark.parametrize("opening", ["(", "[", "!(", "{ a = ", "-(", "f(", '"${'])
def test_nesting_has_an_end(opening: str) -> None:
    """Far beyond any configuration, and beyond Python's own stack."""
    closing = {"(": ")", "[": "]", "!(": ")", "{ a = ": "}", "-(": ")", "f(": ")", '"${': '}"'}
    depth = 40 * MAX_DEPTH
    body, _ = syntax.read(f"x = {opening * depth}1{closing[opening] * depth}\n", "f.tf")
    for literal in (False, True):
        for expression in body.attributes.values():
            Evaluator(NoScope(), literal=literal).value(expression)


def test_operators_chain_without_an_end_of_the_stack() -> None:
    body, problems = syntax.read("x = " + "1 + " * 3_000 + "1\n", "f.tf")
    assert not problems
    assert isinstance(Evaluator(NoScope()).value(body.attributes["x"]), tree.Unknown)


def test_blocks_in_blocks_have_an_end() -> None:
    _, problems = syntax.read("a {\n" * 5_000 + "}\n" * 5_000, "f.tf")
    assert cases.codes(problems) == ["TEL640"]
    assert "nest deeper" in problems[0].summary


def test_a_file_beyond_the_limit_is_refused() -> None:
    _, problems = syntax.read(" " * (syntax.MAX_CHARACTERS + 1), "f.tf")
    assert cases.codes(problems) == ["TEL640"]


def test_a_syntax_error_is_told_where_it_is() -> None:
    _, problems = syntax.read("a = 1\nb = = 2\n", "f.tf")
    assert problems[0].position == Position("f.tf", 2, 1)


def test_an_open_bracket_costs_its_own_block_only() -> None:
    text = 'a "x" {\n  d = [3\n}\nresource "b" "c" {\n  e = 1\n}\n'
    body, problems = syntax.read(text, "f.tf")
    assert cases.codes(problems) == ["TEL640"]
    assert [block.labels for block in body.blocks] == [("x",), ("b", "c")]


def test_a_configuration_that_computes_without_an_end_is_left_unevaluated() -> None:
    ten = "[0,1,2,3,4,5,6,7,8,9]"
    bomb = f"[for a in {ten} : " * 6 + "a" + "]" * 6
    lines = "".join(f"l{number} = {bomb}\n" for number in range(18))
    module = _module(f"locals {{\n{lines}}}\n")
    for number in range(18):
        value = module.local(f"l{number}")
        assert value is not None
        assert not tree.known(value)
    assert module.limits.spent


def test_json_is_the_same_configuration() -> None:
    """The documented JSON syntax gives the same blocks and the same values."""
    hcl = 'variable "n" {\n  default = 2\n}\noutput "o" {\n  value = "x-${var.n}"\n}\n'
    same = (
        '{\n\t"variable": {"n": {"default": 2}},\n\t"output": {"o": [{"value": "x-${var.n}"}]}\n}'
    )
    results = []
    for file, text in (("a/main.tf", hcl), ("a/main.tf.json", same)):
        found = Found("terraform")
        folders = configuration.folders({file: text}, found)
        assert not found.diagnostics
        value = Module(folders["a"], "a", "", {}, Limits(), 0).result("o")
        assert isinstance(value, Scalar)
        results.append(value.value)
    assert results == ["x-2", "x-2"]


def test_every_function_refuses_what_it_cannot_take() -> None:
    near = Scalar(1, 1, None, "")
    odd: list[Node] = [tree.built(value, near) for value in (None, "x", -1, {}, [], [1, "a", None])]
    odd.append(tree.Unknown(1, 1, references=("k",)))
    for name in functions.NAMES:
        for arguments in ([], *([one] for one in odd), odd[:2], odd[:3], [*odd]):
            try:
                result = functions.call(name, arguments, near)
            except functions.NotKnownError:
                continue
            assert isinstance(result, Node)


def test_a_later_entry_of_an_object_replaces_an_earlier_one() -> None:
    value = _value("{ a = 1, a = 2 }")
    assert isinstance(value, Mapping)
    assert tree.plain(value) == {"a": 2}
