"""Lazy alternatives, on a stub kind: the next one is asked for only when the one before came to nothing."""

from __future__ import annotations

import pytest
from oracle.little import Little, planned

GRAPH = """
[node.first]
kind = "test.fail"
text = "FIRST"
[node.second]
kind = "test.fail"
text = "SECOND"
[node.third]
kind = "test.echo"
text = "${above}"
[node.above]
kind = "test.upper"
text = "third"
[node.chosen]
kind = "test.first"
of = ["${first}", "${second}", "${third}"]
[node.after]
kind = "test.upper"
text = "${chosen}"
"""
FAILS, WORKS = "123", "1234"


def graph(first: str, second: str, **changes: str) -> str:
    other = {FAILS: "123456", WORKS: "12345"}[second]  # not the same call twice
    text = GRAPH.replace("FIRST", first).replace("SECOND", other)
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def test_the_first_that_succeeds_is_the_value_and_no_other_is_built() -> None:
    """What is not needed is not paid for."""
    built = Little(graph(WORKS, WORKS)).build()
    assert built.values["chosen"] == "ok 1234"
    assert built.executed == ["after", "first"]
    assert [built.status[n] for n in ("second", "third")] == [None, None]


def test_the_next_is_asked_for_only_after_the_one_before_failed() -> None:
    """Each in turn, with all that it needs."""
    built = Little(graph(FAILS, FAILS)).build()
    assert built.executed == ["above", "after", "first", "second", "third"]
    assert built.values["chosen"] == "<THIRD||1>"
    assert built.status["after"] == "ran"


def test_one_that_is_skipped_is_passed_over() -> None:
    """`when = false` is as good as a failure here, and costs nothing."""
    text = graph(WORKS, WORKS).replace('text = "1234"\n[node.second]', 'text = "1234"\nwhen = false\n[node.second]')
    built = Little(text).build()
    assert built.executed == ["after", "second"]
    assert built.values["after"] == "OK 12345"


def test_when_all_fail_the_node_fails_and_blocks() -> None:
    """The message is the node's own; the failures of the alternatives stand at them."""
    text = graph(FAILS, FAILS).replace('kind = "test.upper"\ntext = "third"', 'kind = "test.fail"\ntext = "123456"')
    built = Little(text).build()
    assert built.status["chosen"] == "failed"
    assert built.status["after"] == "blocked"
    assert "every alternative" in built.units["chosen"].error.message


def test_a_plan_shows_the_first_as_run_and_the_others_as_maybe() -> None:
    """What may become necessary is named before it is, and not as certain."""
    plan = planned(Little(graph(WORKS, WORKS)).plan())
    assert plan["first"] == "run"
    assert {plan[n] for n in ("second", "third", "above")} == {"maybe"}
    assert plan["after"] in {"run", "maybe"}


def test_a_plan_after_a_success_needs_no_alternative() -> None:
    """A recorded first alternative settles it: the others, and what only they use, are shown as not needed."""
    little = Little(graph(WORKS, FAILS))
    little.build()
    unneeded = dict.fromkeys(("second", "third", "above"), "unneeded")
    assert planned(little.plan()) == {"first": "hit", "after": "hit"} | unneeded
    assert little.build().executed == []


def test_a_failure_is_tried_again_but_recorded_alternatives_are_not() -> None:
    """Failures of free nodes leave no record: the first is tried anew, the second found."""
    little = Little(graph(FAILS, WORKS))
    assert little.build().executed == ["after", "first", "second"]
    assert little.build().executed == ["first"]


def test_an_alternative_that_is_asked_for_elsewhere_is_built_for_that() -> None:
    """Only what is nothing but an alternative waits."""
    built = Little(graph(WORKS, WORKS) + '[node.user]\nkind = "test.upper"\ntext = "${second}"\n').build()
    assert built.executed == ["after", "first", "second", "user"]


def test_a_target_may_be_an_alternative() -> None:
    """Named on the command line, it is wanted for itself."""
    little = Little(graph(WORKS, WORKS))
    third = next(n.index for n in little.graph.nodes if n.name == "third")
    assert little.build(targets=[third]).executed == ["above", "third"]


@pytest.mark.parametrize(("needed", "status"), [(WORKS, "value"), (FAILS, "blocked")])
def test_what_a_lazy_node_needs_first_is_waited_for(needed: str, status: str) -> None:
    """`needs` holds for it as for any other node."""
    text = graph(WORKS, WORKS).replace('kind = "test.first"', 'kind = "test.first"\nneeds = "ok"')
    built = Little(text + f'[node.ok]\nkind = "test.fail"\ntext = "{needed}"\n').build()
    assert built.status["chosen"] == status


def test_alternatives_are_chosen_for_each_instance() -> None:
    """One scene's failure makes the next alternative for that scene, and for no other."""
    built = Little("""
[each]
n = ["123", "1234"]
[node.a]
kind = "test.fail"
each = "n"
text = "${n}"
[node.b]
kind = "test.upper"
each = "n"
text = "b${n}"
[node.c]
kind = "test.first"
each = "n"
of = ["${a[n]}", "${b[n]}"]
""").build()
    assert built.executed == ["a[1234]", "a[123]", "b[123]"]
    assert [built.values[f"c[{n}]"] for n in ("123", "1234")] == ["B123", "ok 1234"]
