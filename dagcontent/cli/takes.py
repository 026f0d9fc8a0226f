"""The command `takes`: every result that a node ever had, with what differed and what it cost. Runs nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import click

from dagcontent import api
from dagcontent.api.taken import Taken, TakesResult
from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.money import dollars
from dagcontent.cli.one_node import of_one_node
from dagcontent.cli.reasons import field_name
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.session import Session
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import plain, short, when
from dagcontent.values.money import usd_decimal

__all__ = ["command"]

_KEY: Final = 12
_WORD: Final = 28


@click.command("takes")
@of_one_node
def command(session: Session, node: str) -> int:
    """List every result that NODE (as in film, still[intro] or 'still[*]') ever had, newest first.

    Each with its sample, what it cost, whether it is in the store, and what of its request is not today's. A sample of
    today's request comes back by dagcontent reroll --to, any other by editing what differs.
    """
    found = api.takes(session.loaded, node, store=session.store, realms=session.realms)
    screen = session.screen
    if screen.json:
        screen.document({"graph": session.loaded.name, "nodes": [_document(one) for one in found]})
        return 0
    now = dt.datetime.now().astimezone()
    for position, one in enumerate(found):
        for line in [*([""] if position else []), *_lines(one, screen, now)]:
            screen.say(line)
    back = next(((one.node, row.reroll) for one in found for row in one.rows if _comes_back(row)), None)
    given = next((one.node for one in found for row in one.rows if row.now and row.file is not None), None)
    if given is not None:
        screen.say("\n" + screen.style("command", command_line(*session.again("replace", "--undo", given))))
    elif back is not None:
        screen.say(
            "\n" + screen.style("command", command_line(*session.again("reroll", back[0], "--to", str(back[1]))))
        )
    return 0


def _comes_back(row: Taken) -> bool:
    return row.there and not row.now and not row.differs and row.file is None


def _lines(one: TakesResult, screen: Screen, now: dt.datetime) -> list[str]:
    head = screen.style("head", safe(one.node))
    if not one.rows:
        return [f"{head}   no result yet"]
    count = len(one.rows)
    total = sum(row.cost_microusd for row in one.rows)
    lines = [f"{head}   {count} result{'s' * (count != 1)}" + (f"   {dollars(total)} in all" if total else ""), ""]
    cells: list[Sequence[Cell]] = [
        [("dim", word) for word in ("", "sample", "made", "cost", "result", "what differs from today")]
    ]
    cells += [_cells(row, now) for row in one.rows]
    return lines + aligned(cells, screen.width(), screen.style, shrink=(4, 5), right=(3,))


def _cells(row: Taken, now: dt.datetime) -> list[Cell]:
    mark: Cell = ("pinned", "pinned") if row.pinned else ("hit", "now") if row.now else ""
    result: Cell = safe(short(row.value, _WORD))
    if row.error is not None:
        result = ("failed", safe(f"failed: {row.error}"))
    elif not row.there:
        result = ("warning", "not in the store")
    differs = ", ".join(f"{field_name(diff)} {short(diff.old, _WORD)}" for diff in row.differs)
    if row.file is not None:
        differs = f"given by a person: {row.file}"
    return [
        mark,
        str(row.reroll) if row.file is None else "",
        when(row.at_ms, now),
        dollars(row.cost_microusd) if row.cost_microusd else "",
        result,
        ("dim", safe(differs)),
    ]


def _document(one: TakesResult) -> dict[str, Any]:
    rows = [
        {
            "key": row.key, "take": row.take, "reroll": row.reroll, "model": row.model or None, "at_ms": row.at_ms,
            "run": row.run, "cost_usd": usd_decimal(row.cost_microusd), "in_store": row.there, "now": row.now,
            "pinned": row.pinned, "value": plain(row.value), "error": row.error, "file": row.file,
            "differs": [{"field": d.field, "then": plain(d.old), "now": plain(d.new)} for d in row.differs],
        }
        for row in one.rows
    ]  # fmt: skip
    return {"node": one.node, "results": rows}
