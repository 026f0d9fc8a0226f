"""What a plan says: statuses between run and maybe, and causes. Random graphs are in `proof/`."""

from __future__ import annotations

from oracle.little import Little, planned

CHAIN = """
[params]
word = "hello"
[node.a]
kind = "test.echo"
text = "${params.word}"
[node.b]
kind = "test.modulo"
text = "${a}"
[node.c]
kind = "test.upper"
text = "${b}"
"""


def causes(little: Little) -> dict[str, str | None]:
    return {row.node: row.cause for row in little.plan().rows if row.status != "hit"}


def test_what_was_never_made_is_new_and_certain() -> None:
    """No record can serve what has no earlier one of its kind."""
    little = Little(CHAIN)
    assert planned(little.plan()) == {"a": "run", "b": "run", "c": "run"}
    assert causes(little) == {"a": "new", "b": "new", "c": "new"}


def test_an_edit_is_certain_where_it_is_written_and_possible_below() -> None:
    """`b` depends on what `a` will be: no earlier result serves that unless it comes out as before."""
    little = Little(CHAIN)
    little.build()
    little.edit(CHAIN.replace("hello", "howdy"))
    assert planned(little.plan()) == {"a": "run", "b": "maybe", "c": "maybe"}
    assert causes(little) == {"a": "edit", "b": "upstream", "c": "upstream"}
    (row,) = [r for r in little.plan().rows if r.node == "a"]
    (diff,) = row.why
    assert (diff.field, diff.old, diff.new, diff.changed) == ("params.text", "hello", "howdy", True)
    assert diff.places[0].path == ("params", "word")
    assert little.build().executed == ["a", "b"]


def test_a_result_that_no_input_can_reach_must_run() -> None:
    """Another known parameter differs from every record: whatever the unknown one will be, it runs."""
    text = CHAIN + '[node.d]\nkind = "test.echo"\ntext = "${b}"\nextra = "EXTRA"\n'
    little = Little(text)
    little.build()
    little.edit(text.replace("hello", "howdy").replace("EXTRA", "other"))
    assert planned(little.plan())["d"] == "run"
    assert causes(little)["d"] == "edit"


def test_there_and_back_is_all_hits() -> None:
    """Every earlier result counts, not only the last."""
    little = Little(CHAIN)
    little.build()
    little.edit(CHAIN.replace("hello", "howdy you"))
    little.build()
    little.edit(CHAIN)
    plan = little.plan()
    assert set(planned(plan).values()) == {"hit"}
    assert not plan.pending


def test_a_condition_on_what_is_still_to_be_made_is_maybe() -> None:
    """Neither promised nor left out; and what only it would ask for is no more certain."""
    text = """
[node.judge]
kind = "test.modulo"
text = "x"
[node.only]
kind = "test.upper"
text = "only"
[node.x]
kind = "test.echo"
text = "${only}"
when = { value = "${judge}", is = "1" }
"""
    plan = planned(Little(text).plan())
    assert plan["judge"] == "run"
    assert plan["x"] == "maybe"
    assert plan["only"] == "run"  # it is a node of the file, so it is made for itself


def test_a_plan_survives_what_a_build_would_report() -> None:
    """A look-up that misses, a condition whose input failed: rows, not errors."""
    text = """
[each]
s = [{ id = "a", pal = "zz" }]
[node.one]
kind = "test.upper"
each = "s"
text = "x"
[node.two]
kind = "test.upper"
each = "s"
text = "${one[s.pal]}"
[node.bad]
kind = "json.get"
json = { a = 1 }
path = "b"
[node.three]
kind = "test.upper"
text = "x"
when = { value = "${bad}", is = 1 }
[node.four]
kind = "test.upper"
text = "${two}"
"""
    plan = Little(text).plan()
    assert planned(plan) == {
        "one[a]": "run",
        "two[a]": "failed",
        "bad": "failed",
        "three": "blocked",
        "four": "blocked",
    }
    assert {row.node: row.by for row in plan.rows if row.status == "blocked"} == {"three": "bad", "four": "two[a]"}


def test_an_upgrade_is_a_cause_of_its_own() -> None:
    """A kind's new version makes old results wrong: said so, since nobody edited anything."""
    import msgspec

    little = Little(CHAIN)
    little.build()
    node = little.graph.nodes[0]
    newer = msgspec.structs.replace(node, kind=msgspec.structs.replace(node.kind, version=2))
    little.graph.nodes[0] = newer
    assert planned(little.plan())["a"] == "run"
    assert causes(little)["a"] == "upgrade"


def test_an_older_version_that_is_accepted_is_a_hit() -> None:
    """`accepts`: looked up after a miss under the old version's key."""
    import msgspec

    little = Little(CHAIN)
    little.build()
    node = little.graph.nodes[0]
    newer = msgspec.structs.replace(node, kind=msgspec.structs.replace(node.kind, version=2, accepts=(1,)))
    little.graph.nodes[0] = newer
    assert set(planned(little.plan()).values()) == {"hit"}
