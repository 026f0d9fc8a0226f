"""The end of a build into the command that goes on: where to look, or what must be raised for it. Knows no store.

The budget that is named is the least under which all that is left is certain to fit: what it can cost at most.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from dagcontent import api
from dagcontent.api.result import BuildResult, NodeResult
from dagcontent.cli.session import Session
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import screen_path
from dagcontent.plan.model import PlanRow
from dagcontent.values.instances import node_of
from dagcontent.values.money import Refused

__all__ = ["GoesOn", "say_look", "say_next"]

_MOST_PICKS: Final = 3
_MOST_GATES: Final = 4
_CONTINUES: Final = "continues; nothing that is done is done again"


class GoesOn(msgspec.Struct, frozen=True):
    """What was asked for on the command line, and must be asked for again."""

    targets: tuple[str, ...]
    repay: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


def say_look(session: Session, result: BuildResult) -> None:
    """Say how what was made is looked at: one artifact by itself, several on a page."""
    made = {node.digest for node in result.nodes if node.digest is not None}
    words = ("gallery",) if len(made) > 1 else ("show", result.outputs[-1][0])
    session.screen.say("\n" + session.screen.style("command", command_line(*session.again(*words))))


def say_next(session: Session, result: BuildResult, asked: GoesOn) -> None:
    """Say which command goes on, and under which budget that makes the rest. Of what a person must settle, none does."""
    screen = session.screen
    if screen.quiet:
        return
    if result.status == "waiting":
        screen.say("")
        for line in _deciding(session, [node for node in result.nodes if node.status == "waiting"]):
            screen.say(line)
        return
    broke = [node for node in result.nodes if node.status in {"failed", "unresolved"}]
    if result.status in {"failed", "unresolved"} and all(map(_stays, broke)):
        rejected = [node.node for node in broke if _rejected(node)]
        if rejected:
            screen.say("\n" + screen.style("command", command_line(*session.again("approve", rejected[0]))))
        return
    options: list[str] = []
    note = _CONTINUES
    if session.loaded.paid:
        from dagcontent.cli.money import BUYS, budget_for, total  # noqa: PLC0415 - a free graph costs nothing

        plan = api.plan(
            session.loaded, asked.targets, store=session.store, realms=session.realms, explain=False,
            market=session.settings.market,
        )  # fmt: skip
        rest = [row for row in plan.rows if row.status in BUYS and (row.status != "repay" or _named(row, asked))]
        cost, unpriced = total(rest)
        options = ["--budget", budget_for(cost.high or 0)] if cost.high or unpriced else []
        options += [word for node in asked.repay for word in ("--repay", node)]
        refused = list(dict.fromkeys(_sort(node.refused) for node in result.nodes if node.refused is not None))
        lines = [line for one in refused for line in _raising(session, one, rest)]
        if lines:
            screen.say("")
            for line in lines:
                screen.say(f"  {line}")
        if result.status == "budget":
            note = "makes the rest" if not lines else "then makes the rest"
    again = command_line(*session.again("build", *asked.targets, *options, *asked.flags))
    fits = len(again) + len(note) + 10 <= screen.width()
    screen.say(f"\n{screen.style('command', again)}{f'        # {note}' if fits else ''}")


def _deciding(session: Session, waiting: Sequence[NodeResult]) -> Iterator[str]:
    """Yield the commands by which a person decides: a pick each; a look, and one word or the other, for gates."""
    style = session.screen.style
    picks = [node.node for node in waiting if node.asks != "approve"]
    gates = [node.node for node in waiting if node.asks == "approve"]
    for name in picks[:_MOST_PICKS]:
        yield style("command", command_line(*session.again("pick", name, "CHOICE")))
    if len(picks) > _MOST_PICKS:
        yield f"  and {len(picks) - _MOST_PICKS:,} more"
    if gates:
        yield style("command", command_line(*session.again("show", gates[0])))
        yield style("command", command_line(*session.again("approve", *gates[:_MOST_GATES])))
        yield style("command", command_line(*session.again("reject", gates[0], "--note", "WHY")))
    if len(gates) > _MOST_GATES:
        yield f"  and {len(gates) - _MOST_GATES:,} more gates"


def _sort(refused: Refused) -> Refused:
    """Return a cap without what is of one request alone."""
    return msgspec.structs.replace(refused, wanted=0)


def _stays(node: NodeResult) -> bool:
    """Whether building again changes nothing: a person must settle it, or it was charged and is not sent again."""
    if node.job is not None and node.job.state in {"unresolved", "expired", "abandoned"}:
        return True
    return "charged" in dict(node.facts) or _rejected(node)


def _rejected(node: NodeResult) -> bool:
    """Tell whether somebody said no to it."""
    from dagcontent.plan.approval import REJECTED  # noqa: PLC0415 - most builds end well

    return REJECTED in dict(node.facts)


def _named(row: PlanRow, asked: GoesOn) -> bool:
    return row.node in asked.repay or node_of(row.node) in asked.repay


def _raising(session: Session, refused: Refused, rest: Sequence[PlanRow]) -> Iterator[str]:
    """Yield what can be done about a cap that --budget does not move: where it is set, and the least that makes the rest."""
    from dagcontent.api.spending import GRAPH_SAID  # noqa: PLC0415 - only where money ran out
    from dagcontent.cli.paid_text import where_set  # noqa: PLC0415 - as above

    if refused.said == GRAPH_SAID:
        from dagcontent.spec.model import Place  # noqa: PLC0415 - as above

        where = session.loaded.line_of(Place(0, ("graph", "budget_usd")))
        said = "budget_usd" if where is None else f"budget_usd at {screen_path(where[0])}:{where[1]}"
    elif " in " in refused.said:
        said = where_set(refused.said)
    else:
        return
    needs = _needed(refused, rest)
    more = "" if needs is None else f" to {needs} or more"
    if refused.scope == "day":
        yield f"{_until(refused.name)}; or raise {said}{more}"
    else:
        yield f"raise {said}{more}"


def _needed(refused: Refused, rest: Sequence[PlanRow]) -> str | None:
    """Return the least limit that lets the rest through, as it is written; None where nobody knows."""
    from dagcontent.cli.money import range_of  # noqa: PLC0415 - only where money ran out
    from dagcontent.values.money import budget_for  # noqa: PLC0415 - as above

    # What a run spent before is another run's: the next one begins with nothing.
    before = 0 if refused.scope == "run" else refused.settled + refused.held
    mine = [row for row in rest if not refused.provider or row.model.startswith(f"{refused.provider}/")]
    wanted = [_units(row, refused.measure) for row in mine] if refused.measure else [range_of(row).high for row in mine]
    known = [one for one in wanted if one is not None]
    if len(known) < len(wanted):
        return None
    if not refused.measure:
        return budget_for(before + sum(known))
    return _number(before + sum(known), refused)


def _units(row: PlanRow, measure: str) -> int | None:
    """Return the most that a row may use of a measure, in millionths."""
    from dagcontent.api.spending import amounts_of_row  # noqa: PLC0415 - only where a cap on units was reached

    one = amounts_of_row(row).get(measure, 0)
    many = row.items_max if row.node.endswith("*]") else row.items_max or 1
    return None if one is None or many is None else one * many


def _number(millionths: int, refused: Refused) -> str:
    """Return an amount in the unit in which its limit is written."""
    from dagcontent.values.units import MEASURES, MILLIONTHS  # noqa: PLC0415 - as above

    name = refused.said.partition(" in ")[0]
    factor = next((factor for unit, (_, factor) in MEASURES.items() if name.endswith(f".{unit}")), 1)
    thousandths = -(-millionths * 1000 // (factor * MILLIONTHS))
    return f"{thousandths / 1000:.3f}".rstrip("0").rstrip(".")


def _until(day: str) -> str:
    """Say when a day's cap begins anew."""
    left = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC) + dt.timedelta(days=1) - dt.datetime.now(dt.UTC)
    minutes = int(left.total_seconds()) // 60 + 1
    if left.total_seconds() <= 0:
        return f"{day} (UTC) is over"
    hours = f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
    return f"the day ends at 00:00 UTC, in {hours}"
