"""What people decide, against the oracle: random graphs, edits and choices files. A choice changes what it is about, and what
really follows; so does a file that a person puts in the place of a result.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

from hypothesis import event, given, settings
from hypothesis import strategies as st
from oracle.builds import Built, new_folder
from oracle.checks import check_result, named_outputs
from oracle.graph import Instance, Oracle
from oracle.worlds import World, chains

from dagcontent import api
from dagcontent.errors import ConfigError, GraphError, UsageError
from dagcontent.kinds.declaration import Effect
from dagcontent.kinds.registry import KINDS


def decide(draw: st.DrawFn, world: World, oracle: Oracle, actions: dict[str, Instance], folder: Path) -> None:
    """Write a choices file: entries that stay, entries that go, and new ones about instances of now."""
    entries = {name: entry for name, entry in oracle.choices.items() if draw(st.integers(0, 4)) < 4}
    sampled = {
        name for name, spec in world.nodes.items() if KINDS[spec["kind"]].effect not in {Effect.VALUE, Effect.FILES}
    }
    places = [(name, at) for name in sorted(sampled) for at in oracle.places(name) if None not in at]
    for name, at in draw(st.lists(st.sampled_from(places), max_size=3)) if places else ():
        about = oracle.about(name, at)
        entry = {} if about is None else {"for": about}
        one = oracle.instance(name, at)
        if one.key in actions and one.status == "done" and draw(st.booleans()):
            entry["pin"] = f"sha256:{one.key}"
        else:
            entry["reroll"] = draw(st.integers(1, 3))
        entries[oracle.name(name, at)] = entry
    rows = [
        f"[node.{json.dumps(name)}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in entry.items())
        for name, entry in entries.items()
        if name.partition("[")[0] in sampled or name.partition("[")[0] not in world.nodes
    ]
    (folder / "graph.choices.toml").write_text("\n".join(rows), encoding="utf-8")


_GIVEN = {
    **dict.fromkeys(("test.echo", "test.upper", "test.modulo", "test.join", "test.fail", "test.listen", "text.generate"), "text"),
    "test.list": "list", "test.table": "table",
}  # fmt: skip


def replace(draw: st.DrawFn, world: World, oracle: Oracle, made: dict[str, object], folder: Path) -> None:
    """Put files in the place of results, and take some away, as the command does."""
    graph = folder / "graph.toml"
    given = [name for name, spec in world.nodes.items() if spec["kind"] in _GIVEN]
    places = [(name, at) for name in given for at in oracle.places(name) if None not in at]
    for name, at in draw(st.lists(st.sampled_from(places), max_size=2)) if places else ():
        words = draw(st.lists(st.sampled_from(["a", "quiet", "hill", "at", "Dawn"]), max_size=4))
        text = " ".join(words)
        table = {"title": text[:6], "rows": [{"id": word, "text": word} for word in words[:2]]}
        value = {"text": text, "list": words[:3], "table": table}[_GIVEN[world.nodes[name]["kind"]]]
        file = folder / "given.txt"
        file.write_text((value if isinstance(value, str) else json.dumps(value)) + "\n", encoding="utf-8")
        instance = oracle.name(name, at)
        try:
            (done,) = api.replace(graph, instance, file, store=folder / "store").nodes
        except (ConfigError, UsageError):
            continue  # what comes before it is not made yet, so that it has no name
        made[done.digest] = value
        if draw(st.integers(0, 3)) == 0:
            api.undo_replace(graph, [instance], store=folder / "store")


@settings(max_examples=max(10, settings().max_examples // 8))  # each is up to eight builds and as many plans
@given(chains(most_edits=3), st.data())
def test_a_build_with_choices_is_what_a_recursion_says(chain: list[World], data: st.DataObject) -> None:
    """A reroll runs that instance and what its new content really changes; going back runs nothing; a pin never runs; an
    entry goes along with a label that was changed, and one that fits nothing does nothing.
    """
    folder = new_folder()
    store = folder / "store"
    recorded: set[str] = set()
    made: dict[str, object] = {}
    blobs: dict[str, bytes] = {}
    actions: dict[str, Instance] = {}
    try:
        for world in chain:
            named_outputs(world)
            graph = world.write(folder)
            try:
                api.load(graph)
            except GraphError:
                continue
            for _ in range(2):
                oracle = Oracle(graph, made, blobs)
                actions = {
                    one.key: one for one in oracle.instances.values() if one.key is not None and one.status != "pinned"
                }
                plan = api.plan(graph, store=store)
                built = Built(graph, store, jobs=2)
                assert built.calls == Counter(actions[key].call for key in actions if key not in recorded)
                pinned = {name for name, one in oracle.instances.items() if one.status == "pinned"}
                planned = {row.node: row.status for row in plan.rows}
                # Whether it is asked for at all, and what stands under its name, may turn on what is still to be made; one
                # whose `when` comes out false costs as little as one that stays.
                skipped = {name for name, one in oracle.instances.items() if one.status == "skipped"}
                assert {name for name, status in planned.items() if status == "pinned"} <= pinned | skipped
                assert {planned.get(name, "maybe") for name in pinned} <= {"pinned", "maybe"}
                assert {name for name, status in built.status.items() if status == "pinned"} == pinned
                check_result(built, oracle)
                recorded |= {key for key, one in actions.items() if one.status == "done"}
                made |= {key: one.value for key, one in actions.items() if one.status == "done"}
                blobs |= oracle.bytes
                event(f"pinned {min(len(pinned), 3)}")
                decide(data.draw, world, oracle, actions, folder)
                replace(data.draw, world, oracle, made, folder)
    finally:
        shutil.rmtree(folder)
