"""What ElevenLabs' bytes mean, without a request: nothing but an outcome or ProviderError comes of them."""

from __future__ import annotations

import base64
import contextlib
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from providers.loopback import call

from dagcontent.errors import ProviderError
from dagcontent.providers.elevenlabs import OPERATIONS
from dagcontent.providers.elevenlabs_answers import playable, read
from dagcontent.providers.elevenlabs_words import aligned
from dagcontent.providers.port import Answer, Failure, Result
from dagcontent.values.attempt import Handle

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
TIMES = {"characters": list("Hi you"), "character_start_times_seconds": [0, 1, 2, 3, 4, 5],
         "character_end_times_seconds": [1, 2, 3, 4, 5, 6]}  # fmt: skip
SPOKEN = {"audio_base64": base64.b64encode(b"ID3sound").decode(), "alignment": TIMES, "voice_segments": []}
WHOLE: dict[str, Any] = {
    "speech": SPOKEN, "dialogue": SPOKEN | {"voice_segments": [{"character_start_index": 0}]},
    "transcribe": {"text": "Hi.", "language_code": "eng", "words": [{"text": "Hi.", "start": 0, "end": 1, "type": "word"}]},
    "dubbing": {"project_id": "p1", "language_ids": ["l1"], "dubbing_id": "d1"}, "flows.image": {"id": "g1"},
    "flows.video": {"id": "g1"}, "sound": {}, "music": {}, "convert": {},
}  # fmt: skip
REFUSED = {"detail": {"type": "t", "code": "rate_limit_exceeded", "message": "wait"}}


def mutated(whole: Any) -> st.SearchStrategy[Any]:
    """Return answers with some of their parts exchanged for anything."""
    if isinstance(whole, dict) and whole:
        fields = {name: mutated(value) | JSON for name, value in whole.items()}
        return st.fixed_dictionaries({}, optional=fields) | st.fixed_dictionaries(fields)
    if isinstance(whole, list) and whole:
        return st.lists(mutated(whole[0]) | JSON, max_size=4)
    return st.just(whole) | JSON


def reading(operation: str, status: int, body: bytes, headers: dict[str, str]) -> Any:
    one = call(operation, "k", "dubbing_v2" if operation == "dubbing" else "eleven_v3", "audio", {})
    with contextlib.suppress(ProviderError):
        found = read(one, Answer(status, headers, body))
        assert isinstance(found, Handle | Result | Failure)
        if not 200 <= status < 300:
            assert isinstance(found, Failure)
        return found
    return None


@given(st.data())
def test_nothing_but_an_outcome_or_a_provider_error_comes_of_any_json(data: st.DataObject) -> None:
    """Hostile JSON fails its own node and nothing else, at every status."""
    operation = data.draw(st.sampled_from(sorted(OPERATIONS)))
    status = data.draw(st.sampled_from([200, 201, 204, 302, 400, 401, 402, 404, 409, 422, 429, 500, 503]))
    whole = WHOLE[operation] if status < 300 else REFUSED
    value = data.draw(mutated(whole) | JSON)
    headers = data.draw(
        st.dictionaries(
            st.sampled_from(["character-cost", "retry-after", "request-id", "content-type"]),
            st.text(max_size=8) | st.sampled_from(["1e999", "-1", "nan", "12"]),
        )
    )
    reading(operation, status, json.dumps(value).encode("utf-8", "surrogatepass"), headers)


@given(st.sampled_from(sorted(OPERATIONS)), st.sampled_from([200, 400, 429, 500]), st.binary(max_size=64))
def test_nothing_but_an_outcome_or_a_provider_error_comes_of_any_bytes(
    operation: str, status: int, body: bytes
) -> None:
    """Neither do bytes that are no JSON at all."""
    reading(operation, status, body, {})


@pytest.mark.parametrize("opening", [b"[", b'{"detail":', b'{"detail":{"message":', b'{"alignment":'])
def test_nesting_without_end_is_an_answer_that_cannot_be_read(opening: bytes) -> None:
    """A million brackets neither end the program nor take a noticeable time."""
    for operation in OPERATIONS:
        for status in (200, 429):
            found = reading(operation, status, opening * 1_000_000, {})
            assert not isinstance(found, Result) or operation in ("sound", "music", "convert")


def test_a_refusal_in_a_form_of_another_is_not_believed_unbilled() -> None:
    """A 429 of a proxy, or of another API, is not in the table: it may have been charged."""
    for body in (b"<html>busy</html>", b'{"error": {"code": "rate_limit_exceeded"}}', b"{}", b'{"detail": {}}', b""):
        found = reading("speech", 429, body, {})
        assert found.billed is None, body
    assert reading("speech", 429, json.dumps(REFUSED).encode(), {}).billed is False


def test_a_refusal_that_was_charged_is_not_called_unbilled() -> None:
    """A refusal with a cost in its headers contradicts itself."""
    assert reading("speech", 429, json.dumps(REFUSED).encode(), {"character-cost": "12"}).billed is None
    assert reading("speech", 429, json.dumps(REFUSED).encode(), {"character-cost": "0"}).billed is False


def test_what_is_shown_of_a_refusal_is_one_clean_line() -> None:
    """Control characters of a vendor's words do not reach a terminal."""
    body = json.dumps({"detail": {"code": "x", "message": "no\x1b[2J\nway" * 200}}).encode()
    message = reading("speech", 400, body, {}).message
    assert "\x1b" not in message
    assert "\n" not in message
    assert len(message) < 700


@given(st.data())
def test_words_cover_the_text_in_order(data: st.DataObject) -> None:
    """Whatever the text, its words are there in their order, each within the times of its characters."""
    text = data.draw(st.text(alphabet="ab ,.\n日本-", max_size=30))
    steps = data.draw(st.lists(st.floats(0, 2), min_size=len(text), max_size=len(text)))
    starts, at = [], 0.0
    for step in steps:
        starts.append(at)
        at += step
    rows = aligned({
        "characters": list(text), "character_start_times_seconds": starts,
        "character_end_times_seconds": [*starts[1:], at][: len(text)],
    })  # fmt: skip
    assert "".join(row["text"] for row in rows) == "".join(text.split())
    assert [row["start"] for row in rows] == sorted(row["start"] for row in rows)
    assert all(0 <= row["start"] <= row["end"] <= round(at, 3) for row in rows)


@pytest.mark.parametrize(
    "odd",
    [None, 7, {}, {**TIMES, "characters": ["a"]}, {**TIMES, "character_start_times_seconds": ["0"] * 6}, []],
)
def test_times_that_cannot_be_used_are_no_reason_to_lose_a_recording(odd: Any) -> None:
    """Speech was paid for: without usable times it comes without words."""
    found = reading("speech", 200, json.dumps(SPOKEN | {"alignment": odd}).encode(), {})
    assert found.value.data == b"ID3sound"
    assert "alignment" not in found.value.facts


def test_channels_become_one_transcript_by_time() -> None:
    """Several channels of a recording are heard together, in the order in which they speak."""
    rows = [
        {"text": text, "language_code": "eng", "words": [{"text": text, "start": at, "end": at + 1, "speaker_id": who}]}
        for text, at, who in (("Yes.", 2, "b"), ("Now?", 0, "a"))
    ]
    heard = reading("transcribe", 200, json.dumps({"transcripts": rows}).encode(), {}).value
    assert [(row["text"], row["speaker"]) for row in heard["segments"]] == [("Now?", "a"), ("Yes.", "b")]
    assert heard["text"] == "Yes.\nNow?"


@given(st.binary(max_size=41), st.sampled_from(["pcm_8000", "ulaw_8000", "alaw_8000"]))
def test_the_header_of_bare_samples_says_how_long_they_are(data: bytes, form: str) -> None:
    """The two lengths in it are those of what follows, whole samples only."""
    made = playable(data, form)
    if data[:4] == b"RIFF":
        return
    width = 2 if form.startswith("pcm") else 1
    assert struct.unpack("<I", made[4:8])[0] == len(made) - 8
    assert struct.unpack("<I", made[40:44])[0] == len(data) // width * width
    assert struct.unpack("<HHIIHH", made[20:36])[:3] == (
        {"pcm": 1, "ulaw": 7, "alaw": 6}[form.split("_", maxsplit=1)[0]],
        1,
        8000,
    )


@pytest.mark.parametrize("odd", ["", "a/b", "../x", "a b", "é", "x" * 201, "a?b", "%2e"])
def test_an_id_that_would_change_a_path_is_refused(odd: str) -> None:
    """Ids are put into addresses: only letters, digits, - and _ may be."""
    assert reading("flows.image", 200, json.dumps({"id": odd}).encode(), {}) is None
