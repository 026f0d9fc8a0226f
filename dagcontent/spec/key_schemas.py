"""The keys that every node has into the schemas of their values. Knows no kind.

One list of words says what they mean: `key_help.py`.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from dagcontent.kinds.registry import COMMON_KEYS, KINDS
from dagcontent.spec.key_help import KEY_HELP
from dagcontent.values.snap import SNAPS

__all__ = ["MODELS", "ON_BLOCK", "common_keys", "one_or_many"]

_Schema: TypeAlias = dict[str, Any]

_DURATION: Final = r"^(?=.)([0-9]+h)?([0-9]+m)?([0-9]+(\.[0-9]+)?s)?$"
MODELS: Final[_Schema] = {
    "type": "array",
    "minItems": 1,
    "description": "models in order: each is asked when the one before refused",
    "items": {
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string", "description": "the model; the other keys are for it alone"}},
            },
        ]
    },
}
ON_BLOCK: Final[_Schema] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "reroll": {
            "type": "integer",
            "minimum": 0,
            "maximum": 20,
            "description": "further samples of the model",
        },
        "then": {"enum": ["fail", "skip", "fallback"], "default": "fallback"},
    },
}


def common_keys() -> dict[str, _Schema]:
    """Return the schema of every common key's value, with what the key means."""
    schemas: dict[str, _Schema] = {
        "kind": {"enum": list(KINDS)},
        "model": {"anyOf": [{"type": "string"}, {"$ref": "#/definitions/models"}]},
        "options": {"type": "object", "additionalProperties": True},
        "each": one_or_many({"type": "string"}, ""),
        "takes": {"type": "integer", "minimum": 1, "maximum": 1_000},
        "needs": one_or_many({"type": "string"}, ""),
        "when": {
            "anyOf": [
                {"$ref": "#/definitions/boolean"},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["value"],
                    "properties": {
                        "value": {"type": "string", "description": "a reference"},
                        "is": {"description": "what it must be"},
                        "is_not": {"description": "what it must not be"},
                        "in": {"type": "array", "description": "what it may be"},
                    },
                },
            ]
        },
        "optional": one_or_many({"type": "string"}, ""),
        "output": {"type": "string"},
        "timeout": {"type": "string", "pattern": _DURATION},
        "retries": {"type": "integer", "minimum": 0, "maximum": 100, "default": 2},
        "on_error": {"enum": ["fail", "skip"], "default": "fail"},
        "on_block": {"$ref": "#/definitions/on_block"},
        "max_cost_usd": {"type": "number", "minimum": 0},
        "snap": {"enum": list(SNAPS)},
        "seed": {"$ref": "#/definitions/integer"},
        "cache": {"enum": [True, "run"], "default": True},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    return {key: {"description": _sentence(KEY_HELP[key]), **schemas[key]} for key in COMMON_KEYS}


def one_or_many(item: _Schema, text: str) -> _Schema:
    """Return the schema of one such value or a list of them, with what it is for."""
    schema: _Schema = {"anyOf": [item, {"type": "array", "items": item}]}
    return {"description": _sentence(text), **schema} if text else schema


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
