"""A plan that costs money into a question, and its answer into the most that may be spent. Knows no store, and sends nothing.

Asked on a terminal only, where somebody sees the question and can answer it. Agreed is to what was shown and to nothing
beyond: what turns out dearer, or to be more, is stopped by that and asked about by the next build.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Final, NoReturn

from dagcontent.api.spending import Agreed, Offer
from dagcontent.cli.money import Range, dollars, total
from dagcontent.cli.screen import Screen
from dagcontent.cli.words import counted, listed
from dagcontent.errors import BudgetExceeded
from dagcontent.values.money import budget_for, microusd

__all__ = ["Asking"]

_SAID: Final = "what was agreed to"
_LOOK_S: Final = 0.2


class Asking:
    """Answers an offer for whoever sits there; `above_microusd` is what may be spent unasked."""

    def __init__(self, screen: Screen, above_microusd: int) -> None:
        self._screen = screen
        self._above = above_microusd

    def __call__(self, offer: Offer) -> Agreed:
        """Return what may be spent. Raises BudgetExceeded if the answer is no, or there is no amount to agree to."""
        cost, unknown = total(offer.buys)
        most = max(cost.high or 0, cost.expected or 0)
        allowed = offer.allowed_microusd
        bounded = allowed is not None and (bool(unknown) or most > allowed)
        if allowed is not None and bounded:
            most = allowed
        elif not most:
            raise BudgetExceeded(
                f"nobody knows what these may cost at most: {listed(unknown)}",
                hint="--budget USD sets the most that may be spent",
            )
        if most <= self._above and (bounded or not unknown):
            return Agreed(self._above, "confirm_above_usd")
        shown = budget_for(most)
        self._tell(offer, cost, unknown, bounded=bounded)
        if not self._answer(f"Spend up to ${shown}? [y/N] "):
            _refuse(shown)
        return Agreed(min(microusd(shown), allowed) if bounded and allowed is not None else microusd(shown), _SAID)

    def _tell(self, offer: Offer, cost: Range, unknown: list[str], *, bounded: bool) -> None:
        say = self._screen.complain
        words = [
            f"{counted(len(offer.buys), 'node')} of {len(offer.plan.rows):,} cost{'s' * (len(offer.buys) == 1)} money"
        ]
        if cost.expected:
            words.append(f"{dollars(cost.expected)} expected")
        if cost.high and not unknown:
            words.append(
                f"({dollars(cost.low)} to {dollars(cost.high, up=True)})"
                if cost.low
                else f"(at most {dollars(cost.high, up=True)})"
            )
        say(f"{words[0]}      {' '.join(words[1:])}".rstrip())
        if unknown:
            say(f"  {listed(unknown)}: nobody knows the most; beyond what you agree to now, nothing is sent")
        if bounded and offer.allowed_microusd is not None:
            say(f"  no more than {dollars(offer.allowed_microusd)} is allowed: {offer.allowed_said}")

    def _answer(self, question: str) -> bool:
        """Return whether somebody says yes. Ctrl-C and Ctrl-D are a no."""
        import select  # noqa: PLC0415 - only on a terminal
        import termios  # noqa: PLC0415 - as above

        with contextlib.suppress(termios.error, ValueError, OSError):
            termios.tcflush(sys.stdin, termios.TCIFLUSH)  # what was typed before the question is no answer to it
        try:
            self._screen.prompt(question)
            while not select.select([sys.stdin], [], [], _LOOK_S)[0]:
                pass  # a Ctrl-C that comes in the moment before a read would wait with it
            line = sys.stdin.readline()
        except (KeyboardInterrupt, UnicodeDecodeError):
            line = ""
        if not line.endswith("\n"):
            self._screen.complain("")
        return line.strip().lower() in {"y", "yes"}


def _refuse(shown: str) -> NoReturn:
    raise BudgetExceeded(
        "nothing was sent: nobody agreed to it",
        hint=f"--budget {shown} agrees to that much unasked; another amount makes as much as fits",
    )
