"""Turn a clip into a part of it, a faster or slower one, or one of its pictures. Knows no model."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg, picture, probe
from dagcontent.media.arguments import number_of, required_blob, text_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.carried import cut, scaled, travelling, within
from dagcontent.media.chapters import chapters_of
from dagcontent.media.footage import Clip, Take, grid, rendered
from dagcontent.media.streams import keyframes

__all__ = ["frame", "speed", "trim"]

Row = dict[str, Any]


def trim(call: Call) -> Made:
    """Return the part of `video` from `start` to `end`, snapped as `snap_to` says.

    At key frames of an mp4 the streams are copied as they are. Raises NodeError for a part that is not there.
    """
    clip = Clip(call, required_blob(call, "video"))
    length = clip.facts["duration_ms"] / 1000
    start, end = number_of(call, "start") or 0.0, number_of(call, "end")
    end = length if end is None else end
    if start >= end:
        text = f"`start` ({start:g} s) is not before `end` ({end:g} s)"
        raise NodeError(text, hint="swap them, or leave one out")
    if end > length + float(1 / clip.fps):
        text = f"`end` is {end:g} s, and the clip is {length:.3f} s long"
        raise NodeError(text, hint=f"at most {length:.3f}, or leave `end` out")
    snap = text_of(call, "snap_to") or "frame"
    if snap == "word":
        start, end = _around_words(clip.facts.get("alignment") or [], start, end)
    first, last = round(start * clip.fps), min(clip.frames, max(1, round(end * clip.fps)))
    if snap == "keyframe":
        first, last = _at_keyframes(clip, first, last)
        copied = _copied(call, clip, first, last) if clip.media_type == "video/mp4" else None
        if copied is not None:
            return copied
    first = min(first, last - 1)
    return rendered(call, clip, Take(first, last - first), carried=_part(clip, first, last))


def speed(call: Call) -> Made:
    """Return `video` at `factor` times its speed; voices keep their pitch."""
    clip = Clip(call, required_blob(call, "video"))
    factor = Fraction(number_of(call, "factor") or 1.0).limit_denominator(1000)
    frames = max(1, round(clip.frames / factor))
    carried = {
        name: cut(scaled(rows, float(1 / factor)), clip.seconds(frames))
        for name, rows in travelling(clip.facts).items()
    }
    return rendered(call, clip, Take(0, frames, factor), carried=carried)


def frame(call: Call) -> Made:
    """Return one picture of `video`: its first, its last, or the one that is seen at a time. Raises NodeError."""
    clip = Clip(call, required_blob(call, "video"))
    at = call.params.get("at")
    if at == "last":
        number = clip.frames - 1
    elif isinstance(at, int | float) and not isinstance(at, bool):
        number = math.floor(Fraction(at).limit_denominator(1_000_000) * clip.fps + Fraction(1, 1000))
        if number >= clip.frames:
            text = f"`at` is {at:g} s, and the clip is {clip.facts['duration_ms'] / 1000:.3f} s long"
            raise NodeError(text, hint="at = 'last' is its last picture")
    else:
        number = 0
    source, pictures, _ = grid(clip, Take(number, 1))
    out = call.workdir / "frame.png"
    version = ffmpeg.render(
        call, [source], out, encode=["-frames:v", "1", "-c:v", "png", "-update", "1", "-f", "image2"],
        graph=f"[0:v:0]{pictures},scale=out_range=pc,format=rgb24[v]", maps=["[v]"], filters=["tpad"],
    )  # fmt: skip
    facts = probe.measure(out, "image", "image/png")
    return Made(NewFile(out, "image", "image/png", facts), {"ffmpeg": version, **picture.made_with()})


def _around_words(words: list[Row], start: float, end: float) -> tuple[float, float]:
    """Return the part made longer, so that no word is cut."""
    starts = [row["start"] for row in words if row["start"] < start < row["end"]]
    ends = [row["end"] for row in words if row["start"] < end < row["end"]]
    return min([start, *starts]), max([end, *ends])


def _at_keyframes(clip: Clip, first: int, last: int) -> tuple[int, int]:
    """Return the part made longer, up to key frames: a clip can be cut there without encoding it again."""
    keys = [round(at * clip.fps) for at in keyframes(clip.path, clip.media_type)]
    begin = max((key for key in keys if key <= first), default=0)
    return begin, min((key for key in keys if key >= last), default=clip.frames)


def _part(clip: Clip, first: int, last: int) -> dict[str, list[Row]]:
    begin, end = clip.seconds(first), clip.seconds(last)
    seen = begin + float(1 / clip.fps)  # less than a frame of a word is none
    return {
        name: within([row for row in rows if row["end"] > seen], begin, end)
        for name, rows in travelling(clip.facts).items()
    }


def _copied(call: Call, clip: Clip, first: int, last: int) -> Made | None:
    """Return a part between key frames, its streams as they are; None where pictures depend on some before the key frame."""
    length = clip.seconds(last - first)
    # Half a frame later than the key frame, so that rounding never takes the one before. Sound has a source of its own: in
    # one, it would begin where the key frame is decoded, which is earlier than where it is seen.
    half, begin = 0.5 / float(clip.fps), clip.seconds(first)
    late = ("-itsoffset", f"{half:.6f}", "-ss", f"{begin + half:.6f}", "-noaccurate_seek") if first else ()
    sources = [ffmpeg.Source(clip.path, clip.media_type, late)]
    maps = ["0:v:0"]
    if clip.sounds:
        sources.append(ffmpeg.Source(clip.path, clip.media_type, ("-ss", f"{begin:.6f}") if first else ()))
        maps.append("1:a:0")
    facts = {name: rows for name, rows in _part(clip, first, last).items() if rows}
    encode = ["-c", "copy", "-frames:v", str(last - first), "-t", f"{length:.6f}"]
    encode += chapters_of(call, facts.get("chapters"), sources)
    out = call.workdir / "part.mp4"
    version = ffmpeg.render(call, sources, out, encode=[*encode, *ffmpeg.MP4], maps=maps, seconds=length)
    measured: dict[str, Any] = probe.measure(out, "video", "video/mp4")
    if abs(measured["duration_ms"] - length * 1000) >= 1000 / clip.fps:
        return None
    return Made(NewFile(out, "video", "video/mp4", measured | facts), {"ffmpeg": version, **probe.made_with()})
