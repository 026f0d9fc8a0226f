"""Turn a parameter's declaration into the JSON Schema of what may be written for it. Knows no kind.

A string with a reference stands wherever another type is meant.
"""

from __future__ import annotations

from typing import Any, Final

from dagcontent.kinds.declaration import Param
from dagcontent.values.types import Type

__all__ = ["ANYTHING", "param_schema", "ref", "value_definitions", "value_schema"]

_Schema = dict[str, Any]

_WHOLE: Final = r"^\$\{[^}]+\}$"
# Said in full: linters take a table of which nothing is said for a closed one.
ANYTHING: Final[_Schema] = {
    "anyOf": [
        {"type": "object", "additionalProperties": True},
        {"type": "array"},
        {"type": "string"},
        {"type": "number"},
        {"type": "boolean"},
    ]
}


def ref(name: str) -> _Schema:
    """Return what refers to a definition."""
    return {"$ref": f"#/definitions/{name}"}


def param_schema(param: Param) -> _Schema:
    """Return a parameter's schema with its description and default."""
    text = param.help + (f" ({param.unit})" if param.unit else "") + ("; required" if param.required else "")
    schema: _Schema = {"description": text[:1].upper() + text[1:] + "."}
    if param.default is not None:
        schema["default"] = param.default
    return {**schema, **value_schema(param)}


def value_schema(param: Param) -> _Schema:
    """Return the schema of the values alone."""
    if param.fields:
        return _tables(param)
    if param.name in {"schema", "returns"}:
        return ANYTHING
    bounds: _Schema = {}
    if param.minimum is not None:
        bounds["minimum"] = param.minimum
    if param.maximum is not None:
        bounds["maximum"] = param.maximum
    if param.choices:
        number = [{"type": param.type.name, **bounds}] if bounds else []
        return {"anyOf": [{"enum": list(param.choices)}, *number, ref("references")]}
    if bounds:
        return {"anyOf": [{"type": param.type.name, **bounds}, ref("reference")]}
    schemas: list[_Schema] = []
    for type_ in (param.type, *param.also):
        schema = _type(type_)
        if schema not in schemas:
            schemas.append(schema)
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _tables(param: Param) -> _Schema:
    table: _Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {field.name: param_schema(field) for field in param.fields},
        "required": [field.name for field in param.fields if field.required],
    }
    one = {"anyOf": [table, ref("reference")]}
    # Lists in a list are taken apart; what is in them only the checks look at.
    items = {"anyOf": [*one["anyOf"], {"type": "array"}]}
    return {"anyOf": [*one["anyOf"], {"type": "array", "items": items}]}


def _type(type_: Type) -> _Schema:
    if type_.name == "list" and type_.item is not None and type_.item.name not in {"any", "json", "record"}:
        return ref(f"{'paths' if type_.item.artifact else type_.item.name + 's'}")
    if type_.artifact:
        return ref("path")
    return ANYTHING if type_.name in {"json", "any", "record", "list"} else ref(type_.name)


def value_definitions() -> dict[str, _Schema]:
    """Return the definitions that the schemas of values refer to."""
    reference = {"type": "string", "pattern": _WHOLE, "description": "exactly one reference: ${...}"}
    file_text = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "file": {"type": "string", "description": "a text file, as it is"},
            "template": {"type": "string", "description": "a text file whose references are put in"},
        },
        "minProperties": 1,
        "maxProperties": 1,
    }
    definitions: dict[str, _Schema] = {
        "reference": reference,
        "references": {"type": "string", "pattern": r"\$\{", "description": "text with references"},
        "text": {"anyOf": [{"type": "string"}, file_text]},
        "path": {"type": "string", "description": "a path beside the file, or a reference"},
    }
    for name in ("number", "integer", "boolean"):
        definitions[name] = {"anyOf": [{"type": name}, ref("reference")]}
    for name in ("text", "number", "integer", "path"):
        # A list takes single values and nested lists, which are flattened in order.
        definitions[f"{name}s"] = {"anyOf": [ref(name), {"type": "array", "items": ref(f"{name}s")}]}
    return definitions
