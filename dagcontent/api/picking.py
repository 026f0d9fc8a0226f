"""What a person says of candidates into the one that is meant. Knows no store and no file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from dagcontent.errors import ConfigError
from dagcontent.plan.selection import Candidate
from dagcontent.values.value import Blob, Value

__all__ = ["chosen_of", "shown", "words_on"]

_POSITION: Final = re.compile(r"#(\d{1,9})")
_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-f]{6,64})")
_SHORT: Final = 12
_MOST_SHOWN: Final = 20
_LONGEST_TEXT: Final = 48


def chosen_of(candidates: Sequence[Candidate], wanted: str, name: str) -> Candidate:
    """Return the candidate that is meant by a position (`#0`), a label (`take=1`), its instance or the beginning of its digest.

    Those that are equal in content are one. Raises ConfigError, with all of them, for what means none or several.
    """
    found = _meant(candidates, wanted)
    if len({one.digest for one in found}) == 1:
        return found[0]
    said = f"`{wanted:.60}` is {'no candidate' if not found else f'{len(found):,} candidates'} of {name}"
    raise ConfigError(
        said,
        facts=shown(candidates),
        hint="name one by its position, as '#0', its label, or 6 digits or more of its digest",
    )


def shown(candidates: Sequence[Candidate]) -> list[tuple[str, str]]:
    """Return candidates as facts: each with its position, what made it, its digest and a few words on it."""
    facts = [(f"#{one.position}", _shown(one)) for one in candidates[:_MOST_SHOWN]]
    if len(candidates) > _MOST_SHOWN:
        facts.append(("", f"and {len(candidates) - _MOST_SHOWN:,} more"))
    return facts


def _meant(candidates: Sequence[Candidate], wanted: str) -> list[Candidate]:
    position = _POSITION.fullmatch(wanted)
    if position is not None:
        return [one for one in candidates if one.position == int(position[1])]
    named = [one for one in candidates if wanted and (wanted == one.instance or wanted in one.labels)]
    if named:
        return named
    digest = _DIGEST.fullmatch(wanted)
    return [] if digest is None else [one for one in candidates if one.digest.startswith(digest[1])]


def _shown(one: Candidate) -> str:
    score = "" if one.score is None else f"score {one.score:g}"
    parts = (one.instance, one.digest[:_SHORT], score, words_on(one.value))
    return "  ".join(part for part in parts if part)


def words_on(value: Value) -> str:
    """Return a few words on a value."""
    if isinstance(value, Blob):
        size = f" {value.facts['width']}x{value.facts['height']}" if {"width", "height"} <= value.facts.keys() else ""
        long = f" {value.facts['duration_ms'] / 1000:.1f} s" if "duration_ms" in value.facts else ""
        return value.type + size + long
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 3]}..."
