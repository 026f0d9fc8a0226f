"""A call's fields into the body of an OpenAI request, files included. Knows no client."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

from dagcontent.errors import NodeError
from dagcontent.providers.chat import (
    MESSAGE_PARAMS,
    asked,
    chat_format,
    chat_messages,
    responses_format,
    responses_input,
)
from dagcontent.providers.inline import data_url, file_name
from dagcontent.providers.port import Call, Files
from dagcontent.values.value import Blob

__all__ = ["as_file", "payload"]

_DRIVER: Final = "gpt-6.1-terra"
"""The chat model that holds the picture's tool, where the fields name none."""

_MOST_SPOKEN: Final = 4_096
_MOST_HEARD: Final = 25 << 20
_MOST_PICTURES: Final = 16
_MOST_PICTURE: Final = 50 << 20
_MOST_MASK_PX: Final = 64_000_000
_PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/webp"})
_HEARD: Final = frozenset(
    "audio/flac audio/mpeg audio/mp4 audio/ogg audio/wav audio/x-wav audio/webm video/mp4 video/webm".split()
)
_TOOL: Final = (
    "action", "background", "complexity", "moderation", "output_compression", "output_format", "quality", "size",
)  # fmt: skip


def payload(call: Call, files: Files) -> dict[str, Any]:
    """Return a request's body; a file in it is {name, media_type, data}. Raises NodeError for a call that cannot be made."""
    _refused(call)
    match call.operation:
        case "chat":
            return _chat(call, files)
        case "responses":
            return _responses(call, files)
        case "responses.image":
            return _responses_image(call, files)
        case "speech":
            return _speech(call)
        case "transcriptions":
            return _transcription(call, files)
        case "images.edit":
            return _edit(call, files)
        case _:
            return {"model": call.model, "prompt": str(call.params.get("prompt") or ""), **call.fields}


def as_file(value: Any) -> Any:
    """Return a payload's file as the SDK takes it: (name, bytes, media type); a list of them likewise; all else as it is."""
    if isinstance(value, list) and value and isinstance(value[0], dict) and "data" in value[0]:
        return [as_file(item) for item in value]
    if isinstance(value, dict) and set(value) == {"name", "media_type", "data"}:
        return value["name"], value["data"], value["media_type"]
    return value


def _refused(call: Call) -> None:
    for name in ("stream", "partial_images"):
        if call.fields.get(name):
            raise NodeError(f"{name} makes an answer that cannot be kept whole", hint=f"remove {name} from options")
    count = call.fields.get("n")
    if isinstance(count, int) and count > 1:
        hint = f"remove n from options; takes = {count} makes as many, one by one"
        raise NodeError(f"n = {count}: a node makes one artifact", hint=hint)
    if call.fields.get("store") is False:
        text = "store = false: an answer that is lost could not be found again, and would be paid twice"
        raise NodeError(text, hint="remove store from options")


def _rest(call: Call) -> dict[str, Any]:
    """Return the fields that are no part of the messages."""
    return {n: v for n, v in call.fields.items() if not (n in MESSAGE_PARAMS and n in call.params)}


def _marked(call: Call, fields: dict[str, Any]) -> dict[str, Any]:
    given = fields.pop("metadata", None)
    return {**(given if isinstance(given, dict) else {}), "dagcontent": call.marker}


def _longest(fields: dict[str, Any], name: str) -> None:
    """Name the longest answer as this form of the API does."""
    for other in ("max_tokens", "max_output_tokens", "max_completion_tokens"):
        if other != name and other in fields:
            fields.setdefault(name, fields.pop(other))


def _chat(call: Call, files: Files) -> dict[str, Any]:
    given = asked(call, files)
    if given.video:
        raise NodeError("no chat model of OpenAI watches clips", hint="choose a model of google, or give it pictures")
    fields = _rest(call)
    _longest(fields, "max_completion_tokens")
    reasoning = fields.pop("reasoning", None)
    if isinstance(reasoning, dict) and "effort" in reasoning:
        fields.setdefault("reasoning_effort", reasoning["effort"])
    form = chat_format(call)
    if form is not None:
        fields["response_format"] = form
    metadata = _marked(call, fields)
    return {"model": call.model, "messages": chat_messages(given), **fields, "store": True, "metadata": metadata}


def _responses(call: Call, files: Files) -> dict[str, Any]:
    given = asked(call, files)
    if given.video:
        raise NodeError("no chat model of OpenAI watches clips", hint="choose a model of google, or give it pictures")
    fields = _rest(call)
    _longest(fields, "max_output_tokens")
    effort = fields.pop("reasoning_effort", None)
    if effort is not None:
        fields["reasoning"] = {**(fields.get("reasoning") or {}), "effort": effort}
    form = responses_format(call)
    if form is not None:
        fields["text"] = {**(fields.get("text") or {}), **form}
    if given.system:
        fields["instructions"] = given.system
    return {"model": call.model, "input": responses_input(given), **fields, **_background(call, fields)}


def _background(call: Call, fields: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": _marked(call, fields), "background": True, "store": True}


def _responses_image(call: Call, files: Files) -> dict[str, Any]:
    fields = dict(call.fields)
    prompt = str(fields.pop("prompt", None) or call.params.get("prompt") or "")
    driver = fields.pop("responses_model", _DRIVER)
    pictures = _pictures(call, files)
    mask = fields.pop("mask", None)
    tool: dict[str, Any] = {
        "type": "image_generation",
        "model": call.model,
        **{n: fields.pop(n) for n in _TOOL if n in fields},
    }
    if isinstance(mask, Blob):
        tool["input_image_mask"] = {"image_url": data_url(_mask(files.read(mask)), "image/png")}
    for name in ("image", "images"):
        fields.pop(name, None)
    content: list[dict[str, Any]] = [{"type": "input_text", "text": prompt}]
    content += [
        {"type": "input_image", "image_url": data_url(one["data"], one["media_type"]), "detail": "auto"}
        for one in pictures
    ]
    return {
        "model": driver, "input": [{"role": "user", "content": content}], **fields, "tools": [tool],
        "tool_choice": {"type": "image_generation"}, **_background(call, fields),
    }  # fmt: skip


def _edit(call: Call, files: Files) -> dict[str, Any]:
    fields = {n: v for n, v in call.fields.items() if n not in {"image", "images", "mask"}}
    pictures = _pictures(call, files)
    if not pictures:
        raise NodeError("there is no picture to edit", hint="give `image`")
    made = {"model": call.model, "prompt": str(call.params.get("prompt") or ""), **fields, "image": pictures}
    mask = call.fields.get("mask", call.params.get("mask"))
    if isinstance(mask, Blob):
        made["mask"] = {"name": "mask.png", "media_type": "image/png", "data": _mask(files.read(mask))}
    return made


def _pictures(call: Call, files: Files) -> list[dict[str, Any]]:
    """Return the pictures of a call, the one to be changed first. Raises NodeError for what is not taken."""
    where: Mapping[str, Any] = call.fields if "image" in call.fields or "images" in call.fields else call.params
    found: list[Blob] = []
    for name in ("image", "images"):
        value = where.get(name)
        found += [item for item in (value if isinstance(value, list | tuple) else [value]) if isinstance(item, Blob)]
    if len(found) > _MOST_PICTURES:
        raise NodeError(f"{len(found)} pictures are too many: OpenAI takes {_MOST_PICTURES}", hint="give it fewer")
    for blob in found:
        if blob.media_type not in _PICTURES or blob.size_bytes >= _MOST_PICTURE:
            text = f"OpenAI takes png, jpeg and webp below 50 MiB, not {blob.media_type} of {blob.size_bytes} bytes"
            raise NodeError(text, hint="make it smaller first: image.resize")
    return [_file(f"image-{index}", blob, files) for index, blob in enumerate(found)]


def _file(stem: str, blob: Blob, files: Files) -> dict[str, Any]:
    name = file_name(stem, blob.media_type)
    return {"name": name, "media_type": blob.media_type, "data": files.read(blob)}


def _mask(data: bytes) -> bytes:
    """Return a mask in OpenAI's form, transparent where the picture is to change, of ours: white there, black elsewhere."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - only for masks

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as given:
            if given.width * given.height > _MOST_MASK_PX:
                raise NodeError(
                    f"a mask of {given.width}x{given.height} is too large", hint="make it as large as the picture"
                )
            kept = given.convert("L").point([255 - level for level in range(256)])
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise NodeError("the mask cannot be read as a picture", hint="give a png, jpeg or webp") from error
    made = Image.new("RGBA", kept.size)
    made.putalpha(kept)
    out = io.BytesIO()
    made.save(out, "PNG")
    return out.getvalue()


def _speech(call: Call) -> dict[str, Any]:
    fields = dict(call.fields)
    text = str(fields.pop("input", None) or call.params.get("text") or "")
    if len(text) > _MOST_SPOKEN:
        hint = f"split it: text.split with max_characters = {_MOST_SPOKEN}, then audio.concat"
        raise NodeError(f"OpenAI speaks {_MOST_SPOKEN} characters at once, and these are {len(text)}", hint=hint)
    voice = fields.pop("voice", None) or call.params.get("voice")
    wanted = fields.pop("response_format", None) or call.params.get("format") or "mp3"
    if wanted == "pcm" or fields.get("stream_format") == "sse":
        raise NodeError("bare samples and events are no file", hint="choose wav, mp3, flac or opus")
    if isinstance(voice, str) and voice.startswith("voice_"):
        voice = {"id": voice}
    return {"model": call.model, "input": text, "voice": voice, "response_format": wanted, **fields}


def _transcription(call: Call, files: Files) -> dict[str, Any]:
    fields = dict(call.fields)
    sources = (fields.pop("file", None), call.params.get("audio"), call.params.get("video"))
    source = next((one for one in sources if isinstance(one, Blob)), None)
    for name in ("audio", "video"):
        if isinstance(fields.get(name), Blob):
            fields.pop(name)
    if source is None:
        raise NodeError("there is no recording to listen to", hint="give `audio`")
    if source.media_type not in _HEARD or source.size_bytes > _MOST_HEARD:
        text = f"OpenAI listens to 25 MiB of mp3, m4a, mp4, ogg, flac, wav or webm, not to {source.media_type} of {source.size_bytes} bytes"
        raise NodeError(text, hint="make it shorter, or an mp3")
    if call.model.startswith("whisper"):
        fields.setdefault("response_format", "verbose_json")
        if fields["response_format"] == "verbose_json":
            fields.setdefault("timestamp_granularities", ["word", "segment"])
    elif "diarize" in call.model:
        fields.setdefault("response_format", "diarized_json")
        fields.setdefault("chunking_strategy", "auto")
    if fields.get("response_format") in {"text", "srt", "vtt"}:
        text = f"response_format = {fields['response_format']} is no transcript that can be read"
        raise NodeError(text, hint="remove response_format from options")
    return {"model": call.model, "file": _file("audio", source, files), **fields}
