"""A change is said in the words of the object: path, old value, new value."""

from telford.plan import fields, texts
from telford.plan.fields import Change

OLD = """\
kind: Deployment
metadata: {name: orders}
spec:
  replicas: 2
  containers:
  - {name: main, image: "orders:1"}
  - {name: proxy, image: "proxy:1"}
  args: [a, b]
---
kind: Service
metadata: {name: orders}
"""


def test_fields_are_named_by_the_names_of_their_lists_items():
    new = OLD.replace("orders:1", "orders:2").replace("replicas: 2", "replicas: 3")
    assert fields.changes(OLD, new) == (
        Change("Deployment/orders spec.replicas", "2", "3"),
        Change("Deployment/orders spec.containers[main].image", "orders:1", "orders:2"),
    )


def test_one_more_item_is_one_addition():
    new = OLD.replace("  args", '  - {name: log, image: "log:1"}\n  args')
    assert fields.changes(OLD, new) == (
        Change("Deployment/orders spec.containers[log]", None, "{name: log, image: log:1}"),
    )


def test_whole_objects_come_and_go():
    first, second = OLD.split("---\n")
    assert fields.changes(OLD, first) == (Change("Service/orders", "(the whole object)", None),)
    assert fields.changes(first, OLD) == (Change("Service/orders", None, "(a new object)"),)
    assert fields.changes(second, second) == ()


def test_a_list_of_plain_values_changes_as_a_whole():
    assert fields.changes(OLD, OLD.replace("[a, b]", "[a]")) == (
        Change("Deployment/orders spec.args", "[a, b]", "[a]"),
    )


def test_a_removed_field_has_no_new_value():
    assert fields.changes(OLD, OLD.replace("  replicas: 2\n", "")) == (
        Change("Deployment/orders spec.replicas", "2", None),
    )


def test_the_text_diff_names_both_sides():
    assert texts.diff("a.yaml", "x: 1\n", "x: 2\n").splitlines() == [
        "--- a/a.yaml",
        "+++ b/a.yaml",
        "@@ -1 +1 @@",
        "-x: 1",
        "+x: 2",
    ]
    assert texts.diff("a.yaml", "x\n", "x\n") == ""
