"""Turn the declarations of kinds into the JSON Schema of a graph file, for editors and linters. Knows no file.

Draft-07, one branch a kind. Strings with references stand wherever another type is meant. What a node needs is not
required here: it may come from `[defaults]`. What cannot be used yet is not listed, so an editor does not offer it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from dagcontent.kinds.declaration import WORKED_OUT, Kind
from dagcontent.kinds.registry import KINDS
from dagcontent.spec.choices_schema import choices_schema
from dagcontent.spec.document_schemas import (
    build_schema,
    compare_schema,
    diff_schema,
    plan_schema,
    run_schema,
    runs_schema,
    spend_schema,
)
from dagcontent.spec.key_help import KEY_HELP
from dagcontent.spec.key_schemas import MODELS, ON_BLOCK, common_keys, one_or_many
from dagcontent.spec.params import TYPES
from dagcontent.spec.value_schemas import ANYTHING, param_schema, ref, value_definitions, value_schema

__all__ = ["generate", "graph_schema", "main"]

_Schema = dict[str, Any]

_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_PARAMS: Final[_Schema] = {
    "description": "Values of the graph, overridden with -p name=value.",
    "type": "object",
    "additionalProperties": {"anyOf": [{"$ref": "#/definitions/declaration"}, *ANYTHING["anyOf"]]},
}
_MODELS: Final[_Schema] = {
    "description": "Aliases of models.",
    "type": "object",
    "additionalProperties": {
        "anyOf": [
            {"type": "string", "description": "provider/name, or another alias"},
            {"$ref": "#/definitions/models"},
        ]
    },
}
_MAP: Final[_Schema] = {"type": "object", "additionalProperties": ANYTHING}
_NAME: Final = "^[a-z][a-z0-9_]*$"


def generate() -> dict[str, str]:
    """Return the text of every file of `schemas/`, by name."""
    schemas = {
        "graph.schema.json": graph_schema(),
        "plan.schema.json": plan_schema(),
        "compare.schema.json": compare_schema(),
        "build.schema.json": build_schema(),
        "choices.schema.json": choices_schema(),
        "spend.schema.json": spend_schema(),
        "runs.schema.json": runs_schema(),
        "run.schema.json": run_schema(),
        "diff.schema.json": diff_schema(),
    }
    return {
        name: json.dumps({"$schema": _DRAFT, **schema}, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }


def graph_schema() -> _Schema:
    """Return the schema of a graph file."""
    return {
        "title": "dagcontent graph",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "graph": _graph(),
            "params": _PARAMS,
            "models": _MODELS,
            "defaults": ref("defaults"),
            "each": {
                "description": "Dimensions: a node that names one has an instance for every element.",
                "type": "object",
                "patternProperties": {_NAME: ref("dimension")},
                "additionalProperties": False,
            },
            "node": {
                "description": "The nodes; references between them make the edges.",
                "type": "object",
                "patternProperties": {_NAME: _any_node()},
                "additionalProperties": False,
            },
            "profile": _profiles(),
            "exports": {"description": "What it gives where it stands for a node of kind graph.", **_MAP},
        },
        "definitions": {**_definitions(), **{f"node.{kind.name}": _node(kind) for kind in KINDS.values()}},
    }


def _any_node() -> _Schema:
    # Conditions, not alternatives: of those a linter would list what is wrong with each kind that is not meant.
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(KINDS)}},
        "additionalProperties": True,  # the branch closes it
        "allOf": [
            {"if": {"properties": {"kind": {"const": name}}, "required": ["kind"]}, "then": ref(f"node.{name}")}
            for name in KINDS
        ],
    }


def _profiles() -> _Schema:
    """Return the schema of profiles. Of which kind a node is stands elsewhere: its parameters are not judged here."""
    common = {key: schema for key, schema in common_keys().items() if key not in {"kind", "each"}}
    node = {"type": "object", "properties": {"kind": False, "each": False, **common}, "additionalProperties": True}
    profile = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "inherit": {"type": "string", "description": "a profile that this one is laid over"},
            "params": _PARAMS,
            "models": _MODELS,
            "defaults": ref("defaults"),
            "node": {"type": "object", "patternProperties": {_NAME: node}, "additionalProperties": False},
        },
    }
    return {
        "description": "What --profile NAME lays over the graph; `draft` is there without being written.",
        "type": "object",
        "patternProperties": {"^[A-Za-z0-9_][A-Za-z0-9_-]*$": profile},
        "additionalProperties": False,
    }


def _graph() -> _Schema:
    return {
        "description": "What the graph is called and where its files go.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "description": "name of the graph; left out: that of the file"},
            "description": {"type": "string", "description": "what it makes, for people"},
            "output_dir": {
                "type": "string",
                "description": "folder of the outputs, in the graph's own",
                "default": "out",
            },
            "budget_usd": {
                "type": "number",
                "minimum": 0,
                "description": "ceiling of what a build may cost, in USD",
            },
            "include": {"type": "array", "items": {"type": "string"}, "description": "files to merge into this one"},
        },
    }


def _defaults() -> _Schema:
    general: dict[str, list[_Schema]] = {}
    for kind in KINDS.values():
        for param in kind.params:
            schema = value_schema(param)
            if schema not in general.setdefault(param.name, []):
                general[param.name].append(schema)
    common = {key: schema for key, schema in common_keys().items() if key != "kind"}
    one = {name: schemas[0] if len(schemas) == 1 else {"anyOf": schemas} for name, schemas in general.items()}
    return {
        "description": 'Values laid beneath the nodes; those of one kind stand in [defaults."KIND"].',
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **common,
            **one,
            **{
                kind.name: {
                    "description": f"Defaults of {kind.name}.",
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {key: schema for key, schema in _keys(kind).items() if key != "kind"},
                }
                for kind in KINDS.values()
            },
        },
    }


def _node(kind: Kind) -> _Schema:
    keys = _keys(kind)
    keys["kind"] = {"const": kind.name, "description": kind.help}
    return {
        "title": kind.name,
        "description": kind.help,
        "type": "object",
        "required": ["kind"],
        "additionalProperties": False,
        "properties": keys,
    }


def _keys(kind: Kind) -> dict[str, _Schema]:
    common = common_keys()
    if kind.by_model:
        names = ", ".join(f"local/{name}" for name in kind.stand_ins)
        here = f"; on this machine: {names}" if names else ""
        common["model"]["description"] = f"Who makes it: an alias, provider/name{here}, or a list of these."
    elif kind.questions:
        common["model"]["description"] = "Who judges: an alias, provider/name, or a list of these."
    else:
        common.pop("model")
    if kind.effect in WORKED_OUT:
        common.pop("takes")
    common = {key: schema for key, schema in common.items() if kind.takes_key(key)}
    if kind.takes_key("optional"):
        common["optional"] = one_or_many({"enum": [param.name for param in kind.params]}, KEY_HELP["optional"])
    return {"kind": common.pop("kind"), **{param.name: param_schema(param) for param in kind.params}, **common}


def _definitions() -> dict[str, _Schema]:
    return {
        **value_definitions(), "models": MODELS, "on_block": ON_BLOCK, "declaration": _declaration(),
        "dimension": _dimension(), "defaults": _defaults(),
    }  # fmt: skip


def _declaration() -> _Schema:
    text = {"type": "string"}
    return {
        "title": "declaration of a parameter",
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            "value": {"description": "what it is", **ANYTHING},
            "file": {**text, "description": "a text file, as it is"},
            "template": {**text, "description": "a text file whose references are put in"},
            "asset": {**text, "description": "a picture, recording, clip, ... beside the graph"},
            "assets": {"type": "array", "items": text, "description": "several of them"},
            "required": {"type": "boolean", "description": "must be given with -p"},
            "type": {
                "anyOf": [{"enum": list(TYPES)}, {"type": "string", "pattern": f"^list<({'|'.join(TYPES)})>$"}],
                "description": "its type",
            },
            "choices": {"type": "array", "items": text, "description": "the texts it may be"},
            "help": {**text, "description": "what it is for"},
        },
    }


def _dimension() -> _Schema:
    span = {
        "type": "object",
        "additionalProperties": False,
        "required": ["from", "to"],
        "properties": {
            "from": {"type": "integer", "description": "first number"},
            "to": {"type": "integer", "description": "last number, included"},
        },
    }
    of = [{"type": "array"}, ref("reference"), span]
    table = {
        "type": "object",
        "additionalProperties": False,
        "required": ["of"],
        "properties": {
            "of": {"anyOf": of, "description": "the list"},
            "id": {"type": "string", "description": "the field of an element that is its label"},
            "max": {"type": "integer", "minimum": 0, "description": "upper bound of a list known only at run time"},
            "over": {"enum": ["stop", "cut"], "description": "what happens to a longer one", "default": "stop"},
        },
    }
    return {"description": "A list, a range, a reference to a list, or a table with `of`.", "anyOf": [*of, table]}


def main(folder: str) -> None:
    """Write every schema into a folder."""
    for name, text in generate().items():
        (Path(folder) / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
