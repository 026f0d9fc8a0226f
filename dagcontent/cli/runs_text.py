"""History into a table, one run into what it made and sent, both into documents. Knows no store."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from dagcontent.api.past import History, Made, RunDetail, RunSummary
from dagcontent.api.result import Job
from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.jobs_text import STATE_ROLES, STATE_WORDS, job_document
from dagcontent.cli.money import digits_of, dollars
from dagcontent.cli.paid_text import short_id
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import counted, listed, seconds, when
from dagcontent.store.past import PastRun
from dagcontent.values.money import usd_decimal

__all__ = ["graph_of_run", "run_document", "run_lines", "runs_document", "runs_lines", "summary_document"]

_ROLES: Final = {"ok": "ok", "running": "run", "interrupted": "maybe", "budget": "maybe", "waiting": "waiting"}
_KEPT: Final = ("hit", "cutoff", "pinned")
"""What a build counts that was there already."""
_OPEN: Final = frozenset({"intent", "submitted", "spooled", "unresolved"})
_TO_SETTLE: Final = _OPEN | {"expired", "abandoned"}
_ROOMY: Final = 100
_MOST: Final = 200
_SIXTY: Final = 60
_RESUMED: Final = "jobs"
"""What stands in place of a graph in a run of `jobs resume`."""


def _counts(run: PastRun) -> dict[str, int] | None:
    """Return what people and programs are told of what became of the instances."""
    if run.counts is None:
        return None
    made, failed = run.counts.get("ran", 0), run.counts.get("failed", 0)
    return {"made": made, "hits": sum(run.counts.get(name, 0) for name in _KEPT), "failed": failed}


def runs_document(found: History) -> dict[str, Any]:
    """Return the JSON document of the list."""
    return {
        "since": found.since.said or None,
        "total": found.total,
        "runs": [summary_document(one) for one in found.rows],
    }


def summary_document(one: RunSummary) -> dict[str, Any]:
    """Return what documents say of a run."""
    run, cost = one.run, one.cost
    return {
        "run": run.id, "short": one.short, "graph": run.graph, "profile": run.profile or None, "started_ms": run.started_ms,
        "ended_ms": run.ended_ms, "status": run.status, "counts": _counts(run),
        "cost_usd": {"spent": usd_decimal(cost.spent), "reserved": usd_decimal(cost.reserved)},
        "requests": cost.requests, "unpriced": cost.unpriced,
    }  # fmt: skip


def run_document(detail: RunDetail) -> dict[str, Any]:
    """Return the JSON document of one run."""
    return {
        **summary_document(detail.summary),
        "made": [
            {
                "key": one.key, "nodes": list(one.nodes), "kind": one.kind, "model": one.model or None,
                "cost_usd": usd_decimal(one.cost_microusd), "seconds": one.seconds, "at_ms": one.at_ms, "error": one.error,
            }
            for one in detail.made
        ],
        "damaged": detail.damaged,
        "jobs": [job_document(job) for job in detail.requests],
        "outputs": list(detail.outputs),
    }  # fmt: skip


def runs_lines(found: History, screen: Screen, now: dt.datetime, options: Sequence[str]) -> list[str]:
    """Return the table of runs. `options` name the store in commands."""
    since = f" since {found.since.said}" if found.since.said else ""
    if not found.rows:
        return [f"nothing was built{since}"]
    shown = len(found.rows)
    head = counted(shown, "run") if shown == found.total else f"the newest {shown:,} of {counted(found.total, 'run')}"
    spent = sum(one.cost.spent for one in found.rows)
    reserved = sum(one.cost.reserved for one in found.rows)
    lines = [screen.style("head", "   ".join([head + since, *_money(spent, reserved)])), ""]
    lines += _table(found.rows, screen, now)
    more = [] if shown == found.total else [f"  and {found.total - shown:,} older; --all lists all"]
    return [*lines, *more, "", screen.style("command", command_line("runs", found.rows[0].short, *options))]


def _money(spent: int, reserved: int) -> list[str]:
    words = [f"{dollars(spent)} spent"] if spent else []
    return words + ([f"{dollars(reserved, up=True)} reserved"] if reserved else [])


def _table(rows: Sequence[RunSummary], screen: Screen, now: dt.datetime) -> list[str]:
    roomy = screen.width() >= _ROOMY
    columns: dict[str, list[Cell]] = {
        "run" if roomy else "run (UTC)": [one.short for one in rows],
        **({"began": [("dim", when(one.run.started_ms, now)) for one in rows]} if roomy else {}),
        "graph": [graph_of_run(one.run) for one in rows],
        "ended": [(_ROLES.get(one.run.status, "failed"), _ended(one.run, roomy=roomy)) for one in rows],
        "took": [_took(one.run, now, brief=not roomy) for one in rows],
        **{name: [_count(one.run, name) for one in rows] for name in ("made", "hits")},
        **({"failed": [_count(one.run, "failed") for one in rows]} if roomy else {}),
        "spent": _column((one.cost.spent for one in rows), up=False),
        "reserved": _column((one.cost.reserved for one in rows), up=True),
    }
    told = [name for name, cells in columns.items() if any(cells)]
    table: list[list[Cell]] = [[("head", name) for name in told]]
    table += [list(row) for row in zip(*(columns[name] for name in told), strict=True)]
    right = [told.index(name) for name in told if name in {"took", "made", "hits", "failed", "spent", "reserved"}]
    return aligned(table, screen.width(), screen.style, shrink=(told.index("graph"),), right=right)


def _column(amounts: Iterable[int], *, up: bool) -> list[Cell]:
    kept = list(amounts)
    digits = digits_of(kept)
    return [dollars(amount, digits, up=up) if amount else "" for amount in kept]


def _ended(run: PastRun, *, roomy: bool) -> str:
    failed = (run.counts or {}).get("failed", 0)
    return f"{run.status} ({failed:,})" if failed and not roomy and run.status == "failed" else run.status


def _count(run: PastRun, name: str) -> str:
    counts = _counts(run)
    return f"{counts[name]:,}" if counts and counts[name] else ""


def _took(run: PastRun, now: dt.datetime, *, brief: bool = False) -> str:
    """Return how long a run took, or takes by now ("3:12" if brief); nothing of one whose end nobody saw."""
    ended_ms = now.timestamp() * 1000 if run.status == "running" else run.ended_ms
    if ended_ms is None:
        return ""
    took = max(0.0, ended_ms - run.started_ms) / 1000
    if took < _SIXTY or not brief:
        return seconds(took)
    minutes, rest = divmod(round(took), _SIXTY)
    hours, minutes = divmod(minutes, _SIXTY)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def graph_of_run(run: PastRun) -> str:
    """Return the graph of a run, as it is written from here, with its profile."""
    if run.graph == _RESUMED:
        return "jobs resume"
    return safe(_near(run.graph) + (f" ({run.profile})" if run.profile else ""))


def _near(path: str) -> str:
    """Return a path as it is written from here, if it lies below."""
    return path.removeprefix(os.path.join(os.getcwd(), ""))


def run_lines(detail: RunDetail, screen: Screen, now: dt.datetime, options: Sequence[str]) -> list[str]:
    """Return what one run made and sent, and how to go on."""
    run, cost = detail.summary.run, detail.summary.cost
    took = _took(run, now)
    parts = [
        f"run {run.id}",
        f"{run.status}" + (f" after {took}" if took and run.status != "running" else f" for {took}" if took else ""),
        f"began {when(run.started_ms, now)}",
    ]
    counts = _counts(run)
    facts = (
        []
        if counts is None
        else [f"{counts['made']:,} made", counted(counts["hits"], "hit"), f"{counts['failed']:,} failed"]
    )
    facts += _money(cost.spent, cost.reserved)
    lines = [
        screen.style("head", "   ".join(parts)),
        "",
        f"  {graph_of_run(run)}",
        *([f"  {'   '.join(facts)}"] if facts else []),
    ]
    if cost.unpriced:
        lines.append(f"  {counted(cost.unpriced, 'request')} in no sum: neither a cost nor an upper bound is known")
    made = _together(detail.made)
    lines += _section(_made_rows(made[:_MOST]), screen, len(made), shrink=(0, 1, 4), right=(2, 3))
    if not detail.made:
        lines += ["", "  nothing is made yet" if run.status == "running" else "  it made nothing that is kept"]
    if detail.damaged:
        lines += ["", f"  {counted(detail.damaged, 'result')} of it cannot be read: dagcontent store verify"]
    lines += _section(_request_rows(detail.requests), screen, len(detail.requests), shrink=(2, 3), right=(4,))
    if detail.outputs:
        lines += ["", f"  outputs that hold what it made: {listed(detail.outputs, 5)}"]
    following = _commands(detail, options)
    return [*lines, *([""] if following else []), *(screen.style("command", line) for line in following)]


def _section(
    rows: Sequence[Sequence[Cell]], screen: Screen, total: int, *, shrink: Sequence[int], right: Sequence[int]
) -> list[str]:
    if not total:
        return []
    more = [f"  and {total - _MOST:,} more; --json lists all"] if total > _MOST else []
    return ["", *aligned(rows, screen.width(), screen.style, shrink=shrink, right=right), *more]


def _made_rows(made: Sequence[Made]) -> list[Sequence[Cell]]:
    costs = _column((one.cost_microusd for one in made), up=False)
    rows: list[Sequence[Cell]] = [[("head", word) for word in ("made", "by", "took", "cost" if any(costs) else "", "")]]
    for one, cost in zip(made, costs, strict=True):
        failed: Cell = "" if one.error is None else ("failed", safe(f"failed: {one.error}"))
        name = listed(one.nodes, 1) if one.nodes else safe(one.kind)
        rows.append([name, ("dim", safe(one.model or one.kind)), seconds(one.seconds), cost, failed])
    return rows


def _together(made: Sequence[Made]) -> list[Made]:
    """Return results with those of one kind and model that nobody knows an instance of as one."""
    alike: dict[tuple[str, ...], list[Made]] = {}
    for one in made:
        alike.setdefault((one.kind, one.model, one.error or "") if not one.nodes else (one.key,), []).append(one)
    return [
        same[0] if len(same) == 1 else msgspec.structs.replace(
            same[0], kind=f"{same[0].kind} x{len(same):,}", seconds=sum(one.seconds for one in same),
            cost_microusd=sum(one.cost_microusd for one in same),
        )
        for same in alike.values()
    ]  # fmt: skip


def _request_rows(requests: Sequence[Job]) -> list[Sequence[Cell]]:
    rows: list[Sequence[Cell]] = [
        [("head", word) for word in ("request", "state", "node", "asked of", "cost", "known")]
    ]
    for job in requests[-_MOST:]:
        word = "in hand" if job.held else STATE_WORDS[job.state]
        rows.append(
            [
                short_id(job.attempt), (STATE_ROLES.get(job.state, "dim"), word), safe(job.node), ("dim", safe(job.model)),
                *_cost(job),
            ]
        )  # fmt: skip
    return rows


def _cost(job: Job) -> tuple[str, str]:
    """Return what a request counts as, and how that is known."""
    if job.state == "released":
        return "", "not charged"
    if job.state not in _OPEN and job.cost_microusd is not None:
        return dollars(job.cost_microusd), job.cost_source
    if job.bound_microusd is None:
        return "$?", "nobody knows"
    return dollars(job.bound_microusd, up=True), "reserved" if job.state in _OPEN else "at most"


def _commands(detail: RunDetail, options: Sequence[str]) -> list[str]:
    made = []
    if any(job.state in _TO_SETTLE and not job.held for job in detail.requests):
        made.append(command_line("jobs", "list", *options))
    if detail.requests:
        graph = _near(detail.summary.run.graph)
        made.append(command_line("spend", "--by", "node", "--graph", graph, *options))
    return made
