"""The types of alternatives: what they have in common, and what is said where they have nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagcontent.api.loading import find_mistakes, load_graph
from dagcontent.graph.alternatives import one_type
from dagcontent.values.types import ANY, AUDIO, IMAGE, INTEGER, JSON, NUMBER, TEXT, Field, Type, list_of, record_of

PRELUDE = """
[graph]
name = "g"
[params]
words = ["a", "b"]
[each]
scene = ["a", "b"]
[node.text]
kind = "test.upper"
text = "x"
[node.line]
kind = "test.upper"
each = "scene"
takes = 2
text = "${scene}"
[node.list]
kind = "test.list"
text = "x"
[node.table]
kind = "test.table"
text = "x"
[node.sound]
kind = "test.sound"
text = "x"
[node.picture]
kind = "image.generate"
model = "local/card"
prompt = "x"
"""
RIGHT = {
    '["${text}", "none"]': TEXT,
    '"${line}"': TEXT,
    "\"${line['a']}\"": TEXT,
    '["${line}", "${text}", "none"]': TEXT,
    '["${list}", "${params.words}"]': list_of(TEXT),
    '["${table}", "${text}"]': JSON,
    '"${params.words}"': TEXT,
    "[1, 2.5]": NUMBER,
    '["${table.title}", "${sound}"]': ANY,
    '["${sound}"]': AUDIO,
    '"${sound}"': AUDIO,
    '["${sound.duration}", 3]': NUMBER,
}
WRONG = {
    '["${sound}", "${picture}"]': ("the first is audio: this is image", "give something that is audio"),
    '["${picture}", "none"]': ("the first is image: this is text", ""),
    '["${text}", "${list}", "${sound}"]': ("the first is text: this is audio", ""),
    '"${list}"': ("is one value, a list", "write alternatives in a list"),
    "[]": ("has no alternative", "name what is tried"),
}


def written(folder: Path, of: str, more: str = "") -> Path:
    """Write a graph with a fallback."""
    path = folder / "g.toml"
    path.write_text(f'{PRELUDE}[node.n]\nkind = "fallback"\nof = {of}\n{more}', encoding="utf-8")
    return path


@pytest.mark.parametrize("of", RIGHT)
def test_a_fallback_has_the_type_that_its_alternatives_have(tmp_path: Path, of: str) -> None:
    """Of instances and takes, that of one: what uses it can be checked before anything is made."""
    graph = load_graph(written(tmp_path, of)).graph
    assert graph.by_name["n"].type == RIGHT[of]


@pytest.mark.parametrize("of", WRONG)
def test_alternatives_of_different_types_are_a_mistake(tmp_path: Path, of: str) -> None:
    """Whoever uses it would get now a picture, now a recording: that is seen before any is paid for."""
    found = find_mistakes(written(tmp_path, of))
    said, caret = WRONG[of]
    (mistake,) = found
    assert said in mistake.message
    assert caret in mistake.caret
    assert "of = " in mistake.source


def test_facts_and_mistakes_go_through(tmp_path: Path) -> None:
    """A fallback over recordings is a recording."""
    assert not find_mistakes(
        written(tmp_path, '"${sound}"', '[node.u]\nkind = "text.template"\ntext = "${n.duration}"\n')
    )
    (wrong,) = find_mistakes(written(tmp_path, '"${sound}"', '[node.u]\nkind = "test.upper"\ntext = "${n}"\n'))
    assert "takes text, and this is audio" in wrong.message


@pytest.mark.parametrize(
    ("types", "found"),
    [
        ([], ANY), ([IMAGE, ANY], ANY), ([INTEGER, NUMBER], NUMBER), ([TEXT, NUMBER], JSON), ([IMAGE, list_of(IMAGE)], None),
        ([JSON, record_of(Field("a", TEXT))], JSON), ([JSON, record_of(Field("a", IMAGE))], None), ([JSON, list_of(AUDIO)], None),
        ([Type("text", choices=("a",)), TEXT], TEXT),
    ],
)  # fmt: skip
def test_one_type_holds_all(types: list[Type], found: Type | None) -> None:
    """What has a JSON form is JSON at least; media are what they are."""
    assert one_type(types) == found
