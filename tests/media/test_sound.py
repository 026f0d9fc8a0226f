from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dagcontent.errors import NodeError
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio


@pytest.mark.slow
def test_gap_and_titles(studio: Studio, voice: Blob, clip: Blob) -> None:
    """A clip's sound counts as a recording; every word and chapter is where its sound is."""
    joined = studio.make("audio.concat", clips=[voice, clip, voice], gap=0.25, titles=["a", "b", "c"])
    lengths = [blob.facts["duration_ms"] for blob in (voice, clip, voice)]
    assert abs(joined.facts["duration_ms"] - sum(lengths) - 500) <= 3
    assert joined.facts["chapters"][2]["start"] == pytest.approx((lengths[0] + lengths[1] + 500) / 1000, abs=0.003)
    assert len(joined.facts["alignment"]) == 3 * len(voice.facts["alignment"])
    assert (joined.facts["sample_rate"], joined.facts["channels"]) == (48000, 2)
    assert studio.plays(joined)


def test_crossfade_overlaps(studio: Studio, voice: Blob) -> None:
    """Two recordings that overlap are shorter by the overlap; equal calls are equal bytes."""
    one, other = (studio.make("audio.concat", clips=[voice, voice], crossfade=0.2) for _ in range(2))
    assert one == other
    assert abs(one.facts["duration_ms"] - 2 * voice.facts["duration_ms"] + 200) <= 2
    assert one.facts["sample_rate"] == voice.facts["sample_rate"]


@pytest.mark.parametrize("params", [{"clips": []}, {"gap": 1, "crossfade": 1}, {"crossfade": 30}, {"titles": ["one"]}])
def test_what_does_not_fit_together_is_said(params: dict[str, Any], studio: Studio, voice: Blob) -> None:
    """Each of these has no meaning."""
    with pytest.raises(NodeError) as caught:
        studio.make("audio.concat", **{"clips": [voice, voice], **params})
    assert caught.value.hint


def test_a_silent_clip_is_no_recording(studio: Studio, voice: Blob, silent: Blob) -> None:
    """The message says which clip has no sound."""
    with pytest.raises(NodeError, match="clip 2"):
        studio.make("audio.concat", clips=[voice, silent])
