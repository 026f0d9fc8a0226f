from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import Result

from dagcontent.spec.schema import generate

from .conftest import SMALL, WRONG

Run = Callable[..., Result]
Process = Callable[..., "subprocess.CompletedProcess[str]"]


def valid(name: str, document: Any) -> Any:
    """Check a document against the schema that is published for it."""
    jsonschema.Draft7Validator(json.loads(generate()[f"{name}.schema.json"])).validate(document)
    return document


def test_plan_and_build_are_as_their_schemas_say(run: Run, small: Path) -> None:
    """Other programs stand on these documents: cold, edited, warm."""
    cold = valid("plan", json.loads(run("plan", "small.toml", "--json").stdout))
    assert cold["totals"]["counts"] == {"run": 5}
    made = valid("build", json.loads(run("build", "small.toml", "--json").stdout))
    assert (made["status"], made["counts"]["ran"]) == ("ok", 5)
    assert Path(made["outputs"]["sheet"]).is_file()
    small.write_text(SMALL.replace("comes up", "rises"), encoding="utf-8")
    edited = valid("plan", json.loads(run("plan", "small.toml", "--json").stdout))
    row = next(row for row in edited["nodes"] if row["node"] == "titled[dawn]")
    (why,) = row["why"]
    assert (row["status"], row["cause"], why["field"], why["line"]) == ("run", "edit", "params.text", 15)
    assert (why["old"], why["new"]) == ("The sun comes up.", "The sun rises.")
    valid("build", json.loads(run("build", "small.toml", "--json").stdout))
    warm = valid("build", json.loads(run("build", "small.toml", "--json").stdout))
    assert (warm["counts"]["hit"], warm["counts"]["ran"], warm["run"]) == (5, 0, "")
    assert {node["node"] for node in warm["nodes"]} == {n["node"] for n in made["nodes"]}
    valid("plan", json.loads(run("plan", "small.toml", "--json").stdout))


def test_failures_are_as_the_schema_says(run: Run, small: Path) -> None:
    """A node that fails is part of the result, not an error of the command."""
    small.write_text(SMALL.replace('"64x64"', '"64 by 64"'), encoding="utf-8")
    found = run("build", "small.toml", "--json")
    assert found.exit_code == 1
    document = valid("build", json.loads(found.stdout))
    assert (document["status"], document["counts"]["failed"], document["counts"]["blocked"]) == ("failed", 2, 3)
    valid("plan", json.loads(run("plan", "small.toml", "--json").stdout))


@pytest.mark.parametrize(
    "args",
    [
        ["build", "wrong.toml"], ["plan", "wrong.toml"], ["why", "wrong.toml", "x"], ["show", "wrong.toml", "x"],
        ["graph", "wrong.toml"], ["build", "nothing.toml"], ["check", "nothing.toml"], ["build"], ["biuld"],
        ["build", "small.toml", "--bugdet", "1"], ["kinds", "x"], ["new", "small.toml"], ["why", "small.toml", "x"],
        ["store", "stats", "--store", "small.toml"], ["plan", "small.toml", "--budget", "x"], ["build", "small.toml", "--plan", "small.toml"],
    ],
)  # fmt: skip
def test_errors_are_one_document(run: Run, small: Path, here: Path, args: list[str]) -> None:
    """A program reads stdout once, whatever happens; words go to people on stderr."""
    (here / "wrong.toml").write_text(WRONG, encoding="utf-8")
    done = run(*args, "--json")
    assert done.exit_code in {1, 2}
    error = json.loads(done.stdout)["error"]
    assert set(error) == {"message", "type", "hint", "facts", "mistakes"}
    assert error["message"]
    assert done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    if args[-1] == "wrong.toml":
        assert [(m["line"], m["column"]) for m in error["mistakes"]] == [(7, 1), (8, 8), (12, 11), (15, 8)]


def test_check_gives_every_mistake(run: Run, here: Path) -> None:
    """`check --json` is for editors: mistakes are its answer, with places, and exit code 2."""
    (here / "wrong.toml").write_text(WRONG, encoding="utf-8")
    found = run("check", "wrong.toml", "--json")
    document = json.loads(found.stdout)
    assert found.exit_code == 2
    assert document["ok"] is False
    assert document["mistakes"][0]["hint"] == "did you mean `prompt`?"


@pytest.mark.parametrize(
    ("args", "keys"),
    [
        (["why", "small.toml", "card[dusk]"], {"node", "status", "cause", "fields", "compared_with"}),
        (["show", "small.toml", "sheet"], {"node", "artifacts", "outputs", "key", "run", "made_with"}),
        (["graph", "small.toml"], {"graph", "nodes", "edges", "counts"}),
        (["check", "small.toml"], {"graph", "ok", "mistakes"}),
        (["kinds"], {"kinds", "later"}),
        (["kinds", "image.grid"], {"kind", "params", "output", "effect"}),
        (["schema"], {"$schema", "properties"}),
        (["schema", "plan"], {"$schema", "properties"}),
        (["store", "stats"], {"path", "records", "blobs"}),
        (["store", "path"], {"path", "exists"}),
        (["store", "verify"], {"ok", "records", "problems"}),
        (["doctor"], {"ok", "checks"}),
        (["new", "fresh"], {"folder", "graph", "files"}),
    ],
)
def test_every_command_can_speak_json(run: Run, small: Path, args: list[str], keys: set[str]) -> None:
    """One document on stdout, for each command that has something to tell."""
    assert run("build", "small.toml", "-q").exit_code == 0
    found = run(*args, "--json")
    assert found.exit_code == 0
    assert keys <= json.loads(found.stdout).keys()


def test_errors_of_a_process_are_one_document(process: Process, here: Path) -> None:
    """The same, with real streams."""
    (here / "wrong.toml").write_text(WRONG, encoding="utf-8")
    done = process("build", "wrong.toml", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["type"] == "GraphError"
    assert "4 mistakes in wrong.toml; nothing was run" in done.stderr


def test_nothing_but_the_document_goes_to_stdout(process: Process, small: Path) -> None:
    """A build has much to tell while it runs; with --json none of it is in the way."""
    done = process("build", "small.toml", "--json")
    assert json.loads(done.stdout)["status"] == "ok"
    assert done.stdout.count("\n") == 1
    assert "made       card[dusk]" in done.stderr
    quiet = process("build", "small.toml", "--json", "-q", "-p", "place=bay")
    assert json.loads(quiet.stdout)["counts"]["ran"] == 3
    assert quiet.stderr == ""


def test_documents_survive_a_poor_encoding(process: Process, small: Path) -> None:
    """A terminal that knows ASCII only still gets a whole document, with every letter in it."""
    small.write_text(SMALL.replace("A calm sea", "Ruhige See bei Nørre Å 海"), encoding="utf-8")
    done = process("plan", "small.toml", "--json", PYTHONIOENCODING="ascii")
    assert "Ruhige See bei Nørre Å 海 at dawn" in str(json.loads(done.stdout))
    assert "海" not in done.stdout


def test_events_are_one_json_a_line(run: Run, small: Path, here: Path) -> None:
    """Whoever follows a build reads its events as they happen, from a file of their own."""
    assert run("build", "small.toml", "--events", "events.jsonl").exit_code == 0
    events = [json.loads(line) for line in (here / "events.jsonl").read_text("utf-8").splitlines()]
    assert events[0]["event"] == "build-started"
    assert events[-1]["event"] == "build-finished"
    assert sum(event["event"] == "node-finished" for event in events) == 5


def test_a_plan_can_be_kept_in_a_file(run: Run, small: Path, here: Path) -> None:
    """`-o` keeps the document, and the table is still shown."""
    found = run("plan", "small.toml", "-o", "plan.json")
    assert "5 run" in found.stdout
    assert valid("plan", json.loads((here / "plan.json").read_text("utf-8")))["graph"] == "small"
