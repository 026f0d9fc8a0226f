"""Seeds into plain words and sentences. Knows no language but a little English."""

from __future__ import annotations

import hashlib

__all__ = ["pick", "sentences", "words"]

_ADJECTIVES = (
    "amber", "brave", "calm", "distant", "early", "faded", "gentle", "hidden", "inland", "joyful", "kindly", "low",
    "misty", "narrow", "open", "patient", "quiet", "russet", "silver", "tall",
)  # fmt: skip
_NOUNS = (
    "harbor", "lantern", "meadow", "river", "station", "garden", "ladder", "window", "orchard", "bridge", "market",
    "island", "letter", "valley", "compass", "kettle", "archive", "quarry", "sail", "thicket",
)  # fmt: skip
_VERBS = ("keeps", "finds", "crosses", "remembers", "opens", "follows", "mends", "answers")


def pick(seed: str, count: int) -> int:
    """Return a number below `count`, each seed's own."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big") % count


def words(seed: str) -> str:
    """Return two words, each seed's own."""
    return f"{_ADJECTIVES[pick(seed + '/a', len(_ADJECTIVES))]} {_NOUNS[pick(seed + '/n', len(_NOUNS))]}"


def sentences(seed: str, count: int) -> str:
    """Return a few sentences, each seed's own."""
    said = []
    for number in range(count):
        own = f"{seed}/{number}"
        said.append(f"The {words(own)} {_VERBS[pick(own, len(_VERBS))]} the {words(own + '/o')}.")
    return " ".join(said)
