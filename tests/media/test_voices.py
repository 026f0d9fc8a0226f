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
    assert voice.name.split("+")[0] in languages(DATA).values()


@pytest.mark.parametrize(
    ("voice", "language", "starts"),
    [
        ("Rachel", None, "en-US+f"),
        ("Adam", None, "en-US+"),
        ("en+f3", None, "en+f3"),
        ("en-us", None, "en-US"),
        ("DE", None, "de"),
        ("en-gb", None, "en"),
        ("Rachel", "de-AT", "de+f"),
        ("Rachel", "pt_BR", "pt-BR+f"),
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


def test_every_language_is_spoken_by_a_voice_file() -> None:
    """A code such as en-gb is no voice of its own: eSpeak NG takes the name of the file that speaks it."""
    files = {path.name for path in (DATA / "lang").rglob("*") if path.is_file()}
    assert set(languages(DATA).values()) <= files
