"""Describe the JSON documents of `plan`, `build`, `spend` and `runs`, and the choices file, as JSON Schemas. Knows no code that makes them.

What is listed stays; later versions may add fields, so the schemas are open.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = [
    "BUILD_STATUSES", "CAUSES", "COUNTS", "PLAN_FORMAT", "RUN_STATUSES", "SPEND_BY", "STATUSES", "build_schema",
    "choices_schema", "compare_schema", "plan_schema", "run_schema", "runs_schema", "spend_schema",
]  # fmt: skip

_Schema = dict[str, Any]

STATUSES: Final = (
    "hit", "run", "maybe", "pinned", "resume", "repay", "unresolved", "failed", "waiting", "skipped", "blocked", "unneeded", "passed_over",
)  # fmt: skip
PLAN_FORMAT: Final = 1
"""Of a file that `plan -o` writes and `build --plan` reads."""
CAUSES: Final = ("edit", "upstream", "upgrade", "new")
BUILD_STATUSES: Final = ("ok", "failed", "budget", "unresolved", "waiting", "interrupted")
RUN_STATUSES: Final = (*BUILD_STATUSES, "died", "running")
COUNTS: Final = (
    "hit", "ran", "cutoff", "skipped", "failed", "blocked", "unresolved", "unneeded", "waiting", "pinned", "passed_over",
)  # fmt: skip

SPEND_BY: Final = ("day", "graph", "model", "node", "provider", "run")

_TEXT: Final[_Schema] = {"type": "string"}
_MAYBE_TEXT: Final[_Schema] = {"type": ["string", "null"]}
_MONEY: Final[_Schema] = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$", "description": "decimal, in USD"}
_COUNT: Final[_Schema] = {"type": "integer", "minimum": 0}
_DIGEST: Final[_Schema] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}


def _object(properties: _Schema, *required: str, **more: Any) -> _Schema:
    return {"type": "object", **more, "required": list(required), "properties": properties}


def _range() -> _Schema:
    perhaps = {"anyOf": [_MONEY, {"type": "null"}]}
    return _object(
        {
            "low": {**_MONEY, "description": "what it costs at least"},
            "expected": {**perhaps, "description": "at list prices, or the bound where there is none; null: nobody knows"},
            "high": {**perhaps, "description": "an upper bound; null: nobody knows one"},
        },
        "low", "expected", "high",
    )  # fmt: skip


def _price() -> _Schema:
    amount = {"type": ["number", "null"], "minimum": 0}
    charge = _object(
        {
            "unit": {**_TEXT, "description": "image, second, input token, ..."},
            "amount": _object({"low": amount, "expected": amount, "high": amount}, "low", "expected", "high"),
            "usd": {**_MONEY, "description": "list price of one unit"},
            "at_most_usd": {**_MONEY, "description": "the most that one unit may have come to cost since"},
            "source": _TEXT,
            "date": {**_TEXT, "description": "the day it was found, as 2026-09-20"},
        },
        "unit", "amount", "usd", "at_most_usd", "source", "date",
    )  # fmt: skip
    basis = {
        "enum": ["list", "guess", "history", "prompt", "most"],
        "description": "of the expected amounts: measured, usual, of earlier results, asked for in the prompt, or not known",
    }
    return _object(
        {"source": _TEXT, "date": _TEXT, "basis": basis, "charges": {"type": "array", "items": charge}},
        "source", "date",
    )  # fmt: skip


def _ceiling() -> _Schema:
    return _object(
        {
            "per": {"enum": ["run", "graph", "day"]},
            "provider": {**_MAYBE_TEXT, "description": "whose costs count under it; null: everybody's"},
            "said": {**_TEXT, "description": "where it was set"},
            "limit_usd": _MONEY,
            "used_usd": {**_MONEY, "description": "spent and reserved already"},
            "left_usd": _MONEY,
        },
        "per", "provider", "said", "limit_usd", "used_usd", "left_usd",
    )  # fmt: skip


def _plan_head() -> _Schema:
    return _object(
        {
            "format": {"const": PLAN_FORMAT},
            "graph": {**_TEXT, "description": "path of the graph, from the folder of this file"},
            "targets": {"type": "array", "items": _TEXT},
            "params": {"type": "object", "additionalProperties": _TEXT},
            "profile": _MAYBE_TEXT,
        },
        "format", "graph", "targets", "params",
    )  # fmt: skip


def plan_schema() -> _Schema:
    """Return the schema of what `plan --json` prints."""
    diff = _object(
        {
            "field": {**_TEXT, "description": "what differs: params.prompt, model, ..."},
            "old": {"description": "its value in the result compared with"},
            "new": {"description": "its value now"},
            "line": {"type": ["integer", "null"], "minimum": 1, "description": "where it stands"},
            "file": {**_MAYBE_TEXT, "description": "in which file"},
            "upstream": {"type": "array", "items": _TEXT, "description": "nodes whose content it is"},
        },
        "field",
    )
    row = _object(
        {
            "node": {**_TEXT, "description": "instance, as still[intro,take=0]; still[*] is a list not known yet"},
            "kind": _TEXT,
            "model": {**_MAYBE_TEXT, "description": "provider/name"},
            "status": {"enum": list(STATUSES)},
            "cause": {"enum": [*CAUSES, None], "description": "of what is not a hit"},
            "recovery": {"enum": ["exact", "by-match", "ask"], "description": "of a paid row: what a crash leaves open"},
            "why": {"type": "array", "items": diff},
            "cost_usd": _range(),
            "price": {"anyOf": [_price(), {"type": "null"}], "description": "what its cost is made of, and where prices are from"},
            "notes": {"type": "array", "items": _TEXT, "description": "what was changed to fit the model"},
            "asks": {**_TEXT, "description": "digest of what is written of it; in files of `plan -o`"},
            "stale": {"type": ["boolean", "null"], "description": "pinned, and its inputs have moved; null: nobody knows yet"},
            "attempt": {**_TEXT, "description": "the paid request that this row is about (dagcontent jobs)"},
            "key": {**_MAYBE_TEXT, "description": "action key, where it is known"},
            "instead_of": {**_TEXT, "description": "the alternative that must come to nothing before this is begun"},
            "items": _object({"expected": {"type": ["integer", "null"]}, "max": {"type": ["integer", "null"]}}),
            "error": {**_MAYBE_TEXT, "description": "why it cannot be made"},
            "hint": _MAYBE_TEXT,
            "by": {**_MAYBE_TEXT, "description": "the node that blocks it"},
        },
        "node", "kind", "status",
    )  # fmt: skip
    return _object(
        {
            "graph": _TEXT,
            "profile": _MAYBE_TEXT,
            "nodes": {"type": "array", "items": row},
            "totals": _totals(),
            "ceilings": {"type": "array", "items": _ceiling(), "description": "what bounds a build; the one with the least left first"},
            "plan": {**_plan_head(), "description": "in files of `plan -o`: what `build --plan` is held to"},
            "warnings": {"type": "array", "items": _TEXT},
        },
        "graph", "profile", "nodes", "totals", title="dagcontent plan",
    )  # fmt: skip


def compare_schema() -> _Schema:
    """Return the schema of what `plan --compare --json` prints: each list has one element a profile."""
    side = _object(
        {
            "models": {"type": "array", "items": _TEXT},
            "instances": _COUNT,
            "to_make": {**_COUNT, "description": "instances that would, or may, be made"},
            "cost_usd": _range(),
        },
        "models", "instances", "to_make", "cost_usd",
    )  # fmt: skip
    sides = {"type": "array", "items": {"anyOf": [side, {"type": "null"}]}, "description": "null: not in that profile"}
    return _object(
        {
            "graph": _TEXT,
            "profiles": {"type": "array", "items": _MAYBE_TEXT, "description": "null: no profile"},
            "nodes": {"type": "array", "items": _object({"node": _TEXT, "sides": sides}, "node", "sides")},
            "totals": {"type": "array", "items": _totals()},
            "warnings": {"type": "array", "items": _TEXT},
        },
        "graph", "profiles", "nodes", "totals", title="dagcontent plan --compare",
    )  # fmt: skip


def _totals() -> _Schema:
    return _object(
        {
            "counts": {"type": "object", "propertyNames": {"enum": list(STATUSES)}, "additionalProperties": _COUNT},
            "cost_usd": _range(),
            "saved_usd": {**_MONEY, "description": "what the hits cost when they were made"},
            "unpriced": {"type": "array", "items": _TEXT, "description": "nodes without a known price"},
        },
        "counts", "cost_usd", "saved_usd", "unpriced",
    )  # fmt: skip


def build_schema() -> _Schema:
    """Return the schema of what `build --json` prints."""
    row = _object(
        {
            "node": _TEXT,
            "status": {"enum": list(COUNTS)},
            "digest": {**_MAYBE_TEXT, "description": "SHA-256 of its content"},
            "cost_usd": _MONEY,
            "seconds": {"type": ["number", "null"], "minimum": 0},
            "error": _MAYBE_TEXT,
            "stale": {"type": ["boolean", "null"], "description": "pinned, and its inputs have moved; null: nobody knows yet"},
            "attempt": {**_TEXT, "description": "the paid request that keeps it from being made (dagcontent jobs)"},
        },
        "node", "status", "digest", "cost_usd", "seconds", "error",
    )  # fmt: skip
    return _object(
        {
            "graph": _TEXT,
            "profile": _MAYBE_TEXT,
            "status": {"enum": list(BUILD_STATUSES)},
            "run": {**_TEXT, "description": "id of the run"},
            "counts": {"type": "object", "propertyNames": {"enum": list(COUNTS)}, "additionalProperties": _COUNT},
            "cost_usd": _object({"spent": _MONEY, "reserved": _MONEY, "saved": _MONEY}, "spent", "reserved", "saved"),
            "nodes": {"type": "array", "items": row},
            "outputs": {
                "type": "object",
                "description": "path of each output by instance; of a list, paths",
                "additionalProperties": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
            },
            "warnings": {"type": "array", "items": _TEXT},
        },
        "status", "run", "counts", "cost_usd", "nodes", "outputs", title="dagcontent build",
    )  # fmt: skip


def spend_schema() -> _Schema:
    """Return the schema of what `spend --json` prints."""
    sums = {
        "requests": {**_COUNT, "description": "all that were written down, whatever became of them"},
        "free": {**_COUNT, "description": "of these: not sent, or refused without a charge"},
        "spent_usd": {**_MONEY, "description": "reported, computed, estimated and unknown together"},
        "reported_usd": {**_MONEY, "description": "the vendor named the amount"},
        "computed_usd": {**_MONEY, "description": "what the vendor counted, times its list price"},
        "estimated_usd": {**_MONEY, "description": "the vendor said nothing: the list price of the request"},
        "unknown_usd": {**_MONEY, "description": "nobody can say: the upper bound of the request"},
        "reserved_usd": {**_MONEY, "description": "beside it: under way or unresolved, at its upper bound"},
        "failed_usd": {**_MONEY, "description": "part of spent: failures that were charged"},
        "given_up_usd": {**_MONEY, "description": "part of spent: abandoned, sent again, or kept no longer"},
        "unpriced": {**_COUNT, "description": "requests in no sum: neither cost nor bound is known"},
    }
    names = {name: {**_TEXT, "description": "what the row is the sum of"} for name in SPEND_BY}
    graph = {"graph": {**_TEXT, "description": "path of the graph, of a row by node too"}}
    row = _object({**names, **graph, **sums}, *sums)
    said = _object(
        {"provider": _TEXT, "source": {"enum": ["estimated", "unknown"]}, "requests": _COUNT, "usd": _MONEY},
        "provider", "source", "requests", "usd",
    )  # fmt: skip
    return _object(
        {
            "by": {"enum": list(SPEND_BY)},
            "since": {**_MAYBE_TEXT, "description": "as it was given"},
            "rows": {"type": "array", "items": row},
            "total": _object(sums, *sums),
            "unsaid": {"type": "array", "items": said, "description": "vendors that did not say what requests cost"},
        },
        "by", "since", "rows", "total", "unsaid", title="dagcontent spend",
    )  # fmt: skip


def _past_run() -> _Schema:
    counts = _object({"made": _COUNT, "hits": _COUNT, "failed": _COUNT}, "made", "hits", "failed")
    return {
        "run": {**_TEXT, "description": "id of the run; in order of time"},
        "short": {**_TEXT, "description": "as much of it as names no other run of the store"},
        "graph": {**_TEXT, "description": "path of the graph; `jobs` of one that only went on with paid requests"},
        "profile": _MAYBE_TEXT,
        "started_ms": {**_COUNT, "description": "since 1970, UTC"},
        "ended_ms": {"type": ["integer", "null"], "description": "null: it runs, or nobody saw its end"},
        "status": {"enum": list(RUN_STATUSES), "description": "died: its process ended without a word"},
        "counts": {"anyOf": [counts, {"type": "null"}], "description": "instances; null: it did not come to count them"},
        "cost_usd": _object({"spent": _MONEY, "reserved": _MONEY}, "spent", "reserved"),
        "requests": {**_COUNT, "description": "paid requests that it sent"},
        "unpriced": {**_COUNT, "description": "of these, in no sum: neither cost nor bound is known"},
    }  # fmt: skip


def runs_schema() -> _Schema:
    """Return the schema of what `runs --json` prints: the newest first."""
    run = _past_run()
    return _object(
        {
            "since": {**_MAYBE_TEXT, "description": "as it was given"},
            "total": {**_COUNT, "description": "how many there are with those that are not listed"},
            "runs": {"type": "array", "items": _object(run, *run)},
        },
        "since", "total", "runs", title="dagcontent runs",
    )  # fmt: skip


def run_schema() -> _Schema:
    """Return the schema of what `runs RUN --json` prints."""
    names = {"type": "array", "items": _TEXT}
    made = {
        "key": {**_TEXT, "description": "action key"},
        "nodes": {**names, "description": "instances that have it, as far as that is known"},
        "kind": _TEXT,
        "model": _MAYBE_TEXT,
        "cost_usd": _MONEY,
        "seconds": {"type": "number", "minimum": 0},
        "at_ms": _COUNT,
        "error": {**_MAYBE_TEXT, "description": "of a failure that was paid for"},
    }
    job = _object(
        {
            "attempt": _TEXT, "state": _TEXT, "held": {"type": "boolean"}, "node": _TEXT, "model": _TEXT, "key": _TEXT,
            "bound_usd": {"anyOf": [_MONEY, {"type": "null"}]},
            "cost_usd": {"anyOf": [_MONEY, {"type": "null"}]},
            "cost_source": {"enum": ["reported", "computed", "estimated", "unknown", None]},
        },
        "attempt", "state", "held", "node", "model", "key", "bound_usd", "cost_usd", "cost_source",
    )  # fmt: skip
    rest = {
        "made": {"type": "array", "items": _object(made, *made)},
        "damaged": {**_COUNT, "description": "results of it that cannot be read"},
        "jobs": {"type": "array", "items": job, "description": "the paid requests that it sent, as `jobs list --json` has them"},
        "outputs": {**names, "description": "outputs of its graph that hold what it made, from the output folder"},
    }  # fmt: skip
    head = _past_run()
    return _object({**head, **rest}, *head, *rest, title="dagcontent runs RUN")


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
            "approved": {**_DIGEST, "description": "digest of what a gate showed when it was approved"},
            "rejected": {**_DIGEST, "description": "digest of what a gate showed when it was rejected"},
            "note": {**_TEXT, "description": "why it was rejected"},
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
