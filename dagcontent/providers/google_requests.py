"""A call into what Google's models are sent: contents and configuration, an interaction, a film. Knows no client and no answer."""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from dagcontent.errors import NodeError
from dagcontent.kinds.schema import schema_of_returns
from dagcontent.providers.chat import asked
from dagcontent.providers.port import Call
from dagcontent.values.value import Blob, Digest

__all__ = ["Given", "blobs_of", "film", "generated", "interaction"]

_CONTENTS: Final = frozenset({
    "prompt", "text", "system", "schema", "returns", "image", "images", "start_image", "end_image", "last_frame",
    "reference_images", "audio", "video", "media", "glossary", "tone", "context", "max_seconds", "negative_prompt",
    "style", "lines", "voices", "gap", "voice", "language", "language_code", "diarize", "task", "previous_text",
    "next_text", "source", "background", "mask", "strength", "factor", "seconds",
})  # fmt: skip
"""What is not configuration but goes into contents, or is written in a form of its own."""

_PLACES: Final[Mapping[str, tuple[str, str]]] = {
    "aspect_ratio": ("image_config", "aspect_ratio"), "image_size": ("image_config", "image_size"),
    "thinking_level": ("thinking_config", "thinking_level"), "thinking_budget": ("thinking_config", "thinking_budget"),
}  # fmt: skip
"""Short names -> where the configuration has them."""

_ORDER: Final = ("image", "start_image", "end_image", "images", "audio", "video", "media")
_STYLED: Final = re.compile(r"gemini-(?:2\.|3\.[0-4]-)")
"""Models that read a speaker's name and manner in the text itself; later ones would say it aloud."""


class Given(msgspec.Struct, frozen=True):
    """A file as it is sent: its bytes, or where Google keeps them."""

    media_type: str
    data: bytes | None = None
    uri: str | None = None


def blobs_of(value: Any) -> list[Blob]:
    """Return every file within a value, each once, in their order."""
    found: dict[str, Blob] = {}

    def look(value: Any) -> None:
        if isinstance(value, Blob):
            found.setdefault(value.digest, value)
        elif isinstance(value, Mapping):
            for item in value.values():
                look(item)
        elif isinstance(value, list | tuple):
            for item in value:
                look(item)

    look(value)
    return list(found.values())


def generated(call: Call, given: Mapping[Digest, Given]) -> dict[str, Any]:
    """Return {model, parts, config} of one content to be made. Raises NodeError for a call that cannot be made."""
    said = _said(call)
    config = _config(call.fields)
    if call.operation == "generate.speech":
        return {"model": call.model, **_spoken(call, said, config)}
    parts = [_part(given[blob.digest]) for blob in _shown(said)]
    if call.operation == "generate.transcribe":
        return {"model": call.model, "parts": parts, "config": _hearing(said, config)}
    text = _image_text(said) if call.operation == "generate.image" else _asked(call, config)
    if not text:
        raise NodeError("there is nothing to ask for", hint="give a prompt")
    if call.operation == "generate.image":
        config.setdefault("response_modalities", ["IMAGE"])
    else:
        _formed(said, config)
    return {"model": call.model, "parts": [*parts, {"text": text}], "config": config}


def interaction(call: Call, given: Mapping[Digest, Given]) -> dict[str, Any]:
    """Return the body of an interaction that makes a film, in the background and stored."""
    said = _said(call)
    fields = {name: value for name, value in call.fields.items() if name not in _CONTENTS and value is not None}
    form = {"type": "video", "delivery": "uri", **dict(fields.pop("response_format", None) or {})}
    config = dict(fields.pop("generation_config", None) or {})
    for name in ("aspect_ratio", "duration", "resolution", "delivery"):
        if name in fields:
            form[name] = fields.pop(name)
    if isinstance(form.get("duration"), int | float):
        form["duration"] = f"{form['duration']:g}s"
    for name in ("seed", "temperature", "top_p", "thinking_level"):
        if name in fields:
            config[name] = fields.pop(name)
    shown = _shown(said)
    task = _text(said.get("task")) or _task(call, said)
    config["video_config"] = {"task": task, **dict(config.get("video_config") or {})}
    contents = [_content(given[blob.digest], blob.type) for blob in shown]
    prompt = _image_text(said)
    if not contents and not prompt:
        raise NodeError("there is nothing to film", hint="give a prompt, or a picture to begin with")
    if prompt:
        contents.append({"type": "text", "text": prompt})
    # Stored and in the background: only then is there an id to ask with later.
    return {
        **fields, "model": call.model, "input": [{"type": "user_input", "content": contents}], "response_format": form, "generation_config": config,
        "background": True, "store": True,
    }  # fmt: skip


def film(call: Call, given: Mapping[Digest, Given]) -> dict[str, Any]:
    """Return {model, source, config} of one film by Veo."""
    said = _said(call)
    config = {name: value for name, value in call.fields.items() if name not in _CONTENTS and value is not None}
    if config.get("output_gcs_uri"):
        raise NodeError(
            "a film that lies in a bucket of yours cannot be fetched", hint="remove output_gcs_uri from options"
        )
    if config.get("number_of_videos", 1) != 1:
        hint = "remove number_of_videos from options; takes = 2 makes two, one by one"
        raise NodeError("a node makes one film", hint=hint)
    config["number_of_videos"] = 1
    negative = _text(said.get("negative_prompt"))
    if negative:
        config["negative_prompt"] = negative
    source: dict[str, Any] = {}
    if _text(said.get("prompt")):
        source["prompt"] = said["prompt"]
    first, last, clip = said.get("start_image") or said.get("image"), said.get("end_image"), said.get("video")
    if isinstance(first, Blob):
        source["image"] = _raw(given[first.digest], "image_bytes")
    if isinstance(clip, Blob):
        source["video"] = _raw(given[clip.digest], "video_bytes")
    last = last or said.get("last_frame")
    if isinstance(last, Blob):
        config["last_frame"] = _raw(given[last.digest], "image_bytes")
    pictures = [blob for blob in said.get("images") or said.get("reference_images") or [] if isinstance(blob, Blob)]
    if pictures:
        config["reference_images"] = [
            {"image": _raw(given[blob.digest], "image_bytes"), "reference_type": "ASSET"} for blob in pictures
        ]
    if not source and not pictures:
        raise NodeError("there is nothing to film", hint="give a prompt, or a picture to begin with")
    return {"model": call.model, "source": source, "config": config}


def _said(call: Call) -> dict[str, Any]:
    """Return parameters and fields together, the fields before the parameters, without what is left out."""
    params = {name: value for name, value in call.params.items() if value is not None}
    return {**params, **{name: value for name, value in call.fields.items() if value is not None}}


def _config(fields: Mapping[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name, value in fields.items():
        if name in _CONTENTS or value is None:
            continue
        table, own = _PLACES.get(name, ("", name))
        if table:
            config[table] = {**config.get(table, {}), own: value}
        elif isinstance(value, Mapping):
            config[own] = {**config.get(own, {}), **value}
        else:
            config[own] = value
    if config.get("candidate_count", 1) != 1:
        raise NodeError("a node makes one artifact", hint="remove candidate_count from options; use `takes` instead")
    return config


def _shown(said: Mapping[str, Any]) -> list[Blob]:
    return blobs_of([said[name] for name in _ORDER if name in said])


def _asked(call: Call, config: dict[str, Any]) -> str:
    """Return the text of a question; what stands above it goes into the configuration."""
    if call.kind == "text.generate" and not _text(call.params.get("prompt")):
        return ""
    words = asked(call, _Unread())
    if words.system:
        config.setdefault("system_instruction", words.system)
    return words.text


class _Unread:
    """Files whose bytes go another way: of a question only its words are wanted here."""

    def read(self, blob: Blob) -> bytes:
        del blob
        return b""

    async def uploaded(self, blob: Blob, upload: Callable[[bytes, str], Awaitable[tuple[str, int]]]) -> str:
        raise NotImplementedError


def _formed(said: Mapping[str, Any], config: dict[str, Any]) -> None:
    schema = said.get("schema")
    if schema is None and said.get("returns") is not None:
        schema = schema_of_returns(said["returns"])
    if schema is not None:
        config["response_mime_type"] = "application/json"
        config["response_json_schema"] = schema


def _image_text(said: Mapping[str, Any]) -> str:
    lines = [_text(said.get("prompt"))]
    if _text(said.get("style")):
        lines.append(f"Style: {said['style']}")
    if _text(said.get("negative_prompt")):
        lines.append(f"Not to be seen: {said['negative_prompt']}")
    return "\n".join(line for line in lines if line)


def _hearing(said: Mapping[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    hearing = {"word_timestamp": True, **dict(config.get("audio_transcription_config") or {})}
    if said.get("diarize") is True:
        hearing["diarization"] = True
    if _text(said.get("language")):
        hearing.setdefault("language_codes", [said["language"]])
    return {**config, "audio_transcription_config": hearing}


def _spoken(call: Call, said: Mapping[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    lines = _lines(said) if call.kind == "speech.dialogue" else [("", _text(said.get("text")))]
    if not any(text.strip() for _, text in lines):
        raise NodeError("there is nothing to say", hint="give a text")
    style = _text(said.get("style"))
    styled = _STYLED.match(call.model) is not None
    speakers = list(dict.fromkeys(speaker for speaker, _ in lines))
    speech = dict(config.get("speech_config") or {})
    language = said.get("language_code") or said.get("language")
    if isinstance(language, str) and language:
        speech.setdefault("language_code", language)
    if len(speakers) > 1:
        voices = [{"speaker": name, "voice_config": _voice(_voice_of(said, name))} for name in speakers]
        speech["multi_speaker_voice_config"] = {"speaker_voice_configs": voices}
    elif "voice_config" not in speech:
        speech["voice_config"] = _voice(_voice_of(said, speakers[0]) if speakers[0] else _text(said.get("voice")))
    several = len(speakers) > 1
    if styled:
        text = "\n".join(f"{speaker}: {text}" if several else text for speaker, text in lines)
        parts: list[dict[str, Any]] = [{"text": f"{style}: {text}" if style else text}]
    else:
        parts = [_line(text, speaker if several else "", style) for speaker, text in lines]
    return {
        "parts": parts, "config": {**config, "response_modalities": ["AUDIO"], "speech_config": speech},
    }  # fmt: skip


def _line(text: str, speaker: str, style: str) -> dict[str, Any]:
    about = {name: value for name, value in (("speaker", speaker), ("style", style)) if value}
    return {"text": text, "speech_metadata": about} if about else {"text": text}


def _lines(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = said.get("lines")
    good = isinstance(rows, Sequence) and not isinstance(rows, str) and all(
        isinstance(row, Mapping) and isinstance(row.get("text"), str) and isinstance(row.get("speaker"), str) for row in rows
    )  # fmt: skip
    if not good or not rows:
        hint = "give `lines` as [{ speaker, text }] and `voices` as { speaker = voice }"
        raise NodeError("the dialogue has no lines that can be spoken", hint=hint)
    lines = [(row["speaker"], row["text"]) for row in rows or ()]
    speakers = list(dict.fromkeys(speaker for speaker, _ in lines))
    if len(speakers) > 2:
        raise NodeError(
            f"Google speaks for two in one call, and there are {len(speakers)}: {', '.join(speakers)}",
            hint="make one speech.generate a line, or take another provider's model",
        )
    return lines


def _voice_of(said: Mapping[str, Any], speaker: str) -> str:
    voices = said.get("voices")
    voice = voices.get(speaker) if isinstance(voices, Mapping) else None
    if not isinstance(voice, str) or not voice:
        raise NodeError(f"the speaker {speaker!r} has no voice", hint="name a voice for every speaker in `voices`")
    return voice


def _voice(name: str) -> dict[str, Any]:
    if not name:
        raise NodeError("no voice was given", hint="give `voice`: Kore, Puck, Zephyr, ...")
    return {"prebuilt_voice_config": {"voice_name": name}}


def _task(call: Call, said: Mapping[str, Any]) -> str:
    named = {"video.edit": "edit", "video.extend": "extend", "video.upscale": "upscale"}
    if call.kind in named:
        return named[call.kind]
    if said.get("start_image") or said.get("end_image") or said.get("image"):
        return "image_to_video"
    return "reference_to_video" if said.get("images") or said.get("video") else "text_to_video"


def _part(one: Given) -> dict[str, Any]:
    if one.uri is not None:
        return {"file_data": {"file_uri": one.uri, "mime_type": one.media_type}}
    return {"inline_data": {"data": one.data, "mime_type": one.media_type}}


def _content(one: Given, type_: str) -> dict[str, Any]:
    where = {"uri": one.uri} if one.uri is not None else {"data": base64.b64encode(one.data or b"").decode("ascii")}
    return {"type": type_, **where, "mime_type": one.media_type}


def _raw(one: Given, name: str) -> dict[str, Any]:
    return {name: one.data, "mime_type": one.media_type}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
