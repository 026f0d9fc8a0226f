"""Turn the plans of two profiles into two columns of cost, a row a node, and into a document. Knows no store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from dagcontent import api
from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.documents import totals_document
from dagcontent.cli.money import BUYS, Range, digits_of, dollars, total
from dagcontent.cli.names import node_of
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.session import Session
from dagcontent.errors import ConfigError
from dagcontent.plan.model import Plan, PlanRow

__all__ = ["compare_document", "compare_lines", "run_compare"]

_NO_PROFILE: Final = "no profile"
_MODELS_MOST: Final = 2


class _Side(msgspec.Struct, frozen=True):
    """A node in one of the plans: by which models it is made, in how many instances, and what those cost."""

    models: tuple[str, ...]
    instances: int
    to_make: int
    cost: Range
    unpriced: bool

    def document(self) -> dict[str, Any]:
        cost = self.cost.document()
        return {
            "models": list(self.models), "instances": self.instances, "to_make": self.to_make,
            "cost_usd": {**cost, "high": None} if self.unpriced else cost,
        }  # fmt: skip


def run_compare(
    session: Session, targets: Sequence[str], other: str, *, outputs: Sequence[str], exit_code: bool
) -> int:
    """Do what `plan --compare` does: plan with two profiles, and set what they cost side by side. Return the exit code."""
    plans = [
        api.plan(
            session.path, targets, params=session.params, profile=profile, store=session.store, realms=session.realms,
            market=session.settings.market,
        )
        for profile in (session.profile, other)
    ]  # fmt: skip
    for warning in dict.fromkeys(warning for plan in plans for warning in plan.warnings):
        session.warn(warning)
    document = compare_document(plans) if session.screen.json or outputs else None
    for output in outputs:
        _write(Path(output), json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    if session.screen.json:
        session.screen.document(document)
    else:
        for line in compare_lines(plans, session.screen, session.graph or ""):
            session.screen.say(line)
    if any(row.status == "failed" for plan in plans for row in plan.rows):
        return 1
    return 3 if exit_code and plans[0].pending else 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", hint="give another file after -o") from None


def compare_document(plans: Sequence[Plan]) -> dict[str, Any]:
    """Return the document of `plan --compare --json`: every list has one element a profile, in the order of `profiles`."""
    return {
        "graph": plans[0].graph,
        "profiles": [plan.profile for plan in plans],
        "nodes": [
            {"node": name, "sides": [None if side is None else side.document() for side in sides]}
            for name, sides in _nodes(plans)
        ],
        "totals": [totals_document(plan) for plan in plans],
        "warnings": list(dict.fromkeys(warning for plan in plans for warning in plan.warnings)),
    }


def compare_lines(plans: Sequence[Plan], screen: Screen, shown: str) -> list[str]:
    """Return a table: a node with its models and its likely cost in each plan, then the totals with their bounds."""
    nodes = _nodes(plans)
    amounts = [side.cost.expected or 0 for _, sides in nodes for side in sides if side is not None]
    digits = digits_of([amount for amount in amounts if amount])
    names = [safe(plan.profile or _NO_PROFILE) for plan in plans]
    head: list[Cell] = [("dim", "node")]
    for name in names:
        head += [("head", name), ("dim", "cost")]
    rows: list[Sequence[Cell]] = [head]
    for name, sides in nodes:
        row: list[Cell] = [safe(name)]
        for side in sides:
            row += [("dim", _models(side)), _cost(side, digits)]
        rows.append(row)
    rows.append(["", *("" for _ in range(2 * len(plans)))])
    for word, part in (("expected", "expected"), ("at least", "low"), ("at most", "high")):
        row = [("dim", word)]
        for plan in plans:
            row += ["", _total(plan, part, digits)]
        rows.append(row)
    lines = aligned(rows, screen.width(), screen.style, shrink=(0, 1, 3), right=(2, 4))
    first = f"{safe(shown)}   what a build would cost now: {names[0]}, and {names[1]}"
    return [screen.style("head", first), "", *(line.rstrip() for line in lines)]


def _nodes(plans: Sequence[Plan]) -> list[tuple[str, list[_Side | None]]]:
    """Return each node with its side in every plan, None where a plan has it not; in the order of the first."""
    grouped: list[dict[str, list[PlanRow]]] = []
    for plan in plans:
        groups: dict[str, list[PlanRow]] = {}
        for row in plan.rows:
            groups.setdefault(node_of(row.node), []).append(row)
        grouped.append(groups)
    names = dict.fromkeys(name for groups in grouped for name in groups)
    return [(name, [_side(groups[name]) if name in groups else None for groups in grouped]) for name in names]


def _side(rows: Sequence[PlanRow]) -> _Side:
    known, unpriced = total(rows)
    models = tuple(dict.fromkeys(row.model or row.kind for row in rows))
    to_make = sum(row.status in {*BUYS, "resume"} for row in rows)
    return _Side(models, len(rows), to_make, known, bool(unpriced))


def _models(side: _Side | None) -> str:
    if side is None:
        return "none"
    shown = ", ".join(safe(model) for model in side.models[:_MODELS_MOST])
    return shown + (", ..." if len(side.models) > _MODELS_MOST else "")


def _cost(side: _Side | None, digits: int) -> Cell:
    if side is None:
        return ""
    if not side.to_make:
        return ("dim", "made")
    if side.cost.expected:
        return dollars(side.cost.expected, digits)
    return "$?" if side.unpriced else "0"


def _total(plan: Plan, part: str, digits: int) -> str:
    known, unpriced = total(plan.rows)
    if part == "high" and unpriced:
        return "$?"
    amount = getattr(known, part) or 0
    return dollars(amount, digits, up=part == "high") if amount else "$0"
