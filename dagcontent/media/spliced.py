"""Turn clips whose pictures are coded alike into one stream of pictures, as they are. Knows no kind and no sound.

Encoding again costs time and quality. It is not needed where clips follow each other by cuts and a decoder can go from one
to the next without being told anything new: the same coding, size, rate and headers, one picture a frame, a key frame first.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from dagcontent.media.sniff import DEMUXERS

__all__ = ["Pictures", "pictures_of", "splice"]

_TICKS = 90_000


class Pictures(msgspec.Struct, frozen=True):
    """How a clip's pictures are coded, and how many there are."""

    coding: str
    header: bytes
    size: tuple[int, int]
    fps: Fraction
    frames: int

    def goes_on_as(self, other: Pictures) -> bool:
        """Tell whether a decoder of this clip can go on with another."""
        return msgspec.structs.replace(self, frames=other.frames) == other


def pictures_of(path: Path, media_type: str) -> Pictures | None:
    """Return how a clip's pictures are coded, without decoding more than one; None for what cannot be spliced."""
    import av  # noqa: PLC0415 - takes 0.1 to 0.4 s

    if media_type != "video/mp4":
        return None
    with av.open(str(path), format=DEMUXERS[media_type], options={"protocol_whitelist": "file"}) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        fps = Fraction(stream.average_rate or 0)
        packets = [packet for packet in container.demux(stream) if packet.size]
        times = sorted(Fraction(packet.pts) * packet.time_base for packet in packets if packet.pts is not None)
        container.seek(0)
        turned = next((frame.rotation for frame in container.decode(stream)), 0)
        even = fps > 0 and all(
            abs(at - times[0] - number / fps) * fps < Fraction(1, 4) for number, at in enumerate(times)
        )
        if (
            context.name != "h264" or context.pix_fmt != "yuv420p" or turned or (stream.sample_aspect_ratio or 1) != 1
            or not packets or len(times) != len(packets) or not even or not packets[0].is_keyframe
        ):  # fmt: skip
            return None
        header = bytes(context.extradata or b"")
        return Pictures(context.name, header, (stream.width, stream.height), fps, len(packets))


def splice(paths: Sequence[Path], fps: Fraction, out: Path) -> Path:
    """Write the pictures of clips one after another, packet by packet, and return the path."""
    import av  # noqa: PLC0415 - as above

    tick = Fraction(1, _TICKS)
    with av.open(str(out), "w", format="mp4", options={"fflags": "+bitexact"}) as made:
        stream: Any = None
        begins = 0
        for path in paths:
            with av.open(str(path), format=DEMUXERS["video/mp4"], options={"protocol_whitelist": "file"}) as container:
                source = container.streams.video[0]
                if stream is None:
                    stream = made.add_stream_from_template(source)
                    stream.time_base = tick
                packets = [packet for packet in container.demux(source) if packet.size]
                first = min(Fraction(packet.pts or 0) * packet.time_base for packet in packets)
                for packet in packets:
                    shown, decoded = (
                        round(((Fraction(at or 0) * packet.time_base - first) * fps + begins) / fps * _TICKS)
                        for at in (packet.pts, packet.dts)
                    )
                    packet.stream = stream
                    packet.time_base, packet.pts, packet.dts = tick, shown, decoded
                    packet.duration = round(_TICKS / fps)  # of the last one, nothing else tells when it ends
                    made.mux(packet)
                begins += len(packets)
    return out
