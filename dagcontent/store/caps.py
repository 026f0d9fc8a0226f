"""Turn caps and an intent into leave to reserve, or a refusal. Knows no price and no configuration.

Called within the transaction that writes the intent, so that no two processes are given the same money. Dollars are sums of
columns. Amounts of units stand in the bodies, for few set a cap on them: those of the scope are added up, and all that was not
released counts with the most that it may have used, since vendors report what they billed in words of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import apsw
import msgspec

from dagcontent.errors import InternalError, OverBudget, StoreDamaged
from dagcontent.store.db import fetch
from dagcontent.store.journal import HOLDING, day_of
from dagcontent.values.attempt import AttemptState, Intent
from dagcontent.values.money import Cap, Refused, usd_text
from dagcontent.values.units import UnitCap, amount_text

__all__ = ["check", "check_units", "spent", "used"]

# Money that was spent under a later date counts as well: a clock that was put back gives nothing free.
# "+": what is found by the index of its scope, never by that of all that a provider was ever paid.
_WHERE: Final = {"run": "run = ?", "graph": "graph = ?", "day": "day >= ?", "provider": "provider = ?"}
_SPENT: Final = {
    scope: f"SELECT coalesce(sum(cost), 0), coalesce(sum(held), 0) FROM attempt WHERE {where}"  # noqa: S608 - constants of ours
    for scope, where in _WHERE.items()
}
_BODIES: Final = {
    scope: f"SELECT state, body FROM attempt WHERE {where} AND +provider = ? AND state <> ?"  # noqa: S608 - constants of ours
    for scope, where in _WHERE.items()
}
_HOLDING: Final = frozenset(state.value for state in HOLDING)


class _Intent(msgspec.Struct):
    units: dict[str, int | None] = {}


class _Body(msgspec.Struct):
    """The part of an attempt's body that is added up; all else is passed over, unread."""

    intent: _Intent


_read_body: Final = msgspec.msgpack.Decoder(_Body).decode


def spent(connection: apsw.Connection, scope: str, name: str, provider: str = "") -> tuple[int, int]:
    """Return (settled, reserved) of all attempts under one scope, or of those of one provider, in micro-USD."""
    query, values = (f"{_SPENT[scope]} AND +provider = ?", (name, provider)) if provider else (_SPENT[scope], (name,))
    settled, held = fetch(connection, query, values)[0]
    return int(settled), int(held)


def used(connection: apsw.Connection, scope: str, name: str, provider: str, measure: str) -> tuple[int, int]:
    """Return (settled, reserved) of one measure, in millionths. Raises StoreDamaged for a row that cannot be read."""
    settled = held = 0
    # From the disk in one piece: the rows are large, and a cursor that is asked for each is slower.
    for state, body in fetch(connection, _BODIES[scope], (name, provider, AttemptState.RELEASED.value)):
        try:
            amount = _read_body(body).intent.units.get(measure) or 0
        except (msgspec.DecodeError, TypeError) as error:
            raise StoreDamaged(
                f"a paid attempt of {provider} is damaged in the journal: what it used cannot be counted",
                hint="nothing is sent under a cap on units; dagcontent store verify lists all damage",
            ) from error
        if state in _HOLDING:
            held += amount
        else:
            settled += amount
    return settled, held


def check(connection: apsw.Connection, cap: Cap, intent: Intent) -> None:
    """Raise OverBudget if this reservation would go beyond a cap. What is on one provider says nothing of another's attempt.

    A day's cap is on the day of the intent, whatever day it names: a build may run past midnight.
    """
    own = _own(cap.scope, cap.name, intent)
    if own is None or cap.provider not in {"", intent.provider}:
        return
    settled, held = spent(connection, cap.scope, own, cap.provider)
    wanted = intent.reserved_microusd or 0
    if settled + held + wanted > cap.limit_microusd:
        refused = Refused(
            scope=cap.scope, name=own, said=cap.said or f"the cap of this {cap.scope}", provider=cap.provider,
            limit=cap.limit_microusd, settled=settled, held=held, wanted=wanted,
        )  # fmt: skip
        raise _over(intent, refused, "cost", usd_text)


def check_units(connection: apsw.Connection, cap: UnitCap, intent: Intent) -> None:
    """Raise OverBudget if what this request may use would go beyond a cap on units, or if nobody knows what it uses."""
    own = _own(cap.scope, cap.name, intent)
    if own is None or cap.provider != intent.provider:
        return
    wanted = intent.units.get(cap.measure, 0)
    if wanted is None and not cap.unknown:
        raise OverBudget(
            f"how many {cap.measure}s {intent.instance} may use at most is not known, and {cap.said} allows "
            f"{amount_text(cap.limit, cap.measure)}",
            hint="to send it all the same: --allow-unpriced",
        )
    settled, held = used(connection, cap.scope, own, cap.provider, cap.measure)
    if settled + held + (wanted or 0) > cap.limit:
        refused = Refused(
            scope=cap.scope, name=own, said=cap.said, provider=cap.provider, measure=cap.measure, limit=cap.limit,
            settled=settled, held=held, wanted=wanted or 0,
        )  # fmt: skip
        raise _over(intent, refused, "use", lambda amount: amount_text(amount, cap.measure))


def _own(scope: str, name: str, intent: Intent) -> str | None:
    """Return what an intent counts under; None if a cap is on another provider. Raises InternalError if it is on another run or graph."""
    own = {"run": intent.run, "graph": intent.graph, "day": day_of(intent.at_ms), "provider": intent.provider}[scope]
    if scope == "day" or name == own:
        return own
    if scope == "provider":
        return None
    raise InternalError(f"a cap on the {scope} {name!r} was given for an attempt of {own!r}")


def _over(intent: Intent, refused: Refused, verb: str, text: Callable[[int], str]) -> OverBudget:
    left = max(0, refused.limit - refused.settled - refused.held)
    return OverBudget(
        f"{intent.instance} could {verb} up to {text(refused.wanted)}: {refused.said} of {text(refused.limit)} leaves {text(left)}",
        facts=[
            ("cap", f"{refused.scope} {refused.name}"),
            ("limit", text(refused.limit)),
            ("spent", text(refused.settled)),
            ("reserved", text(refused.held)),
            ("this call", text(refused.wanted)),
        ],
        hint="raise the cap, or build again when reservations are settled; what is finished is kept",
        refused=refused,
    )
