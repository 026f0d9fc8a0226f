from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import NodeError
from dagcontent.media.speech import _library
from dagcontent.media.voices import choose, languages

DATA: Path = _library()[1]


@given(st.text(min_size=1, max_size=20))
def test_any_name_is_a_voice_and_always_the_same(name: str) -> None:
    """A graph that names a vendor's voice must build as a draft as well."""
    try:
        voice = choose(name, None, DATA)
    except NodeError as error:
        assert error.hint  # noqa: PT017 - only a voice of eSpeak NG's own form can be wrong
        return
    assert voice == choose(name, None, DATA)
    assert voice.name.split("+")[0] in languages(DATA)


@pytest.mark.parametrize(
    ("voice", "language", "starts"),
    [
        ("Rachel", None, "en-us+f"),
        ("Adam", None, "en-us+"),
        ("en+f3", None, "en+f3"),
        ("en-us", None, "en-us"),
        ("DE", None, "de"),
        ("Rachel", "de-AT", "de+f"),
        ("Rachel", "pt_BR", "pt-br+f"),
        ("Rachel", "zh-CN", "cmn+f"),
    ],
)
def test_names_and_codes(voice: str, language: str | None, starts: str) -> None:
    """Names of people keep their gender; codes are read as people write them."""
    assert choose(voice, language, DATA).name.startswith(starts)


def test_a_variant_that_is_not_there_is_answered_with_near_ones() -> None:
    """`en+f33` is a slip of the hand."""
    with pytest.raises(NodeError, match="f33") as caught:
        choose("en+f33", None, DATA)
    assert "f3" in (caught.value.hint or "")
