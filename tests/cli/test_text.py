from __future__ import annotations

import datetime as dt
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.cli.columns import aligned, cells
from dagcontent.cli.live_view import LiveView
from dagcontent.cli.names import grouped, labels_of, node_of
from dagcontent.cli.progress import Progress
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import counted, facts_of, listed, plain, seconds, short, size, when
from dagcontent.plan.unit import instance_name
from dagcontent.run.events import AWAITS, BuildSpent, BuildStarted, BuildStopping, NodeProgress, NodeStage, NodeStarted
from dagcontent.values.value import UNKNOWN, Blob, Digest

BLOB = Blob(Digest("9f2c41ab" + "0" * 56), "image", "image/png", 812)


@given(st.lists(st.lists(st.text(max_size=60), min_size=3, max_size=3), min_size=1, max_size=6), st.integers(40, 120))
def test_tables_fit(rows: list[list[str]], width: int) -> None:
    """Whatever is in the cells, no line is wider than the screen where columns may give way."""
    rows = [[safe(cell) for cell in row] for row in rows]
    for line in aligned(rows, width, shrink=(0, 1, 2)):
        assert cells(line) <= width
        assert line == line.rstrip(" ") or line.endswith(tuple(row[-1] for row in rows if row[-1].endswith(" ")) or " ")


def test_columns_stand_below_each_other() -> None:
    """Wide letters count for two, colours for none."""
    lines = aligned([["海海", ("hit", "x")], ["abcd", "y"], ["a", ""]], 80, lambda _role, text: f"<{text}>")
    assert lines == ["  海海  <x>", "  abcd  y", "  a"]
    assert aligned([["1", "b"], ["100", "b"]], 80, right=(0,)) == ["    1  b", "  100  b"]
    assert aligned([], 80) == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.04, "0.0 s"),
        (18.21, "18.2 s"),
        (99.9, "99.9 s"),
        (192, "3 min 12 s"),
        (3599.6, "1 h 00 min"),
        (7265, "2 h 01 min"),
    ],
)
def test_seconds(value: float, words: str) -> None:
    """A length of time, in the unit that people would use."""
    assert seconds(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (4_100_000, "4.1 MB"),
        (999_960_000, "1.0 GB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_sizes(value: int, words: str) -> None:
    """A size, with one decimal."""
    assert size(value) == words


def test_small_words() -> None:
    """Counts, lists and days as people say them."""
    assert (counted(1, "node"), counted(1200, "node")) == ("1 node", "1,200 nodes")
    assert listed(["a", "b\x1b", "c", "d"]) == "a, b\\x1b, c and 1 more"
    now = dt.datetime(2026, 9, 20, 18, 2, tzinfo=dt.UTC)
    at = int(now.timestamp() * 1000)
    assert [when(at - days * 86_400_000, now) for days in (0, 1, 2)] == [
        "today 18:02",
        "yesterday 18:02",
        "2026-09-18 18:02",
    ]
    assert facts_of({"duration_ms": 5200, "width": 2, "height": 1}, 10) == ["5.2 s", "2x1", "10 B"]


def test_values_in_few_cells() -> None:
    """Artifacts by type and digest, texts in quotes, all on one line."""
    assert short(BLOB) == "image 9f2c41ab"
    assert short([BLOB, BLOB]) == "2 x image 9f2c41ab"
    assert short("a\nb" + "c" * 50, 10) == '"a\\nbc..."'
    assert (short(None), short(UNKNOWN), short(5.2), short({"a": [1]})) == ("-", "to be made", "5.2", '{"a": [1]}')
    assert plain({"a": [BLOB, UNKNOWN]})["a"][1] is None
    assert plain(BLOB)["size_bytes"] == 812


@given(
    st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True),
    st.lists(st.text(min_size=1, max_size=12).filter(lambda x: x != "*"), max_size=3),
)
def test_names_come_apart_as_they_were_put_together(node: str, labels: list[str]) -> None:
    """Labels of any letters are found again in an instance's name."""
    name = instance_name(node, labels)
    assert node_of(name) == node
    assert labels_of(name) == tuple(labels)


def test_many_names_are_few() -> None:
    """Three and more of one node are said as one."""
    assert grouped(["a[1]", "a[2]", "a[3]", "b[1]", "b[2]", "c"]) == ["a[*] x3", "b[1]", "b[2]", "c"]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("env", "coloured"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm"}, True),
    ],
)
def test_colours_only_where_they_are_wanted(env: dict[str, str], coloured: bool) -> None:
    """On a terminal, unless NO_COLOR or a dumb one says no."""
    screen = Screen(environment=env, out=Terminal(), err=io.StringIO())
    assert ("\x1b" in screen.style("hit", "x")) is coloured
    assert screen.style_error("hit", "x") == "x"


@pytest.mark.parametrize(("columns", "width"), [("100", 100), ("7", 40), ("", 120), ("wide", 120)])
def test_width_is_what_was_asked_for(columns: str, width: int) -> None:
    """COLUMNS is honoured; nonsense in it is not."""
    assert Screen(environment={"COLUMNS": columns}, out=io.StringIO(), err=io.StringIO()).width() == width


@pytest.mark.parametrize("columns", ["60", "80", "120"])
def test_the_live_picture_fits(columns: str) -> None:
    """A line that is too long would break, and the next drawing would not cover it."""
    screen = Screen(environment={"COLUMNS": columns}, out=Terminal(), err=io.StringIO())
    view = LiveView(screen, lambda _: Progress())
    assert view.lines() == []
    view(BuildStarted("graph" * 8, "run", 3))
    view(NodeStarted("still[" + "x" * 70 + "]", "image.generate", "provider/" + "m" * 70, 1, 0.0))
    view(NodeProgress("still[" + "x" * 70 + "]", 0.5, 0.0))
    view(NodeStarted("other", "video.concat", "", 2, 0.0))
    view(NodeStarted("paid" * 20, "image.generate", "fal/" + "x" * 60, 1, 0.0))
    view(NodeStage("paid" * 20, "in queue", 3, 0.0))
    view(NodeStarted("sync", "image.generate", "openai/x", 1, 0.0))
    view(NodeStage("sync", AWAITS, None, 0.0))
    view(BuildSpent(233_000, 560_000, 2_000_000, 0.0))
    view(BuildStopping(0.0))
    lines = view.lines()
    view.close()
    view.close()
    plain_lines = [line.replace("\x1b[", "\0") for line in lines]
    assert any("50 %" in line for line in lines)
    assert any("attempt 2" in line for line in lines)
    assert any("in queue" in line for line in lines)
    assert any("$0.233 spent  $0.560 reserved" in line for line in lines)
    assert any("awaits 1 call that would be lost: sync" in line for line in lines)
    for line in plain_lines:
        shown = "".join(part.partition("m")[2] if i else part for i, part in enumerate(line.split("\0")))
        assert cells(shown) <= int(columns)
