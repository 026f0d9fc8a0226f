"""What people and programs see of a build that waits for them, and of what they pick."""

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
[node.best]
kind = "select"
each = "scene"
from = "${line[scene]}"
by = "human"
[node.all]
kind = "text.generate"
model = "local/outline"
prompt = "Shorter: ${best}"
output = "all"
"""


def test_a_choice_on_a_screen(run: Run, here: Path, same: Same) -> None:
    """Word for word: what waits, of what a person can choose, with which command, and what goes on from there."""
    graph = here / "lines.toml"
    graph.write_text(GRAPH, encoding="utf-8")
    screens = {}

    def see(*words: str) -> None:
        done = run(*words)
        screens[f"{len(screens) + 1}: {' '.join(words)}"] = (
            done.stdout + done.stderr + ("" if done.exit_code == 0 else f"exit code {done.exit_code}\n")
        )

    see("plan", "lines.toml")
    run("build", "lines.toml", "--jobs", "1")
    see("build", "lines.toml")
    see("plan", "lines.toml")
    see("why", "lines.toml", "best[sun]")
    see("why", "lines.toml", "all")
    see("show", "lines.toml", "best[sun]")
    see("pick", "lines.toml", "best", "#0")
    see("pick", "lines.toml", "best[sun]", "take=2")
    see("pick", "lines.toml", "line[sun]", "#0")
    see("pick", "lines.toml", "best[sun]", "take=1")
    see("build", "lines.toml")
    run("pick", "lines.toml", "best[moon]", "#0")
    run("build", "lines.toml")
    see("show", "lines.toml", "best[moon]")
    graph.write_text(GRAPH.replace("an owl", "a fox"), encoding="utf-8")
    run("build", "lines.toml")
    see("plan", "lines.toml")
    see("reroll", "lines.toml", "best[sun]")
    same("picking.txt", "\n".join(f"== {name}\n{text}" for name, text in screens.items()))


def test_a_choice_as_json(run: Run, here: Path) -> None:
    """Tools that let people choose read what waits, and what was picked by position, digest and instance."""
    (here / "lines.toml").write_text(GRAPH, encoding="utf-8")
    done = run("build", "lines.toml", "--json")
    built = json.loads(done.stdout)
    assert (done.exit_code, built["status"], built["counts"]["waiting"]) == (5, "waiting", 2)
    assert [row["node"] for row in built["nodes"] if row["status"] == "waiting"] == ["best[sun]", "best[moon]"]
    planned = {row["node"]: row["status"] for row in json.loads(run("plan", "lines.toml", "--json").stdout)["nodes"]}
    assert (planned["best[sun]"], planned["all"]) == ("waiting", "maybe")
    (first,) = json.loads(run("pick", "lines.toml", "best[sun]", "take=1", "--json").stdout)["nodes"]
    assert (first["node"], first["position"], first["candidate"], first["was"]) == (
        "best[sun]", 1, "line[sun,take=1]", None,
    )  # fmt: skip
    (second,) = json.loads(run("pick", "lines.toml", "best[sun]", first["pick"][:8], "--json").stdout)["nodes"]
    assert (second["pick"], second["was"]) == (first["pick"], first["pick"])
