"""Every key and value that the parser yields has a place, and what stands there is that key and that value."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import assume, given
from hypothesis import strategies as st

from dagcontent.spec.guard import guard
from dagcontent.spec.span import decoded_offsets, scan

sys.path.insert(0, str(Path(__file__).parent))
toml_text = importlib.import_module("toml_text")
sys.path.pop(0)


def walk(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield every path of a parsed document."""
    items = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for key, item in items:
        yield (*path, key), item
        yield from walk(item, (*path, key))


@pytest.mark.slow
@given(toml_text.documents())
def test_every_path_has_a_span_that_parses_to_its_value(text: str) -> None:
    """A caret under the wrong key is worse than none; the parser itself is the judge of every span."""
    text = text.replace("\r\n", "\n")
    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError:
        assume(False)  # two names met by chance
    found = scan(text)
    assert found.twice == []
    paths = dict(walk(data))
    assert set(found.spans) == set(paths)
    for path, value in paths.items():
        key_start, key_end, start, end = found.spans[path]
        if isinstance(path[-1], str):
            assert tomli.loads(f"{text[key_start:key_end]} = 1") == {path[-1]: 1}
        written = text[start:end]
        if start > key_start or isinstance(path[-1], int):
            if not written.startswith("[[") or path not in found.headers:
                assert repr(tomli.loads(f"x = {written}")["x"]) == repr(value)
        else:  # a table made by a header or a dotted key: what is shown names it
            named = tomli.loads(written if written[0] == "[" else f"{written} = 1")
            assert path[-1] in {step for inner, _value in walk(named) for step in inner}
        if path in found.headers:
            a, b = found.headers[path]
            assert text[a] == "["
            assert text[b - 1] == "]"


@given(toml_text.strings)
def test_offsets_of_a_string_lead_to_its_characters(written: str) -> None:
    """A reference in the middle of a text with escapes is pointed at exactly."""
    decoded = tomli.loads(f"x = {written}")["x"]
    offsets = decoded_offsets(written, 0, len(written))
    assert len(offsets) == len(decoded) + 1
    assert offsets == sorted(offsets)
    for position, char in enumerate(decoded):
        piece = written[offsets[position] : offsets[position + 1]]
        if len(piece) == 1:
            assert piece == char


@given(toml_text.documents(), st.integers(0, 400), st.sampled_from(['"', "[", "]", "=", "\\", "'''", "\n", "{", "x"]))
def test_scanning_what_is_no_toml_ends_quietly(text: str, at: int, noise: str) -> None:
    """Where the parser gave up, the scan is used to find earlier names: it goes as far as it can."""
    scan(text[:at] + noise + text[at:])
    scan(text, at)


@pytest.mark.slow
@given(toml_text.documents())
def test_the_guard_lets_every_small_document_pass(text: str) -> None:
    """The guard looks for bombs only: whatever the layout, a document without one passes unchanged."""
    assert guard(text.encode()) == (text.removeprefix("\ufeff").replace("\r\n", "\n"), None)
