from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
import sounds
from hypothesis import given, settings
from hypothesis import strategies as st

from dagcontent.errors import NodeError
from dagcontent.media import mixed

if TYPE_CHECKING:
    from conftest import Studio

TONES = (400, 700, 1000, 1300)
TRACK = st.fixed_dictionaries(
    {
        "made": sounds.recordings(),
        "start": st.sampled_from((0.0, 0.25, 0.5, 1.1)),
        "gain_db": st.sampled_from((0.0, -6.0, 3.0)),
    }
)


def check_place(studio: Studio, clips: list[dict[str, Any]], bed: dict[str, Any] | None) -> None:
    heard = [
        sounds.sound(studio, **one["made"], hz=hz, db=-26, alignment=sounds.spoken(one["made"]["seconds"], 2))
        for one, hz in zip(clips, TONES, strict=False)
    ]
    under = None if bed is None else sounds.sound(studio, **bed, hz=150, db=-30)
    starts = [one["start"] for one in clips]
    params = {"clips": heard, "starts": starts, "bed": under}
    made = studio.make("audio.place", **params)
    assert made == studio.make("audio.place", **params)
    spans = [(at, at + sounds.length(studio, blob)) for at, blob in zip(starts, heard, strict=True)]
    ends = [end for _, end in spans] + ([] if under is None else [sounds.length(studio, under)])
    assert abs(made.facts["duration_ms"] - 1000 * max(ends)) <= 1
    for (begin, end), hz in zip(spans, TONES, strict=False):
        assert sounds.strength(studio.path(made), hz, begin + 0.05, begin + 0.15) > -36
        assert begin < 0.15 or sounds.strength(studio.path(made), hz, begin - 0.15, begin - 0.05) < -44
        after = (end + 0.12, end + 0.22)
        assert after[1] > max(ends) or sounds.strength(studio.path(made), hz, *after) < -44
    words = sorted(row["start"] for row in made.facts["alignment"])
    expected = [at + row["start"] for at, blob in zip(starts, heard, strict=True) for row in blob.facts["alignment"]]
    assert words == pytest.approx(sorted(expected), abs=0.001)
    assert studio.plays(made)


def check_mix(studio: Studio, front: list[dict[str, Any]], bed: dict[str, Any], *, loop: bool) -> None:
    tracks = [
        {
            "audio": sounds.sound(studio, **one["made"], hz=hz, db=-20),
            "start": one["start"] + 1.0,
            "gain_db": one["gain_db"],
        }
        for one, hz in zip(front, TONES[1:], strict=False)
    ]
    under = sounds.sound(studio, **bed, hz=400, db=-20)
    ducked = {"audio": under, "duck": True, "loop": loop}
    made, *others = (studio.make("audio.mix", tracks=[*tracks, ducked], threads=threads) for threads in (1, 4, 2))
    assert all(other == made for other in others), "the end of a pressed track is no matter of chance"
    ends = [track["start"] + sounds.length(studio, track["audio"]) for track in tracks]
    long = sounds.length(studio, under)
    assert abs(made.facts["duration_ms"] - 1000 * max([*ends, *([] if loop else [long])])) <= 1
    before = sounds.strength(studio.path(made), 400, 0.1, 0.25)
    first = min(track["start"] for track in tracks)
    if loop:
        during = sounds.strength(studio.path(made), 400, first + 0.12, first + 0.27)
        assert 5 < before - during < 16, "lowered while another sounds"
        assert before > -30
    alone = studio.make("audio.mix", tracks=tracks)
    for track, hz in zip(tracks, TONES[1:], strict=False):
        at = (track["start"] + 0.05, track["start"] + 0.25)
        assert sounds.strength(studio.path(made), hz, *at) == pytest.approx(
            sounds.strength(studio.path(alone), hz, *at), abs=3.3
        )
    assert studio.plays(made)


@pytest.mark.slow
@settings(max_examples=4)
@given(clips=st.lists(TRACK, min_size=1, max_size=3), bed=st.none() | sounds.recordings())
def test_clips_are_where_they_were_placed(
    studio: Studio, clips: list[dict[str, Any]], bed: dict[str, Any] | None
) -> None:
    """A line of a dub that comes early is heard over another face."""
    check_place(studio, clips, bed)


@pytest.mark.slow
@settings(max_examples=4)
@given(front=st.lists(TRACK, min_size=1, max_size=2), bed=sounds.recordings(), loop=st.booleans())
def test_music_gives_way_to_the_voice(
    studio: Studio, front: list[dict[str, Any]], bed: dict[str, Any], loop: bool
) -> None:
    """That is what `duck` is for: the voice stays as it is, the bed goes down."""
    check_mix(studio, front, bed, loop=loop)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@settings(max_examples=120)
@given(clips=st.lists(TRACK, min_size=1, max_size=4), bed=st.none() | sounds.recordings())
def test_many_places(studio: Studio, clips: list[dict[str, Any]], bed: dict[str, Any] | None) -> None:
    """The same, for as many as there is time for."""
    check_place(studio, clips, bed)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@settings(max_examples=120)
@given(front=st.lists(TRACK, min_size=1, max_size=3), bed=sounds.recordings(), loop=st.booleans())
def test_many_mixes(studio: Studio, front: list[dict[str, Any]], bed: dict[str, Any], loop: bool) -> None:
    """The same, for as many as there is time for."""
    check_mix(studio, front, bed, loop=loop)


@given(spans=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=12))
def test_lanes_hold_every_clip_once_and_none_overlaps(spans: list[tuple[int, int]]) -> None:
    """There are as many lanes as clips sound at once, and no more: each costs the length of the whole."""
    begins, lengths = [s for s, _ in spans], [n for _, n in spans]
    lanes = mixed._lanes(begins, lengths)
    assert sorted(i for lane in lanes for i in lane) == list(range(len(spans)))
    for lane in lanes:
        assert all(begins[a] + lengths[a] <= begins[b] for a, b in itertools.pairwise(lane))
    at_once = max((sum(b <= t < b + n for b, n in spans) for t in range(80)), default=0)
    assert len(lanes) == at_once


@pytest.mark.slow
def test_a_track_loops_as_long_as_the_others_sound(studio: Studio) -> None:
    """A bed of five seconds lies under a talk of five minutes."""
    bed, voice = sounds.sound(studio, 0.5, hz=400), sounds.sound(studio, 2.2, hz=1000)
    made = studio.make("audio.mix", tracks=[{"audio": voice}, {"audio": bed, "loop": True, "start": 0.3}])
    assert made.facts["duration_ms"] == 2200
    assert sounds.strength(studio.path(made), 400, 2.0, 2.2) > -26
    assert sounds.strength(studio.path(made), 400, 0.0, 0.25) < -60


@pytest.mark.parametrize(
    ("kind", "params", "said"),
    [
        ("audio.mix", {"tracks": []}, "`tracks` of audio.mix is empty"),
        ("audio.mix", {"tracks": [{"duck": True}]}, "every track of audio.mix has `duck`"),
        (
            "audio.mix",
            {"tracks": [{}, {"loop": True, "start": 9.0}]},
            "track 2 of audio.mix begins at 9 s, when the others",
        ),
        ("audio.place", {"clips": 2, "starts": [0.0]}, "audio.place has 2 clips and 1 starts"),
        ("audio.place", {"clips": 1, "starts": [-1.0]}, "clip 1 of audio.place starts at -1 s"),
        ("audio.place", {"clips": 2, "starts": [0.0, 2.0], "duration": 2.5}, "clip 2 of audio.place ends at 3.00 s"),
        ("audio.place", {"clips": 0, "starts": []}, "`clips` of audio.place is empty"),
    ],
)
def test_what_has_no_meaning_is_said(kind: str, params: dict[str, Any], said: str, studio: Studio) -> None:
    """Which of the recordings it is stands in the message."""
    heard = sounds.sound(studio, 1.0)
    if "tracks" in params:
        params = {"tracks": [{"audio": heard, **track} for track in params["tracks"]]}
    else:
        params = params | {"clips": [heard] * params["clips"]}
    with pytest.raises(NodeError) as caught:
        studio.make(kind, **params)
    assert caught.value.message.startswith(said)
    assert caught.value.hint
