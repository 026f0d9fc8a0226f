"""A graph within a graph, as people see it: built alone and inside, named, decided about, drawn, edited."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
Same = Callable[[str, str], None]

AD = """
[graph]
name = "ad"
output_dir = "films"
[params]
product = "Lamp"
language = { required = true, type = "text" }
[each]
scene = ["dusk", "dawn"]
[node.line]
kind = "text.generate"
model = "local/outline"
each = "scene"
prompt = "One sentence about ${params.product} at ${scene} in ${params.language}."
[node.best]
kind = "select"
from = "${line}"
by = "human"
[node.film]
kind = "text.generate"
model = "local/outline"
prompt = "Shorter: ${line}"
output = "film"
[exports]
film = "${film}"
best = "${best}"
lines = "${line}"
"""
OUTER = """
[graph]
name = "world"
[each]
lang = ["es", "de"]
[node.ad]
kind = "graph"
each = "lang"
path = "ads/ad.toml"
params = { language = "${lang}", product = "Torch" }
[node.wall]
kind = "text.generate"
model = "local/outline"
prompt = "All of: ${ad[*].film} ${ad['es'].lines[0]}"
output = "wall"
"""


@pytest.fixture
def world(here: Path) -> Path:
    """Return a folder with a graph, and one within it."""
    (here / "ads").mkdir()
    (here / "ads" / "ad.toml").write_text(AD, encoding="utf-8")
    (here / "world.toml").write_text(OUTER, encoding="utf-8")
    return here


def statuses(done: Result) -> dict[str, str]:
    """Return the status of every row of a plan."""
    return {row["node"]: row["status"] for row in json.loads(done.stdout)["nodes"]}


def test_the_life_of_a_graph_within_a_graph_on_a_screen(run: Run, world: Path, same: Same) -> None:
    """Word for word: everything that names an instance takes the names that plans show."""
    screens = {}

    def see(*words: str) -> None:
        done = run(*words)
        screens[f"{len(screens) + 1}: {' '.join(words)}"] = (
            done.stdout + done.stderr + ("" if done.exit_code == 0 else f"exit code {done.exit_code}\n")
        )

    see("check", "world.toml")
    see("plan", "world.toml")
    run("build", "world.toml")
    see("plan", "world.toml", "ad[es]")
    see("show", "world.toml", "ad[es]/line[dawn]")
    see("why", "world.toml", "ad[de]/film")
    see("takes", "world.toml", "ad/line[dawn]")
    see("reroll", "world.toml", "ad[es]/line[dawn]")
    see("pin", "world.toml", "ad[de]/film")
    see("plan", "world.toml")
    see("pick", "world.toml", "ad[de]/best", "dusk")
    see("reroll", "world.toml", "ad[es]")
    see("build", "world.toml", "ad[xx]")
    see("build", "world.toml", "ad[es,de]")
    see("build", "world.toml", "ad/lime")
    see("build", "world.toml", "ad[es]/line[noon]")
    see("graph", "world.toml", "--no-status")
    see("graph", "world.toml", "--no-status", "--format", "mermaid")
    see("graph", "world.toml", "--no-status", "--format", "dot")
    see("kinds", "graph")
    same("composition.txt", "\n".join(f"==== {name}\n{text}" for name, text in screens.items()))


def test_what_is_made_alone_is_there_inside_and_back(run: Run, world: Path) -> None:
    """An ad that was made and approved alone costs nothing when it becomes one of many; and the other way round."""
    alone = ("ads/ad.toml", "-p", "language=es", "-p", "product=Torch")
    assert run("build", *alone).exit_code == 5  # somebody is to pick
    inside = statuses(run("plan", "world.toml", "--json"))
    made = {name: status for name, status in inside.items() if name.startswith("ad[es]")}
    assert set(made.values()) == {"hit", "waiting"}
    assert inside["ad[de]/film"] == "maybe"
    run("build", "world.toml")
    for language in ("es", "de"):
        found = statuses(run("plan", "ads/ad.toml", "-p", f"language={language}", "-p", "product=Torch", "--json"))
        assert set(found.values()) == {"hit", "waiting"}
    assert {str(path.relative_to(world / "out")) for path in (world / "out").rglob("*.txt")} == {
        "ad/es/film.txt", "ad/de/film.txt", "wall.txt"
    }  # fmt: skip


def test_targets_within_a_graph_are_built_alone(run: Run, world: Path) -> None:
    """Who works on one scene of one language waits for nothing else."""
    rows = json.loads(run("build", "world.toml", "ad[es]/line[dawn]", "--json").stdout)["nodes"]
    assert [row["node"] for row in rows] == ["ad[es]/line[dawn]"]
    rows = json.loads(run("build", "world.toml", "ad[de]", "--json").stdout)["nodes"]
    assert {row["node"] for row in rows} == {"ad[de]/line[dusk]", "ad[de]/line[dawn]", "ad[de]/best", "ad[de]/film"}
    rows = json.loads(run("build", "world.toml", "ad/line[#0]", "--json").stdout)["nodes"]
    assert {row["node"]: row["status"] for row in rows} == {"ad[es]/line[dusk]": "ran", "ad[de]/line[dusk]": "hit"}


def test_an_edit_of_the_inner_file_is_noticed(run: Run, world: Path) -> None:
    """The answer to an unchanged graph comes from a memo, and the graph is all of its files."""
    inner = world / "ads" / "ad.toml"
    inner.write_text(AD.replace('by = "human"', 'by = "first"'), encoding="utf-8")
    run("build", "world.toml")
    assert set(statuses(run("plan", "world.toml", "--json")).values()) == {"hit"}
    inner.write_text(inner.read_text(encoding="utf-8").replace("One sentence", "A sentence"), encoding="utf-8")
    assert statuses(run("plan", "world.toml", "--json"))["ad[es]/line[dawn]"] == "run"


def test_decisions_stand_in_the_choices_file_of_the_whole(run: Run, world: Path) -> None:
    """Two films of one graph are two films: what is decided about one says nothing about the other, nor about the graph alone."""
    run("build", "world.toml")
    run("reroll", "world.toml", "ad[es]/line[dawn]")
    assert '[node."ad[es]/line[dawn]"]' in (world / "world.choices.toml").read_text(encoding="utf-8")
    assert not list((world / "ads").glob("*.choices.toml"))
    rows = statuses(run("plan", "world.toml", "--json"))
    assert (rows["ad[es]/line[dawn]"], rows["ad[de]/line[dawn]"]) == ("run", "hit")
    run("build", "world.toml")
    run("pick", "world.toml", "ad[de]/best", "dawn")
    assert "ad[de]/best" not in statuses(run("plan", "world.toml", "--json"))


def test_a_profile_reaches_every_graph_in_it(run: Run, world: Path) -> None:
    """A draft is free throughout, and a profile of the same name changes the inner graph as well."""
    inner = world / "ads" / "ad.toml"
    paid = AD.replace('model = "local/outline"\neach', 'model = "openai/gpt-6-luna"\neach')
    inner.write_text(
        paid + '[profile.short.node.film]\nprompt = "Very short"\n[profile.short.params]\nproduct = "X"\n',
        encoding="utf-8",
    )
    (world / "world.toml").write_text(OUTER + '[profile.short]\n[profile.cheap]\ninherit = "draft"\n', encoding="utf-8")
    for words in (("--draft",), ("--profile", "cheap")):
        rows = json.loads(run("plan", "world.toml", "--json", *words).stdout)["nodes"]
        assert {row["model"] for row in rows if "line" in row["node"]} == {"local/outline"}
    rows = json.loads(run("plan", "world.toml", "--json", "--profile", "short").stdout)["nodes"]
    assert {row["model"] for row in rows if "line" in row["node"]} == {"openai/gpt-6-luna"}
    assert {row["status"] for row in rows if "film" in row["node"]} == {"run"}, "its prompt needs no line any more"
