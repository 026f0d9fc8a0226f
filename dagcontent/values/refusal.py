"""Why a model did not make what it was asked for, as it matters to what is asked next. Knows no vendor.

A refusal is certain: the vendor's whole answer said so, or nothing left this machine. What may have been paid for without
anybody knowing is none, and neither is a key that is wrong or missing: that is for a person to mend.
"""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["BLOCKED", "CEILING", "RECORDED", "UNAVAILABLE", "UNFIT", "Refusal", "refusal_class"]

BLOCKED: Final = "blocked"
"""Moderation."""
UNAVAILABLE: Final = "unavailable"
"""It could not be asked, or took no request, until all tries were used up."""
CEILING: Final = "ceiling"
"""It may cost more than one instance may."""
UNFIT: Final = "unfit"
"""It has ended, or cannot do what is asked: the catalog says so."""

_PASSING: Final = frozenset({"transient", "rate-limit", "concurrency"})
_BY_VENDOR: Final = frozenset({BLOCKED, "invalid", "not-found", "quota", "unknown"})
RECORDED: Final = _BY_VENDOR | {UNAVAILABLE, CEILING, UNFIT}
"""What the journal says of a key that was released, where another model is to be asked in its place."""


class Refusal(msgspec.Struct, frozen=True):
    """Why. `charged_microusd` is what it cost all the same; None: nothing."""

    error_class: str
    message: str = ""
    charged_microusd: int | None = None


def refusal_class(error_class: str) -> str | None:
    """Return the class of a refusal that a failure of this class comes to when it is not tried again; None if it is none."""
    if error_class in _PASSING:
        return UNAVAILABLE
    return error_class if error_class in RECORDED else None
