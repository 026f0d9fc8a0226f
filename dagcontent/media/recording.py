"""Turn artifacts that can be heard into recordings of one rate, counted in whole samples, and filters into a file of sound.

Knows no kind. Sound comes in at up to 48 kHz as mono or stereo: what is faster or has more channels is brought down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg, probe
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.carried import Row, cut, travelling
from dagcontent.media.facts import known_facts
from dagcontent.values.value import Blob

__all__ = ["Recording", "Shape", "recording", "seconds_text", "shape_of", "written"]

_RATE_MAX: Final = 48000


class Shape(msgspec.Struct, frozen=True):
    """How sound is counted: samples a second, and one channel or two."""

    rate: int
    stereo: bool

    @property
    def layout(self) -> str:
        """Return the layout's name in ffmpeg."""
        return "stereo" if self.stereo else "mono"

    def samples(self, seconds: float) -> int:
        """Return the nearest whole number of samples."""
        return round(seconds * self.rate)

    def form(self) -> str:
        """Return the filters that bring a sound into this shape."""
        return f"aresample={self.rate},aformat=sample_fmts=fltp:channel_layouts={self.layout}"


class Recording(msgspec.Struct, frozen=True):
    """Something that can be heard: a sound, or a clip's. `seconds` is its length."""

    source: ffmpeg.Source
    facts: Mapping[str, Any]
    name: str
    seconds: float

    def samples(self, shape: Shape) -> int:
        """Return its length in whole samples, at least one."""
        return max(1, shape.samples(self.seconds))

    def carried(self) -> dict[str, list[Row]]:
        """Return what travels with it, as far as it is heard."""
        return {name: cut(rows, self.seconds) for name, rows in travelling(self.facts).items()}

    def chain(self, index: int, shape: Shape) -> str:
        """Return the filters from input number `index` to exactly its own length in this shape, without an end."""
        return f"[{index}:a:0]asetpts=PTS-STARTPTS,{shape.form()},apad,atrim=end_sample={self.samples(shape)}"


def recording(call: Call, blob: Blob, what: str = "`audio`") -> Recording:
    """Return an artifact as a recording. Raises NodeError for one that is damaged, or without sound; `what` names it.

    A clip is as long as its pictures, or as its sound where that is longer: nothing that is said is cut off.
    """
    path = call.path(blob)
    name = f"{what} ({blob.name})" if blob.name else what
    try:
        facts = known_facts(call, blob)
        source = ffmpeg.Source(path, probe.check_input(path, "audio"))
    except NodeError as error:
        said = error.message.replace(path.name, name, 1)
        raise NodeError(said, facts=error.facts, hint=error.hint) from error
    if "sample_rate" not in facts:
        text = f"{name} of {call.kind} has no sound"
        raise NodeError(text, hint="give a recording, or a clip with sound")
    length_ms = int(facts["duration_ms"])
    if blob.type == "video":
        length_ms = max(length_ms, probe.measure(path, "audio", source.media_type)["duration_ms"])
    return Recording(source, facts, name, length_ms / 1000)


def shape_of(recordings: Iterable[Recording]) -> Shape:
    """Return the shape that loses least of all of them."""
    facts = [one.facts for one in recordings]
    rate = min(_RATE_MAX, max(int(f["sample_rate"]) for f in facts))
    return Shape(rate, max(int(f["channels"]) for f in facts) > 1)


def written(
    call: Call,
    recordings: Sequence[Recording],
    rows: Sequence[str],
    shape: Shape,
    samples: int,
    carried: Mapping[str, list[Row]],
    filters: Iterable[str] = (),
) -> Made:
    """Render filters that end in [a] into a WAV of exactly this length, and give it what travels with it."""
    out = call.workdir / "sound.wav"
    version = ffmpeg.render(
        call, [one.source for one in recordings], out, encode=[*ffmpeg.WAV, "-map_chapters", "-1"],
        graph=";".join([*rows, f"[a]apad,atrim=end_sample={samples}[out]"]), maps=["[out]"], filters=filters,
        seconds=samples / shape.rate,
    )  # fmt: skip
    facts: dict[str, Any] = probe.measure(out, "audio", "audio/wav")
    facts |= {name: found for name, found in carried.items() if found}
    return Made(NewFile(out, "audio", "audio/wav", facts), {"ffmpeg": version, **probe.made_with()})


def seconds_text(seconds: float) -> str:
    """Return a length as people read it."""
    return f"{seconds:.2f} s"
