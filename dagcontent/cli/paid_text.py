"""Turn what became of paid requests into lines: what nobody can tell, what goes on, what there was no money for. Knows no store."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Callable, Sequence
from typing import Final

from dagcontent.api.result import BuildResult, Job, NodeResult
from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.money import dollars, most_text
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import counted, screen_path
from dagcontent.values.money import Refused
from dagcontent.values.units import MILLIONTHS, amount_text

__all__ = [
    "AGAIN",
    "detached",
    "detached_lines",
    "short_id",
    "stopped_line",
    "unknown",
    "unknown_lines",
    "ways_out",
    "where_set",
    "without_money",
    "without_money_lines",
]

_INDENT: Final = " " * 14
_MOST: Final = 10
_MOST_WITH_WAYS: Final = 3
AGAIN: Final = "build again"
"""How hints begin that a summary gives as a command."""
_ID: Final = 13


def short_id(attempt: str) -> str:
    """Return as much of an attempt's id as tells it from others: its time, and a little chance."""
    return attempt[:_ID]


def unknown(result: BuildResult) -> list[NodeResult]:
    """Return the instances of which nobody can tell whether they were accepted."""
    return [n for n in result.nodes if n.status == "unresolved" and (n.job is None or n.job.state == "unresolved")]


def detached(result: BuildResult) -> list[NodeResult]:
    """Return the instances whose request is under way and goes on without us."""
    return [n for n in result.nodes if n.status == "unresolved" and n.job is not None and n.job.state != "unresolved"]


def unknown_lines(
    nodes: Sequence[NodeResult], screen: Screen, place: Callable[[str], str], options: Sequence[str]
) -> list[str]:
    """Return each request that nobody can tell of, and the ways out."""
    lines: list[str] = []
    for one in nodes[:_MOST]:
        lines += [_head("unresolved", one, screen, place(one.node)), *_job_lines(one, screen)]
        if one.job is not None and len(nodes) <= _MOST_WITH_WAYS:
            lines += [_INDENT + line for line in ways_out(one.job, screen, options, room=screen.width() - len(_INDENT))]
    if len(nodes) > _MOST:
        lines.append(f"  and {counted(len(nodes) - _MOST, 'request')} more")
    if len(nodes) > _MOST_WITH_WAYS:
        listing = screen.style("command", command_line("jobs", "list", *options))
        lines += ["", f"  {listing}    says of each what can be done"]
    return lines


def ways_out(job: Job, screen: Screen, options: Sequence[str], *, room: int) -> list[str]:
    """Return the commands that settle an unresolved request, each with what it does."""
    bound = job.bound_microusd
    twice = "at an unknown price" if bound is None else f"at worst {dollars(bound, up=True)} more"
    rows = [
        (
            command_line("jobs", "retry", short_id(job.attempt), *options),
            f"send it again: it may be paid twice, {twice}",
        ),
        (command_line("jobs", "abandon", short_id(job.attempt), *options), "leave it: the node stays undone"),
    ]
    wide = max(len(command) for command, _ in rows)
    lines = []
    for command, what in rows:
        if wide + 4 + len(what) <= room:
            lines.append(f"{screen.style('command', command)}{' ' * (wide - len(command) + 4)}{what}")
        else:
            lines += [screen.style("command", command), f"  {what}"]
    return lines


def detached_lines(nodes: Sequence[NodeResult], screen: Screen, place: Callable[[str], str]) -> list[str]:
    """Return each request that goes on at its vendor."""
    lines: list[str] = []
    for one in nodes[:_MOST]:
        lines += [_head("at work", one, screen, place(one.node)), *_job_lines(one, screen)]
    if len(nodes) > _MOST:
        lines.append(f"  and {counted(len(nodes) - _MOST, 'request')} more")
    return lines


def stopped_line(nodes: Sequence[NodeResult]) -> str:
    """Return why a build was stopped for want of money."""
    for one in nodes:
        cap = one.refused
        if cap is not None:
            left = max(0, cap.limit - cap.settled - cap.held)
            verb, call = "use" if cap.measure else "cost", _amount(cap.wanted, cap, up=True)
            rest = (
                f"{left / MILLIONTHS:,g} of {_amount(cap.limit, cap)} are"
                if cap.measure
                else f"{dollars(left)} of {dollars(cap.limit)} is"
            )
            return f"stopped: the next call could {verb} {call}, and {rest} left"
    return "stopped: some of it may not be paid for"


def without_money(result: BuildResult) -> list[NodeResult]:
    """Return the instances that were not started for want of money."""
    return [n for n in result.nodes if n.over_budget]


def without_money_lines(result: BuildResult, screen: Screen) -> list[str]:
    """Return what was not started, what each could cost, and who set the cap."""
    alike: dict[tuple[str, str | None], list[str]] = {}
    rows: list[Sequence[Cell]] = []
    for one in without_money(result):
        cap = one.refused
        cost = "$?" if cap is None else _amount(cap.wanted, cap, up=True)
        rows.append([("blocked", "not started"), safe(one.node), cost])
        said = (
            (one.error or "", one.hint)
            if cap is None
            else (f"the cap: {where_set(cap.said)} of {_amount(cap.limit, cap)}", None)
        )
        alike.setdefault(said, []).append(one.node)
    lines = aligned(rows[:_MOST], screen.width(), screen.style, shrink=(1,))
    lines += [f"  and {len(rows) - _MOST:,} more"] if len(rows) > _MOST else []
    for text, hint in alike:
        lines += _wrapped(safe(text), screen.width()) if text else []
        lines += _wrapped(safe(hint), screen.width(), "-> ") if hint else []
    return lines


def where_set(said: str) -> str:
    """Return where a cap was set, its file seen from here."""
    name, within, file = said.partition(" in ")
    return f"{name}{within}{screen_path(file)}" if within else said


def _head(word: str, one: NodeResult, screen: Screen, place: str) -> str:
    cells = [screen.style("blocked", f"{word:<10}"), screen.style("head", safe(one.node))]
    if one.job is not None:
        cells.append(screen.style("dim", safe(one.job.model)))
    return "  " + "  ".join([cells[0], "   ".join([*cells[1:], *([screen.style("place", place)] if place else [])])])


def _job_lines(one: NodeResult, screen: Screen) -> list[str]:
    job = one.job
    if job is None:
        return _wrapped(safe(one.error or ""), screen.width())
    sent = dt.datetime.fromtimestamp(job.sent_ms / 1000).astimezone()
    facts = f"attempt {short_id(job.attempt)}, sent {sent:%H:%M:%S}, {most_text(job.bound_microusd)}"
    said = job.message if job.state == "unresolved" else one.error
    lines = [f"{_INDENT}{facts}", *_wrapped(safe(said or ""), screen.width())]
    if one.hint and job.state != "unresolved" and not one.hint.startswith(AGAIN):
        lines += _wrapped(safe(one.hint), screen.width(), "-> ")
    return lines


def _amount(amount: int, cap: Refused, *, up: bool = False) -> str:
    return amount_text(amount, cap.measure) if cap.measure else dollars(amount, up=up)


def _wrapped(text: str, width: int, first: str = "") -> list[str]:
    return textwrap.wrap(
        text, max(30, width), initial_indent=_INDENT + first, subsequent_indent=_INDENT + " " * len(first),
        break_on_hyphens=False,
    )  # fmt: skip
