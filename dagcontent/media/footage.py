"""Turn a clip, a chain of filters and a number of frames into a clip of exactly that length. Knows no kind and no model.

Theory. Pictures are put on a grid of whole frames first (a variable rate is then none), in square pixels and the right way
up; a chain of filters sees nothing else. Where only a later part is wanted, decoding starts `MARGIN_S` before it, on the
grid: a long recording is not read from its beginning. Sound is counted in whole samples at the places of those frames.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Final

import msgspec

from dagcontent.media import ffmpeg, picture, probe
from dagcontent.media.arguments import even
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.chapters import chapters_of
from dagcontent.media.coded import coded_facts
from dagcontent.media.facts import known_facts
from dagcontent.media.sync import SAMPLE_RATE, SOUND, check_sync
from dagcontent.values.value import Blob

__all__ = ["AS_IT_IS", "MARGIN_S", "Change", "Clip", "Take", "grid", "rendered", "whole"]

MARGIN_S: Final = 10
"""A picture that is held for longer than this just before a cut is not seen after it."""


class Clip:
    """A clip as it is read: its facts, its length in frames, its size in square pixels, the right way up."""

    def __init__(self, call: Call, blob: Blob) -> None:
        self.facts = known_facts(call, blob)
        self.fps = Fraction(*self.facts["fps"]).limit_denominator(1001)
        self.frames = max(1, round(Fraction(self.facts["duration_ms"], 1000) * self.fps))
        self.path = call.path(blob)
        self.media_type = probe.check_input(self.path, "video")
        self.source = ffmpeg.Source(self.path, self.media_type)
        wide = self.facts["width"] * probe.pixel_shape(self.path, self.media_type)
        self.size = (even(wide), even(self.facts["height"]))
        self.sounds = "sample_rate" in self.facts

    @property
    def rate(self) -> str:
        """Pictures a second, as ffmpeg reads it."""
        return f"{self.fps.numerator}/{self.fps.denominator}"

    def seconds(self, frame: int) -> float:
        """Return when a frame begins."""
        return float(frame / self.fps)


class Take(msgspec.Struct, frozen=True):
    """Which part of a clip is read: from frame `first`, `frames` of them; at `speed` 2 twice as fast as it was."""

    first: int
    frames: int
    speed: Fraction = Fraction(1)


class Change(msgspec.Struct, frozen=True):
    """What is done to the pictures and the loudness of a take.

    `chain` goes from the pictures on to the result; with `rows`, whole rows of a filter graph, it ends in `[p]`, and they
    lead from there to `[q]`; `also` are their sources, from input 1. `filters` are those that not every ffmpeg has.
    """

    chain: str = "null"
    also: tuple[ffmpeg.Source, ...] = ()
    rows: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    gain: float = 1.0


AS_IT_IS: Final = Change()


def whole(clip: Clip) -> Take:
    """Return the take that is all of a clip."""
    return Take(0, clip.frames)


def grid(clip: Clip, take: Take) -> tuple[ffmpeg.Source, str, str]:
    """Return the source of a take, and the filters that put its pictures and its sound on the grid."""
    begins = max(0, take.first - math.ceil(MARGIN_S * clip.fps))
    skipped = take.first - begins
    source = clip.source
    aligned = "setpts=PTS-STARTPTS,", "asetpts=PTS-STARTPTS,"
    if begins:
        source = msgspec.structs.replace(source, before=("-ss", f"{clip.seconds(begins):.6f}"))
        aligned = "", ""
    speed = take.speed
    faster = f"setpts=PTS*{speed.denominator}/{speed.numerator}," if speed != 1 else ""
    end = skipped + take.frames
    pictures = (
        f"{aligned[0]}{faster}fps={clip.rate}:start_time=0,scale={clip.size[0]}:{clip.size[1]}:flags=lanczos,setsar=1,"
        f"format=yuv420p,tpad=stop=-1:stop_mode=clone,trim=start_frame={skipped}:end_frame={end},setpts=PTS-STARTPTS"
    )
    first, last = (round(frame / clip.fps * SAMPLE_RATE) for frame in (skipped, end))
    sound = f"{aligned[1]}{SOUND}{_tempo(speed)},apad,atrim=start_sample={first}:end_sample={last},asetpts=PTS-STARTPTS"
    return source, pictures, sound


def rendered(
    call: Call,
    clip: Clip,
    take: Take,
    change: Change = AS_IT_IS,
    carried: dict[str, list[dict[str, Any]]] | None = None,
) -> Made:
    """Render a take of a clip, changed, in one run of ffmpeg. `carried` are the facts that travel, as they are in the result.

    Raises InternalError when sound and pictures drift.
    """
    source, pictures, sound = grid(clip, take)
    seconds = clip.seconds(take.frames)
    begin = f"[0:v:0]{pictures},{change.chain}"
    graph = [f"{begin}[p]", *change.rows, f"[q]{ffmpeg.LAST}[v]"] if change.rows else [f"{begin},{ffmpeg.LAST}[v]"]
    maps = ["[v]"]
    encode = [*ffmpeg.H264, "-r", clip.rate]
    if clip.sounds:
        graph.append(f"[0:a:0]{sound},volume={change.gain}[a]")
        maps.append("[a]")
        encode += ffmpeg.AAC
    sources = [source, *change.also]
    facts = {name: found for name, found in (carried or {}).items() if found}
    encode += chapters_of(call, facts.get("chapters"), sources)
    out = call.workdir / "clip.mp4"
    version = ffmpeg.render(
        call, sources, out, encode=[*encode, *ffmpeg.MP4], graph=";".join(graph), maps=maps, filters=["tpad", *change.filters],
        seconds=seconds,
    )  # fmt: skip
    measured, sound_ms = coded_facts(out)
    check_sync(call, clip.fps, take.frames, measured["duration_ms"], sound_ms)
    made_with = {"ffmpeg": version, **picture.made_with(), **probe.made_with()}
    return Made(NewFile(out, "video", "video/mp4", measured | facts), made_with)


def _tempo(speed: Fraction) -> str:
    """Return the filters that change the tempo and keep the pitch; each by no more than it does well."""
    made, left = "", speed
    while left > 2:
        made, left = f"{made},atempo=2", left / 2
    while left < Fraction(1, 2):
        made, left = f"{made},atempo=0.5", left * 2
    return made if left == 1 else f"{made},atempo={float(left):.6f}"
