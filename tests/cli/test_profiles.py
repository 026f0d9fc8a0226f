"""Profiles on the command line: one option, the same words in every document, and two prices side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from click.testing import Result

from dagcontent.spec.schema import generate

Run = Callable[..., Result]

GRAPH = """\
[graph]
name = "film"
[each]
scene = ["dusk", "dawn"]
[node.still]
kind = "image.generate"
each = "scene"
model = "fal/fal-ai/flux/dev"
prompt = "${scene}"
size = "64x64"
[node.sheet]
kind = "image.grid"
images = "${still}"
output = "sheet"
[profile.wide.node.still]
size = "1024x512"
"""


@pytest.fixture
def film(here: Path) -> Path:
    path = here / "film.toml"
    path.write_text(GRAPH, encoding="utf-8")
    return path


def test_a_draft_is_one_word(run: Run, film: Path) -> None:
    """No key, no question, no money: and every document says that it is a draft, every command goes on with it."""
    found = run("build", "film.toml", "--draft")
    assert found.exit_code == 0, found.output
    assert "\nbuilt film (draft) in " in found.stdout
    assert "dagcontent gallery film.toml --draft" in found.stdout
    assert (film.parent / "out" / "sheet.png").is_file()
    for args in (["build"], ["plan"], ["check"], ["graph"], ["why", "sheet"], ["show", "sheet"]):
        given = [args[0], "film.toml", *args[1:], "--draft", "--json"]
        found = run(*given)
        assert found.exit_code == 0, given
        assert json.loads(found.stdout)["profile"] == "draft", given
        assert json.loads(run(*given[:-2], "--profile", "draft", "--json").stdout)["profile"] == "draft"
    assert json.loads(run("plan", "film.toml", "--json").stdout)["profile"] is None
    assert run("plan", "film.toml", "--draft").stdout.startswith("film.toml (draft)   3 instances   3 hit")


def test_two_profiles_at_once_are_refused(run: Run, film: Path) -> None:
    """Of two that are given, neither is silently left out."""
    found = run("build", "film.toml", "--draft", "--profile", "wide")
    assert found.exit_code == 2
    assert 'inherit = "draft"' in found.stderr
    assert run("plan", "film.toml", "--draft", "--profile", "draft").exit_code == 0


def test_a_profile_that_is_misspelt_is_a_mistake(run: Run, film: Path) -> None:
    """The dear film must not be built in place of the cheap one."""
    found = run("build", "film.toml", "--profile", "wid", "--yes")
    assert found.exit_code == 2
    assert "--profile wid: there is no such profile" in found.stderr
    assert "did you mean `wide`?" in found.stderr


def test_two_profiles_are_priced_side_by_side(run: Run, film: Path) -> None:
    """Which of them to buy is a question of money: each node, and the sum, in two columns."""
    found = run("plan", "film.toml", "--compare", "draft")
    assert found.exit_code == 0
    row = next(line.split() for line in found.stdout.splitlines() if line.split()[:1] == ["still"])
    assert row == ["still", "fal/fal-ai/flux/dev", "$0.050", "local/card", "0"]
    total = next(line.split() for line in found.stdout.splitlines() if line.split()[:1] == ["expected"])
    assert total == ["expected", "$0.050", "$0"]
    document = json.loads(run("plan", "film.toml", "--profile", "wide", "--compare", "draft", "--json").stdout)
    jsonschema.Draft7Validator(json.loads(generate()["compare.schema.json"])).validate(document)
    assert document["profiles"] == ["wide", "draft"]
    still = next(node for node in document["nodes"] if node["node"] == "still")["sides"]
    assert [side["instances"] for side in still] == [2, 2]
    assert float(still[0]["cost_usd"]["expected"]) > 0.0
    assert still[1]["cost_usd"] == {"low": "0", "expected": "0", "high": "0"}
    assert [one["cost_usd"]["high"] == "0" for one in document["totals"]] == [False, True]


def test_a_comparison_says_what_is_made_and_writes_its_document(run: Run, film: Path, tmp_path: Path) -> None:
    """What is in the store costs nothing again, on either side."""
    run("build", "film.toml", "--draft")
    found = run("plan", "film.toml", "--compare", "draft", "-o", "two.json")
    row = next(line.split() for line in found.stdout.splitlines() if line.split()[:1] == ["still"])
    assert row[-1] == "made"
    assert json.loads((tmp_path / "two.json").read_text())["nodes"][0]["sides"][1]["to_make"] == 0
    assert run("plan", "film.toml", "--compare", "nosuch").exit_code == 2


def test_a_plan_file_is_of_its_profile(run: Run, film: Path) -> None:
    """Who agreed to the draft did not agree to the film: the file says which, and nothing else is built from it."""
    assert run("plan", "film.toml", "--draft", "-o", "plan.json", "-q").exit_code == 0
    document = json.loads((film.parent / "plan.json").read_text())
    jsonschema.Draft7Validator(json.loads(generate()["plan.schema.json"])).validate(document)
    assert document["plan"]["profile"] == document["profile"] == "draft"
    other = run("build", "film.toml", "--profile", "wide", "--plan", "plan.json")
    assert (other.exit_code, "was planned with another profile" in other.stderr) == (2, True)
    found = run("build", "film.toml", "--plan", "plan.json", "--json")
    assert (found.exit_code, json.loads(found.stdout)["profile"]) == (0, "draft")
