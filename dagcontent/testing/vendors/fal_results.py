"""An endpoint of fal and its input into the result it answers, with real files. Knows no queue and no charge.

What an endpoint makes is read from its name, as fal's own families are named; its fields are those of the family.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.words import pick, sentences, words

__all__ = ["Asked", "NewFile", "asked", "result"]

_PRESETS = {
    "square_hd": (1024, 1024), "square": (512, 512), "portrait_4_3": (768, 1024), "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768), "landscape_16_9": (1024, 576), "auto": (1024, 1024), "auto_1k": (1024, 1024),
    "auto_2k": (2048, 2048), "auto_3k": (3072, 3072), "auto_4k": (4096, 4096),
}  # fmt: skip
_SHORT_SIDES = {
    "360p": 360, "480p": 480, "512p": 512, "540p": 540, "580p": 580, "720p": 720, "768p": 768, "1080p": 1080,
    "1440p": 1440, "2160p": 2160, "2k": 1440, "4k": 2160,
}  # fmt: skip
_SQUARE_PIXELS = {"0.5k": 512, "1k": 1024, "2k": 2048, "4k": 4096}
# The first that is found in an endpoint's name says what it makes.
_FAMILIES: Sequence[tuple[str, str]] = (
    (r"speech-to-text|whisper|wizper|/stt", "transcript"),
    (r"any-llm|/llm|router|vision$", "text"),
    (r"video-background-removal|bria/video/|sfx.*/video-to-video", "videos"),
    (r"stable-audio$|cassetteai/", "audio_file"),
    (r"video-to-music$|video-to-audio|thinksound/audio|mmaudio-v2/text-to-audio", "audio"),
    (
        (
            r"lipsync|sync-|avatar|omnihuman|fabric|aurora|infinitalk|dreamactor|motion-control|animate/|foley|mmaudio"
            r"|thinksound|video|veo|seedance|hailuo|minimax/h3|wan/|wan-|ltx|pixverse|happy-horse|gemini-omni|flux-3"
            r"|lucy-edit|dream-machine|latentsync"
        ),
        "video",
    ),
    (
        (
            r"tts|speech|music|sound|dialogue|chatterbox|kokoro|dia-|lyria|voice|dubbing|isolation|stable-audio"
            r"|text-to-audio"
        ),
        "audio",
    ),
    (r"crystal-upscaler", "images"),
    (r"upscal|esrgan|birefnet|rembg|background/remove|remove-background|face-swap", "image"),
)
_SPOKEN = ("text", "prompt", "lyrics")
_FPS = 24.0

NewFile = Callable[[str, str, bytes], str]
"""(file name, media type, bytes) -> URL."""
ReadUrl = Callable[[str], bytes | None]
"""URL -> bytes, or None for what lies elsewhere."""


class Asked(msgspec.Struct, frozen=True):
    """What an endpoint is to make, in `makes`' measures; `units` are what it bills."""

    makes: str
    endpoint: str
    payload: Mapping[str, Any]
    width: int = 0
    height: int = 0
    count: int = 1
    seconds: float = 0.0
    form: str = ""
    units: float = 1.0
    text: str = ""

    @property
    def seed(self) -> str:
        """What makes its media its own."""
        return f"{self.endpoint} {sorted(self.payload.items(), key=str)}"


def asked(endpoint: str, payload: Mapping[str, Any], read: ReadUrl = lambda _: None) -> Asked:
    """Return what is asked for: of the inputs' size and length where none is given. Raises ValueError for one that is none."""
    makes = next((family for pattern, family in _FAMILIES if re.search(pattern, endpoint)), "images")
    if makes in ("images", "image"):
        return _pictures(makes, endpoint, payload, read)
    if makes in ("video", "videos"):
        seconds = _seconds(payload, _length(payload, read) or 5.0)
        width, height = _frame(payload, read)
        form = "webm" if "VP9" in str(payload.get("output_format", "")) else "mp4"
        return Asked(makes, endpoint, payload, width, height, seconds=seconds, form=form, units=seconds)
    if makes in ("audio", "audio_file"):
        text = _text(payload)
        speaks = re.search(r"tts|speech|dialogue|chatterbox|kokoro|dia-", endpoint) is not None
        seconds = media.speech_length_s(text) if speaks else _seconds(payload, _length(payload, read) or 10.0)
        units = math.ceil(len(text) / 10) / 100 if speaks else seconds
        return Asked(
            makes, endpoint, payload, seconds=seconds, form=_sound_form(endpoint, payload), units=units, text=text
        )
    if makes == "transcript":
        return Asked(makes, endpoint, payload, seconds=_length(payload, read) or 0.0, text=_heard(payload, read))
    return Asked(makes, endpoint, payload, text=_text(payload))


def result(what: Asked, keep: NewFile) -> dict[str, Any]:
    """Return a finished job's result, its files kept."""
    makers = {
        "images": _images, "image": _images, "video": _video, "videos": _video, "audio": _audio, "audio_file": _audio,
        "transcript": _transcript, "text": _words,
    }  # fmt: skip
    return makers[what.makes](what, keep)


def _pictures(makes: str, endpoint: str, payload: Mapping[str, Any], read: ReadUrl) -> Asked:
    sized = {"image_size", "aspect_ratio", "resolution"} & {name for name, value in payload.items() if value != "auto"}
    data = None if sized else _input(payload, read, "image_url", "image_urls")
    width, height = media.picture_size(data) if data is not None else _size(payload)
    if makes == "image" and isinstance(factor := payload.get("upscale_factor", payload.get("scale", 1)), int | float):
        width, height = min(8192, round(width * factor)), min(8192, round(height * factor))
    count = payload.get("num_images", 1)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 6:
        raise ValueError("num_images: Input should be an integer from 1 to 6")
    usual = "png" if re.search(r"birefnet|rembg|background", endpoint) else "jpeg"
    form = str(payload.get("output_format", usual))
    if form not in ("png", "jpeg", "jpg", "webp"):
        raise ValueError("output_format: Input should be 'jpeg', 'png' or 'webp'")
    units = count * math.ceil(width * height / 1_048_576) if makes == "images" else 1.0
    return Asked(makes, endpoint, payload, width, height, count, form=form, units=float(units))


def _size(payload: Mapping[str, Any]) -> tuple[int, int]:
    given = payload.get("image_size")
    if isinstance(given, Mapping):
        width, height = given.get("width"), given.get("height")
        if not (isinstance(width, int) and isinstance(height, int) and 1 <= width <= 8192 and 1 <= height <= 8192):
            raise ValueError("image_size: width and height should be integers from 1 to 8192")
        return width, height
    if isinstance(given, str):
        if found := re.fullmatch(r"(\d{2,4})x(\d{2,4})", given):
            return int(found[1]), int(found[2])
        if given.lower() not in _PRESETS:
            raise ValueError("image_size: Input should be one of the presets")
        return _PRESETS[given.lower()]
    if "aspect_ratio" in payload or "resolution" in payload:
        side = _SQUARE_PIXELS.get(str(payload.get("resolution", "1k")).lower(), 1024)
        across, down = _ratio(payload.get("aspect_ratio"), (1, 1))
        return round(side * math.sqrt(across / down) / 16) * 16, round(side * math.sqrt(down / across) / 16) * 16
    return _PRESETS["landscape_4_3"]


def _frame(payload: Mapping[str, Any], read: ReadUrl) -> tuple[int, int]:
    """Return a clip's size: of the first picture's shape where no other is asked for."""
    short = _SHORT_SIDES.get(str(payload.get("resolution", "720p")).lower(), 720)
    first = _input(payload, read, "start_image_url", "image_url", "first_frame_url")
    usual = media.picture_size(first) if first is not None else (16, 9)
    across, down = _ratio(payload.get("aspect_ratio"), usual)
    if across >= down:
        return round(short * across / down / 2) * 2, short
    return short, round(short * down / across / 2) * 2


def _ratio(given: Any, usual: tuple[int, int]) -> tuple[int, int]:
    if given in (None, "auto"):
        return usual
    found = re.fullmatch(r"(\d{1,2}):(\d{1,2})", str(given))
    if found is None or "0" in (found[1], found[2]):
        raise ValueError("aspect_ratio: Input should be like '16:9'")
    return int(found[1]), int(found[2])


def _seconds(payload: Mapping[str, Any], usual: float) -> float:
    for name, scale in (
        ("duration", 1.0),
        ("duration_seconds", 1.0),
        ("seconds_total", 1.0),
        ("music_length_ms", 0.001),
    ):
        given = payload.get(name)
        if given is None or given == "auto":
            continue
        found = re.fullmatch(r"(\d+(?:\.\d+)?)s?", str(given))
        if found is None or not 0 < float(found[1]) * scale <= 600:
            text = f"{name}: Input should be a length"
            raise ValueError(text)
        return float(found[1]) * scale
    if isinstance(frames := payload.get("num_frames"), int) and frames > 0:
        return frames / _FPS
    return usual


def _input(payload: Mapping[str, Any], read: ReadUrl, *names: str) -> bytes | None:
    """Return the first input of these names that can be read, or None."""
    for name in names:
        given = payload.get(name)
        for url in given if isinstance(given, list) else [given]:
            if isinstance(url, str) and (data := read(url)) is not None:
                return data
    return None


def _length(payload: Mapping[str, Any], read: ReadUrl) -> float | None:
    data = _input(payload, read, "audio_url", "video_url")
    return None if data is None else media.sound_length_s(data)


def _heard(payload: Mapping[str, Any], read: ReadUrl) -> str:
    """Return what a recording says: two sentences of its own."""
    data = _input(payload, read, "audio_url")
    return sentences(hashlib.sha256(data).hexdigest() if data is not None else str(payload.get("audio_url")), 2)


def _text(payload: Mapping[str, Any]) -> str:
    found = next((payload[name] for name in _SPOKEN if isinstance(payload.get(name), str)), "")
    inputs = payload.get("inputs")
    if isinstance(inputs, list):
        found = " ".join(str(one.get("text", "")) for one in inputs if isinstance(one, Mapping))
    return str(found)


def _sound_form(endpoint: str, payload: Mapping[str, Any]) -> str:
    given = str(payload.get("output_format", "wav" if re.search(r"kokoro|dia-|lyria2|chatterbox", endpoint) else "mp3"))
    name = given.partition("_")[0].lower()
    return name if name in ("mp3", "wav", "flac", "opus", "ogg") else "mp3"


def _images(what: Asked, keep: NewFile) -> dict[str, Any]:
    clear = re.search(r"birefnet|rembg|background", what.endpoint) is not None
    media_type, files = media.MEDIA_TYPES[what.form], []
    for number in range(what.count):
        data = media.picture(what.width, what.height, what.form, f"{what.seed} {number}", transparent=clear)
        url = keep(f"{words(what.seed).replace(' ', '-')}-{number}.{what.form}", media_type, data)
        files.append({"url": url, "content_type": media_type, "width": what.width, "height": what.height})
    if what.makes == "image":
        return {"image": files[0]}
    seed = what.payload.get("seed", pick(what.seed, 2**31))
    flags = [False] * what.count
    return {"images": files, "seed": seed, "has_nsfw_concepts": flags, "prompt": _text(what.payload), "timings": {}}


def _video(what: Asked, keep: NewFile) -> dict[str, Any]:
    sound = what.payload.get("generate_audio", True) is not False
    data = media.clip(what.width, what.height, _FPS, what.seconds, what.seed, form=what.form, sound=sound)
    media_type = media.MEDIA_TYPES[what.form]
    file = {
        "url": keep(f"output.{what.form}", media_type, data), "content_type": media_type,
        "file_name": f"output.{what.form}", "file_size": len(data),
    }  # fmt: skip
    return {"video": [file]} if what.makes == "videos" else {"video": file, "seed": pick(what.seed, 2**31)}


def _audio(what: Asked, keep: NewFile) -> dict[str, Any]:
    data = media.recording(what.seconds, what.form, what.seed)
    media_type = media.MEDIA_TYPES[what.form]
    file = {
        "url": keep(f"output.{what.form}", media_type, data), "content_type": media_type,
        "file_name": f"output.{what.form}", "file_size": len(data),
    }  # fmt: skip
    return {what.makes: file, "duration_ms": round(what.seconds * 1000)}


def _transcript(what: Asked, _keep: NewFile) -> dict[str, Any]:
    said = what.text
    spoken = said.split()
    length = what.seconds / len(spoken) if what.seconds else 0.4
    if "scribe" in what.endpoint or "elevenlabs" in what.endpoint:
        row = [
            {"text": word, "start": at * length, "end": (at + 0.9) * length, "type": "word", "speaker_id": "speaker_0"}
            for at, word in enumerate(spoken)
        ]
        return {"text": said, "language_code": "eng", "language_probability": 0.98, "words": row}
    by_word = what.payload.get("chunk_level") == "word"
    pieces = spoken if by_word else [f"{part}." for part in said.rstrip(".").split(". ")]
    length *= len(spoken) / len(pieces)
    chunks = [{"text": piece, "timestamp": [at * length, (at + 1) * length]} for at, piece in enumerate(pieces)]
    return {"text": said, "chunks": chunks, "inferred_languages": ["en"]}


def _words(what: Asked, _keep: NewFile) -> dict[str, Any]:
    return {"output": sentences(what.seed, 3), "partial": False}
