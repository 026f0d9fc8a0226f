"""What wants looking after in a graph's models into lines of text. Knows no catalog and no store."""

from __future__ import annotations

import datetime as dt
import os
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from dagcontent.api.upkeep import Change, OfCatalog, Upkeep
from dagcontent.cli.money import UNKNOWN, dollars
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import counted

__all__ = ["catalog_words", "graph_words", "upkeep_lines"]

_LEAST: Final = 30


def catalog_words(found: OfCatalog, days: int) -> str:
    """Return the counts of the catalog."""
    words = [counted(found.models, "model")]
    words += [f"{found.ending} end within {days} days"] if found.ending else []
    words += [f"{found.stale} with a price older than {days} days"] if found.stale else []
    words += [f"{found.ended} more are no longer there"] if found.ended else []
    return ", ".join(words)


def graph_words(found: Sequence[Upkeep], days: int) -> str:
    """Return the counts of a graph's models."""
    ended = sum(one.ended for one in found)
    ending = sum(one.ends and not one.ended for one in found)
    old = sum(bool(one.old) for one in found)
    words = [f"asks {counted(len(found), 'model')} that cost money"]
    words += [f"{ended} no longer there"] if ended else []
    words += [f"{ending} ending within {days} days"] if ending else []
    words += [f"{old} with a price older than {days} days"] if old else []
    return ", ".join(words)


def upkeep_lines(found: Sequence[Upkeep], screen: Screen, today: dt.date) -> Iterator[str]:
    """Yield what is to be done about each model, and what that costs; nothing about those that are well."""
    for one in found:
        if not one.due:
            continue
        yield ""
        yield screen.style("head", safe(one.model))
        if one.ends:
            yield from _ending(one, screen)
        if one.old:
            yield from _old(one, screen, today)


def _ending(one: Upkeep, screen: Screen) -> Iterator[str]:
    if one.ended:
        when = f"was retired on {one.retired}"
    else:
        when = f"ends on {one.retired}, in {counted(one.days or 0, 'day')}"
    after = f"; after it: {one.successor}" if one.successor else "; nothing is named to come after it"
    yield from _wrapped(f"{when}{after}", screen, "failed" if one.ended else "warning")
    for change in one.changes:
        yield from _wrapped(_costs(change, one), screen)
        for lack in change.lacks:
            yield from _wrapped(f"there it does not work as it is: {lack}", screen, indent="    ")
    if one.successor:
        yield f'  -> write model = "{safe(one.successor)}"'
    else:
        yield from _wrapped("-> choose another: dagcontent models --kind KIND", screen)


def _costs(change: Change, one: Upkeep) -> str:
    """Return a node with its line, and what its requests cost now and after."""
    at = f"{os.path.basename(change.file)}:{change.line}" if change.line else ""
    words = f"{change.node} ({at})" if at else change.node
    more = ", and those of a list that is still to be made" if change.open else ""
    words += f": {counted(change.requests, 'request')}{more}"
    if not change.requests:
        return words
    pairs = []
    for label, amount, up in (("likely", "expected", False), ("at most", "high", True)):
        both = [
            UNKNOWN if quote is None else _amount(getattr(quote, amount), up=up) for quote in (change.now, change.then)
        ]
        both = both if one.successor and not change.lacks else both[:1]
        pairs += [f"{label} {' -> '.join(both)}"] if set(both) != {UNKNOWN} else []
    return f"{words}, {', '.join(pairs) or 'nobody knows at what price'}"


def _amount(microusd: int | None, *, up: bool) -> str:
    return UNKNOWN if microusd is None else dollars(microusd, up=up)


def _old(one: Upkeep, screen: Screen, today: dt.date) -> Iterator[str]:
    for unit, date, source in one.old:
        days = (today - dt.date.fromisoformat(date)).days
        yield from _wrapped(
            f"its price per {unit} is of {date}, {counted(days, 'day')} ago: {source}", screen, "warning"
        )
    yield from _wrapped(f'-> look it up; yours goes under [price."{one.model}"] in your configuration', screen)


def _wrapped(text: str, screen: Screen, role: str = "", indent: str = "  ") -> Iterator[str]:
    width = max(_LEAST, screen.width() - len(indent))
    for i, line in enumerate(textwrap.wrap(safe(text), width, break_on_hyphens=False, break_long_words=False)):
        yield f"{indent}{'' if i == 0 else '  '}{screen.style(role, line) if role else line}"
