"""Turn a picture into a clip with a slow camera (video.from_still, `local/kenburns`). Knows no model.

The camera is a perspective map with four corners that move by fractions of a px: cutting and scaling whole px, as the
usual zoom filter does, trembles. The picture is prepared an eighth larger than the clip, so that the closest view is
still sharp.
"""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Final

from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg, picture, probe
from dagcontent.media.arguments import aspect_of, blob_of, even, flag_of, fps_of, number_of, size_of, text_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.carried import cut, travelling
from dagcontent.media.sheet import fitted_into, opened
from dagcontent.values.value import Blob

__all__ = ["from_still", "generate"]

DEFAULT_FPS: Final = Fraction(24)
LONG_SIDE_PX: Final = 1280
DURATION_S: Final = 4.0
_SUPER: Final = 1.125
_FRAMES_MAX = 500_000
_MOTIONS: Final = ("zoom_in", "pan_right", "zoom_out", "pan_left")


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
    size = size_of(call) or _own_size(image.size)
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
    size = _of_shape(shape, shorter) if shorter is not None else _own_size(_of_shape(shape, min(images[0].size)))
    # The motion belongs to the prompt, so that neighbouring clips do not all move alike.
    motion = _MOTIONS[sum(prompt.encode()) % len(_MOTIONS)] if prompt else "zoom_in"
    return _clip(call, images, _even(size), number_of(call, "duration") or DURATION_S, motion, None)


def _clip(
    call: Call, images: list[Image.Image], size: tuple[int, int], length: float, motion: str, audio: Blob | None
) -> Made:
    fps = fps_of(call, DEFAULT_FPS)
    frames = max(1, math.ceil(length * fps - Fraction(1, 1000)))
    if frames > _FRAMES_MAX:
        text = f"the clip would have {frames} pictures"
        raise NodeError(text, hint=f"at most {_FRAMES_MAX}: make it shorter, or lower `fps`")
    seconds = float(frames / fps)
    factor = _SUPER if motion != "none" else 1.0
    large = (even(size[0] * factor), even(size[1] * factor))
    sources = []
    for number, image in enumerate(images):
        flat = _flattened(fitted_into(image, large, "cover"))
        sources.append(ffmpeg.Source(picture.save_png(flat, call.workdir / f"still{number}.png"), "image/png"))
    graph = _pictures(len(images), motion, frames, fps, size)
    maps, encode = ["[v]"], [*ffmpeg.H264, "-r", str(fps)]
    if audio is not None:
        path = call.path(audio)
        sources.append(ffmpeg.Source(path, probe.check_input(path, "audio")))
        graph += f";[{len(images)}:a]{_sound(fps, frames)}[a]"
        maps.append("[a]")
        encode += ffmpeg.AAC
    elif flag_of(call, "sound"):
        graph += f";anullsrc=r=48000:cl=stereo,atrim=end_sample={round(frames / fps * 48000)}[a]"
        maps.append("[a]")
        encode += ffmpeg.AAC
    out = call.workdir / "clip.mp4"
    version = ffmpeg.render(
        call, sources, out, encode=[*encode, *ffmpeg.MP4], graph=graph, maps=maps,
        filters=["perspective", "loop", "trim", "scale"], seconds=seconds,
    )  # fmt: skip
    return _made(out, audio, version)


def _made(out: Path, audio: Blob | None, version: str) -> Made:
    facts = probe.measure(out, "video", "video/mp4")
    if audio is not None:
        carried = travelling(audio.facts)
        facts |= {name: cut(rows, facts["duration_ms"] / 1000) for name, rows in carried.items()}
    versions = {"ffmpeg": version, **picture.made_with(), **probe.made_with()}
    return Made(NewFile(out, "video", "video/mp4", facts), versions)


def _camera(motion: str, frames: int, number: int) -> str:
    """Return the filter that moves the window, with a comma after it; "" for a camera that rests."""
    if motion == "none":
        return ""
    # A slow camera: what it leaves out stays within the margin that pictures with text in them keep.
    depth = min(0.14 if "zoom" in motion else 0.09, max(0.05, 0.0011 * frames))
    t = f"min(1,on/{max(1, frames - 1)})"
    if number and motion in ("zoom_in", "zoom_out"):
        motion = "zoom_out" if motion == "zoom_in" else "zoom_in"
    part = {"zoom_in": f"({depth}*{t})", "zoom_out": f"({depth}*(1-{t}))"}.get(motion, f"{depth}")
    x = {"pan_right": t, "pan_left": f"(1-{t})"}.get(motion, "0.5")
    y = {"pan_down": t, "pan_up": f"(1-{t})"}.get(motion, "0.5")
    left, top = f"W*{part}*{x}", f"H*{part}*{y}"
    right, bottom = f"W-W*{part}*(1-{x})", f"H-H*{part}*(1-{y})"
    corners = f"x0='{left}':y0='{top}':x1='{right}':y1='{top}':x2='{left}':y2='{bottom}':x3='{right}':y3='{bottom}'"
    return f"perspective=eval=frame:interpolation=linear:sense=source:{corners},"


def _pictures(count: int, motion: str, frames: int, fps: Fraction, size: tuple[int, int]) -> str:
    """Return the graph from one or two prepared pictures to [v]: of two, the middle third fades one into the other."""
    fade = max(1, frames // 3) if count > 1 else 0
    begins = (frames - fade) // 2
    lengths = [begins + fade, frames - begins] if count > 1 else [frames]
    rate = f"{fps.numerator}/{fps.denominator}"
    rows = [
        f"[{number}:v]format=rgb24,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,loop=-1:1:0,"
        f"settb={fps.denominator}/{fps.numerator},setpts=N,fps={rate},{_camera(motion, length, number)}"
        f"scale={size[0]}:{size[1]}:flags=bicubic,setsar=1,trim=end_frame={length}[p{number}]"
        for number, length in enumerate(lengths)
    ]
    if count > 1:
        rows.append(
            f"[p0][p1]xfade=duration={float(fade / fps):.6f}:offset={float(begins / fps):.6f},trim=end_frame={frames}[p]"
        )
    return ";".join(rows) + f";[{'p' if count > 1 else 'p0'}]{ffmpeg.LAST}[v]"


def _sound(fps: Fraction, frames: int) -> str:
    return f"aresample=48000,aformat=sample_fmts=fltp:channel_layouts=stereo,apad,atrim=end_sample={round(frames / fps * 48000)}"


def _flattened(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    flat = Image.new("RGB", image.size, (0, 0, 0))
    flat.paste(image, (0, 0), image)
    return flat


def _own_size(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, LONG_SIDE_PX / max(size))
    return round(size[0] * scale), round(size[1] * scale)


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
