from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import NodeError
from dagcontent.media import fonts
from dagcontent.media.fonts import BUILT_IN, Face, checked, missing_in

SCRIPTS = st.text(st.sampled_from("aZ é—✓ßяשعहก日한😀\U0001d2e0\ufdd0"), max_size=12)


@given(SCRIPTS)
def test_a_text_is_drawn_whole_or_its_letters_are_named(text: str) -> None:
    """On any machine: a letter that is left out, or drawn as a box, is seen only in the finished film."""
    try:
        face, written = checked(text, "`text`")
    except NodeError as error:
        said: Any = error
    else:
        said = None
        assert not missing_in(written, face)
    assert (said is not None) == bool(missing_in(text))
    if said is not None:
        assert "`text`" in said.message
        assert "(U+" in said.message
        assert said.hint


def test_letters_that_no_one_font_has_together_are_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who installs a font for a letter that is there already has been told the wrong thing."""
    one, other = Face("One", "/one.ttf"), Face("Other", "/other.ttf")
    has = {one: "aж", other: "日ж", BUILT_IN: "a"}
    monkeypatch.setattr(fonts, "_has", lambda face, letter: letter in has[face])
    monkeypatch.setattr(fonts, "_faces", lambda: [(one, "One", "Regular"), (other, "Other", "Regular")])
    fonts._suited.cache_clear()
    with pytest.raises(NodeError) as caught:
        checked("aж日", "`text`")
    assert (
        caught.value.message == "no one font on this machine has all letters of `text`: the nearest lacks 日 (U+65E5)"
    )
    with pytest.raises(NodeError) as caught:
        checked("aж日한", "`text`")
    assert caught.value.message == "no font on this machine has these letters of `text`: 한 (U+D55C)"
    assert checked("жa", "`text`")[0] == one
    fonts._suited.cache_clear()
