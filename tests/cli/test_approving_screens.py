"""What people and programs see of gates that wait, of what they approve and reject, and of fallbacks."""

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
takes = 3
prompt = "One sentence about ${scene.text}."
[node.check]
kind = "assert"
each = ["scene", "line.take"]
value = "${line[scene, take]}"
matches = "^(Picture|First)"
[node.good]
kind = "fallback"
each = "scene"
of = ["${check[scene]}", "${scene.text}"]
[node.ok]
kind = "gate"
each = "scene"
show = "${good[scene]}"
title = "Is this the line of ${scene.id}?"
[node.all]
kind = "text.generate"
model = "local/outline"
prompt = "Shorter: ${ok}"
output = "all"
[node.aside]
kind = "text.generate"
model = "local/outline"
prompt = "aside"
needs = "ok"
"""


def test_a_gate_on_a_screen(run: Run, here: Path, same: Same) -> None:
    """Word for word: what waits and what it shows, with which commands a person decides, and what comes of it."""
    graph, choices = here / "lines.toml", here / "lines.choices.toml"
    graph.write_text(GRAPH, encoding="utf-8")
    screens = {}

    def see(*words: str) -> None:
        done = run(*words)
        screens[f"{len(screens) + 1}: {' '.join(words)}"] = (
            done.stdout + done.stderr + ("" if done.exit_code == 0 else f"exit code {done.exit_code}\n")
        )

    see("plan", "lines.toml")
    see("approve", "lines.toml", "ok[sun]")
    run("build", "lines.toml")
    see("build", "lines.toml")
    see("plan", "lines.toml")
    see("why", "lines.toml", "ok[sun]")
    see("show", "lines.toml", "ok[sun]")
    see("approve", "lines.toml", "ok")
    see("approve", "lines.toml", "line[sun,take=0]")
    see("reroll", "lines.toml", "ok[sun]")
    see("pick", "lines.toml", "ok[sun]", "#0")
    see("approve", "lines.toml", "ok[sun]")
    see("reject", "lines.toml", "ok[moon]", "--note", 'too "dark"\n  and long')
    see("build", "lines.toml")
    see("plan", "lines.toml")
    see("why", "lines.toml", "ok[moon]")
    see("why", "lines.toml", "line[sun,take=2]")
    screens["the choices file"] = choices.read_text(encoding="utf-8")
    see("approve", "lines.toml", "ok[*]")
    run("build", "lines.toml")
    see("build", "lines.toml", "-v")
    see("show", "lines.toml", "good[sun]")
    graph.write_text(GRAPH.replace("an owl", "a fox"), encoding="utf-8")
    run("build", "lines.toml")
    see("plan", "lines.toml")
    see("plan", "lines.toml", "--draft")
    same("approving.txt", "\n".join(f"== {name}\n{text}" for name, text in screens.items()))


def test_gates_and_fallbacks_as_json(run: Run, here: Path) -> None:
    """Tools that let people decide read what is asked, how it is put and what is shown; and who served."""
    (here / "lines.toml").write_text(GRAPH, encoding="utf-8")
    done = run("build", "lines.toml", "--json")
    built = json.loads(done.stdout)
    assert (done.exit_code, built["status"], built["counts"]["waiting"]) == (5, "waiting", 2)
    first = next(row for row in built["nodes"] if row["node"] == "ok[sun]")
    assert (first["status"], first["asks"], first["title"]) == ("waiting", "approve", "Is this the line of sun?")
    (shown,) = first["shows"]
    assert shown["node"] == "good[sun]"
    served = {row["node"]: (row["by"], row["position"]) for row in built["served"]}
    assert served.keys() == {"good[sun]", "good[moon]"}
    (row,) = json.loads(run("reject", "lines.toml", "ok[sun]", "--note", "no", "--json").stdout)["nodes"]
    assert (row["node"], row["rejected"], row["was"]) == ("ok[sun]", shown["digest"], None)
    rows = json.loads(run("approve", "lines.toml", "ok[*]", "--json").stdout)["nodes"]
    assert [(row["node"], row["was"]) for row in rows] == [("ok[sun]", "rejected"), ("ok[moon]", None)]
    planned = {row["node"]: row for row in json.loads(run("plan", "lines.toml", "--json").stdout)["nodes"]}
    assert planned["all"]["status"] == "run"
    assert sum(row["status"] == "unneeded" for row in planned.values()) > 0
