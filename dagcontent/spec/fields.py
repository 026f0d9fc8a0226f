"""Turn the tables of a parameter (`[[node.card.layers]]`) into what is wrong with them. Knows no kind and no node."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from dagcontent.kinds.declaration import Param
from dagcontent.spec.literal import Literals, Spot
from dagcontent.spec.words import listed

__all__ = ["check_fields", "out_of_range"]


def check_fields(param: Param, value: Any, spot: Spot, literals: Literals, of_node: AbstractSet[str]) -> None:
    """Note what is wrong with each table; of a key that belongs to the node itself more is said elsewhere."""
    for position, table in enumerate(value) if isinstance(value, list) else ((None, value),):
        if isinstance(table, dict):
            _check(param, table, spot if position is None else spot.step(position), literals, of_node)


def _check(param: Param, table: dict[str, Any], spot: Spot, literals: Literals, of_node: AbstractSet[str]) -> None:
    fields = {field.name: field for field in param.fields}
    findings = literals.findings
    before = findings.count
    for key, item in table.items():
        there = spot.step(key)
        if key in fields:
            wrong = out_of_range(fields[key], item)
            if wrong:
                literals.wrong(there, f"`{key}` cannot be {item}", wrong)
        elif key not in of_node or not literals.has_header(spot.file, spot.path):
            near = findings.near(key, list(fields))
            caret = f"did you mean `{near}`?" if near else f"there is: {listed(list(fields))}"
            findings.add(spot.file, there.path, f"a table of `{param.name}` has no `{key}`", at="key", caret=caret)
    missing = [field.name for field in param.fields if field.required and field.name not in table]
    if findings.count > before:
        return  # a field that is misspelt is not missing as well
    if missing:
        literals.wrong(spot, f"a table of `{param.name}` needs `{missing[0]}`")
    elif param.one_of and not any(name in table for name in param.one_of):
        names = " or ".join(f"`{name}`" for name in param.one_of)
        literals.wrong(spot, f"a table of `{param.name}` needs {names}")


def out_of_range(param: Param, value: Any) -> str:
    """Return what a number has to be, if it is beyond a parameter's bounds; else nothing."""
    if (
        (param.minimum is None and param.maximum is None)
        or isinstance(value, bool)
        or not isinstance(value, int | float)
    ):
        return ""
    unit = f" {param.unit}" if param.unit else ""
    if param.minimum is not None and value < param.minimum:
        return f"at least {param.minimum:g}{unit}"
    return f"at most {param.maximum:g}{unit}" if param.maximum is not None and value > param.maximum else ""
