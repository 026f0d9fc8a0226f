"""OpenAI's speech and transcription: a text into sound, sound into a text. Knows no charge.

What was spoken here is remembered by its bytes: a transcription of them says what was spoken.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.chat import BadInput, tokens
from dagcontent.testing.vendors.realm import Realm
from dagcontent.testing.vendors.wire import Field, Response, json_response
from dagcontent.testing.vendors.words import sentences

__all__ = ["Heard", "hear", "speak", "speech_microusd", "transcription"]

_FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
_INPUT_MAX = 4096
_WORDS_A_SECOND = 2.5


class Heard(msgspec.Struct, frozen=True):
    """A recording that was sent, and how its text is to be written."""

    model: str
    form: str
    text: str
    seconds: float
    by_word: bool

    @property
    def microusd(self) -> int:
        """What it costs: 0.36 or 0.27 USD an hour, by the seconds begun."""
        return math.ceil(self.seconds) * (100 if self.model == "whisper-1" else 75)


def speak(fields: Mapping[str, Any], realm: Realm) -> tuple[bytes, str]:
    """Return (sound, media type). Raises BadInput."""
    text, form = fields.get("input"), fields.get("response_format", "mp3")
    if not isinstance(text, str) or not text:
        raise BadInput("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    if len(text) > _INPUT_MAX:
        raise BadInput("Invalid 'input': string too long.", "input", "string_above_max_length")
    if not fields.get("voice"):
        raise BadInput("Missing required parameter: 'voice'.", "voice", "missing_required_parameter")
    speed = fields.get("speed", 1.0)
    if form not in _FORMATS or not isinstance(speed, int | float) or not 0.25 <= speed <= 4:
        raise BadInput("Invalid value for 'response_format' or 'speed'.", "response_format")
    seed = f"{fields.get('model')} {fields.get('voice')} {fields.get('instructions')} {text}"
    data = media.recording(media.speech_length_s(text, float(speed)), form, seed)
    realm.spoken[hashlib.sha256(data).hexdigest()] = text
    return data, media.MEDIA_TYPES[form]


def speech_microusd(model: str, text: str) -> int:
    """Return what saying a text costs."""
    if model.startswith("tts-1"):
        return len(text) * (30 if model.startswith("tts-1-hd") else 15)
    return round(tokens(text) * 0.6 + media.speech_length_s(text) * 20 * 12)


def hear(form: Sequence[Field], realm: Realm) -> Heard:
    """Return what a form's recording is to become. Raises BadInput."""
    fields = {field.name: field.text for field in form if field.file_name is None}
    file = next((field for field in form if field.name == "file" and field.file_name is not None), None)
    if file is None:
        raise BadInput("Missing required parameter: 'file'.", "file", "missing_required_parameter")
    try:
        seconds = media.sound_length_s(file.data)
    except ValueError as error:
        raise BadInput("The audio file could not be decoded or its format is not supported.", "file") from error
    model, written = fields.get("model", ""), fields.get("response_format", "json")
    if written not in ("json", "text", "srt", "vtt", "verbose_json", "diarized_json"):
        text = f"Invalid value: '{written}'."
        raise BadInput(text, "response_format")
    if written in ("srt", "vtt", "verbose_json") and model != "whisper-1":
        text = f"response_format '{written}' is not compatible with model '{model}'. Use 'json' or 'text' instead."
        raise BadInput(text, "response_format", "unsupported_value")
    digest = hashlib.sha256(file.data).hexdigest()
    words = sentences(digest, 40).split()[: max(2, round(seconds * _WORDS_A_SECOND))]
    said = realm.spoken.get(digest) or " ".join(words)
    by_word = any(f.name.startswith("timestamp_granularities") and f.text == "word" for f in form)
    return Heard(model, written, said, seconds, by_word)


def transcription(heard: Heard, factor: float = 1.0) -> Response:
    """Return the answer that a recording becomes."""
    if heard.form in ("text", "srt", "vtt"):
        body = {"text": f"{heard.text}\n", "srt": _cue(heard, ","), "vtt": "WEBVTT\n\n" + _cue(heard, ".")[2:]}[
            heard.form
        ]
        return Response(headers=[("Content-Type", "text/plain; charset=utf-8")], body=body.encode())
    answer: dict[str, Any] = {"text": heard.text, "usage": _usage(heard, factor)}
    spoken = heard.text.split()
    step = heard.seconds / max(1, len(spoken))
    if heard.form == "verbose_json":
        answer |= {
            "task": "transcribe",
            "language": "english",
            "duration": heard.seconds,
            "segments": [_segment(heard)],
        }
        if heard.by_word:
            answer["words"] = [
                {"word": word.strip(".,"), "start": round(at * step, 2), "end": round((at + 0.9) * step, 2)}
                for at, word in enumerate(spoken)
            ]
    elif heard.form == "diarized_json":
        row = {"id": "seg_0", "start": 0.0, "end": heard.seconds, "speaker": "A", "text": heard.text}
        answer |= {
            "task": "transcribe",
            "duration": heard.seconds,
            "segments": [{**row, "type": "transcript.text.segment"}],
        }
    return json_response(answer)


def _usage(heard: Heard, factor: float) -> dict[str, Any]:
    if not heard.model.startswith("gpt-4o"):
        return {"type": "duration", "seconds": math.ceil(heard.seconds * factor)}
    given, out = round(heard.seconds * 10 * factor), round(tokens(heard.text) * factor)
    details = {"audio_tokens": given, "text_tokens": 0}
    return {
        "type": "tokens", "input_tokens": given, "output_tokens": out, "total_tokens": given + out,
        "input_token_details": details,
    }  # fmt: skip


def _segment(heard: Heard) -> dict[str, Any]:
    return {
        "id": 0, "seek": 0, "start": 0.0, "end": heard.seconds, "text": heard.text, "tokens": [], "temperature": 0.0,
        "avg_logprob": -0.2, "compression_ratio": 1.2, "no_speech_prob": 0.01,
    }  # fmt: skip


def _cue(heard: Heard, mark: str) -> str:
    ms = round(heard.seconds * 1000)
    end = f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{mark}{ms % 1000:03}"
    return f"1\n00:00:00{mark}000 --> {end}\n{heard.text}\n\n"
