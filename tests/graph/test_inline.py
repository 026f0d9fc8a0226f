"""A graph within a graph is what somebody would have written who inlined it by hand: the same keys, values and states."""

from __future__ import annotations

import json

from hypothesis import given
from oracle.composed import Composed, composed
from oracle.little import Built, Little


def states(built: Built) -> dict[str, tuple[str | None, str | None, object]]:
    """Return key, status and value of every unit that stands in a file, by node and position."""
    nodes = built.resolver.graph.nodes
    return {
        # Of two that ask for the same, chance says which is made.
        f"{nodes[unit.node].name.replace('/', '_')}{unit.coords}": (
            unit.key,
            str(built.status[name]).replace("hit", "ran"),
            unit.value,
        )
        for name, unit in built.units.items()
        if not nodes[unit.node].hands_on and not nodes[unit.node].name.startswith("joined_")
    }


@given(composed())
def test_a_composition_is_the_graph_inlined_by_hand(world: Composed) -> None:
    """Else a part of somebody's graph that moves into a file of its own would be paid for again, or come out otherwise."""
    inside = states(Little(world.outer(), ad_toml=world.inner()).build())
    assert inside == states(Little(world.flat()).build())


@given(composed())
def test_what_was_made_inside_is_there_when_the_graph_is_built_alone(world: Composed) -> None:
    """Nothing of the nesting is in a key: the same inputs, the same results, and nothing is bought twice."""
    little = Little(world.outer(), ad_toml=world.inner())
    built = little.build()
    words = {"a": ("one two", True), "b": ("three", False)}
    listed = built.values["src"]
    for lang in words if world.over_lang else ["a"]:
        word, on = words[lang]
        if world.when and not on:
            continue
        said = built.values[f"said[{lang}]"]
        param = {
            "plain": "plain", "${said[0]}": built.values["said[a]"], "${lang.word}": word, "${said[lang]}": said,
            "${lang.id} and ${said[lang]}": f"{lang} and {said}",
        }[world.param]  # fmt: skip
        little.edit(world.inner(f"p = {json.dumps(param)}\nlist = {json.dumps(listed)}"))
        alone = little.build()
        assert all(alone.status[name] == "failed" for name in alone.executed), "made again"
