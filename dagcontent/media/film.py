"""Turn clips and pictures into a film (video.concat). Knows no model.

Every clip is brought to one size, rate and colour, and to exactly its number of frames of the `timeline`; its sound to exactly
the samples between its first frame and its end. A picture is seen by a slow camera, frame by frame, and subtitles are drawn
before anything is encoded: one run of ffmpeg does it all, and nothing is encoded twice. Where clips of one coding follow by cuts,
their pictures are copied (`spliced`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg, picture, probe
from dagcontent.media.arguments import blobs_of, flag_of, text_of, texts_of
from dagcontent.media.burn import Style, drawing
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.camera import seen
from dagcontent.media.carried import cut, merged, shifted, titled, within
from dagcontent.media.chapters import chapters_of
from dagcontent.media.coded import coded_facts
from dagcontent.media.facts import known_facts
from dagcontent.media.feed import Feed
from dagcontent.media.sheet import opened
from dagcontent.media.spliced import pictures_of, splice
from dagcontent.media.sync import SAMPLE_RATE, SOUND, check_sync
from dagcontent.media.timeline import Shot, Timeline, timeline
from dagcontent.values.value import Blob

__all__ = ["concat"]

_TRANSITIONS: Final = {"fade": "fade", "dissolve": "dissolve", "wipe": "wipeleft", "slide": "slideleft"}


def concat(call: Call) -> Made:
    """Join `clips`. Raises NodeError for a transition longer than a clip, InternalError when sound and pictures drift."""
    shots = [_shot(call, blob) for blob in blobs_of(call, "clips")]
    if not shots:
        text = "`clips` of video.concat is empty"
        raise NodeError(text, hint="give at least one clip")
    audio, listed = _beside(call, "audio", len(shots))
    subtitles, each = _beside(call, "subtitles", len(shots))
    plan = timeline(call, shots, [known_facts(call, sound) for sound in audio] if listed else [])
    length = plan.seconds(plan.total)
    starts = [plan.seconds(frame) for frame in plan.starts]
    alignment = _words(shots, audio, starts, length, listed=listed)
    chapters = _chapters(call, shots, starts, length)
    sources = [
        *(_seen(call, plan, i, shot) for i, shot in enumerate(shots)),
        *(_source(call, a, "audio") for a in audio),
    ]
    heard = _sound(plan, shots, len(audio), listed=listed)
    joined = None if subtitles else _spliced(call, plan, sources[: len(shots)])
    if joined is not None:
        graph, pictures, encode = ";".join(heard), f"{len(sources)}:v:0", ["-c:v", "copy", *ffmpeg.AAC]
        sources.append(joined)
    else:
        drawn = _drawn(call, plan, subtitles, alignment, each=each)
        graph, pictures = ";".join([*_pictures(plan, shots, drawn), *heard]), "[v]"
        encode = [*ffmpeg.H264, "-r", plan.rate, *ffmpeg.AAC]
    encode += chapters_of(call, chapters, sources)
    out = call.workdir / "film.mp4"
    version = ffmpeg.render(
        call, sources, out, encode=[*encode, *ffmpeg.MP4], graph=graph, maps=[pictures, "[a]"],
        filters=["xfade", "acrossfade", "concat", "tpad", "amix", "adelay", *(["ass"] if subtitles else [])], seconds=length,
    )  # fmt: skip
    measured, sound_ms = coded_facts(out)
    check_sync(call, plan.fps, plan.total, measured["duration_ms"], sound_ms or 0)  # a film always has sound
    measured |= {name: rows for name, rows in (("alignment", alignment), ("chapters", chapters)) if rows}
    drawn_with = picture.made_with() if subtitles or any(shot.still for shot in shots) else {}
    return Made(NewFile(out, "video", "video/mp4", measured), {"ffmpeg": version, **drawn_with, **probe.made_with()})


def _shot(call: Call, blob: Blob) -> Shot:
    if blob.type != "image":
        return Shot(blob, known_facts(call, blob))
    facts = blob.facts if "width" in blob.facts else probe.measure(call.path(blob), "image", blob.media_type)
    return Shot(blob, {"width": facts["width"], "height": facts["height"]})


def _beside(call: Call, name: str, count: int) -> tuple[list[Blob], bool]:
    """Return what goes with the clips, and whether it is one each. Raises NodeError for a list of another length."""
    blobs, listed = blobs_of(call, name), isinstance(call.params.get(name), list)
    if listed and len(blobs) != count:
        text = f"`{name}` is a list of {len(blobs)}, and `clips` one of {count}"
        raise NodeError(text, hint="give one a clip, or one for the whole without a list")
    return blobs, listed


def _words(
    shots: Sequence[Shot], audio: Sequence[Blob], starts: Sequence[float], length: float, *, listed: bool
) -> list[dict[str, Any]]:
    """Return the words of all shots and recordings, at their times in the film."""
    spoken = [sound.facts.get("alignment") for sound in audio]
    own = [shifted(shot.facts.get("alignment"), at, length) for shot, at in zip(shots, starts, strict=True)]
    return merged(*own, *(shifted(w, at, length) for w, at in zip(spoken, starts if listed else [0.0], strict=False)))


def _chapters(call: Call, shots: Sequence[Shot], starts: Sequence[float], length: float) -> list[dict[str, Any]]:
    titles = texts_of(call, "titles")
    if titles is not None:
        return titled(titles, starts, length)
    return merged(
        *(cut(shifted(shot.facts.get("chapters"), at), length) for shot, at in zip(shots, starts, strict=True))
    )


def _drawn(
    call: Call, plan: Timeline, subtitles: Sequence[Blob], alignment: Sequence[dict[str, Any]], *, each: bool
) -> list[str]:
    """Return the filters that draw subtitles: one for each shot, then one for the whole; "" where nothing is drawn."""
    style = Style(karaoke=flag_of(call, "karaoke"))
    filters = [""] * (len(plan.frames) + 1)
    if not each:
        for one in subtitles:
            filters[-1] = f"{drawing(call, one, style, plan.size, alignment)},"
        return filters
    for i, (one, start, frames) in enumerate(zip(subtitles, plan.starts, plan.frames, strict=True)):
        words = within(alignment, plan.seconds(start), plan.seconds(start + frames))
        filters[i] = "," + drawing(call, one, style, plan.size, words, f"burn{i}")
    return filters


def _spliced(call: Call, plan: Timeline, clips: Sequence[ffmpeg.Input]) -> ffmpeg.Source | None:
    """Return the pictures of all clips as they are, in one file; None where they have to be encoded again."""
    files = [clip for clip in clips if isinstance(clip, ffmpeg.Source)]
    if plan.overlap or len(files) < len(clips):
        return None
    found = [pictures_of(clip.path, clip.media_type) for clip in files]
    for pictures, frames in zip(found, plan.frames, strict=True):
        if pictures is None or found[0] is None or not found[0].goes_on_as(pictures) or pictures.frames != frames:
            return None
    first = found[0]
    if first is None or first.size != plan.size or first.fps != plan.fps:
        return None
    return ffmpeg.Source(splice([clip.path for clip in files], plan.fps, call.workdir / "spliced.mp4"), "video/mp4")


def _pictures(plan: Timeline, shots: Sequence[Shot], drawn: Sequence[str]) -> list[str]:
    """Return the rows from what is shown to [v]; `drawn` are filters on the way, the last one for all of it."""
    rows = [
        f"[{i}:v:0]{_chain(plan, shot, plan.frames[i])}{drawn[i]},"
        f"settb={plan.fps.denominator}/{plan.fps.numerator}[v{i}]"
        for i, shot in enumerate(shots)
    ]
    last = f"{drawn[-1]}{ffmpeg.LAST}"
    count = len(shots)
    if plan.overlap:
        joined = "v0"
        for i in range(1, count):
            duration = f"{plan.seconds(plan.overlap):.6f}"
            offset = f"{plan.seconds(plan.starts[i]):.6f}"
            effect = _TRANSITIONS[plan.transition]
            rows.append(f"[{joined}][v{i}]xfade=transition={effect}:duration={duration}:offset={offset}[x{i}]")
            joined = f"x{i}"
        rows.append(f"[{joined}]trim=end_frame={plan.total},{last}[v]")
    else:
        rows.append("".join(f"[v{i}]" for i in range(count)) + f"concat=n={count}:v=1:a=0,{last}[v]")
    return rows


def _chain(plan: Timeline, shot: Shot, frames: int) -> str:
    """Return the filters that bring a shot to the film's grid: a picture's frames are made for it."""
    if shot.still:
        return "setsar=1,format=yuv420p"
    return (
        f"setpts=PTS-STARTPTS,fps={plan.rate}:start_time=0{_scaled(plan, shot.facts)},setsar=1,format=yuv420p,"
        f"tpad=stop=-1:stop_mode=clone,trim=end_frame={frames}"
    )


def _scaled(plan: Timeline, facts: dict[str, Any]) -> str:
    width, height = plan.size
    if (facts["width"], facts["height"]) == plan.size:
        return ""
    square = ",scale=w='trunc(iw*sar/2)*2':h='trunc(ih/2)*2'"
    if plan.fit == "stretch":
        return f",scale={width}:{height}:flags=bicubic"
    if plan.fit == "cover":
        return (
            f"{square},scale={width}:{height}:force_original_aspect_ratio=increase:flags=bicubic,crop={width}:{height}"
        )
    return (
        f"{square},scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=bicubic,"
        f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:black"
    )


def _sound(plan: Timeline, shots: Sequence[Shot], extra: int, *, listed: bool) -> list[str]:
    """Return the rows from the clips' own sound, and the recordings laid over it, to [a]."""
    rows: list[str] = []
    count = len(shots)
    for i, shot in enumerate(shots):
        length = plan.sample(plan.starts[i] + plan.frames[i]) - plan.sample(plan.starts[i])
        begin = (
            f"[{i}:a:0]asetpts=PTS-STARTPTS,{SOUND}"
            if "sample_rate" in shot.facts
            else f"anullsrc=r={SAMPLE_RATE}:cl=stereo,{SOUND}"
        )
        rows.append(f"{begin},apad,atrim=end_sample={length}[a{i}]")
    own = "own" if extra else "joined"
    if plan.overlap:
        joined = "a0"
        for i in range(1, count):
            overlap = plan.sample(plan.starts[i] + plan.overlap) - plan.sample(plan.starts[i])
            # Cubic roots leave and arrive late and early: a voice that begins with its clip is heard from its first word.
            rows.append(f"[{joined}][a{i}]acrossfade=ns={overlap}:c1=cbr:c2=cbr[m{i}]")
            joined = f"m{i}"
        rows.append(f"[{joined}]anull[{own}]")
    else:
        rows.append("".join(f"[a{i}]" for i in range(count)) + f"concat=n={count}:v=0:a=1[{own}]")
    if extra:
        for j in range(extra):
            delay = f",adelay=delays={plan.sample(plan.starts[j])}S:all=1" if listed and plan.starts[j] else ""
            rows.append(f"[{count + j}:a:0]asetpts=PTS-STARTPTS,{SOUND}{delay}[e{j}]")
        # Sounds that meet may be too loud together; without any of their own nothing has to be held down.
        both = any("sample_rate" in shot.facts for shot in shots) or listed
        limit = ",alimiter=limit=0.97:level=0:latency=1" if both else ""
        inputs = "[own]" + "".join(f"[e{j}]" for j in range(extra))
        rows.append(f"{inputs}amix=inputs={extra + 1}:duration=first:normalize=0{limit}[joined]")
    rows.append(f"[joined]apad,atrim=end_sample={plan.sample(plan.total)}[a]")
    return rows


def _seen(call: Call, plan: Timeline, index: int, shot: Shot) -> ffmpeg.Input:
    if not shot.still:
        return _source(call, shot.blob, "video")
    motion = text_of(call, "motion") or "zoom_in"
    image = functools.partial(opened, call, shot.blob)
    return ffmpeg.Raw(Feed(seen(image, plan.size, plan.frames[index], motion)), plan.size, plan.fps)


def _source(call: Call, blob: Blob, type: str) -> ffmpeg.Source:  # noqa: A002 - the design's word
    path = call.path(blob)
    return ffmpeg.Source(path, probe.check_input(path, type))
