"""Turn clips into a film (video.concat). Knows no model.

Theory. Time is counted in whole frames of the film, and sound in whole samples at those frames' places, so that
nothing drifts however many clips there are. Every clip is brought to one size, rate and colour, and to exactly its
number of frames; its sound to exactly the samples between its first frame and its end. The first clip sets what is
not given. One run of ffmpeg does it all; where clips of one coding follow by cuts, their pictures are copied (`spliced`).

    clip i begins at frame  f(i) = sum over k < i of (n(k) - d)      d: frames of a transition, 0 for a cut
    and at sample           round(f(i) / fps * 48000)
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

import msgspec

from dagcontent.errors import InternalError, NodeError
from dagcontent.media import ffmpeg, probe
from dagcontent.media.arguments import blobs_of, even, fps_of, number_of, size_of, text_of, texts_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.carried import cut, merged, shifted, titled
from dagcontent.media.chapters import chapters_of
from dagcontent.media.spliced import pictures_of, splice
from dagcontent.values.value import Blob

__all__ = ["SAMPLE_RATE", "SOUND", "check_sync", "concat", "known_facts"]

SAMPLE_RATE: Final = 48000
_AAC_FRAME_MS: Final = 22
_TRANSITIONS: Final = {"fade": "fade", "dissolve": "dissolve", "wipe": "wipeleft", "slide": "slideleft"}
SOUND: Final = f"aresample={SAMPLE_RATE},aformat=sample_fmts=fltp:channel_layouts=stereo"


class _Plan(msgspec.Struct, frozen=True):
    """The film in frames: how long each clip is shown, where it begins, how neighbours overlap."""

    size: tuple[int, int]
    fps: Fraction
    frames: tuple[int, ...]
    starts: tuple[int, ...]
    overlap: int
    transition: str
    fit: str

    @property
    def total(self) -> int:
        return self.starts[-1] + self.frames[-1]

    def seconds(self, frame: int) -> float:
        return float(frame / self.fps)

    def sample(self, frame: int) -> int:
        return round(frame / self.fps * SAMPLE_RATE)


def concat(call: Call) -> Made:
    """Join `clips`. Raises NodeError for a transition longer than a clip, InternalError when sound and pictures drift."""
    clips, audio = blobs_of(call, "clips"), blobs_of(call, "audio")
    if not clips:
        text = "`clips` of video.concat is empty"
        raise NodeError(text, hint="give at least one clip")
    listed = isinstance(call.params.get("audio"), list)
    if listed and len(audio) != len(clips):
        text = f"there are {len(audio)} recordings for {len(clips)} clips"
        raise NodeError(text, hint="give one recording a clip, or one for the whole")
    facts = [known_facts(call, clip) for clip in clips]
    plan = _plan(call, facts, [known_facts(call, sound) for sound in audio] if listed else [])
    titles = texts_of(call, "titles")
    length = plan.seconds(plan.total)
    starts = [plan.seconds(frame) for frame in plan.starts]
    chapters = (
        titled(titles, starts, length)
        if titles is not None
        else merged(*(cut(shifted(f.get("chapters"), at), length) for f, at in zip(facts, starts, strict=True)))
    )
    sources = [_source(call, clip, "video") for clip in clips] + [_source(call, sound, "audio") for sound in audio]
    heard = _sound(plan, facts, len(audio), listed=listed)
    joined = _spliced(call, plan, sources[: len(clips)])
    if joined is not None:
        graph, seen, encode = ";".join(heard), f"{len(sources)}:v:0", ["-c:v", "copy", *ffmpeg.AAC]
        sources.append(joined)
    else:
        graph, seen = ";".join([*_pictures(plan, facts), *heard]), "[v]"
        encode = [*ffmpeg.H264, "-r", f"{plan.fps.numerator}/{plan.fps.denominator}", *ffmpeg.AAC]
    encode += chapters_of(call, chapters, sources)
    out = call.workdir / "film.mp4"
    version = ffmpeg.render(
        call, sources, out, encode=[*encode, *ffmpeg.MP4], graph=graph, maps=[seen, "[a]"],
        filters=["xfade", "acrossfade", "concat", "tpad", "amix", "adelay"], seconds=length,
    )  # fmt: skip
    measured, sound_ms = probe.measure_clip(out)
    check_sync(call, plan.fps, plan.total, measured["duration_ms"], sound_ms or 0)  # a film always has sound
    spoken = [sound.facts.get("alignment") for sound in audio]
    alignment = merged(
        *(shifted(f.get("alignment"), at, length) for f, at in zip(facts, starts, strict=True)),
        *(shifted(words, at, length) for words, at in zip(spoken, starts if listed else [0.0], strict=False)),
    )
    measured |= {name: rows for name, rows in (("alignment", alignment), ("chapters", chapters)) if rows}
    return Made(NewFile(out, "video", "video/mp4", measured), {"ffmpeg": version, **probe.made_with()})


def known_facts(call: Call, blob: Blob) -> dict[str, Any]:
    """Return an artifact's facts, measured now if they were not at commit."""
    if "duration_ms" in blob.facts:
        return blob.facts
    return {**probe.measure(call.path(blob), blob.type, blob.media_type), **blob.facts}


def _plan(call: Call, facts: list[dict[str, Any]], sounds: list[dict[str, Any]]) -> _Plan:
    first = facts[0]
    size = size_of(call) or (first["width"], first["height"])
    fps = fps_of(call, Fraction(*first["fps"]).limit_denominator(1001))
    frames = [max(1, round(Fraction(f["duration_ms"], 1000) * fps)) for f in facts]
    transition = text_of(call, "transition") or "cut"
    overlap = 0 if transition == "cut" else max(1, round((number_of(call, "transition_seconds") or 0.5) * fps))
    for number, count in enumerate(frames, start=1):
        if overlap and len(frames) > 1 and count <= overlap:
            text = f"clip {number} is shorter than the {transition}: {float(count / fps):.2f} s"
            raise NodeError(
                text, hint=f"set `transition_seconds` below {float(count / fps):.2f}, or make the clip longer"
            )
    starts = [0]
    for count in frames[:-1]:
        starts.append(starts[-1] + count - overlap)
    if sounds:
        # Words are never cut: the last picture stays until the sound that runs over the end is over.
        ends = [Fraction(s["duration_ms"], 1000) + at / fps for s, at in zip(sounds, starts, strict=True)]
        lacking = max(ends) * fps - (starts[-1] + frames[-1])
        frames[-1] += max(0, -int(-lacking // 1) if lacking >= Fraction(1, 2) else 0)
    even_size = (max(16, even(size[0])), max(16, even(size[1])))
    return _Plan(even_size, fps, tuple(frames), tuple(starts), overlap, transition, text_of(call, "fit") or "pad")


def _spliced(call: Call, plan: _Plan, clips: Sequence[ffmpeg.Source]) -> ffmpeg.Source | None:
    """Return the pictures of all clips as they are, in one file; None where they have to be encoded again."""
    if plan.overlap:
        return None
    found = [pictures_of(clip.path, clip.media_type) for clip in clips]
    for pictures, frames in zip(found, plan.frames, strict=True):
        if pictures is None or found[0] is None or not found[0].goes_on_as(pictures) or pictures.frames != frames:
            return None
    first = found[0]
    if first is None or first.size != plan.size or first.fps != plan.fps:
        return None
    return ffmpeg.Source(splice([clip.path for clip in clips], plan.fps, call.workdir / "spliced.mp4"), "video/mp4")


def _pictures(plan: _Plan, facts: list[dict[str, Any]]) -> list[str]:
    rate = f"{plan.fps.numerator}/{plan.fps.denominator}"
    rows = [
        f"[{i}:v:0]setpts=PTS-STARTPTS,fps={rate}:start_time=0{_scaled(plan, f)},setsar=1,format=yuv420p,"
        f"tpad=stop=-1:stop_mode=clone,trim=end_frame={plan.frames[i]},settb={plan.fps.denominator}/{plan.fps.numerator}[v{i}]"
        for i, f in enumerate(facts)
    ]
    count = len(facts)
    if plan.overlap and count > 1:
        joined = "v0"
        for i in range(1, count):
            duration = f"{plan.overlap / plan.fps.numerator * plan.fps.denominator:.6f}"
            offset = f"{plan.seconds(plan.starts[i]):.6f}"
            effect = _TRANSITIONS[plan.transition]
            rows.append(f"[{joined}][v{i}]xfade=transition={effect}:duration={duration}:offset={offset}[x{i}]")
            joined = f"x{i}"
        rows.append(f"[{joined}]trim=end_frame={plan.total},{ffmpeg.LAST}[v]")
    else:
        rows.append("".join(f"[v{i}]" for i in range(count)) + f"concat=n={count}:v=1:a=0,{ffmpeg.LAST}[v]")
    return rows


def _scaled(plan: _Plan, facts: dict[str, Any]) -> str:
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


def _sound(plan: _Plan, facts: list[dict[str, Any]], extra: int, *, listed: bool) -> list[str]:
    """Return the rows from the clips' own sound, and the recordings laid over it, to [a]."""
    rows: list[str] = []
    count = len(facts)
    for i, f in enumerate(facts):
        length = plan.sample(plan.starts[i] + plan.frames[i]) - plan.sample(plan.starts[i])
        begin = (
            f"[{i}:a:0]asetpts=PTS-STARTPTS,{SOUND}"
            if "sample_rate" in f
            else f"anullsrc=r={SAMPLE_RATE}:cl=stereo,{SOUND}"
        )
        rows.append(f"{begin},apad,atrim=end_sample={length}[a{i}]")
    own = "own" if extra else "joined"
    if plan.overlap and count > 1:
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
        both = any("sample_rate" in f for f in facts) or listed
        limit = ",alimiter=limit=0.97:level=0:latency=1" if both else ""
        inputs = "[own]" + "".join(f"[e{j}]" for j in range(extra))
        rows.append(f"{inputs}amix=inputs={extra + 1}:duration=first:normalize=0{limit}[joined]")
    rows.append(f"[joined]apad,atrim=end_sample={plan.sample(plan.total)}[a]")
    return rows


def _source(call: Call, blob: Blob, type: str) -> ffmpeg.Source:  # noqa: A002 - the design's word
    path = call.path(blob)
    return ffmpeg.Source(path, probe.check_input(path, type))


def check_sync(call: Call, fps: Fraction, frames: int, duration_ms: int, sound_ms: int | None) -> None:
    """Raise InternalError when what was made is not `frames` long, or its sound (None: it has none) not as long as its pictures."""
    frame_ms = 1000 / fps
    off = float(abs(duration_ms - frames * frame_ms))
    drift = 0 if sound_ms is None else abs(sound_ms - duration_ms)
    # The sound is stored in packets of 1,024 samples: at more than 46 pictures a second a packet is longer than one.
    if off >= frame_ms or drift >= max(float(frame_ms), _AAC_FRAME_MS):
        text = f"sound and pictures of {call.kind} drifted: {drift:.0f} ms apart, {off:.0f} ms from the plan"
        raise InternalError(text, hint="please report this with the clips")
