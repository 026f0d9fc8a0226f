"""Turn a picture into a clip with a slow camera (video.from_still, `local/kenburns`). Knows no model."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final

from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg, picture, probe
from dagcontent.media.arguments import aspect_of, blob_of, even, flag_of, fps_of, number_of, size_of, text_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.camera import FPS, LENGTH_S, own_size, seen
from dagcontent.media.carried import cut, travelling
from dagcontent.media.coded import coded_facts
from dagcontent.media.feed import Feed
from dagcontent.media.sheet import opened
from dagcontent.media.sync import SAMPLE_RATE, SOUND
from dagcontent.media.timeline import FRAMES_MAX
from dagcontent.values.value import Blob

__all__ = ["from_still", "generate"]

_MOTIONS: Final = ("zoom_in", "pan_right", "zoom_out", "pan_left")
_BACK: Final = {"zoom_in": "zoom_out", "zoom_out": "zoom_in"}


def from_still(call: Call) -> Made:
    """Make a clip of `image`, as long as `duration` or as the sound."""
    blob = blob_of(call, "image")
    if blob is None:
        text = "`image` of video.from_still is missing"
        raise NodeError(text, hint="give a picture")
    image = opened(call, blob)
    audio = blob_of(call, "audio")
    length = number_of(call, "duration")
    if length is None:
        length = audio.facts.get("duration_ms", 0) / 1000 if audio is not None else 0.0
    if length <= 0:
        text = "video.from_still knows no length"
        raise NodeError(text, hint="give `duration`, or `audio` that is not empty")
    size = size_of(call) or own_size(image.size)
    return _clip(call, [image], _even(size), length, text_of(call, "motion") or "zoom_in", audio)


def generate(call: Call) -> Made:
    """Make a clip of `start_image`, fading into `end_image`; without a picture, of a card painted from `prompt`."""
    prompt = text_of(call, "prompt") or ""
    start, end = blob_of(call, "start_image"), blob_of(call, "end_image")
    images = [opened(call, blob) for blob in (start, end) if blob is not None]
    ratio = aspect_of(call)
    if start is None:
        from dagcontent.media.card import paint  # noqa: PLC0415 - only where there is no picture

        shape = ratio or (Fraction(*images[0].size) if images else Fraction(16, 9))
        images.insert(0, paint(prompt, _of_shape(shape, _shorter(call) or 720)))
    shape = ratio or Fraction(*images[0].size)
    shorter = _shorter(call)
    size = _of_shape(shape, shorter) if shorter is not None else own_size(_of_shape(shape, min(images[0].size)))
    # The motion belongs to the prompt, so that neighbouring clips do not all move alike.
    motion = _MOTIONS[sum(prompt.encode()) % len(_MOTIONS)] if prompt else "zoom_in"
    return _clip(call, images, _even(size), number_of(call, "duration") or LENGTH_S, motion, None)


def _clip(
    call: Call, images: list[Image.Image], size: tuple[int, int], length: float, motion: str, audio: Blob | None
) -> Made:
    fps = fps_of(call, FPS)
    frames = max(1, math.ceil(length * fps - Fraction(1, 1000)))
    if frames > FRAMES_MAX:
        text = f"the clip would have {frames} pictures"
        raise NodeError(text, hint=f"at most {FRAMES_MAX}: make it shorter, or lower `fps`")
    sources: list[ffmpeg.Input] = []
    lengths, graph = _pictures(len(images), frames, fps)
    for number, (image, shown) in enumerate(zip(images, lengths, strict=True)):
        way = _BACK.get(motion, motion) if number else motion
        sources.append(ffmpeg.Raw(Feed(seen(_given(image), size, shown, way)), size, fps))
    maps, encode = ["[v]"], [*ffmpeg.H264, "-r", str(fps)]
    if audio is not None:
        path = call.path(audio)
        sources.append(ffmpeg.Source(path, probe.check_input(path, "audio")))
        graph += f";[{len(images)}:a]{_sound(fps, frames)}[a]"
        maps.append("[a]")
        encode += ffmpeg.AAC
    elif flag_of(call, "sound"):
        graph += f";anullsrc=r={SAMPLE_RATE}:cl=stereo,atrim=end_sample={round(frames / fps * SAMPLE_RATE)}[a]"
        maps.append("[a]")
        encode += ffmpeg.AAC
    out = call.workdir / "clip.mp4"
    version = ffmpeg.render(
        call, sources, out, encode=[*encode, *ffmpeg.MP4], graph=graph, maps=maps, seconds=float(frames / fps)
    )
    return _made(out, audio, version)


def _made(out: Path, audio: Blob | None, version: str) -> Made:
    facts, _ = coded_facts(out)
    if audio is not None:
        carried = travelling(audio.facts)
        facts |= {name: cut(rows, facts["duration_ms"] / 1000) for name, rows in carried.items()}
    versions = {"ffmpeg": version, **picture.made_with(), **probe.made_with()}
    return Made(NewFile(out, "video", "video/mp4", facts), versions)


def _pictures(count: int, frames: int, fps: Fraction) -> tuple[list[int], str]:
    """Return how many frames each of one or two pictures is shown, and the graph to [v]: of two, the middle third fades one
    into the other.
    """
    if count == 1:
        return [frames], f"[0:v]setsar=1,{ffmpeg.LAST}[v]"
    fade = max(1, frames // 3)
    begins = (frames - fade) // 2
    joined = (
        f"[0:v][1:v]xfade=duration={float(fade / fps):.6f}:offset={float(begins / fps):.6f},trim=end_frame={frames}"
    )
    return [begins + fade, frames - begins], f"{joined},setsar=1,{ffmpeg.LAST}[v]"


def _sound(fps: Fraction, frames: int) -> str:
    return f"{SOUND},apad,atrim=end_sample={round(frames / fps * SAMPLE_RATE)}"


def _even(size: tuple[int, int]) -> tuple[int, int]:
    return max(16, even(size[0])), max(16, even(size[1]))


def _shorter(call: Call) -> int | None:
    value = text_of(call, "resolution")
    if value is None:
        return None
    named = {"sd": 480, "hd": 720, "full hd": 1080, "fhd": 1080, "2k": 1440, "4k": 2160, "uhd": 2160}
    word = value.strip().lower()
    digits = word.removesuffix("p")
    shorter = named.get(word) or (int(digits) if digits.isdigit() else 0)
    if not 64 <= shorter <= 2160:
        text = f"`resolution` is not one that can be made: {value!r}"
        raise NodeError(text, hint="write the shorter side, as 480p, 720p or 1080p")
    return shorter


def _of_shape(ratio: Fraction, shorter: int) -> tuple[int, int]:
    if ratio >= 1:
        return even(float(shorter * ratio)), even(shorter)
    return even(shorter), even(float(shorter / ratio))


def _given(image: Image.Image) -> Callable[[], Image.Image]:
    return lambda: image
