"""Turn pictures, clips and recordings into one number each (`media.measure`): how sharp, how alike, how loud. Knows no selection.

    sharpness    variance of the Laplacian of the brightness, at most 1024 px wide or high; higher is sharper
    similarity   1 less the mean of two differences to the reference, both at 64x64: of colour, and of edges; the most alike of
                 several references counts
    loudness     integrated loudness in LUFS by EBU R 128; silence is -70

Of a clip, five pictures spread over its length are looked at, and the mean is taken. Weaknesses: noise and fine texture are
sharp too; what is alike is where things are and what colour they have, not what they mean; a cropped or mirrored picture is not
alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Final

from PIL import Image, ImageChops, ImageFilter, ImageStat

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg, picture, probe
from dagcontent.media.arguments import blobs_of, required_text
from dagcontent.media.call import Call, Made
from dagcontent.media.facts import known_facts
from dagcontent.media.sheet import opened
from dagcontent.media.sniff import DEMUXERS
from dagcontent.values.value import Blob

__all__ = ["measure"]

_SIDE: Final = 1024
_SMALL: Final = (64, 64)
_FRAMES: Final = 5
_SILENCE: Final = -70.0
_LOUDNESS_S: Final = 600.0
_LEAST: Final = 3
_LAPLACIAN: Final = (0, 1, 0, 1, -4, 1, 0, 1, 0)
_DIGITS: Final = 6


def measure(call: Call) -> Made:
    """Return one number for each of `media`, in their order. Raises NodeError for what has no such number."""
    metric, blobs = required_text(call, "metric"), blobs_of(call, "media")
    made_with = dict(picture.made_with())
    if metric == "loudness":
        found = [_loudness(call, blob, made_with) for blob in blobs]
        return Made(found, made_with)
    references = [_frames(call, blob, made_with) for blob in blobs_of(call, "references")]
    if metric == "similarity" and not references:
        raise NodeError("there is nothing to compare with", hint="look at what `references` refers to")
    numbers: list[float] = []
    for position, blob in enumerate(blobs, 1):
        frames = _frames(call, blob, made_with)
        if metric == "sharpness":
            numbers.append(round(fmean(_sharpness(frame) for frame in frames), _DIGITS))
        else:
            numbers.append(round(max(_similarity(frames, reference) for reference in references), _DIGITS))
        call.progress(position / len(blobs))
    return Made(numbers, made_with)


def _frames(call: Call, blob: Blob, made_with: dict[str, str]) -> list[Image.Image]:
    """Return what there is to look at: a picture, or some of a clip's."""
    if blob.type == "image":
        return [opened(call, blob).convert("RGB")]
    if blob.type != "video":
        raise NodeError(f"there is nothing to see in {blob.type}", hint="pictures and clips can be looked at")
    seconds = known_facts(call, blob)["duration_ms"] / 1000
    path = call.path(blob)
    media_type = probe.check_input(path, "video")
    frames = []
    for number in range(_FRAMES):
        out = call.workdir / f"{blob.digest[:16]}-{number}.png"
        at = seconds * (number + 0.5) / _FRAMES
        source = ffmpeg.Source(path, media_type, ("-ss", f"{at:.3f}"))
        encode = ("-frames:v", "1", "-c:v", "png", "-f", "image2", "-update", "1")
        made_with["ffmpeg"] = ffmpeg.render(call, [source], out, encode=encode, maps=["0:v:0"])
        frames.append(picture.open_picture(out).convert("RGB"))
    return frames


def _sharpness(image: Image.Image) -> float:
    grey = image.convert("L")
    grey.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    if min(grey.size) < _LEAST:
        return 0.0
    # A filter's result is cut to 0..255: the bright and the dark side of an edge are taken apart.
    bright, dark = (
        ImageStat.Stat(_inner(grey.filter(ImageFilter.Kernel((3, 3), [sign * one for one in _LAPLACIAN], scale=1))))
        for sign in (1, -1)
    )
    mean = bright.mean[0] - dark.mean[0]
    square = (bright.sum2[0] + dark.sum2[0]) / bright.count[0]
    return float(square - mean * mean)


def _inner(image: Image.Image) -> Image.Image:
    """Return what a filter has reached: it leaves the outermost pixels as they were."""
    return image.crop((1, 1, image.width - 1, image.height - 1))


def _similarity(frames: Sequence[Image.Image], reference: Sequence[Image.Image]) -> float:
    """Return how alike two are; clips are compared picture by picture, a picture with each of a clip's."""
    pairs = (
        zip(frames, reference, strict=True)
        if len(frames) == len(reference)
        else [(a, b) for a in frames for b in reference]
    )
    return fmean(_alike(one, other) for one, other in pairs)


def _alike(one: Image.Image, other: Image.Image) -> float:
    first, second = (image.resize(_SMALL, Image.Resampling.BOX) for image in (one, other))
    colour = fmean(ImageStat.Stat(ImageChops.difference(first, second)).mean) / 255
    edges = (_inner(image.convert("L").filter(ImageFilter.FIND_EDGES)) for image in (first, second))
    structure = ImageStat.Stat(ImageChops.difference(*edges)).mean[0] / 255
    return 1 - (colour + structure) / 2


def _loudness(call: Call, blob: Blob, made_with: dict[str, str]) -> float:
    if blob.type not in {"audio", "video"}:
        raise NodeError(f"there is nothing to hear in {blob.type}", hint="recordings and clips can be listened to")
    if blob.type == "video" and "sample_rate" not in known_facts(call, blob):
        return _SILENCE
    path = call.path(blob)
    program = ffmpeg.executable()
    ffmpeg.require(call.run, program, ("ebur128", "ametadata"))
    demuxer = DEMUXERS[probe.check_input(path, blob.type)]
    said: list[float] = []

    def on_line(line: str) -> None:
        name, _, value = line.strip().partition("=")
        if name == "lavfi.r128.I":
            said[:] = [float(value)]

    argv = [
        program, "-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "file,pipe", "-f", demuxer,
        "-i", str(path.absolute()), "-map", "0:a:0", "-af",
        "ebur128=metadata=1,ametadata=mode=print:key=lavfi.r128.I:file=pipe\\\\:1", "-f", "null", "-",
    ]  # fmt: skip
    call.run(argv, on_line=on_line, timeout_s=_LOUDNESS_S)
    made_with["ffmpeg"] = ffmpeg.version(call.run)
    return max(_SILENCE, said[0]) if said else _SILENCE
