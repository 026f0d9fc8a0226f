"""What no parser may see: bombs are refused at once and at their place, graphs pass."""

from __future__ import annotations

import time

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.spec.guard import MAX_BYTES, guard

BOMBS = {
    "one dotted key of 40 kB": (b"a." * 20_000 + b"a = 1", "parts", 64),
    "a header of 100 kB": (b"[" + b"a." * 50_000 + b"a]", "64 KiB", 0),
    "a header of 60 kB": (b"[" + b"a." * 30_000 + b"a]", "parts", 65),
    "quoted parts": (b'"a".' * 40 + b"b = 1", "parts", 128),
    "a dotted key in an inline table": (b"x = { " + b"a." * 40 + b"b = 1 }", "parts", 70),
    "lists in lists": (b"a = " + b"[" * 30_000, "inside", 68),
    "lists in lists, one a line": (b"a = " + b"[\n" * 100_000, "inside", 132),
    "tables in tables": (b"a = " + b"{ a = " * 100, "inside", None),
    "tables in lists": (b"a = " + b"[ { a = " * 100, "inside", None),
    "a number of 5,000 digits": (b"a = " + b"9" * 5_000, "digits", 4),
    "a number of 5,000 digits in a list": (b"a = [\n1,\n" + b"9" * 5_000 + b"]", "digits", 9),
    "a number with underscores": (b"a = 1" + b"_0" * 30, "digits", 4),
    "a hexadecimal number": (b"a = 0x" + b"f" * 30, "digits", 4),
    "a long line": (b'a = "' + b"x" * 70_000 + b'"', "64 KiB", 0),
    "a long line in two-byte letters": ('a = "' + "ü" * 33_000 + '"').encode() and (
        ('a = "' + "ü" * 33_000 + '"').encode(), "64 KiB", 0,
    ),
    "too many keys": (b"a=1\n" * 2_100_000, "keys", None),
    "too many keys in a table": (b"a = {\n" + b"a=1,\n" * 2_100_000 + b"}", "keys", None),
    "too many bytes": (b"#" * (MAX_BYTES + 1), "bytes", 0),
    "NUL": (b"a = 1\n\0", "NUL", 6),
    "not UTF-8": (b"a = '\xff'", "UTF-8", 5),
    "half a character": ("a = 'ü'".encode()[:-2], "UTF-8", 5),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_quickly_and_at_their_place(name: str) -> None:
    """These inputs cost a parser minutes or its stack; a graph from elsewhere may hold them."""
    data, word, place = BOMBS[name]
    start = time.process_time()
    _text, refused = guard(data)
    assert time.process_time() - start < 5  # one second on a quiet machine; what counts is that it is not minutes
    assert refused is not None
    assert word in refused.message
    if place is not None:
        assert refused.start == place


FINE = [
    "a = [" + "[" * 63 + "]" * 63 + "]",
    ".".join("a" * 32) + " = 1",
    "[" + ".".join("a" * 32) + "]",
    'a = "' + "[" * 200 + "{" * 200 + "9" * 200 + '"',
    "a = '" + "[" * 200 + "9" * 200 + "'",
    'a = """\n' + "[ { 9999999999999999999999999999 \n" * 50 + '"""',
    "# " + "[" * 200 + "9" * 99,
    "a = 3.14159265358979323846264338327950288419716939937510",
    'a = "x" # ' + "9" * 99,
    "a-very-long-name-1234567890123456789012345678901234567890 = 1",
    'a = ["x", # [[[[\n "y"]',
    "a = 99999999999999999999",
    'a = { b = "x", c = [1, 2], d = { e = 1 } }',
    "a = \"\"\"x\"\"\"\"\nb = '''y'''''",
]


@pytest.mark.parametrize("text", FINE)
def test_graphs_pass(text: str) -> None:
    """What looks like a bomb inside text or a comment is text or a comment."""
    tomli.loads(text)
    assert guard(text.encode()) == (text, None)


def test_line_ends_and_marks_are_made_one() -> None:
    """Offsets are counted in the text that is parsed, so both must be the same."""
    assert guard("\ufeffa = 1\r\nb = 2\r\n".encode()) == ("a = 1\nb = 2\n", None)


@given(st.text(st.sampled_from("ab.\"'[]{}=,#\n\\ 0_x"), max_size=60))
def test_the_guard_never_fails_and_never_refuses_small_documents(text: str) -> None:
    """Limits that no small document meets are never met by one, whatever is in it."""
    assert guard(text.encode()) == (text, None)


@given(st.integers(1, 90), st.booleans(), st.sampled_from(["", "\n", "# ]\n", '"]", ', "[1], "]))
def test_nesting_is_counted_exactly(depth: int, closed: bool, noise: str) -> None:
    """Sixty-four levels are a graph, sixty-five are not, however they are written."""
    text = "a = " + ("[" + noise) * depth + ("]" * depth if closed else "")
    refused = guard(text.encode())[1]
    deepest = depth + (1 if noise.startswith("[1]") else 0)
    assert (refused is not None) == (deepest > 64)


@given(st.integers(1, 50), st.sampled_from(["{} = 1", "[{}]", "[[{}]]", "a = {{ {} = 1 }}", "a = [ {{ {} = 1 }} ]"]))
def test_key_parts_are_counted_exactly(parts: int, form: str) -> None:
    """A key of 32 parts is one, of 33 is none, wherever it stands."""
    refused = guard(form.format(".".join(["k"] * parts)).encode())[1]
    assert (refused is not None) == (parts > 32)
