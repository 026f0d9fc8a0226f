"""What people and programs see of takes, rerolls and pins."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Run = Callable[..., Result]
Same = Callable[[str, str], None]

GRAPH = """
[graph]
name = "lines"
[each]
scene = [{ id = "sun", text = "a hare" }, { id = "moon", text = "an owl" }]
[node.line]
kind = "text.generate"
model = "local/outline"
each = "scene"
takes = 2
prompt = "One sentence about ${scene.text}."
[node.all]
kind = "text.generate"
model = "local/outline"
prompt = "Shorter: ${line}"
output = "all"
[node.sheet]
kind = "subtitles.build"
text = "${all}"
duration = 3
"""


def test_the_creative_loop_on_a_screen(run: Run, here: Path, same: Same) -> None:
    """Word for word: what was written, what a build will make of it, and what is refused."""
    graph = here / "lines.toml"
    graph.write_text(GRAPH, encoding="utf-8")
    run("build", "lines.toml")
    screens = {}

    def see(*words: str) -> None:
        done = run(*words)
        screens[f"{len(screens) + 1}: {' '.join(words)}"] = (
            done.stdout + done.stderr + ("" if done.exit_code == 0 else f"exit code {done.exit_code}\n")
        )

    see("reroll", "lines.toml", "line[sun,take=1]")
    see("plan", "lines.toml")
    see("why", "lines.toml", "line[sun,take=1]")
    run("build", "lines.toml")
    see("takes", "lines.toml", "line[sun]")
    see("takes", "lines.toml", "all")
    see("reroll", "lines.toml", "line[sun]", "--to", "0")
    see("reroll", "lines.toml", "line")
    see("reroll", "lines.toml", "sheet")
    see("pin", "lines.toml", "all")
    see("reroll", "lines.toml", "all")
    graph.write_text(GRAPH.replace('"sun"', '"dawn"').replace("an owl", "a fox"), encoding="utf-8")
    run("reroll", "lines.toml", "line[dawn,take=0]")
    graph.write_text(GRAPH.replace("an owl", "a fox"), encoding="utf-8")
    run("build", "lines.toml")
    graph.write_text(GRAPH.replace("an owl", "a fox").replace("Shorter", "Longer"), encoding="utf-8")
    see("plan", "lines.toml")
    see("why", "lines.toml", "all")
    graph.write_text(GRAPH, encoding="utf-8")
    see("unpin", "lines.toml", "all")
    same("choosing.txt", "\n".join(f"== {name}\n{text}" for name, text in screens.items()))


def test_the_creative_loop_as_json(run: Run, here: Path) -> None:
    """Tools that let people choose read this, and the plan says which results stay and whether they are old."""
    (here / "lines.toml").write_text(GRAPH, encoding="utf-8")
    run("build", "lines.toml")
    found = json.loads(run("reroll", "lines.toml", "line[moon,take=0]", "--json").stdout)
    assert (found["graph"], found["changed"]) == ("lines", True)
    assert found["file"] == str(here / "lines.choices.toml")
    assert found["nodes"] == [{"node": "line[moon,take=0]", "reroll": 1, "was": 0, "made": False}]
    (listed,) = json.loads(run("takes", "lines.toml", "line[moon,take=0]", "--json").stdout)["nodes"]
    assert [(row["reroll"], row["in_store"], row["now"], row["cost_usd"]) for row in listed["results"]] == [
        (0, True, False, "0")
    ]
    found = json.loads(run("pin", "lines.toml", "all", "--json").stdout)
    (node,) = found["nodes"]
    rows = {row["node"]: row for row in json.loads(run("plan", "lines.toml", "--json").stdout)["nodes"]}
    assert (rows["all"]["status"], rows["all"]["key"], rows["all"]["stale"]) == ("pinned", node["pin"], None)
    assert (rows["line[moon,take=0]"]["status"], rows["line[moon,take=0]"]["why"][0]["field"]) == ("run", "reroll")
    built = json.loads(run("build", "lines.toml", "--json").stdout)
    assert built["counts"]["pinned"] == 1
    assert [row["stale"] for row in built["nodes"] if row["status"] == "pinned"] == [True]
    assert json.loads(run("unpin", "lines.toml", "all", "--json").stdout)["nodes"] == [{"node": "all", "pin": None}]
