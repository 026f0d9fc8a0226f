"""Turn jobs into a table, a document, and what can be done about each. Knows no store."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from dagcontent.api.result import Job
from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.money import budget_for, dollars, most_text
from dagcontent.cli.paid_text import AGAIN, short_id
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import counted, when
from dagcontent.values.money import usd_decimal

if TYPE_CHECKING:
    from dagcontent.api.resuming import Resumed

__all__ = [
    "STATE_ROLES", "STATE_WORDS", "after_lines", "job_document", "job_lines", "resumed_lines", "settled_lines", "twice",
]  # fmt: skip

STATE_WORDS: Final = {
    "intent": "not known yet", "submitted": "at work", "spooled": "fetched", "committed": "done", "released": "not charged",
    "charged": "failed", "expired": "result gone", "unresolved": "unresolved", "abandoned": "abandoned", "superseded": "sent again",
}  # fmt: skip
"""What a state is called."""
STATE_ROLES: Final = {
    "committed": "hit", "submitted": "run", "spooled": "run", "intent": "maybe", "unresolved": "failed", "charged": "failed",
    "expired": "failed",
}  # fmt: skip
_DO: Final = {
    "intent": "jobs resume finds out what became of it",
    "submitted": "jobs resume fetches its result; nothing more is paid",
    "spooled": "jobs resume records it; nothing more is paid",
    "unresolved": "jobs retry sends it again, jobs abandon leaves it",
    "expired": "jobs retry pays for it again, jobs abandon leaves it",
    "abandoned": "jobs retry sends it again",
}
_UNDER_WAY: Final = frozenset({"intent", "submitted", "spooled"})
_MOST: Final = 200
_MOST_GRAPHS: Final = 3
_INDENT: Final = " " * 17


def job_lines(
    jobs: Sequence[Job], screen: Screen, now: dt.datetime, options: Sequence[str], *, everything: bool = False
) -> list[str]:
    """Return the list of jobs, each with its state and money, then what can be done."""
    if not jobs:
        return ["there was no paid request yet" if everything else "no paid request is open"]
    shown = jobs[-_MOST:]
    head: list[Cell] = [("dim", word) for word in ("attempt", "state", "node", "asked of", "at most", "sent")]
    rows = [_row(job, screen, now) for job in shown]
    lines = [counted(len(jobs), "paid request") + ("" if everything else " open"), ""]
    table = aligned([head, *rows], screen.width(), screen.style, shrink=(2, 3), right=(4,))
    lines += table[:1]
    for line, job in zip(table[1:], shown, strict=True):
        lines.append(line)
        lines += _more(job, screen)
    if len(jobs) > len(shown):
        lines.append(f"  and {len(jobs) - len(shown):,} older; --json lists all")
    todo = [] if everything else [state for state in _DO if any(job.state == state and not job.held for job in shown)]
    if todo:
        wide = max(len(STATE_WORDS[state]) for state in todo)
        lines.append("")
        lines += [f"  {STATE_WORDS[state]:<{wide}}  {_DO[state]}" for state in todo]
    lines += ["", *(screen.style("command", line) for line in _commands(shown, options))] if todo else []
    return lines


def _row(job: Job, screen: Screen, now: dt.datetime) -> Sequence[Cell]:
    word = "in hand" if job.held else STATE_WORDS[job.state]
    ident = job.attempt if screen.verbose else short_id(job.attempt)
    return [
        ident, (STATE_ROLES.get(job.state, "dim"), word), safe(job.node), ("dim", safe(job.model)), _money(job),
        ("dim", when(job.sent_ms, now)),
    ]  # fmt: skip


def _money(job: Job) -> str:
    if job.cost_microusd is not None:
        return dollars(job.cost_microusd)
    if job.state == "released":
        return "0"
    return "$?" if job.bound_microusd is None else dollars(job.bound_microusd, up=True)


def _more(job: Job, screen: Screen) -> list[str]:
    """Return what is known of a job beyond its row."""
    words = []
    if job.message and job.state in {"unresolved", "expired", "charged", "released"}:
        words.append(job.message)
    if screen.verbose:
        words += [f"{name} {value}" for name, value in job.ids.items()]
        words += [f"{job.kind}, {job.operation}; if its answer is lost: {job.recovery}", f"of {_graph(job)}"]
    return [screen.style("dim", line) for word in words for line in _said(word, screen)]


def _commands(jobs: Sequence[Job], options: Sequence[str]) -> list[str]:
    """Return the next commands: the one for all that can go on, and those for the first that a person must settle."""
    made = []
    if any(job.state in _UNDER_WAY and not job.held for job in jobs):
        made.append(command_line("jobs", "resume", *options))
    if any(job.state == "unresolved" and job.recovery != "ask" for job in jobs):
        made.append(command_line("jobs", "recover", *options))
    stuck = next((job for job in jobs if job.state in {"unresolved", "expired", "abandoned"}), None)
    if stuck is not None:
        made.append(command_line("jobs", "retry", short_id(stuck.attempt), *options))
        if stuck.state != "abandoned":
            made.append(command_line("jobs", "abandon", short_id(stuck.attempt), *options))
    return made


def job_document(job: Job) -> dict[str, Any]:
    """Return one job as JSON data."""
    return {
        "attempt": job.attempt, "state": job.state, "held": job.held, "graph": job.graph, "node": job.node,
        "kind": job.kind, "model": job.model, "operation": job.operation, "recovery": job.recovery,
        "sent_ms": job.sent_ms, "changed_ms": job.changed_ms,
        "bound_usd": None if job.bound_microusd is None else usd_decimal(job.bound_microusd),
        "cost_usd": None if job.cost_microusd is None else usd_decimal(job.cost_microusd),
        "cost_source": job.cost_source or None, "message": job.message or None, "handle": job.ids, "key": job.key,
        "run": job.run,
    }  # fmt: skip


def resumed_lines(results: Sequence[Resumed], screen: Screen) -> list[str]:
    """Return what came of going on with each."""
    if not results:
        return ["no paid request is under way: there is nothing to go on with"]
    rows: list[Sequence[Cell]] = [
        [(STATE_ROLES.get(one.job.state, "dim"), STATE_WORDS[one.job.state]), short_id(one.job.attempt), safe(one.job.node), _money(one.job)]
        for one in results
    ]  # fmt: skip
    lines: list[str] = []
    for line, one in zip(aligned(rows, screen.width(), screen.style, shrink=(2,), right=(3,)), results, strict=True):
        said = one.error or ("" if one.job.state == "committed" else one.job.message)
        shows = one.hint and one.error and not one.hint.startswith(AGAIN)
        hint = f"-> {one.hint}" if shows else ""
        lines += [line, *_said(said, screen), *_said(hint, screen)]
    done = [one.job for one in results if one.job.state == "committed"]
    left = sum(one.job.state in _UNDER_WAY for one in results)
    tail = f"   {left:,} left open: the same command asks again" if left else ""
    graphs = dict.fromkeys(_graph(job) for job in done if job.graph)
    found = [screen.style("command", command_line("build", graph)) for graph in list(graphs)[:_MOST_GRAPHS]]
    return [
        *lines,
        "",
        f"{len(done):,} of {counted(len(results), 'request')} done{tail}",
        *(["", *found] if found else []),
    ]


def _said(text: str, screen: Screen) -> list[str]:
    """Return a sentence below a row. It is wrapped, never cut."""
    import textwrap  # noqa: PLC0415 - only for what went wrong

    return textwrap.wrap(
        safe(text), screen.width(), initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False
    )


def twice(job: Job) -> str:
    """Return what sending a request again may cost."""
    return f"the second costs {most_text(job.bound_microusd)}"


def settled_lines(job: Job, what: str, screen: Screen) -> list[str]:
    """Return what was just done with a job."""
    import textwrap  # noqa: PLC0415 - as above

    return textwrap.wrap(_settled(job, what), screen.width(), subsequent_indent="  ", break_on_hyphens=False)


def _settled(job: Job, what: str) -> str:
    ident, name = short_id(job.attempt), safe(job.node)
    if what == "retry":
        return f"{name}: the next build sends it again ({twice(job)}); attempt {ident} counts as paid"
    if what == "abandoned":
        return f"{name}: attempt {ident} is abandoned and counts as paid ({most_text(job.bound_microusd)}); the node stays undone"
    shown = ", ".join(job.ids.values())
    return f"{name}: attempt {ident} is the job {safe(shown)} of {safe(job.provider)} now; nothing is sent again"


def after_lines(job: Job, what: str, screen: Screen, options: Sequence[str]) -> list[str]:
    """Return the command that goes on."""
    if what == "adopted":
        return [screen.style("command", command_line("jobs", "resume", short_id(job.attempt), *options))]
    if what == "abandoned":
        return [
            f"{screen.style('command', command_line('jobs', 'retry', short_id(job.attempt), *options))}    if you change your mind"
        ]
    if not job.graph:
        return []
    budget = [] if job.bound_microusd is None else ["--budget", budget_for(job.bound_microusd)]
    return [screen.style("command", command_line("build", _graph(job), job.node, *budget, *options))]


def _graph(job: Job) -> str:
    near = os.path.relpath(job.graph) if job.graph else ""
    return job.graph if near.startswith("..") else near
