"""Lazy alternatives, on a stub kind: the next one is asked for only when the one before came to nothing."""

from __future__ import annotations

import pytest
from oracle.little import Little, planned

from dagcontent.plan.served import Serving

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


TAKES = """
[each]
scene = ["a", "b"]
[node.still]
kind = "test.echo"
each = "scene"
takes = 4
text = "${scene} ${index.take}"
[node.check]
kind = "assert"
each = ["scene", "still.take"]
value = "${still[scene, take]}"
matches = "a 1|b 0"
[node.best]
kind = "fallback"
each = "scene"
of = "${check[scene]}"
[node.after]
kind = "test.upper"
each = "scene"
text = "${best[scene]}"
"""


def test_takes_are_made_one_after_another_until_a_check_passes() -> None:
    """A bounded reroll: of four takes each scene makes as many as it needs, and the plan says which are not needed."""
    little = Little(TAKES)
    plan = {row.node: row for row in little.plan().rows}
    assert [plan[f"still[a,take={n}]"].status for n in range(4)] == ["run", "maybe", "maybe", "maybe"]
    before = ["check[a,take=0]", "check[a,take=1]", "check[a,take=2]"]
    assert [plan[f"still[a,take={n}]"].instead_of for n in (1, 2, 3)] == before
    built = little.build()
    assert built.executed == ["after[a]", "after[b]", "still[a,take=0]", "still[a,take=1]", "still[b,take=0]"]
    assert str(built.values["best[a]"]).startswith("<a 1||1>")
    served = Serving(built.resolver)
    assert [(one.node, one.by, one.position) for one in served.served] == [
        ("best[a]", "check[a,take=1]", 1), ("best[b]", "check[b,take=0]", 0),
    ]  # fmt: skip
    assert {built.resolver.fanout.name(unit) for unit in served.passed} == {"check[a,take=0]"}
    status = planned(little.plan())
    assert [status.get(f"still[a,take={n}]") for n in range(4)] == ["hit", "hit", "unneeded", "unneeded"]
    assert status["check[a,take=0]"] == "passed_over"
    little.edit(TAKES.replace("a 1|b 0", "a 1|b 3"))
    assert little.build().executed == ["after[b]", "still[b,take=1]", "still[b,take=2]", "still[b,take=3]"]


def test_when_no_take_passes_each_is_named_with_what_was_wrong() -> None:
    """The bound of a reroll is the number of its takes; what blocks then is said where it is felt."""
    built = Little(TAKES.replace("a 1|b 0", "b 0")).build()
    assert (built.status["best[a]"], built.status["after[a]"], built.status["after[b]"]) == ("failed", "blocked", "ran")
    facts = dict(built.units["best[a]"].error.facts)
    assert list(facts) == [f"check[a,take={n}]" for n in range(4)]
    assert facts["check[a,take=2]"].startswith('failed: `value` is "<a 2||1>')
    assert Serving(built.resolver).passed == set(), "nobody is served, so somebody feels it"


@pytest.mark.parametrize("of", ['["${check[scene]}", "none"]', '["none", "${check[scene]}"]'])
def test_what_is_written_is_an_alternative_too(of: str) -> None:
    """It cannot fail: behind it nothing is ever made, before it all is tried."""
    built = Little(TAKES.replace('"${check[scene]}"', of).replace("a 1|b 0", "x")).build()
    assert built.values["best[a]"] == "none"
    assert len(built.executed) == (8 if of.startswith('["$') else 0) + 1, "both scenes ask for the same in the end"


def test_one_that_refers_to_itself_is_built_all_the_same() -> None:
    """The element before it is an alternative like any other; the node is still asked for by itself."""
    built = Little("""
[each]
n = ["123", "1234", "123456"]
[node.a]
kind = "test.fail"
each = "n"
text = "${n}"
[node.last]
kind = "fallback"
each = "n"
of = ["${a[n]}", "${last[n-1]}", "nothing yet"]
""").build()
    assert [built.values[f"last[{n}]"] for n in ("123", "1234", "123456")] == ["nothing yet", "ok 1234", "ok 1234"]


def test_a_list_that_is_made_for_alternatives_is_made_for_itself() -> None:
    """What goes over it is known only then. It is shown as certain, since it is; its elements are not."""
    little = Little("""
[each.w]
of = "${words}"
max = 3
[node.words]
kind = "test.list"
text = "one two"
[node.item]
kind = "test.upper"
each = "w"
text = "${w}"
[node.many]
kind = "test.join"
parts = "${item}"
[node.first]
kind = "test.fail"
text = "1234"
[node.chosen]
kind = "fallback"
of = ["${first}", "${many}"]
""")
    status = planned(little.plan())
    assert (status["words"], status["item[*]"], status["many"]) == ("run", "maybe", "maybe")
    assert little.build().executed == ["first", "words"]


GATED = """
[node.a]
kind = "test.fail"
text = "A"
[node.ok]
kind = "gate"
show = "${a}"
[node.b]
kind = "test.upper"
text = "b"
[node.c]
kind = "test.fail"
text = "1234"
[node.chosen]
kind = "fallback"
of = ["${ok}", "${c}", "${b}"]
[node.after]
kind = "test.upper"
text = "${chosen}"
"""


def test_one_that_waits_for_a_person_does_not_start_the_next() -> None:
    """Nobody has said no. A plan shows the next only while what the person looks at may still fail."""
    little = Little(GATED.replace('"A"', '"1234"').replace("1234", "12345", 1))
    assert planned(little.plan())["c"] == "maybe"
    built = little.build()
    assert (built.executed, built.status["ok"], built.status["chosen"]) == (["a"], "waiting", "maybe")
    assert [built.status[name] for name in ("b", "c")] == [None, None]
    status = planned(little.plan())
    assert (status["ok"], status["after"]) == ("waiting", "maybe")
    assert not {"b", "c"} & status.keys()


def test_one_that_has_nothing_to_show_is_passed_over() -> None:
    """A person is asked about content: where that failed there is no question, and the next is tried."""
    built = Little(GATED.replace('"A"', '"123"')).build()
    assert (built.executed, built.values["chosen"]) == (["a", "after", "c"], "ok 1234")
