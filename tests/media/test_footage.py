"""Random clips through every kind that changes one: lengths, sizes, places and times against what arithmetic says."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg
from dagcontent.media.probe import measure
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio

pytestmark = pytest.mark.slow


def filmed(
    studio: Studio, name: str, *, size: str = "64x48", fps: str = "12", seconds: float = 2.0, sound: str | None = "sine=440",
    more: tuple[str, ...] = (), chain: str = "null", **facts: Any,
) -> Blob:  # fmt: skip
    """Make a clip as somebody else would have: test pictures that say their frame, a tone."""
    path = studio.root / f"{name}.mp4"
    argv = [
        ffmpeg.executable(),
        "-y",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        f"testsrc=size={size}:rate={fps}:duration={seconds}",
    ]
    if sound:
        argv += ["-f", "lavfi", "-i", f"{sound}:duration={seconds}"]
    argv += ["-vf", chain, "-pix_fmt", "yuv420p", "-g", "6", *more, str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    found = measure(path, "video", "video/mp4") | facts
    return studio.put(f"{name}-kept.mp4", path.read_bytes(), "video", "video/mp4", **found)


clips = st.fixed_dictionaries(
    {
        "size": st.sampled_from(["64x48", "48x64", "66x50", "96x54"]),
        "fps": st.sampled_from(["12", "25", "30000/1001", "10"]),
        "seconds": st.sampled_from([0.5, 1.0, 1.7, 2.0]),
        "sound": st.sampled_from(["sine=440", "anoisesrc=r=8000:a=0.1", "sine=sample_rate=96000", None]),
    }
)


class Film:
    """One random clip, made once for all that is done with it."""

    made: dict[str, Blob] = {}

    @classmethod
    def of(cls, studio: Studio, given: dict[str, Any]) -> Blob:
        """Return the clip of a description."""
        name = "clip" + "".join(c if c.isalnum() else "-" for c in repr(sorted(given.items())))
        if name not in cls.made:
            cls.made[name] = filmed(studio, name, **given)
        return cls.made[name]


def frame_ms(clip: Blob) -> float:
    """Return the length of a picture."""
    fps = Fraction(*clip.facts["fps"])
    return float(1000 / fps)


def together(studio: Studio, clip: Blob) -> bool:
    """Tell whether a clip plays to its end with its sound as long as its pictures."""
    facts, sound_ms = measure(studio.path(clip), "video", "video/mp4"), studio.sound_ms(clip)
    return studio.plays(clip) and (sound_ms is None or abs(sound_ms - facts["duration_ms"]) <= max(22, frame_ms(clip)))


@settings(max_examples=6, deadline=None)
@given(given=clips, begin=st.floats(0, 0.8), length=st.floats(0.05, 1))
def test_a_part_is_as_long_as_it_was_asked_for(
    studio: Studio, given: dict[str, Any], begin: float, length: float
) -> None:
    """Whatever the rate, a part is off by less than a frame, and keeps size, rate and sound."""
    clip = Film.of(studio, given)
    whole = clip.facts["duration_ms"] / 1000
    start, end = begin * whole, begin * whole + length * (1 - begin) * whole
    part = studio.make("video.trim", video=clip, start=start, end=end)
    assert abs(part.facts["duration_ms"] / 1000 - (end - start)) <= 1.01 * frame_ms(clip) / 1000
    assert [part.facts[k] for k in ("width", "height")] == [clip.facts[k] for k in ("width", "height")]
    assert ("sample_rate" in part.facts) == ("sample_rate" in clip.facts)
    assert together(studio, part)


@settings(max_examples=6, deadline=None)
@given(given=clips, factor=st.sampled_from([0.25, 0.5, 0.8, 1.0, 1.5, 3.0, 5.0]))
def test_a_faster_clip_is_shorter_by_its_factor(studio: Studio, given: dict[str, Any], factor: float) -> None:
    """Its words come earlier by the same factor."""
    clip = Film.of(studio, given)
    words = [{"text": "one", "start": 0.1, "end": 0.3}]
    spoken = Blob(clip.digest, clip.type, clip.media_type, clip.size_bytes, clip.facts | {"alignment": words})
    fast = studio.make("video.speed", video=spoken, factor=factor)
    assert abs(fast.facts["duration_ms"] - clip.facts["duration_ms"] / factor) <= 1.01 * frame_ms(clip)
    assert fast.facts["alignment"][0]["start"] == pytest.approx(0.1 / factor, abs=0.002)
    assert together(studio, fast)


@settings(max_examples=6, deadline=None)
@given(
    given=clips, width=st.integers(16, 130), height=st.none() | st.integers(16, 130),
    fit=st.sampled_from(["contain", "cover", "pad", "stretch"]),
)  # fmt: skip
def test_sizes_are_those_that_were_asked_for(
    studio: Studio, given: dict[str, Any], width: int, height: int | None, fit: str
) -> None:
    """Even sides, as coded colour needs; `contain` keeps the shape, the others the size."""
    clip = Film.of(studio, given)
    made = studio.make("video.resize", video=clip, width=width, height=height, fit=fit)
    size, shape = (made.facts["width"], made.facts["height"]), clip.facts["width"] / clip.facts["height"]
    if height is not None and fit != "contain":
        assert all(abs(side - wanted) <= 1 for side, wanted in zip(size, (width, height), strict=True))
    else:
        assert abs(size[0] - size[1] * shape) <= 2 * max(1, shape)
        assert size[0] <= width + 1
        assert height is None or size[1] <= height + 1
    assert made.facts["duration_ms"] == pytest.approx(clip.facts["duration_ms"], abs=frame_ms(clip))
    assert together(studio, made)


@settings(max_examples=6, deadline=None)
@given(
    given=clips, aspect=st.sampled_from(["9:16", "1:1", "4:5", "16:9"]), mode=st.sampled_from(["crop", "pad", "blur"]),
    x=st.sampled_from([0.0, 0.5, 1.0]),
)  # fmt: skip
def test_shapes_are_those_that_were_asked_for(
    studio: Studio, given: dict[str, Any], aspect: str, mode: str, x: float
) -> None:
    """A crop is never larger than the clip; with bars or blur the longer side stays."""
    clip = Film.of(studio, given)
    made = studio.make("video.reframe", video=clip, aspect=aspect, mode=mode, x=x)
    wide, high = (float(part) for part in aspect.split(":"))
    width, height = made.facts["width"], made.facts["height"]
    assert abs(width - height * wide / high) <= 2 * max(1, wide / high)
    if mode == "crop":
        assert width <= clip.facts["width"] + 1
        assert height <= clip.facts["height"] + 1
    else:
        assert abs(max(width, height) - max(clip.facts["width"], clip.facts["height"])) <= 1
    assert together(studio, made)


def picture_of(studio: Studio, clip: Blob, at: float | str) -> Image.Image:
    """Return a picture of a clip."""
    return Image.open(studio.path(studio.make("video.frame", video=clip, at=at))).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures, 0 to 255."""
    from PIL import ImageChops, ImageStat

    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


def test_what_a_part_shows_is_what_was_there(studio: Studio) -> None:
    """A part that begins beyond the margin of the seek shows the very frame, and so does a picture taken there."""
    clip = filmed(studio, "long", seconds=14, fps="10", size="96x96")
    part = studio.make("video.trim", video=clip, start=12.3, end=12.9)
    for moment in (0.0, 0.3, 0.5):
        same = difference(picture_of(studio, clip, 12.3 + moment), picture_of(studio, part, moment))
        other = difference(picture_of(studio, clip, 12.3 + moment + 0.1), picture_of(studio, part, moment))
        assert same < 10, f"{moment} s is another picture: {same}"
        assert same < other
    first, last = picture_of(studio, clip, "first"), picture_of(studio, clip, "last")
    assert difference(first, last) > 3
    assert difference(last, picture_of(studio, clip, 13.9)) == 0


def test_reframed_content_keeps_its_centre(studio: Studio) -> None:
    """A white spot in the middle stays in the middle, in each mode; `x` moves what a crop keeps."""
    spot = "drawbox=0:0:iw:ih:black:fill,drawbox=iw/2-8:ih/2-8:16:16:white:fill"
    clip = filmed(studio, "spot", size="160x90", seconds=0.5, chain=spot, sound=None)
    for mode in ("crop", "pad", "blur"):
        image = picture_of(studio, studio.make("video.reframe", video=clip, aspect="9:16", mode=mode), 0.1).convert("L")
        box = image.point(lambda value: 255 if value > 180 else 0).getbbox()
        assert box is not None
        assert abs((box[0] + box[2]) / 2 - image.width / 2) <= 2
        assert abs((box[1] + box[3]) / 2 - image.height / 2) <= 2
    left = picture_of(studio, studio.make("video.reframe", video=clip, aspect="9:16", x=0.0), 0.1).convert("L")
    assert left.point(lambda value: 255 if value > 180 else 0).getbbox() is None


def test_a_turned_clip_stands_upright(studio: Studio) -> None:
    """Telephones write pictures lying down and say that they are to be turned: sizes are those that are seen."""
    flat = filmed(studio, "flat", size="96x54", seconds=0.5)
    path = studio.root / "turned.mp4"
    argv = [
        ffmpeg.executable(),
        "-y",
        "-v",
        "error",
        "-display_rotation",
        "90",
        "-i",
        str(studio.path(flat)),
        "-c",
        "copy",
        str(path),
    ]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    facts = measure(path, "video", "video/mp4")
    assert (facts["width"], facts["height"]) == (54, 96)
    turned = studio.put("turned-kept.mp4", path.read_bytes(), "video", "video/mp4", **facts)
    for made in (studio.make("video.trim", video=turned, end=0.25), studio.make("video.concat", clips=[turned])):
        assert (made.facts["width"], made.facts["height"]) == (54, 96)
    assert picture_of(studio, turned, 0.0).size == (54, 96)


def test_a_variable_rate_and_long_pixels_are_made_even(studio: Studio) -> None:
    """Screens are recorded with pictures that come when they come, old tapes with pixels that are not square."""
    odd = filmed(
        studio,
        "odd",
        fps="25",
        seconds=2,
        chain="select='not(mod(n,3))+lt(n,10)',setsar=2/1",
        more=("-fps_mode", "vfr"),
    )
    part = studio.make("video.trim", video=odd, start=0.5, end=1.5)
    assert abs(part.facts["duration_ms"] - 1000) <= frame_ms(part)
    assert part.facts["width"] == 2 * odd.facts["width"]
    assert together(studio, part)


def test_at_key_frames_streams_are_copied(studio: Studio) -> None:
    """Encoding again would cost time and quality: the packets are the same, and no key frame is missed."""
    import av

    clip = filmed(studio, "keys", seconds=3, fps="12")
    part = studio.make("video.trim", video=clip, start=1.2, end=1.7, snap_to="keyframe")
    assert part.facts["duration_ms"] == pytest.approx(1000, abs=frame_ms(clip))
    packets = []
    for blob in (clip, part):
        with av.open(str(studio.path(blob))) as container:
            packets.append([bytes(packet) for packet in container.demux(video=0) if packet.size])
    assert packets[0][12:24] == packets[1]
    assert together(studio, part)


def test_no_word_is_cut(studio: Studio, clip: Blob) -> None:
    """With `snap_to = "word"` a part that begins or ends within a word has the whole of it."""
    words = clip.facts["alignment"]
    inside = (words[1]["start"] + words[1]["end"]) / 2
    part = studio.make("video.trim", video=clip, start=inside, snap_to="word")
    assert [word["text"] for word in part.facts["alignment"]] == [word["text"] for word in words[1:]]
    assert part.facts["alignment"][0]["start"] <= 0.1
    assert studio.plays(part)


def test_what_is_laid_over_is_seen_where_and_when_it_should(studio: Studio, silent: Blob) -> None:
    """A red card in a corner, from a time to a time, half transparent where it is asked to be."""
    red = studio.root / "red.png"
    Image.new("RGB", (40, 40), "red").save(red)
    card = studio.put("red-kept.png", red.read_bytes(), "image", "image/png")
    made = studio.make("video.overlay", video=silent, over=card, position="top_left", scale=0.25, start=0.4, end=0.6)
    for at, seen in ((0.2, False), (0.45, True), (0.7, False)):
        color = picture_of(studio, made, at).getpixel((14, 14))
        assert isinstance(color, tuple)
        assert (color[0] > 200 and color[1] < 60) == seen, (at, color)
    plain, half = (
        picture_of(studio, studio.make("video.overlay", video=silent, over=card, scale=1, opacity=o), 0.3)
        for o in (0, 0.5)
    )
    assert difference(plain, picture_of(studio, silent, 0.3)) < 4
    assert 20 < difference(plain, half) < 120
    again = studio.make("video.overlay", video=silent, over=made, position="center", scale=0.5)
    assert again.facts["duration_ms"] == silent.facts["duration_ms"]


@pytest.mark.parametrize(
    ("wanted", "media_type"),
    [
        ({"format": "webm"}, "video/webm"),
        ({"format": "mov"}, "video/quicktime"),
        ({"format": "mp4", "codec": "h265", "quality": 10}, "video/mp4"),
        ({"format": "webm", "codec": "av1", "filter": "sepia"}, "video/webm"),
        ({"format": "mp4", "filter": "gray"}, "video/mp4"),
    ],
)
def test_formats_play_and_are_the_same_again(
    studio: Studio, clip: Blob, wanted: dict[str, Any], media_type: str
) -> None:
    """Another format is another wrapping of what is seen: as long, as large, and the same bytes each time."""
    made = studio.make("video.convert", video=clip, **wanted)
    again = studio.make("video.convert", video=clip, **wanted)
    assert made.digest == again.digest
    assert made.media_type == media_type
    assert (made.facts["width"], made.facts["height"]) == (clip.facts["width"], clip.facts["height"])
    assert abs(made.facts["duration_ms"] - clip.facts["duration_ms"]) <= frame_ms(clip)
    assert made.facts["alignment"] == clip.facts["alignment"]
    assert studio.plays(made)


def test_what_needs_no_other_coding_is_copied(studio: Studio, clip: Blob) -> None:
    """From mp4 to mov and back is the same pictures and sound, to the bit."""
    there = studio.make("video.convert", video=clip, format="mov")
    back = studio.make("video.convert", video=there, format="mp4")
    decoded = {measure(studio.path(one), "video", one.media_type)["content"] for one in (clip, there, back)}
    assert len(decoded) == 1


@pytest.mark.parametrize(
    ("kind", "params", "says"),
    [
        ("video.trim", {"start": 1.0, "end": 0.5}, "not before"),
        ("video.trim", {"end": 99.0}, "s long"),
        ("video.frame", {"at": 99.0}, "s long"),
        ("video.reframe", {"aspect": "sixteen"}, "not a shape"),
        ("video.convert", {"format": "webm", "codec": "h264"}, "does not hold h264"),
        ("video.resize", {}, "missing"),
    ],
)
def test_what_cannot_be_done_is_said(
    studio: Studio, silent: Blob, kind: str, params: dict[str, Any], says: str
) -> None:
    """A length that is not there, a shape that is none: words, and no file."""
    with pytest.raises(NodeError, match=says):
        studio.make(kind, video=silent, **params)


def test_the_same_clip_is_made_whatever_the_number_of_threads(studio: Studio, clip: Blob) -> None:
    """How many cores are free must not change a result."""
    from dagcontent.media.recut import trim

    digests = {
        studio.commit(trim(studio.call("video.trim", video=clip, end=0.5, threads=threads)).value).digest
        for threads in (1, 2)
    }
    assert len(digests) == 1
