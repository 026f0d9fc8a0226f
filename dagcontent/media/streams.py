"""Turn a clip into what its streams are, without decoding them: their codings, and where they can be cut. Knows no kind."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from dagcontent.media.sniff import DEMUXERS

__all__ = ["coding", "keyframes"]


def keyframes(path: Path, media_type: str) -> list[Fraction]:
    """Return the times of the key frames, in seconds from the first picture. Nothing is decoded."""
    import av  # noqa: PLC0415 - takes 0.1 to 0.4 s

    with av.open(str(path), format=DEMUXERS[media_type], options={"protocol_whitelist": "file"}) as container:
        stream = container.streams.video[0]
        shown = [
            (Fraction(packet.pts) * packet.time_base, packet.is_keyframe)
            for packet in container.demux(stream)
            if packet.pts is not None and packet.time_base is not None
        ]
    begins = min((at for at, _ in shown), default=Fraction(0))
    return sorted(at - begins for at, key in shown if key)


def coding(path: Path, media_type: str) -> tuple[tuple[str, str], str | None]:
    """Return the coding and the pixel format of a clip's pictures, and the coding of its sound, None if it has none."""
    import av  # noqa: PLC0415 - takes 0.1 to 0.4 s

    with av.open(str(path), format=DEMUXERS[media_type], options={"protocol_whitelist": "file"}) as container:
        video = container.streams.video[0].codec_context
        audio = next(iter(container.streams.audio), None)
        return (video.name, str(video.pix_fmt)), None if audio is None else audio.codec_context.name
