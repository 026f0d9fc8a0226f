"""Turn a recording into how loud it is, and into one as loud as is asked for (audio.normalize). Knows no model.

Theory. Loudness is EBU R128's integrated one (LUFS), peaks are true peaks (dBTP), both by ffmpeg's meter. A first pass
measures. The gain that is missing is then given to the whole, so that nothing of the dynamics changes; only where that would
push peaks beyond -1 dBTP they are held by a limiter at four times the rate. A limiter takes some loudness away: what is
missing is measured again and added, a few times at most. What cannot be reached so is said, not approached.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import msgspec

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg
from dagcontent.media.arguments import number_of, required_blob
from dagcontent.media.call import Call, Made
from dagcontent.media.recording import Recording, Shape, recording, shape_of, written

__all__ = ["SILENCE_LUFS", "Loudness", "measured", "meter", "normalize", "read_meter"]

SILENCE_LUFS: Final = -69.9
"""What is softer than the meter's own gate, -70 LUFS, has no loudness."""
_PEAK_DB: Final = -1.0
_HELD_DB: Final = -1.3  # what is held at a rate can rise a little between the samples of a lower one
_BLOCK_S: Final = 0.4
_NEAR_LU: Final = 0.1
_ENOUGH_LU: Final = 0.5
_TRIES: Final = 6
_METER: Final = "ebur128=peak=true:metadata=1"


class Loudness(msgspec.Struct, frozen=True):
    """How loud something is as a whole, and its highest peak, of full scale."""

    lufs: float
    peak: float

    @property
    def silent(self) -> bool:
        """Whether there is nothing to be heard."""
        return self.lufs <= SILENCE_LUFS

    @property
    def peak_db(self) -> float:
        """The highest peak in dBTP."""
        return 20 * math.log10(max(self.peak, 1e-6))


def meter(path: Path) -> str:
    """Return the filters that write loudness and peaks into a file, to be read by `read_meter`."""
    return f"{_METER},ametadata=mode=print:file={ffmpeg.quoted(path)}"


def read_meter(path: Path) -> Loudness:
    """Return what a meter wrote: its last word. A sound too short for it, or none, is silent."""
    lufs, peak = -70.0, 0.0
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            name, _, value = line.rstrip("\n").partition("=")
            if name == "lavfi.r128.I":
                lufs = float(value)
            elif name == "lavfi.r128.true_peak":
                peak = float(value)
    return Loudness(lufs if math.isfinite(lufs) else -70.0, peak if math.isfinite(peak) else 1.0)


def measured(call: Call, heard: Recording, shape: Shape, name: str) -> Loudness:
    """Return how loud a recording is. One too short for the meter is measured as if it went on and on."""
    samples = heard.samples(shape)
    again = f",aloop=loop=-1:size={samples},atrim=end_sample={shape.rate}" if heard.seconds < 2 * _BLOCK_S else ""
    out = call.workdir / f"{name}.txt"
    ffmpeg.listen(
        call, [heard.source], graph=f"{heard.chain(0, shape)}{again},{meter(out)}[a]", maps=["[a]"],
        filters=["ebur128", "ametadata"], seconds=heard.seconds,
    )  # fmt: skip
    return read_meter(out)


def normalize(call: Call) -> Made:
    """Bring it to `lufs`. Raises NodeError for silence, and where peaks would have to be higher than they may be."""
    heard = recording(call, required_blob(call, "audio"))
    target = number_of(call, "lufs")
    target = -16.0 if target is None else target
    shape = shape_of([heard])
    before = measured(_part(call, 0.0, 0.4), heard, shape, "before")
    if before.silent:
        text = f"{heard.name} is silent: there is no loudness to bring to {target:g} LUFS"
        raise NodeError(text, hint='look at what made it; `on_error = "skip"` goes on without it')
    gain, ceiling = target - before.lufs, _HELD_DB
    # The meter's word for a peak is rounded to a thousandth of full scale.
    if (before.peak + 0.0005) * _ratio(gain) <= _ratio(_PEAK_DB):
        return _louder(_part(call, 0.4, 1.0), heard, shape, gain)
    for number in range(_TRIES):
        begin, end = 1 - 0.6 ** (number + 1), 1 - 0.6 ** (number + 2)  # how often it takes is not known
        made = _louder(_part(call, begin, end), heard, shape, gain, ceiling)
        now = _of(_part(call, end, end), made, shape)
        missing, over = target - now.lufs, now.peak_db - _PEAK_DB
        if abs(missing) <= _NEAR_LU and over <= 0:
            return made
        gain += missing * 1.2 if missing > 0 else missing
        ceiling -= max(0.0, over + 0.1) if over > 0 else 0.0
    if abs(missing) <= _ENOUGH_LU and over <= 0:
        return made
    text = f"{heard.name} cannot be brought to {target:g} LUFS: with peaks of {_PEAK_DB:g} dBTP it comes to {now.lufs:.1f} LUFS"
    raise NodeError(text, hint=f"set `lufs` to {math.floor(now.lufs)} or lower")


def _part(call: Call, begin: float, end: float) -> Call:
    """Return a call whose progress is a part of the whole."""
    return msgspec.structs.replace(call, progress=lambda done: call.progress(begin + (end - begin) * done))


def _louder(call: Call, heard: Recording, shape: Shape, gain_db: float, ceiling_db: float | None = None) -> Made:
    chain = f"{heard.chain(0, shape)},volume={gain_db:.4f}dB:precision=double"
    if ceiling_db is not None:
        held = f"alimiter=limit={_ratio(ceiling_db):.6f}:attack=5:release=100:level=0:latency=1"
        chain += f",aresample={4 * shape.rate},{held},{shape.form()}"
    return written(call, [heard], [f"{chain}[a]"], shape, heard.samples(shape), heard.carried(), ["volume", "alimiter"])


def _ratio(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _of(call: Call, made: Made, shape: Shape) -> Loudness:
    file = made.value
    again = Recording(ffmpeg.Source(file.path, "audio/wav"), file.facts, "the result", file.facts["duration_ms"] / 1000)
    return measured(call, again, shape, "after")
