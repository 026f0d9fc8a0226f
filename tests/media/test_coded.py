from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dagcontent.errors import InternalError
from dagcontent.media import ffmpeg
from dagcontent.media.coded import coded_facts, same_streams
from dagcontent.media.probe import measure
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio

_AAC_MS = 22


@pytest.fixture(scope="session")
def films(studio: Studio, clip: Blob, silent: Blob, card: Blob, voice: Blob) -> list[Blob]:
    """Clips of every way in which we encode."""
    subtitles = studio.make("subtitles.build", alignment=clip.facts["alignment"])
    return [
        clip,
        silent,
        studio.make("video.concat", clips=[clip, silent], transition="fade", transition_seconds=0.2, fps=29.97),
        studio.make("video.concat", clips=[clip, clip]),
        studio.make("video.concat", clips=[card, card], audio=[voice, voice], size="64x48", fps=50),
        studio.make("video.speed", video=clip, factor=3),
        studio.make("video.trim", video=clip, start=0.3, end=0.9),
        studio.make("video.reframe", video=silent, aspect="1:1"),
        studio.make("subtitles.burn", video=clip, subtitles=subtitles),
        studio.make("video.mux", video=silent, audio=voice, fit="loop"),
    ]


@pytest.mark.slow
def test_packets_say_what_decoding_says(studio: Studio, films: list[Blob]) -> None:
    """Length, size and rate to the letter, the end of the sound within a packet; equal bytes are equal content."""
    for film in films:
        packets, sound_ms = coded_facts(studio.path(film))
        decoded, heard_ms = measure(studio.path(film), "video", "video/mp4"), studio.sound_ms(film)
        assert packets.pop("content") != decoded.pop("content")
        assert packets == decoded
        assert {name: film.facts[name] for name in packets} == packets
        assert (sound_ms is None) == (heard_ms is None)
        assert abs((sound_ms or 0) - (heard_ms or 0)) <= _AAC_MS
    assert len({film.facts["content"] for film in films}) == len(films)


def test_a_clip_that_lacks_pictures_is_no_result(studio: Studio, clip: Blob) -> None:
    """An encoder that was stopped on its way leaves such a file."""
    short = studio.root / "short.mp4"
    data = studio.path(clip).read_bytes()
    short.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(InternalError, match=r"short\.mp4 has \d+ of \d+ pictures"):
        coded_facts(short)


@pytest.mark.slow
def test_streams_are_the_same_whatever_is_written_around_them(studio: Studio, clip: Blob, silent: Blob) -> None:
    """A title and a cover change a file and none of its streams; encoding again changes all of them."""
    tagged = studio.make("metadata.write", media=clip, title="A title")
    again = studio.root / "again.mp4"
    argv = [
        ffmpeg.executable(),
        "-v",
        "error",
        "-y",
        "-i",
        str(studio.path(clip)),
        "-crf",
        "30",
        "-c:a",
        "copy",
        str(again),
    ]
    studio.run(argv)
    path = studio.path(clip)
    assert same_streams(path, studio.path(tagged), "video/mp4")
    assert not same_streams(path, again, "video/mp4")
    assert not same_streams(path, studio.path(silent), "video/mp4")
