"""Describe a choices file as a JSON Schema. Knows no code that reads or writes one."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["choices_schema"]

_Schema = dict[str, Any]

_DIGEST: Final[_Schema] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}


def choices_schema() -> _Schema:
    """Return the schema of a choices file, GRAPH.choices.toml."""
    entry = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "for": {**_DIGEST, "description": "digest of what it was about: the element, or the candidates"},
            "reroll": {"type": "integer", "minimum": 0, "description": "number of the sample"},
            "pick": {**_DIGEST, "description": "the chosen one"},
            "pin": {**_DIGEST, "description": "key of the result that stays, even if its inputs change"},
            "replaced": {**_DIGEST, "description": "of the file that a person put in the place of the result"},
            "instead_of": {**_DIGEST, "description": "key of the result that the file stands for"},
            "approved": {**_DIGEST, "description": "digest of what a gate showed when it was approved"},
            "rejected": {**_DIGEST, "description": "digest of what a gate showed when it was rejected"},
            "note": {"type": "string", "description": "why it was rejected"},
        },
    }
    nodes = {"type": "object", "description": "by instance", "additionalProperties": entry}
    profile = {"type": "object", "additionalProperties": False, "properties": {"node": nodes}}
    return {
        "title": "dagcontent choices",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "node": nodes,
            "profile": {"type": "object", "description": "by profile", "additionalProperties": profile},
        },
    }
