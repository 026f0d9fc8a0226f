"""Turn pictures and clips into what can be measured of them, in words (`local/measure`). Knows no vendor.

It stands in for models that look: size, brightness and leading colours are true, and that it saw nothing else is said.
An answer of a given form has the form, and is about what was asked.
"""

from __future__ import annotations

import colorsys
from typing import Any, Final

from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.kinds.schema import ReturnsError, schema_of_returns
from dagcontent.media import ffmpeg, picture, probe
from dagcontent.media.arguments import blob_of, blobs_of, required_blob, text_of
from dagcontent.media.call import Call, Made
from dagcontent.media.facts import known_facts
from dagcontent.media.outline import Writer
from dagcontent.media.sheet import opened
from dagcontent.values.value import Blob

__all__ = ["describe_picture", "describe_video"]

_VERSION: Final = "1"
_COLORS: Final = 3
_SMALL: Final = (64, 64)
_HUES: Final = (
    (15, "red"), (45, "orange"), (70, "yellow"), (165, "green"), (200, "cyan"), (260, "blue"), (290, "violet"),
    (335, "pink"), (361, "red"),
)  # fmt: skip


def describe_picture(call: Call) -> Made:
    """Describe `image`, or `images`, by what is measured."""
    single = blob_of(call, "image")
    blobs = ([single] if single is not None else []) + blobs_of(call, "images")
    if not blobs:
        text = "image.describe has nothing to look at"
        raise NodeError(text, hint="give `image` or `images`")
    said = []
    for number, blob in enumerate(blobs, start=1):
        image = opened(call, blob)
        name = "A picture" if len(blobs) == 1 else f"Picture {number}"
        said.append(f"{name} of {image.width}x{image.height} px, {_looks(image)}.")
        call.progress(number / len(blobs))
    return _answer(call, said, picture.made_with())


def describe_video(call: Call) -> Made:
    """Describe `video` by its length, and by its picture in the middle."""
    video = required_blob(call, "video")
    facts = known_facts(call, video)
    seconds = facts["duration_ms"] / 1000
    image, version = _middle(call, video, seconds)
    sound = "with sound" if "sample_rate" in facts else "without sound"
    said = (
        f"A clip of {seconds:.1f} s and {facts['width']}x{facts['height']} px, {sound}, {_looks(image)} in the middle."
    )
    call.progress(1.0)
    return _answer(call, [said], {"ffmpeg": version, **picture.made_with()})


def _middle(call: Call, video: Blob, seconds: float) -> tuple[Image.Image, str]:
    path, out = call.path(video), call.workdir / "middle.png"
    source = ffmpeg.Source(path, probe.check_input(path, "video"), ("-ss", f"{seconds / 2:.3f}"))
    encode = ("-frames:v", "1", "-c:v", "png", "-f", "image2", "-update", "1")
    version = ffmpeg.render(call, [source], out, encode=encode, graph="[0:v:0]scale=128:-2[v]", maps=["[v]"])
    return picture.open_picture(out), version


def _looks(image: Image.Image) -> str:
    """Return "dark, mostly blue (#0b1d33), grey (#707070)"."""
    small = image.convert("RGB").resize(_SMALL, Image.Resampling.BOX)
    light = sum(small.convert("L").tobytes()) / (255 * _SMALL[0] * _SMALL[1])
    few = small.quantize(_COLORS, method=Image.Quantize.MEDIANCUT)
    palette = few.getpalette() or []
    counts: list[tuple[int, Any]] = sorted(few.getcolors() or [], reverse=True)
    colors = [tuple(palette[3 * index : 3 * index + 3]) for _, index in counts]
    words = ", ".join(f"{_name(*color)} (#{color[0]:02x}{color[1]:02x}{color[2]:02x})" for color in colors)
    return f"{'dark' if light < 0.35 else 'bright' if light > 0.65 else 'neither dark nor bright'}, mostly {words}"


def _name(red: int, green: int, blue: int) -> str:
    hue, lightness, fullness = colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)
    if lightness < 0.08:
        return "black"
    if lightness > 0.94:
        return "white"
    if fullness < 0.12:
        return "grey"
    return next(name for until, name in _HUES if hue * 360 < until)


def _answer(call: Call, said: list[str], made_with: dict[str, str]) -> Made:
    schema = call.params.get("schema")
    if schema is None and call.params.get("returns") is not None:
        try:
            schema = schema_of_returns(call.params["returns"])
        except ReturnsError as error:
            text = f"`returns` of {call.kind} cannot be read: {error}"
            raise NodeError(text, hint=f"see the short form in `dagcontent kinds {call.kind}`") from error
    made_with = {"measure": _VERSION, **made_with}
    prompt = text_of(call, "prompt") or ""
    if schema is None:
        asked = f" Asked for: {' '.join(prompt.split())}" if prompt.strip() else ""
        return Made(f"{' '.join(said)} This is a draft: nobody looked at it.{asked}", made_with)
    writer = Writer(" ".join([prompt, *said]), "" if call.seed is None else str(call.seed))
    return Made(writer.conforming(schema, schema, ()), made_with)
