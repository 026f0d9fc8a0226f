"""Turn recordings into one in which they sound together (audio.mix), or each at its own time (audio.place). Knows no model.

Time is counted in whole samples of the result. Sounds that meet may be too loud together: a limiter holds them below full
scale. Recordings on a line of time are laid into as few lanes as their overlaps need, each a row of sounds and pauses, so
that a thousand lines of a dub cost what their length costs.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from dagcontent.errors import NodeError
from dagcontent.media.arguments import blob_of, blobs_of, number_of, numbers_of, rows_of
from dagcontent.media.call import Call, Made
from dagcontent.media.carried import Row, merged, shifted
from dagcontent.media.recording import Recording, Shape, recording, seconds_text, shape_of, written
from dagcontent.values.value import Blob

__all__ = ["mix", "place"]

_LIMIT: Final = "alimiter=limit=0.97:level=0:latency=1"
# Pressed hard as soon as something is heard (some -55 dB), a quarter let through: lowered by some 12 dB, whoever speaks.
_DUCK: Final = "sidechaincompress=threshold=0.01:ratio=20:attack=20:release=400:detection=rms:link=maximum:knee=1.5:level_sc=8:mix=0.75"
_SLACK_S: Final = 0.1


class _Track(msgspec.Struct, frozen=True):
    """One recording of a mix."""

    heard: Recording
    gain_db: float
    duck: bool
    start: float
    loop: bool

    def ends(self, shape: Shape) -> int:
        return shape.samples(self.start) + self.heard.samples(shape)

    def row(self, index: int, shape: Shape, total: int) -> str:
        """Return the filters from an input to so many samples."""
        begin, own = shape.samples(self.start), self.heard.samples(shape)
        again = f",aloop=loop=-1:size={own}" if self.loop and begin + own < total else ""
        louder = f",volume={self.gain_db:.4f}dB" if self.gain_db else ""
        later = f",adelay=delays={begin}S:all=1" if begin else ""
        return f"{self.heard.chain(index, shape)}{again}{louder}{later},apad,atrim=end_sample={total}[t{index}]"


def mix(call: Call) -> Made:
    """Let `tracks` sound together. Raises NodeError for none, for one never heard, and where all would give way."""
    tracks = [_track(call, row, number) for number, row in enumerate(rows_of(call, "tracks"), start=1)]
    if not tracks:
        text = "`tracks` of audio.mix is empty"
        raise NodeError(text, hint='give at least one: tracks = [{ audio = "${voice}" }]')
    if all(track.duck for track in tracks):
        text = "every track of audio.mix has `duck`: there is none to give way to"
        raise NodeError(text, hint="leave `duck` out of the one that is to be understood")
    shape = shape_of(track.heard for track in tracks)
    total = max(track.ends(shape) for track in [t for t in tracks if not t.loop] or tracks)
    for number, track in enumerate(tracks, start=1):
        if shape.samples(track.start) >= total:
            text = f"track {number} of audio.mix begins at {track.start:g} s, when the others are over ({seconds_text(total / shape.rate)})"
            raise NodeError(text, hint="set its `start` earlier, or leave `loop` out to hear it after them")
    # The compressor may drop the end of what it is given, now more and now less: what it is given goes on for a second.
    rows = [track.row(i, shape, total + shape.rate) for i, track in enumerate(tracks)]
    rows += _together(tracks)
    carried = _carried([(track.heard, track.start) for track in tracks], total / shape.rate)
    return written(
        call,
        [track.heard for track in tracks],
        rows,
        shape,
        total,
        carried,
        ["sidechaincompress", "amix", "adelay", "aloop"],
    )


def place(call: Call) -> Made:
    """Lay every one of `clips` at its start. Raises NodeError where numbers differ, and for a clip that ends too late."""
    clips, starts = blobs_of(call, "clips"), numbers_of(call, "starts")
    bed, duration = blob_of(call, "bed"), number_of(call, "duration")
    if len(clips) != len(starts):
        text = f"audio.place has {len(clips)} clips and {len(starts)} starts"
        raise NodeError(text, hint="give one start a clip, in the same order")
    if not clips and bed is None and duration is None:
        text = "`clips` of audio.place is empty, and neither `duration` nor `bed` says how long it is to be"
        raise NodeError(text, hint="give at least one clip")
    early = next((n for n, start in enumerate(starts, start=1) if start < 0), None)
    if early is not None:
        text = f"clip {early} of audio.place starts at {starts[early - 1]:g} s, before the beginning"
        raise NodeError(text, hint="starts are seconds from the beginning: 0 or more")
    heard = [recording(call, clip, f"clip {number}") for number, clip in enumerate(clips, start=1)]
    under = None if bed is None else recording(call, bed, "the bed")
    everything = [*heard, *([] if under is None else [under])]
    if not everything:
        return _silence(call, duration or 0.0)
    shape = shape_of(everything)
    total = _whole(heard, starts, under, duration, shape)
    begins = [shape.samples(start) for start in starts]
    lanes = _lanes(begins, [one.samples(shape) for one in heard])
    rows = [row for number, lane in enumerate(lanes) for row in _lane(number, lane, heard, begins, shape, total)]
    names = [f"[l{number}]" for number in range(len(lanes))]
    if under is not None:
        rows.append(f"{under.chain(len(heard), shape)},apad,atrim=end_sample={total}[bed]")
        names.append("[bed]")
    rows.append(_sum(names, "a", limit=True))
    carried = _carried(
        [*zip(heard, starts, strict=True), *([] if under is None else [(under, 0.0)])], total / shape.rate
    )
    return written(call, everything, rows, shape, total, carried, ["amix", "adelay", "concat"])


def _track(call: Call, row: dict[str, Any], number: int) -> _Track:
    audio = row["audio"]
    assert isinstance(audio, Blob)
    heard = recording(call, audio, f"track {number}")
    return _Track(heard, float(row["gain_db"]), row["duck"] is True, float(row["start"]), row["loop"] is True)


def _together(tracks: list[_Track]) -> list[str]:
    """Return the rows from [t0], [t1] ... to [a]: those that duck are pressed by the sum of the others."""
    ducked = [i for i, track in enumerate(tracks) if track.duck]
    front = [f"[t{i}]" for i, track in enumerate(tracks) if not track.duck]
    loud = len(tracks) > 1 or any(track.gain_db > 0 for track in tracks)
    if not ducked:
        return [_sum(front, "a", limit=loud)]
    rows = [_sum(front, "front", limit=False)]
    rows.append(f"[front]asplit={len(ducked) + 1}[heard]" + "".join(f"[k{i}]" for i in ducked))
    rows += [f"[t{i}][k{i}]{_DUCK}[d{i}]" for i in ducked]
    return [*rows, _sum(["[heard]", *(f"[d{i}]" for i in ducked)], "a", limit=True)]


def _sum(names: list[str], out: str, *, limit: bool) -> str:
    held = f",{_LIMIT}" if limit else ""
    if len(names) == 1:
        return f"{names[0]}{_LIMIT if limit else 'anull'}[{out}]"
    return f"{''.join(names)}amix=inputs={len(names)}:duration=first:normalize=0{held}[{out}]"


def _whole(
    heard: list[Recording], starts: list[float], under: Recording | None, duration: float | None, shape: Shape
) -> int:
    """Return the length of a line of time in samples. Raises NodeError for a clip that `duration` would cut."""
    ends = [shape.samples(at) + one.samples(shape) for one, at in zip(heard, starts, strict=True)]
    if duration is None:
        return max(*ends, 0, 0 if under is None else under.samples(shape))
    total = max(1, shape.samples(duration))
    late = next((n for n, end in enumerate(ends) if end > total + shape.samples(_SLACK_S)), None)
    if late is not None:
        text = f"{heard[late].name} of audio.place ends at {seconds_text(ends[late] / shape.rate)}, after the `duration` of {duration:g} s"
        raise NodeError(text, hint="bring it to its place by audio.fit, or make `duration` longer")
    return total


def _lanes(begins: list[int], lengths: list[int]) -> list[list[int]]:
    """Return the clips in lanes, by their number, so that none of a lane overlap: each goes to the first that is free."""
    lanes: list[list[int]] = []
    free: list[int] = []
    for i in sorted(range(len(begins)), key=lambda n: (begins[n], n)):
        at = next((lane for lane, until in enumerate(free) if until <= begins[i]), None)
        if at is None:
            lanes.append([])
            free.append(0)
            at = len(lanes) - 1
        lanes[at].append(i)
        free[at] = begins[i] + lengths[i]
    return lanes


def _lane(
    number: int, lane: list[int], heard: list[Recording], begins: list[int], shape: Shape, total: int
) -> list[str]:
    rows = []
    for position, i in enumerate(lane):
        until = begins[lane[position + 1]] if position + 1 < len(lane) else max(total, begins[i] + 1)
        later = f",adelay=delays={begins[i]}S:all=1" if position == 0 and begins[i] else ""
        whole = until - (0 if position == 0 else begins[i])
        rows.append(f"{heard[i].chain(i, shape)}{later},apad=whole_len={whole}[c{i}]")
    names = "".join(f"[c{i}]" for i in lane)
    joined = f"concat=n={len(lane)}:v=0:a=1" if len(lane) > 1 else "anull"
    return [*rows, f"{names}{joined},apad,atrim=end_sample={total}[l{number}]"]


def _silence(call: Call, seconds: float) -> Made:
    shape = Shape(48000, stereo=False)
    row = f"anullsrc=r={shape.rate}:cl={shape.layout}[a]"
    return written(call, [], [row], shape, max(1, shape.samples(seconds)), {})


def _carried(placed: list[tuple[Recording, float]], end: float) -> dict[str, list[Row]]:
    return {
        name: merged(*(shifted(one.facts.get(name), at, end) for one, at in placed))
        for name in ("alignment", "chapters")
    }
