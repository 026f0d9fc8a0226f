"""Dimensions, references, conditions: one rule of the language a test. Random graphs are in `proof/`."""

from __future__ import annotations

import pytest
from oracle.little import Little, planned

from dagcontent.errors import GraphError, InternalError
from dagcontent.plan.unit import State
from dagcontent.values.value import UNKNOWN

SCENES = """
[each]
scene = [{ id = "a", text = "one" }, { id = "b", text = "two", pal = "a" }, { id = "c", text = "three", pal = "z" }]
cut = ["wide", "tall"]
"""


def node(name: str, kind: str = "test.upper", **keys: str) -> str:
    rows = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f'[node.{name}]\nkind = "{kind}"\n{rows}'


def each(name: str, over: str = '"scene"', text: str = '"${scene.text}"', **keys: str) -> str:
    return node(name, each=over, text=text, **keys)


# --- dimensions


def test_crossed_dimensions_make_one_instance_a_pair() -> None:
    """In the order in which the node names them."""
    built = Little(SCENES + each("x", '["cut", "scene"]', '"${cut} ${scene.text}"')).build()
    assert list(built.values)[:3] == ["x[wide,a]", "x[wide,b]", "x[wide,c]"]
    assert built.values["x[tall,c]"] == "TALL THREE"


def test_a_ragged_dimension_has_a_list_for_each_outer_element() -> None:
    """Two chapters with two lines and one."""
    built = Little("""
[each]
chapter = [{ id = "i", lines = ["a", "b"] }, { id = "ii", lines = ["c"] }, { id = "iii", lines = [] }]
line = "${chapter.lines}"
""" + each("x", '["chapter", "line"]', '"${line}"') + node("all", "test.join", parts='"${x}"')).build()  # fmt: skip
    assert [n for n in built.values if n != "all"] == ["x[i,a]", "x[i,b]", "x[ii,c]"]
    assert built.values["all"] == "A+B+C"


def test_a_list_made_at_run_time_makes_instances_when_it_is_there() -> None:
    """A plan shows the fan-out as one open row; a build has the instances; the next plan has them as well."""
    little = Little(
        '[each.w]\nof = "${list}"\nmax = 5\n' + node("list", "test.list", text='"x y"') + each("up", '"w"', '"${w}"')
    )
    plan = little.plan()
    assert planned(plan) == {"list": "run", "up[*]": "maybe"}
    assert plan.rows[-1].items_max == 5
    assert little.build().executed == ["list", "up[x]", "up[y]"]
    assert planned(little.plan()) == {"list": "hit", "up[x]": "hit", "up[y]": "hit"}


@pytest.mark.parametrize("over", ["", 'over = "cut"\n'])
def test_a_list_longer_than_its_max_stops_or_is_cut(over: str) -> None:
    """Before anything is made of it."""
    little = Little(
        f'[each.w]\nof = "${{list}}"\nmax = 1\n{over}'
        + node("list", "test.list", text='"x y"')
        + each("up", '"w"', '"${w}"')
    )
    built = little.build()
    assert built.executed == (["list", "up[x]"] if over else ["list"])
    if not over:
        assert built.status["up[*]"] == "failed"
        assert "its `max` is 1" in built.units["up[*]"].error.message


def test_an_empty_list_makes_no_instance_and_an_empty_list_of_results() -> None:
    """Legal: what is made of all of them is made of nothing."""
    built = Little("[each]\nn = []\n" + each("x", '"n"', '"${n}"') + node("all", "test.join", parts='"${x}"')).build()
    assert built.executed == ["all"]
    assert built.values["all"] == ""


def test_labels_are_ids_texts_numbers_or_positions_and_repeats_are_numbered() -> None:
    """What reports and file names call an instance."""
    built = Little(
        '[each]\nn = ["a", "a", "two words", "", "b"]\n' + each("x", '"n"', '"t${index.n} ${label.n}"')
    ).build()
    assert list(built.values) == ["x[a]", "x[a~2]", "x[2]", "x[3]", "x[b]"]
    assert built.values["x[a~2]"] == "T1 A~2"
    assert any("given twice" in warning for warning in built.resolver.warnings)


def test_a_list_whose_maker_failed_blocks_what_is_over_it_and_a_skipped_one_skips_it() -> None:
    """One placeholder stands for instances that never came to be."""
    text = (
        '[each.w]\nof = "${list}"\nmax = 3\n' + node("list", "test.list", text='"${bad}"') + each("up", '"w"', '"${w}"')
    )
    assert Little(text + node("bad", "test.fail", text='"123"')).build().status["up[*]"] == "blocked"
    assert Little(text + node("bad", text='"123"', when="false")).build().status["up[*]"] == "skipped"


# --- references


def test_an_earlier_instance_may_be_an_input_of_the_next() -> None:
    """`[scene-1]`: clips continue each other; the first has none."""
    built = Little(SCENES + each("x", text='"${x[scene-1]}${scene.id}"')).build()
    assert [built.values[f"x[{s}]"] for s in "abc"] == ["A", "AB", "ABC"]


def test_neighbours_of_an_element_are_left_out_at_the_ends() -> None:
    """Joined text gets nothing; an optional parameter is left out."""
    built = Little(
        SCENES + node("x", "test.echo", each='"scene"', text='"${prev.scene.text}<"', extra='"${next.scene.text}"')
    ).build()
    assert [built.values[f"x[{s}]"] for s in "abc"] == ["<<|two|1>", "<one<|three|1>", "<two<||1>"]


def test_a_look_up_chooses_by_a_value_and_a_miss_fails_that_instance_alone() -> None:
    """Absent: left out. Unknown label: that instance fails before anything is spent, and names what there is."""
    built = Little(
        SCENES + each("x") + node("y", "test.echo", each='"scene"', text='"t"', extra='"${x[scene.pal]}"')
    ).build()
    assert built.values["y[a]"] == "<t||1>"
    assert built.values["y[b]"] == "<t|ONE|1>"
    assert built.status["y[c]"] == "failed"
    assert ("there is", "a, b, c") in built.units["y[c]"].error.facts


def test_a_look_up_waits_only_for_what_it_chooses() -> None:
    """Only the chosen instance is an input and in the key."""
    little = Little(SCENES + each("x") + node("y", text="\"${x['b']}\""))
    y = next(n.index for n in little.graph.nodes if n.name == "y")
    assert little.build(targets=[y]).executed == ["x[b]", "y"]


def test_fixed_positions_labels_and_all() -> None:
    """The first bracket chooses instances; dimensions that are not chosen stay a list."""
    grid = SCENES + each("x", '["scene", "cut"]', '"${scene.id}${cut}"')
    built = Little(grid + node("y", "test.join", parts='["${x[0]}", "${x[cut=\'tall\']}"]')).build()
    assert built.values["y"] == "AWIDE+ATALL+ATALL+BTALL+CTALL"


def test_a_list_of_references_to_parameters_is_their_values() -> None:
    """Linked away before anything runs, and never the reference itself."""
    text = '[params]\ntone = "warm"\n' + node("x", "test.join", parts='["plain", "${params.tone}"]')
    assert Little(text).build().values["x"] == "plain+warm"
    assert Little(
        '[params]\na = "x"\n[each]\nn = ["${params.a}", "y"]\n' + each("x", '"n"', '"${n}"')
    ).build().executed == ["x[x]", "x[y]"]


def test_a_fact_is_an_input_of_its_own() -> None:
    """The number is in the key, not what it was measured of: other bytes of the same length change nothing."""
    text = node("s", "test.sound", text='"abcd"') + node("x", text='"${s.duration} s"')
    little = Little(text)
    assert little.build().values["x"] == "1 S"
    little.edit(text.replace("abcd", "wxyz"))
    assert little.build().executed == ["s"]
    little.edit(text.replace("abcd", "a longer one"))
    assert little.build().executed == ["s", "x"]


# --- when, optional, needs, on_error


def test_a_condition_is_evaluated_before_any_other_input_is_asked_about() -> None:
    """False: skipped, whatever became of the rest."""
    built = Little(
        node("bad", "test.fail", text='"123"')
        + node("x", text='"${bad}"', when='{ value = "${ok}", is = "NO" }')
        + node("ok", text='"yes"')
    ).build()
    assert built.status["x"] == "skipped"


def test_what_depends_on_a_skipped_node_is_skipped_and_on_a_failed_one_blocked() -> None:
    """Unless it says that it can do without."""
    text = node("a", text='"x"', when="false") + node("b", "test.fail", text='"123"')
    text += node("sa", text='"${a}"') + node("sb", text='"${b}"')
    text += node("oa", "test.join", parts='["${a}", "k"]', optional='["parts"]') + node(
        "ob", "test.join", parts='["k", "${b}"]', optional='["parts"]'
    )
    built = Little(text).build()
    assert [built.status[n] for n in ("sa", "sb", "oa", "ob")] == ["skipped", "blocked", "ran", "hit"]
    assert built.values["oa"] == built.values["ob"] == "k"
    assert built.units["sb"].status_by is built.units["b"]


def test_an_optional_list_loses_the_elements_that_are_not_there() -> None:
    """One scene of three failed: the film has two."""
    built = Little('[each]\nn = ["12", "123", "1234"]\n' + node("x", "test.fail", each='"n"', text='"${n}"')
                   + node("all", "test.join", parts='"${x}"', optional='["parts"]')).build()  # fmt: skip
    assert built.values["all"] == "ok 12+ok 1234"


def test_an_optional_list_of_tables_loses_the_table_whose_input_is_not_there() -> None:
    """A place and a size without the picture they were for would be a layer of nothing."""
    text = node("gone", text='"x"', when="false") + node(
        "card", "image.compose", optional='["layers"]',
        layers='[{ color = "#fff" }, { text = "${gone}", position = "top" }]',
    )  # fmt: skip
    (action,) = Little(text).resolver().take()
    assert action.params["layers"] == [{"color": "#fff"}]


def test_a_field_that_an_element_does_not_have_is_left_out_of_its_table() -> None:
    """The kind then knows that there is nothing to show."""
    text = SCENES + node("card", "image.compose", each='"scene"', layers='[{ text = "${prev.scene.text}", size = 1 }]')
    made = [action.params["layers"] for action in Little(text).resolver().take()]
    assert made == [[{"size": 1.0}], [{"size": 1.0, "text": "one"}], [{"size": 1.0, "text": "two"}]]


def test_a_failure_that_may_be_skipped_skips_what_depends_on_it() -> None:
    """`on_error = "skip"`: the failure is shown, and blocks nobody."""
    built = Little(node("b", "test.fail", text='"123"', on_error='"skip"') + node("x", text='"${b}"')).build()
    assert (built.status["b"], built.status["x"]) == ("failed", "skipped")


def test_what_is_needed_first_is_no_input() -> None:
    """`needs`: never in the key; a failed one blocks, a skipped one does not."""
    text = node("x", text='"x"', needs='"ok"')
    little = Little(text + node("ok", text='"1"'))
    assert little.build().executed == ["ok", "x"]
    little.edit(text + node("ok", text='"2"'))
    assert little.build().executed == ["ok"]
    little.edit(text + node("ok", "test.fail", text='"123"'))
    assert little.build().status["x"] == "blocked"
    little.edit(text + node("ok", text='"2"', when="false"))
    assert little.build().status["x"] == "hit"


def test_a_required_parameter_that_is_left_out_fails_its_instance() -> None:
    """Said at that instance, with the way out; the others are made."""
    built = Little(SCENES + each("x") + node("y", each='"scene"', text='"${x[scene-1]}"')).build()
    assert [built.status[f"y[{s}]"] for s in "abc"] == ["failed", "ran", "ran"]


# --- the resolver's own rules


def test_an_answer_to_what_was_not_asked_is_an_internal_error() -> None:
    """A driver that settles an instance twice is found out."""
    resolver = Little(node("x", text='"x"')).resolver()
    (action,) = resolver.take()
    resolver.settled(action.unit, UNKNOWN)
    with pytest.raises(InternalError, match="settled, not ready"):
        resolver.settled(action.unit, UNKNOWN)
    assert resolver.finished()
    assert resolver.take() == []


@pytest.mark.parametrize(
    ("before", "after"), [(State.SETTLED, State.WAITING), (State.NEW, State.READY), (State.READY, State.NEW)]
)
def test_a_unit_goes_only_the_ways_in_the_table(before: State, after: State) -> None:
    """The same guard as in the machine."""
    resolver = Little(node("x", text='"x"')).resolver()
    unit = resolver.take()[0].unit
    unit.state = before
    with pytest.raises(InternalError):
        unit.enter(after)


def test_nodes_outside_the_targets_are_not_touched() -> None:
    """Neither made nor looked up."""
    little = Little(node("a", text='"a"') + node("b", text='"${a}"') + node("c", "test.fail", text='"123"'))
    b = next(n.index for n in little.graph.nodes if n.name == "b")
    built = little.build(targets=[b])
    assert built.executed == ["a", "b"]
    assert "c" not in built.status


def test_a_cycle_is_shown_as_its_path() -> None:
    """Through nodes, conditions and lists; a way back through an earlier element is none."""
    for text in (
        node("a", text='"${b}"') + node("b", text='"${a}"'),
        node("a", text='"x"', when='{ value = "${b}", is = "x" }') + node("b", text='"${a}"'),
        node("a", text='"x"', needs='"b"') + node("b", text='"${a}"'),
        '[each.n]\nof = "${a}"\nmax = 3\n'
        + node("a", "test.list", text='"${b}"')
        + node("b", text='"${c}"')
        + node("c", each='"n"', text='"${n}"'),
    ):
        with pytest.raises(GraphError) as caught:
            Little(text)
        messages = [m.message for m in caught.value.mistakes]
        assert any("cycle" in m and "a" in m and "b" in m for m in messages), messages
