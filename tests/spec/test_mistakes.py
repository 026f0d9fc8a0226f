"""Golden messages: every mistake of `mistakes/*.toml` is said in the words of the `.txt` beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dagcontent.spec.load import load
from dagcontent.spec.source import locate_all, render

FOLDER = Path(__file__).parent / "mistakes"
CASES = sorted(path.stem for path in FOLDER.glob("*.toml"))


def said(path: Path) -> str:
    """Return what a person reads about a file."""
    loaded = load(path)
    blocks = [render(located) for located in locate_all(loaded.sources, loaded.mistakes)]
    return ("\n\n".join(blocks) + "\n").replace(f"{FOLDER}{os.sep}", "")


@pytest.mark.parametrize("case", CASES)
def test_messages_are_as_recorded(case: str) -> None:
    """A message is an interface for people: a change of it is a change to look at (GOLDEN=write records anew)."""
    expected = FOLDER / f"{case}.txt"
    text = said(FOLDER / f"{case}.toml")
    if os.environ.get("GOLDEN") == "write":
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
