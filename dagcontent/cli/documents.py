"""Turn a Plan and a WhyResult into the JSON documents that other programs read. Knows no screen."""

from __future__ import annotations

from typing import Any

from dagcontent.api.result import WhyResult
from dagcontent.cli.money import range_of, total
from dagcontent.cli.words import plain
from dagcontent.plan.model import FieldDiff, Plan, PlanRow
from dagcontent.values.money import usd_decimal

__all__ = ["plan_document", "why_document"]


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return the document of `plan --json`, as `schemas/plan.schema.json` describes it."""
    return {
        "graph": plan.graph,
        "profile": plan.profile,
        "nodes": [_row(row) for row in plan.rows],
        "totals": _totals(plan),
        "warnings": list(plan.warnings),
    }


def _totals(plan: Plan) -> dict[str, Any]:
    known, unpriced = total(plan.rows)
    return {
        "counts": plan.counts,
        "cost_usd": {**known.document(), **({"high": None} if unpriced else {})},
        "saved_usd": usd_decimal(sum(row.cost_microusd for row in plan.rows)),
        "unpriced": unpriced,
    }


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
        if row.price.quote.date:
            made["price"] = {"source": row.price.quote.source, "date": row.price.quote.date}
        if row.price.notes:
            made["notes"] = list(row.price.notes)
    if row.attempt is not None:
        made["attempt"] = row.attempt
    if row.items_expected is not None or row.items_max is not None or row.node.endswith("*]"):
        made["items"] = {"expected": row.items_expected, "max": row.items_max}
    if row.error is not None:
        made["error"] = row.error
        made["hint"] = row.hint
    if row.by is not None:
        made["by"] = row.by
    return made


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
