"""Turn a clip that was just encoded into its facts, by its packets: how many, from when to when, of what. Decodes nothing.

What comes from elsewhere is measured by decoding it whole (`probe`): it may be damaged anywhere. A file that an encoder finished without
an error says of itself what was put into it, and reading its packets takes a hundredth of the time.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from dagcontent.errors import InternalError
from dagcontent.media.sniff import DEMUXERS

__all__ = ["coded_facts", "same_streams"]


class _Stream(msgspec.Struct):
    """One stream of a file: its packets, where they begin and end in its own unit of time, and a digest of all."""

    packets: int = 0
    begin: int = 0
    end: int = 0
    content: Any = msgspec.field(default_factory=hashlib.sha256)  # Any: hashlib names no type


def coded_facts(path: Path) -> tuple[dict[str, Any], int | None]:
    """Return the facts of an mp4 clip, and the length of its sound in ms or None.

    `content` is the digest of what was coded. Raises InternalError for a clip without pictures, or with fewer than it says.
    """
    import av  # noqa: PLC0415 - takes 0.1 to 0.4 s

    with av.open(str(path), format=DEMUXERS["video/mp4"], options={"protocol_whitelist": "file"}) as container:
        video, audio = container.streams.video[0], next(iter(container.streams.audio), None)
        found = _read(container)
        seen, heard = found[video.index], found.get(audio.index) if audio is not None else None
        if not seen.packets or seen.packets < video.frames:
            text = f"{path.name} has {seen.packets} of {video.frames} pictures"
            raise InternalError(text, hint="please report this with the graph")
        fps = Fraction(video.average_rate or 0)
        facts: dict[str, Any] = {
            "width": video.width, "height": video.height, "fps": [fps.numerator, fps.denominator],
            "duration_ms": round((seen.end - seen.begin) * Fraction(video.time_base or 0) * 1000),
        }  # fmt: skip
        content = hashlib.sha256(seen.content.digest())
        sound_ms = None
        if audio is not None and heard is not None:
            facts |= {"sample_rate": audio.rate, "channels": audio.channels}
            content.update(heard.content.digest())
            # The first packet of a coding that needs one to begin with stands before the beginning.
            sound_ms = round((heard.end - max(heard.begin, 0)) * Fraction(audio.time_base or 0) * 1000)
        return {**facts, "content": content.hexdigest()}, sound_ms


def same_streams(one: Path, other: Path, media_type: str) -> bool:
    """Tell whether two files of a type hold the same coded sound and pictures, whatever stands around them; a cover is none."""
    import av  # noqa: PLC0415 - as above
    from av.stream import Disposition  # noqa: PLC0415 - as above

    found = []
    for path in (one, other):
        with av.open(str(path), format=DEMUXERS[media_type], options={"protocol_whitelist": "file"}) as container:
            read = _read(container)
            kinds = [
                stream
                for stream in container.streams
                if stream.type in ("video", "audio") and not stream.disposition & Disposition.attached_pic
            ]
            found.append([(stream.type, read[stream.index].content.digest()) for stream in kinds])
    return found[0] == found[1]


def _read(container: Any) -> dict[int, _Stream]:  # Any: PyAV's classes, late
    found = {stream.index: _Stream() for stream in container.streams}
    for packet in container.demux():
        if not packet.size:
            continue
        stream = found[packet.stream.index]
        stream.packets += 1
        stream.content.update(memoryview(packet))
        if packet.pts is not None:
            stream.begin = packet.pts if stream.packets == 1 else min(stream.begin, packet.pts)
            stream.end = max(stream.end, packet.pts + (packet.duration or 0))
    return found
