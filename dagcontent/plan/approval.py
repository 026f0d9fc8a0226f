"""What a gate shows, and what a person said of it, into whether it goes on. Knows no units and no text positions.

What is said of content is remembered by its digest: of other content nothing was said, and when it is what it was, it holds again.
"""

from __future__ import annotations

from enum import Enum

from dagcontent.errors import NodeError
from dagcontent.plan.selection import digest_of
from dagcontent.spec.model import Choice
from dagcontent.values.value import Value

__all__ = ["REJECTED", "Word", "rejection", "word_on"]

REJECTED = "rejected"
"""The label of the fact by which a failure is known to be a person's word."""

_SHORT = 12


class Word(Enum):
    """What a person said of what is shown."""

    NONE = "none"
    APPROVED = "approved"
    REJECTED = "rejected"


def word_on(choice: Choice | None, shown: Value) -> Word:
    """Return what an entry says of content."""
    if choice is None:
        return Word.NONE
    digest = digest_of(shown)
    if digest == choice.rejected:
        return Word.REJECTED
    return Word.APPROVED if digest == choice.approved else Word.NONE


def rejection(note: str, shown: Value) -> NodeError:
    """Return the failure of a gate whose content a person rejected."""
    said = f": {note}" if note else ""
    return NodeError(
        f"a person rejected what it shows{said}",
        facts=[(REJECTED, digest_of(shown)[:_SHORT])],
        hint="reroll or edit what it shows, and it asks again; or dagcontent approve it after all",
    )
