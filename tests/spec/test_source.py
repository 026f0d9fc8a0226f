"""From a path to a line, a caret and words."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from dagcontent.spec.model import Place
from dagcontent.spec.source import Further, Located, Source, line_of, locate, render
from dagcontent.values.mistake import Mistake

TEASER = Source(
    "/x/teaser.toml",
    '[graph]\nname = "t"\n\n[node.still]\nkind = "image.generate"\npromt = "${scene.picture}"\n',
    "teaser.toml",
)


def test_a_mistake_looks_as_it_was_drawn() -> None:
    """The look is a promise of the screens page."""
    mistake = Mistake(
        "unknown parameter `promt` of image.generate", 0, ("node", "still", "promt"), "key", None,
        "did you mean `prompt`?", "image.generate takes: prompt",
    )  # fmt: skip
    assert render(locate([TEASER], mistake)) == (
        "error: unknown parameter `promt` of image.generate\n"
        " --> teaser.toml:6:1\n"
        "  |\n"
        '6 | promt = "${scene.picture}"\n'
        "  | ^^^^^ did you mean `prompt`?\n"
        "  |\n"
        "  = image.generate takes: prompt"
    )


def test_a_chain_of_places_is_shown_as_a_list() -> None:
    """A cycle has no one line: its edges are shown below each other, labels in a column."""
    chain = Mistake(
        "a cycle: a -> b -> a", 0, ("node", "still", "promt"),
        also=((0, ("node", "still", "promt"), "a  uses b"), (0, ("graph", "name"), "b  uses a")),
    )  # fmt: skip
    assert render(locate([TEASER], chain)) == (
        "error: a cycle: a -> b -> a\n  --> teaser.toml:6:1    a  uses b\n  --> teaser.toml:2:1    b  uses a"
    )


def test_what_has_no_place_is_shown_at_its_nearest_table() -> None:
    """A key that is missing has no line of its own."""
    located = locate([TEASER], Mistake("missing", 0, ("node", "still", "model")))
    assert (located.line, located.column, located.width) == (4, 1, 12)
    assert locate([TEASER], Mistake("missing", 0, ("nowhere",))).line == 1


def test_lines_of_places_are_found() -> None:
    """`why` shows the line of a field that changed; what came from the command line has none."""
    assert line_of([TEASER], Place(0, ("node", "still", "promt"))) == 6
    assert line_of([TEASER], None) is None


def test_a_caret_stands_under_wide_letters() -> None:
    """Letters that take two cells, or none, move the caret as they move the text."""
    source = Source("/x", 'a = "漢字é\u0301 ${x y}"\n')
    located = locate([source], Mistake("no", 0, ("a",), within=(6, 10)))
    assert (located.column, located.width) == (12, 4)
    lines = render(located).split("\n")
    assert lines[3].index("{x y}") + 2 - 1 == lines[4].index("^")  # two wide letters, one that takes no cell


def test_long_lines_are_cut_around_the_caret() -> None:
    """A prompt of a page in one line must not fill the screen."""
    text = 'a = "' + "x" * 3000 + "${y z}" + "x" * 3000 + '"\n'
    shown = render(locate([Source("/x", text)], Mistake("no", 0, ("a",), within=(3000, 3006)))).split("\n")
    assert max(map(len, shown)) < 120
    assert "${y z}" in shown[3]
    assert shown[4].index("^") == shown[3].index("${y z}")


@given(st.text(), st.text(), st.text(), st.integers(1, 50), st.integers(1, 50))
def test_nothing_in_a_file_reaches_the_terminal_as_control(
    message: str, line: str, name: str, column: int, width: int
) -> None:
    """A graph from elsewhere must not colour, move or turn what is on the screen."""
    located = Located(
        name, 1, min(column, len(line) + 1), line, width, message, message, name, (Further(name, 1, 1, line),)
    )
    text = render(located)
    joiners_and_blanks = {"\n", "\u200c", "\u200d"}
    assert all(c in joiners_and_blanks or c.isprintable() or unicodedata.category(c) == "Zs" for c in text)


def test_styles_are_given_by_the_caller() -> None:
    """Colour only supports: without it the same letters are there."""
    located = locate([TEASER], Mistake("x", 0, ("graph", "name"), caret="y", note="z"))
    seen: list[str] = []

    def style(role: str, text: str) -> str:
        seen.append(role)
        return text

    assert render(located, style) == render(located)
    assert {"error", "place", "gutter", "caret", "note"} <= set(seen)
