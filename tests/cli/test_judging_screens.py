"""What people and programs see of a selection by a judge: whom it asks, what was said, and what can be done about it."""

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
[node.best]
kind = "select"
each = "scene"
from = "${line[scene]}"
by = "judge"
model = "local/outline"
rubric = "It is about ${scene.text} and about nothing else."
judges = 2
[node.most]
kind = "select"
from = "${line[*]}"
by = "metric"
scores = [[1, 2, 3], [6, 5, 4]]
top = 2
[node.all]
kind = "text.template"
text = "${best[*].label} of ${most.label}"
"""


def test_a_judge_on_a_screen(run: Run, here: Path, same: Same) -> None:
    """From the plan to the reroll: every line is for somebody who sees a judge for the first time."""
    (here / "lines.toml").write_text(GRAPH, encoding="utf-8")
    screens = {}

    def see(*words: str) -> None:
        done = run(*words)
        screens[f"{len(screens) + 1}: {' '.join(words)}"] = (
            done.stdout + done.stderr + ("" if done.exit_code == 0 else f"exit code {done.exit_code}\n")
        )

    see("kinds", "select")
    see("plan", "lines.toml")
    run("build", "lines.toml", "--jobs", "1")
    see("plan", "lines.toml")
    see("graph", "lines.toml", "--format", "text")
    see("show", "lines.toml", "best[sun]")
    see("show", "lines.toml", "most")
    see("show", "lines.toml", "all")
    see("why", "lines.toml", "best.judge[sun,take=1]")
    see("takes", "lines.toml", "best[sun]")
    see("takes", "lines.toml", "best.judge[sun]")
    see("pick", "lines.toml", "best[sun]", "nobody")
    see("pick", "lines.toml", "most", "#1")
    see("reroll", "lines.toml", "best[sun]")
    see("reroll", "lines.toml", "best.judge[sun,take=1]")
    see("pin", "lines.toml", "best.judge[sun,take=1]")
    see("plan", "lines.toml")
    see("pick", "lines.toml", "best[sun]", "take=1")
    see("plan", "lines.toml")
    same("judging.txt", "\n".join(f"== {name}\n{text}" for name, text in screens.items()))


def test_a_judge_as_json(run: Run, here: Path) -> None:
    """A tool that shows why one was chosen reads scores and reasons by candidate, and ranks."""
    (here / "lines.toml").write_text(GRAPH, encoding="utf-8")
    assert run("build", "lines.toml").exit_code == 0
    found = json.loads(run("show", "lines.toml", "most", "--json").stdout)
    assert [(one["position"], one["score"], one["rank"]) for one in found["candidates"]] == [
        (0, 1, None), (1, 2, None), (2, 3, None), (3, 6, 1), (4, 5, 2), (5, 4, None),
    ]  # fmt: skip
    judged = json.loads(run("show", "lines.toml", "best[moon]", "--json").stdout)
    assert all(len(one["reasons"]) == 2 and 0 <= one["score"] <= 10 for one in judged["candidates"])
    assert [one["candidate"] for one in judged["candidates"] if one["rank"] == 1] == [
        max(judged["candidates"], key=lambda one: one["score"])["candidate"]
    ]


def test_why_a_measuring_would_be_made_anew(run: Run, here: Path) -> None:
    """What measures for a selection is a node that nobody wrote, and is asked about like one."""
    (here / "m.toml").write_text(
        '[graph]\nname = "m"\n[node.still]\nkind = "image.generate"\nmodel = "local/card"\nprompt = "a"\nsize = "64x36"\ntakes = 2\n'
        '[node.best]\nkind = "select"\nfrom = "${still}"\nby = "metric"\nmetric = "sharpness"\n',
        encoding="utf-8",
    )
    run("build", "m.toml")
    said = run("why", "m.toml", "best.metric")
    assert (said.exit_code, said.stderr) == (0, "")
    assert said.stdout.startswith("best.metric: hit")
    assert "2 x image" in said.stdout
