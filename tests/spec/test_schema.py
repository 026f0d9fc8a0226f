"""The schemas that editors and programs read: true to the declarations, up to date, and useful to a linter."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.kinds.declaration import WORKED_OUT
from dagcontent.kinds.registry import COMMON_KEYS, KINDS
from dagcontent.spec.load import load
from dagcontent.spec.schema import generate, graph_schema

ROOT = Path(__file__).parent.parent.parent
TOMBI = Path(sys.executable).parent / "tombi"
SCHEMAS = generate()
GRAPH = jsonschema.Draft7Validator(json.loads(SCHEMAS["graph.schema.json"]))


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_up_to_date(name: str) -> None:
    """A stale schema lies in every editor (python -m dagcontent.spec.schema schemas)."""
    assert (ROOT / "schemas" / name).read_text(encoding="utf-8") == SCHEMAS[name]


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_schemas_and_name_no_address_but_the_draft(name: str) -> None:
    """Nobody is to fetch anything to read a graph."""
    jsonschema.Draft7Validator.check_schema(json.loads(SCHEMAS[name]))
    assert re.findall(r"https?://[^\"]*", SCHEMAS[name]) == ["http://json-schema.org/draft-07/schema#"]


def test_every_declared_kind_has_a_branch_with_its_parameters_and_their_help() -> None:
    """One source: what a kind declares is what an editor offers, and what cannot be used is not offered."""
    definitions = graph_schema()["definitions"]
    assert {name for name in definitions if name.startswith("node.")} == {f"node.{name}" for name in KINDS}
    for kind in KINDS.values():
        properties = definitions[f"node.{kind.name}"]["properties"]
        evaluated = kind.effect in WORKED_OUT
        never = {"model": not (kind.by_model or kind.questions), "takes": evaluated}
        common = [key for key in COMMON_KEYS if not never.get(key) and kind.takes_key(key)]
        assert set(properties) == {*(param.name for param in kind.params), *common}
        assert all(properties[param.name]["description"] for param in kind.params)


GOOD = sorted({*(ROOT / "examples").glob("*/graph.toml")})


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.parent.name)
def test_examples_fit_the_schema(path: Path) -> None:
    """What we show must not be underlined in anybody's editor."""
    GRAPH.validate(tomli.loads(path.read_text(encoding="utf-8")))


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_what_is_loaded_without_a_mistake_fits_the_schema(kind: str, data: st.DataObject) -> None:
    """The schema may be looser than the checks, never stricter: an editor that is wrong is switched off."""
    values = st.sampled_from([
        "5", "0.5", "1", "true", '"x"', '"${a}"', '"${a.b[0]}"', '"x ${a}"', "[]", '["${a}", ["${b}"]]', '[1, "x"]',
        "{ a = 1 }", '"16:9"', '{ value = "${a}", is = 1 }', '"10m"', '["text"]', '"run"', '"skip"',
    ])  # fmt: skip
    names = [param.name for param in KINDS[kind].params] + [k for k in COMMON_KEYS if k not in {"kind", "model"}]
    lines = ["[each]", "d = [1]", "[node.n]", f'kind = "{kind}"']
    if KINDS[kind].by_model:
        models = ["fal/fal-ai/flux/dev", "${params.model}", *(f"local/{name}" for name in KINDS[kind].stand_ins)]
        lines.append(f'model = "{data.draw(st.sampled_from(models))}"')
    lines += [f"{name} = {data.draw(values)}" for name in names if data.draw(st.booleans())]
    text = "\n".join(lines)
    wrong = {mistake.path[2] for mistake in load("/nowhere/g.toml", text=text).mistakes if len(mistake.path) > 2}
    graph = tomli.loads(text)
    graph["node"]["n"] = {key: value for key, value in graph["node"]["n"].items() if key not in wrong}
    GRAPH.validate(graph)


BAD = """\
#:schema {schema}
[graph]
nmae = "x"

[params]
any = {{ thing = [1] }}

[each]
scene = "${{script.scenes}}"

[node.a]
kind = "text.template"
text = 5

[node.b]
kind = "image.resize"
image = "${{a}}"
width = "${{c.width}}"
wdth = 5

[node.c]
kind = "image.grid"
images = ["x.png", ["${{b}}"]]
gap = true
each = "scene"
when = "${{params.go}}"
seed = "${{index.scene}}"
on_blok = "x"

[node.d]
kind = "image.gird"
"""


@pytest.mark.slow
@pytest.mark.skipif(not TOMBI.exists(), reason="tombi is not installed")
def test_a_linter_reports_wrong_types_and_unknown_keys_by_line_and_column(tmp_path: Path) -> None:
    """An editor shows mistakes while one types: the real linter, our schema, and references left alone."""
    file = tmp_path / "graph.toml"
    file.write_text(BAD.format(schema=ROOT / "schemas" / "graph.schema.json"), encoding="utf-8")
    done = subprocess.run(
        [TOMBI, "lint", "--offline", file], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"NO_COLOR": "1", "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
    )  # fmt: skip
    said = done.stdout + done.stderr
    places = set(re.findall(r"graph\.toml:(\d+:\d+)", said))
    assert done.returncode != 0
    assert places == {"3:1", "13:8", "19:1", "24:7", "28:1", "31:8"}, said


@pytest.mark.slow
@pytest.mark.skipif(not TOMBI.exists() or not GOOD, reason="tombi is not installed, or there are no examples")
def test_a_linter_says_nothing_about_the_examples(tmp_path: Path) -> None:
    """No warning either: what we show is clean."""
    for path in GOOD:
        done = subprocess.run(
            [TOMBI, "lint", "--offline", path], capture_output=True, text=True, check=False, cwd=path.parent,
            env={"NO_COLOR": "1", "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stdout + done.stderr


def test_documents_of_the_design_fit_their_schemas() -> None:
    """The shapes of plan, build and choices are promised: these are written down from the promise."""
    digest = "sha256:" + "0" * 64
    cost = {"low": "0.025", "expected": "0.025", "high": "0.025"}
    why = [{"field": "params.prompt", "old": "a", "new": "b", "line": 31}]
    row: dict[str, Any] = {
        "node": "still[intro,take=0]", "kind": "image.generate", "model": "fal/fal-ai/flux/dev", "status": "run",
        "cause": "edit", "recovery": "exact", "why": why, "cost_usd": cost, "price": {"source": "list", "date": "2026-09-20"},
    }  # fmt: skip
    fan = {"node": "still[*]", "kind": "image.generate", "status": "maybe", "items": {"expected": 6, "max": 12}}
    totals = {"counts": {"hit": 31, "run": 6, "maybe": 5}, "cost_usd": cost, "saved_usd": "7.31", "unpriced": []}
    documents: dict[str, dict[str, Any]] = {
        "plan": {"graph": "t", "profile": None, "nodes": [row, fan], "totals": totals},
        "build": {
            "status": "ok", "run": "01J", "counts": {"hit": 1, "ran": 2}, "outputs": {"film": "out/teaser.mp4"},
            "cost_usd": {"spent": "0.593", "reserved": "0", "saved": "7.31"},
            "nodes": [{"node": "a", "status": "ran", "digest": None, "cost_usd": "0", "seconds": 1.5, "error": None}],
        },
        "choices": {"node": {"still[intro,take=0]": {"for": digest, "reroll": 2}, "film": {"pin": digest}}},
    }  # fmt: skip
    for name, document in documents.items():
        validator = jsonschema.Draft7Validator(json.loads(SCHEMAS[f"{name}.schema.json"]))
        validator.validate(document)
    broken = {**documents["plan"], "nodes": [{**row, "status": "done"}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(json.loads(SCHEMAS["plan.schema.json"])).validate(broken)


def test_every_definition_that_is_named_is_there() -> None:
    """A reference that leads nowhere makes an editor give up on the whole file."""
    schema = graph_schema()
    named: set[str] = set()
    stack: list[Any] = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            named |= {str(part["$ref"])} if isinstance(part.get("$ref"), str) else set()
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
    assert {name.removeprefix("#/definitions/") for name in named} <= set(schema["definitions"])
