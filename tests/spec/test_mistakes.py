"""Golden messages: every mistake of `mistakes/*.toml` is said in the words of the `.txt` beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dagcontent.spec.load import load
from dagcontent.spec.source import locate_all, render, to_json

FOLDER = Path(__file__).parent / "mistakes"
CASES = sorted(path.stem for path in FOLDER.glob("*.toml"))


def said(path: Path) -> str:
    """Return what a person reads about a file."""
    loaded = load(path)
    blocks = [render(located) for located in locate_all(loaded.sources, loaded.mistakes)]
    return ("\n\n".join(blocks) + "\n").replace(f"{FOLDER}{os.sep}", "")


@pytest.mark.parametrize("case", CASES)
def test_messages_are_as_recorded(case: str, golden: bool) -> None:
    """A message is an interface for people: a change of it is a change to look at (--golden records anew)."""
    expected = FOLDER / f"{case}.txt"
    text = said(FOLDER / f"{case}.toml")
    if golden:
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


def test_ten_mistakes_are_ten_places() -> None:
    """Whoever mends a file wants all of it said at once, not ten rounds of one message."""
    loaded = load(FOLDER / "ten_mistakes.toml")
    places = {(m.line, m.column) for m in locate_all(loaded.sources, loaded.mistakes)}
    assert len(places) >= 10


@pytest.mark.parametrize("case", CASES)
def test_every_place_is_in_its_file_and_is_the_same_in_json(case: str) -> None:
    """Editors and scripts read the JSON: it must say what the screen says, at places that exist."""
    loaded = load(FOLDER / f"{case}.toml")
    assert loaded.mistakes
    assert not loaded.ok
    for located in locate_all(loaded.sources, loaded.mistakes):
        data = to_json(located)
        assert located.source == loaded.sources[0].text.split("\n")[located.line - 1]
        assert 1 <= located.column <= len(located.source) + 1
        assert (data["line"], data["column"], data["message"]) == (located.line, located.column, located.message)
        text = render(located)
        assert text.isprintable() or "\n" in text
        assert "\x1b" not in text
