from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio


@pytest.mark.slow
@pytest.mark.parametrize(("fit", "longer"), [("pad", True), ("trim", False), ("loop", True), ("freeze", True)])
def test_lengths_are_brought_together(fit: str, longer: bool, studio: Studio, silent: Blob, voice: Blob) -> None:
    """The sound is longer than the clip here: it is kept, or cut with `trim`."""
    muxed = studio.make("video.mux", video=silent, audio=voice, fit=fit)
    wanted = voice.facts["duration_ms"] if longer else silent.facts["duration_ms"]
    assert abs(muxed.facts["duration_ms"] - wanted) <= 1000 / 15
    assert studio.plays(muxed)
    assert muxed.facts["alignment"][0]["text"].startswith("Hello")


@pytest.mark.slow
def test_pictures_that_need_no_change_are_copied(studio: Studio, clip: Blob, voice: Blob) -> None:
    """Encoding again would cost time and quality."""
    import av

    muxed = studio.make("video.mux", video=clip, audio=voice)
    packets = []
    for blob in (clip, muxed):
        with av.open(str(studio.path(blob))) as container:
            packets.append([bytes(packet) for packet in container.demux(video=0)])
    assert packets[0] == packets[1]


@pytest.mark.slow
def test_own_sound_can_be_kept(studio: Studio, clip: Blob, voice: Blob) -> None:
    """With the clip's own sound kept, its words are kept too; without, they are gone."""
    both = studio.make("video.mux", video=clip, audio=voice, keep_original_db=-6)
    alone = studio.make("video.mux", video=clip, audio=voice)
    assert len(both.facts["alignment"]) == 2 * len(alone.facts["alignment"])
    assert studio.plays(both)
