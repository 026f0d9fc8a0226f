"""Turn a clip into one of another size or shape, or with something laid over it. Knows no model."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg, picture
from dagcontent.media.arguments import aspect_of, even, number_of, required_blob, text_of, whole_of
from dagcontent.media.call import Call, Made
from dagcontent.media.carried import travelling
from dagcontent.media.footage import Change, Clip, Take, grid, rendered, whole
from dagcontent.values.value import Blob

__all__ = ["overlay", "reframe", "resize"]

SIDE_MAX_PX: Final = 8192
"""Of a clip: no player takes more."""
_MARGIN: Final = 0.04
_BLUR: Final = 6
_SCALE: Final = "flags=bicubic"
_PLACES: Final = {
    "top": (0.5, 0.0), "center": (0.5, 0.5), "bottom": (0.5, 1.0), "left": (0.0, 0.5), "right": (1.0, 0.5),
    "top_left": (0.0, 0.0), "top_right": (1.0, 0.0), "bottom_left": (0.0, 1.0), "bottom_right": (1.0, 1.0),
}  # fmt: skip

Size = tuple[int, int]


def resize(call: Call) -> Made:
    """Return `video` in another size. Raises NodeError where none is given, or it is too large."""
    clip = Clip(call, required_blob(call, "video"))
    width, height = whole_of(call, "width"), whole_of(call, "height")
    fit = text_of(call, "fit") or "contain"
    if width is None and height is None:
        text = "`width` and `height` of video.resize are missing"
        raise NodeError(text, hint="give `width`, `height`, or both")
    if width is None or height is None:
        # With one side given, every fit is the same: the other side follows from the shape.
        shape = Fraction(*clip.size)
        width = even(width) if width is not None else even((height or 1) * shape)
        height = even(height) if height is not None else even(width / shape)
        fit = "stretch"
    return _in_size(call, clip, _fitting(clip.size, (even(width), even(height)), fit))


def reframe(call: Call) -> Made:
    """Return `video` in the shape `aspect`: cut at the sides, or whole on black or on a blurred copy of itself."""
    clip = Clip(call, required_blob(call, "video"))
    shape = aspect_of(call)
    if shape is None:
        text = "`aspect` of video.reframe is missing"
        raise NodeError(text, hint="write width to height, as 9:16")
    mode = text_of(call, "mode") or "crop"
    width, height = clip.size
    if mode == "crop":
        kept = (min(width, even(height * shape)), min(height, even(width / shape)))
        place = number_of(call, "x")
        at = 0.5 if place is None else place
        left, top = round((width - kept[0]) * at / 2) * 2, round((height - kept[1]) / 4) * 2
        return _in_size(call, clip, Change(f"crop={kept[0]}:{kept[1]}:{left}:{top}", filters=("crop",)))
    # The longer side stays what it was; the whole picture is seen in between.
    longer = max(width, height)
    size = (even(longer), even(longer / shape)) if shape >= 1 else (even(longer * shape), even(longer))
    if mode == "pad":
        return _in_size(call, clip, _fitting(clip.size, size, "pad"))
    # Blurred small and made large again: it looks the same, and takes a fifth of the time.
    small = even(size[0] / _BLUR), even(size[1] / _BLUR)
    inside = _contained(clip.size, size)
    rows = (
        "[p]split[f][b]",
        (
            f"[b]scale={small[0]}:{small[1]}:force_original_aspect_ratio=increase:{_SCALE},crop={small[0]}:{small[1]},"
            f"gblur=sigma={max(small) / 20:.2f},eq=brightness=-0.08,scale={size[0]}:{size[1]}:{_SCALE}[back]"
        ),
        f"[f]scale={inside[0]}:{inside[1]}:{_SCALE}[front]",
        "[back][front]overlay=(W-w)/2:(H-h)/2:format=auto[q]",
    )
    return _in_size(call, clip, Change(rows=rows, filters=("gblur", "eq", "overlay")))


def overlay(call: Call) -> Made:
    """Lay `over`, a picture or a clip, over `video` from `start` to `end`. Its sound is not heard. Raises NodeError."""
    clip = Clip(call, required_blob(call, "video"))
    over = required_blob(call, "over")
    length = clip.facts["duration_ms"] / 1000
    start, end = number_of(call, "start") or 0.0, number_of(call, "end")
    if start >= length or (end is not None and end <= start):
        text = f"from {start:g} s to {length if end is None else end:g} s there is nothing to lay over: the clip is {length:.3f} s long"
        raise NodeError(text, hint="`start` comes before `end`, and before the end of the clip")
    scale, opacity = number_of(call, "scale"), number_of(call, "opacity")
    opacity = 1.0 if opacity is None else opacity
    # Half a frame earlier, so that the frame that begins at `start` has it.
    half = float(1 / clip.fps) / 2
    when = f"gte(t,{start - half:.6f})" + ("" if end is None else f"*lt(t,{end - half:.6f})")
    x, y = _PLACES[text_of(call, "position") or "bottom_right"]
    margin = 0 if scale == 1 else round(min(clip.size) * _MARGIN)
    place = f"{margin}+(W-w-{2 * margin})*{x}:{margin}+(H-h-{2 * margin})*{y}"
    if over.type == "image":
        source = ffmpeg.Source(_picture(call, over, clip.size, scale, opacity), "image/png")
        rows = [f"[p][1:v]overlay={place}:format=auto:enable='{when}'[q]"]
    else:
        other = Clip(call, over)
        source, pictures, _ = grid(other, Take(0, other.frames))
        wide, high = _scaled(other.size, clip.size, scale)
        rows = [
            (
                f"[1:v:0]{pictures},scale={wide}:{high}:{_SCALE},format=yuva420p,colorchannelmixer=aa={opacity:.4f},"
                f"setpts=PTS+{start:.6f}/TB[o]"
            ),
            f"[p][o]overlay={place}:format=auto:eof_action=pass:enable='{when}'[q]",
        ]
    change = Change(also=(source,), rows=tuple(rows), filters=("overlay", "colorchannelmixer"))
    return rendered(call, clip, whole(clip), change, travelling(clip.facts))


def _in_size(call: Call, clip: Clip, change: Change) -> Made:
    return rendered(call, clip, whole(clip), change, travelling(clip.facts))


def _fitting(size: Size, wanted: Size, fit: str) -> Change:
    """Return how a clip of one size is brought to another. Raises NodeError for one that no player takes."""
    width, height = wanted
    if max(wanted) > SIDE_MAX_PX:
        text = f"a clip of {width}x{height} px is too large to be made"
        raise NodeError(text, hint=f"at most {SIDE_MAX_PX} px a side")
    if fit == "cover":
        chain = f"scale={width}:{height}:force_original_aspect_ratio=increase:{_SCALE},crop={width}:{height}"
    elif fit == "stretch":
        chain = f"scale={width}:{height}:{_SCALE}"
    else:
        inside = _contained(size, wanted)
        chain = f"scale={inside[0]}:{inside[1]}:{_SCALE}"
        if fit == "pad":
            chain += f",pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:black"
    return Change(f"{chain},setsar=1", filters=("pad", "crop"))


def _contained(size: Size, room: Size) -> Size:
    """Return the largest size of the same shape that fits."""
    scale = min(Fraction(room[0], size[0]), Fraction(room[1], size[1]))
    return min(room[0], even(size[0] * scale)), min(room[1], even(size[1] * scale))


def _scaled(size: Size, under: Size, scale: float | None) -> Size:
    """Return the size of what is laid over: `scale` is its width as a part of what it lies on, else its own, inside."""
    if scale is not None:
        width = even(under[0] * scale)
        return width, even(size[1] * width / size[0])
    return _contained(size, under) if size[0] > under[0] or size[1] > under[1] else size


def _picture(call: Call, blob: Blob, under: Size, scale: float | None, opacity: float) -> Path:
    image = picture.open_picture(call.path(blob)).convert("RGBA")
    image = image.resize(_scaled(image.size, under, scale), Image.Resampling.LANCZOS)
    if opacity < 1:
        image.putalpha(image.getchannel("A").point([round(value * opacity) for value in range(256)]))
    path = call.workdir / "over.png"
    image.save(path)
    return path
