"""Gates, assertions and fallbacks against the oracle: random graphs, failures, words of a person, and edits of both.

Nothing behind a gate is made before somebody approved what it shows, nothing behind an alternative before the one before it came to
nothing; what stands there afterwards is what a recursion says that looks at one alternative after another.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

from hypothesis import Phase, event, given, note, settings
from hypothesis import strategies as st
from oracle.builds import Built, new_folder
from oracle.checks import check_result
from oracle.graph import Instance, Oracle
from oracle.worlds import World, chains

from dagcontent import api
from dagcontent.errors import GraphError
from dagcontent.plan.model import Plan


def decide(draw: st.DrawFn, oracle: Oracle, folder: Path) -> None:
    """Write a choices file: words that stay, words that go, and new ones on what gates show now."""
    entries = {name: dict(entry) for name, entry in oracle.choices.items() if draw(st.integers(0, 4)) < 4}
    for (node, at), digest in oracle.shown.items():
        word = draw(st.sampled_from(["", "approved", "approved", "rejected"]))
        if word:
            entry = entries.setdefault(oracle.name(node, at), {})
            entry[word] = digest
            if entry.get("approved") == entry.get("rejected"):
                del entry[{"approved": "rejected", "rejected": "approved"}[word]]
    rows = [
        f"[node.{json.dumps(name)}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in entry.items())
        for name, entry in entries.items()
        if oracle.nodes.get(name.partition("[")[0], {}).get("kind", "gate") == "gate"
    ]
    (folder / "graph.choices.toml").write_text("\n".join(rows), encoding="utf-8")


def check_plan(plan: Plan, oracle: Oracle, executed: set[str]) -> None:
    """What was executed lies between `run` and `run` with `maybe`; what is not needed was not asked for."""
    rows = {row.node: row for row in plan.rows}
    open_rows = tuple(name[: name.index("*")] for name in rows if "*" in name)
    for name, one in oracle.instances.items():
        row, asked = rows.get(name), name in oracle.asked
        if row is not None and row.status == "run" and one.key is not None:
            assert one.key in executed, f"{name} was planned to run and did not"
        if asked and one.key in executed:
            known = row is not None and row.status in {"run", "maybe"}
            assert known or name.startswith(open_rows), f"{name} ran and was not planned: {row}"
        if row is not None and row.status == "unneeded":
            assert not asked, f"{name} was not needed and was asked for"
        if row is not None and row.status == "waiting":
            assert one.status in {"waiting", "held", "blocked", "failed", "skipped", "value"}
        if asked and one.status == "waiting":
            assert row is None or row.status in {"waiting", "maybe"}, (name, row)


# Each is up to eight builds and as many plans. A graph that fails is printed as it is: to make it smaller takes minutes.
@settings(phases=(Phase.generate,), max_examples=max(10, settings().max_examples // 4))
@given(chains(most_edits=3, decides=True), st.data())
def test_a_build_with_gates_and_fallbacks_is_what_a_recursion_says(chain: list[World], data: st.DataObject) -> None:
    """Each call is made if and only if the recursion comes to it, and once in the life of a store; statuses and the ending too."""
    folder = new_folder()
    store = folder / "store"
    recorded: set[str] = set()
    try:
        for world in chain:
            graph = world.write(folder)
            for _ in range(2):
                try:
                    api.load(graph)
                except GraphError as error:
                    said = {m.message for m in error.mistakes}
                    known = ("there is no field `pal`", "are for gates")  # what an edit of a node can break
                    assert all(any(one in m for one in known) for m in said), said
                    (folder / "graph.choices.toml").unlink(missing_ok=True)
                    break
                note(
                    (
                        graph.read_text(),
                        (folder / "graph.choices.toml").read_text() if (folder / "graph.choices.toml").exists() else "",
                    )
                )
                oracle = Oracle(graph)
                asked = {n: one for n, one in oracle.instances.items() if n in oracle.asked and one.key is not None}
                actions: dict[str, Instance] = {str(one.key): one for one in asked.values()}
                expected = {key for key in actions if key not in recorded}
                plan = api.plan(graph, store=store)
                built = Built(graph, store, jobs=2)
                assert built.calls == Counter(actions[key].call for key in expected)
                check_plan(plan, oracle, expected)
                check_result(built, oracle)
                recorded |= {key for key, one in actions.items() if one.status == "done"}
                kinds = {spec["kind"] for spec in world.nodes.values()}
                event(f"ended {built.result.status}, gate {'gate' in kinds}, fallback {'fallback' in kinds}")
                event(
                    f"passed over {min(len(oracle.passed), 2)}, not asked {min(len(oracle.instances) - len(oracle.asked), 2)}"
                )
                decide(data.draw, oracle, folder)
    finally:
        shutil.rmtree(folder)
