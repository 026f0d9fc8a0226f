"""Turn a Plan and a WhyResult into the JSON documents that other programs read. Knows no screen."""

from __future__ import annotations

from typing import Any, Final

from dagcontent.api.result import WhyResult
from dagcontent.cli.money import range_of, total
from dagcontent.cli.plan_charges import counted_unit
from dagcontent.cli.words import plain
from dagcontent.plan.model import FieldDiff, Plan, PlanRow, Price
from dagcontent.plan.passed import Passed
from dagcontent.values.money import Room, usd_decimal

__all__ = ["plan_document", "totals_document", "why_document"]

_NANO: Final = 10**9


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return the document of `plan --json`, as `schemas/plan.schema.json` describes it."""
    return {
        "graph": plan.graph,
        "profile": plan.profile,
        "nodes": [_row(row) for row in plan.rows],
        "totals": totals_document(plan),
        "ceilings": [_ceiling(room) for room in plan.ceilings],
        "warnings": list(plan.warnings),
    }


def totals_document(plan: Plan) -> dict[str, Any]:
    """Return what a plan's rows come to."""
    known, unpriced = total(plan.rows)
    return {
        "counts": plan.counts,
        "cost_usd": {**known.document(), **({"high": None} if unpriced else {})},
        "saved_usd": usd_decimal(sum(row.cost_microusd for row in plan.rows)),
        "unpriced": unpriced,
    }


def _ceiling(room: Room) -> dict[str, Any]:
    ceiling = room.ceiling
    return {
        "per": ceiling.per,
        "provider": ceiling.provider or None,
        "said": ceiling.said,
        "limit_usd": usd_decimal(ceiling.limit_microusd),
        "used_usd": usd_decimal(room.used_microusd),
        "left_usd": usd_decimal(room.left_microusd),
    }


def _price(price: Price) -> dict[str, Any] | None:
    quote = price.quote
    if not quote.date and not quote.charges:
        return None
    charges = [
        {
            "unit": counted_unit(charge.unit),
            "amount": {"low": charge.low, "expected": charge.expected, "high": charge.high},
            "usd": _unit_price(charge.nano),
            "at_most_usd": _unit_price(charge.bound_nano),
            "source": charge.source,
            "date": charge.date,
        }
        for charge in quote.charges
    ]
    return {"source": quote.source, "date": quote.date, "basis": quote.basis, "charges": charges}


def _unit_price(nano: int) -> str:
    """Return the price of one unit with every digit: "0.00000375"."""
    text = f"{nano // _NANO}.{nano % _NANO:09d}".rstrip("0")
    return text.rstrip(".")


def _row(row: PlanRow) -> dict[str, Any]:
    made: dict[str, Any] = {
        "node": row.node,
        "kind": row.kind,
        "model": row.model or None,
        "status": row.status,
        "cause": row.cause,
        "why": [_diff(diff) for diff in row.why if diff.changed],
        "cost_usd": range_of(row).document(),
        "price": None,
        "key": row.key,
    }
    if row.price is not None:
        if row.price.recovery:
            made["recovery"] = row.price.recovery
        made["price"] = _price(row.price)
        if row.price.notes:
            made["notes"] = list(row.price.notes)
    if row.passed:
        made["passed"] = [passed_document(one) for one in row.passed]
    if row.fallbacks:
        made["fallbacks"] = list(row.fallbacks)
    if row.asks is not None:
        made["asks"] = row.asks
    if row.status == "pinned":
        made["stale"] = row.stale
    if row.replaced is not None:
        made["replaced"] = row.replaced
    if row.attempt is not None:
        made["attempt"] = row.attempt
    if row.is_list:
        made["items"] = {"expected": row.items_expected, "max": row.items_max}
    if row.error is not None:
        made["error"] = row.error
        made["hint"] = row.hint
    if row.by is not None:
        made["by"] = row.by
    return made


def passed_document(passed: Passed) -> dict[str, Any]:
    """Return a model that was passed over."""
    refusal = passed.refusal
    return {
        "model": passed.model, "class": refusal.error_class, "message": refusal.message,
        "cost_usd": usd_decimal(passed.charged_microusd),
    }  # fmt: skip


def _diff(diff: FieldDiff) -> dict[str, Any]:
    lines = diff.lines
    return {
        "field": diff.field,
        "old": plain(diff.old),
        "new": plain(diff.new),
        "unknown": diff.unknown,
        "line": lines[0][1] if lines else None,
        "file": lines[0][0] if lines else None,
        "upstream": list(diff.upstream),
    }


def why_document(found: WhyResult) -> dict[str, Any]:
    """Return the document of `why --json`."""
    return {
        "graph": found.plan.graph,
        "profile": found.plan.profile,
        "node": found.node,
        "status": found.status,
        "cause": found.cause,
        "compared_with": found.compared_with,
        "run": found.run,
        "at_ms": found.at_ms,
        "fields": [{**_diff(diff), "changed": diff.changed} for diff in found.diffs],
        "error": found.error,
        "notes": list(found.notes),
    }
