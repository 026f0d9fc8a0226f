"""A model that was passed over, as data and in words. Knows no node and no store."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dagcontent.values.money import usd_text
from dagcontent.values.record import Manifest
from dagcontent.values.refusal import BLOCKED, CEILING, UNAVAILABLE, UNFIT, Refusal
from dagcontent.values.value import ActionKey

__all__ = ["Passed", "passed_words", "served_words"]


class Passed(msgspec.Struct, frozen=True):
    """A model that was passed over, and why. `recorded`: the store knows it already; without a key nothing is to be known."""

    model: str
    refusal: Refusal
    key: ActionKey | None = None
    manifest: Manifest | None = None
    recorded: bool = True

    @property
    def charged_microusd(self) -> int:
        """What it cost."""
        return self.refusal.charged_microusd or 0


_SAID = {
    BLOCKED: "refused (content policy)", "invalid": "refused the request", "not-found": "does not know it",
    "quota": "has no credit left", UNAVAILABLE: "could not be asked", CEILING: "passed over", UNFIT: "passed over",
}  # fmt: skip
_MOST_SAID = 90


def passed_words(passed: Sequence[Passed]) -> str:
    """Say who was passed over and why: "fal/a refused (content policy) 3 times, charged $0.050"."""
    said: dict[tuple[str, str], list[Passed]] = {}
    for one in passed:
        said.setdefault((one.model, _reason(one.refusal)), []).append(one)
    words = []
    for (model, reason), alike in said.items():
        times = f" {len(alike)} times" if len(alike) > 1 else ""
        charged = sum(one.charged_microusd for one in alike)
        words.append(f"{model} {reason}{times}{f', charged {usd_text(charged)}' if charged else ''}")
    return "; ".join(words)


def served_words(model: str, passed: Sequence[Passed]) -> str:
    """Say who made a result in whose place."""
    return f"served by {model}: {passed_words(passed)}"


def _reason(refusal: Refusal) -> str:
    words = _SAID.get(refusal.error_class, "failed")
    if refusal.error_class == BLOCKED or not refusal.message:
        return words
    said = refusal.message if len(refusal.message) <= _MOST_SAID else f"{refusal.message[:_MOST_SAID]}..."
    return f"{words} ({said})"
