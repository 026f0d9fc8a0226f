from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
import sounds
from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio

TITLE = "Rain = \\ ; # and\n„Sonne“"


def picture(studio: Studio, card: Blob, form: str) -> Blob:
    """Return a picture in another format."""
    data = io.BytesIO()
    Image.open(studio.path(card)).convert("RGB").save(data, form.upper())
    return studio.put(f"cover.{form}", data.getvalue(), "image", f"image/{form}")


def written(studio: Studio, blob: Blob) -> dict[str, Any]:
    """Return what another program reads out of a file."""
    import av

    with av.open(str(studio.path(blob))) as file:
        covers = [s for s in file.streams.video if "attached_pic" in repr(s.disposition)]
        return {
            **{key: file.metadata.get(key) for key in ("title", "artist")},
            "chapters": [(c["metadata"]["title"], float(c["start"] * c["time_base"])) for c in file.chapters()],
            "covers": [s.codec_context.name for s in covers],
        }


@pytest.mark.slow
@pytest.mark.parametrize(("form", "cover"), [("mp3", "jpeg"), ("m4a", "png"), ("mp4", "webp")])
def test_words_are_written_and_nothing_is_encoded_again(form: str, cover: str, studio: Studio, card: Blob) -> None:
    """A listener's program shows them; what is heard and seen are the same samples and pixels."""
    media = sounds.sound(studio, 2.3, rate=44100, channels=2, name=form, alignment=sounds.spoken(2.3, 3))
    params: dict[str, Any] = {
        "media": media, "title": TITLE, "artist": "Ada", "cover": picture(studio, card, cover),
        "chapters": [{"title": "Two", "start": 1.5}, {"title": "One; #", "start": 0.0}],
    }  # fmt: skip
    made = studio.make("metadata.write", **params)
    assert (made.type, made.media_type) == (media.type, media.media_type)
    assert made.facts["content"] == media.facts["content"]
    assert made.facts["alignment"] == media.facts["alignment"]
    assert [row["title"] for row in made.facts["chapters"]] == ["One; #", "Two"]
    assert made.facts["chapters"][0]["end"] == 1.5
    codec = "mjpeg" if cover == "jpeg" else "png"
    said = {
        "title": " ".join(TITLE.split()),
        "artist": "Ada",
        "chapters": [("One; #", 0.0), ("Two", 1.5)],
        "covers": [codec],
    }
    assert written(studio, made) == said
    assert studio.plays(made)
    assert made == studio.make("metadata.write", **params)


@pytest.mark.slow
def test_chapters_travel_into_the_file(studio: Studio) -> None:
    """A show that was joined of parts with titles needs no second list of them; what was written before gives way."""
    rows = [{"title": "a", "start": 0.0, "end": 0.5}, {"title": "b", "start": 0.5, "end": 1.0}]
    media = sounds.sound(studio, 1.0, rate=44100, name="mp3", chapters=rows)
    made = studio.make("metadata.write", media=studio.make("metadata.write", media=media, artist="Ada"), title="Show")
    assert written(studio, made) == {
        "title": "Show",
        "artist": None,
        "chapters": [("a", 0.0), ("b", 0.5)],
        "covers": [],
    }
    assert made.facts["chapters"] == rows


@pytest.mark.parametrize(
    ("form", "params", "said"),
    [
        ("wav", {"title": "x"}, "`media` is audio/wav: metadata.write writes into mp3, m4a and mp4"),
        (
            "mp3",
            {"chapters": [{"title": "late", "start": 7.0}]},
            "chapter 1 (`late`) is at 7 s, and `media` is 1.00 s long",
        ),
        ("mp3", {"chapters": [{"title": "a", "start": 0.5, "end": 0.2}]}, "chapter 1 (`a`) is at 0.5 to 0.2 s"),
    ],
)
def test_what_cannot_be_written_is_said(form: str, params: dict[str, Any], said: str, studio: Studio) -> None:
    """A chapter beyond the end would be dropped by some players and not by others."""
    with pytest.raises(NodeError) as caught:
        studio.make("metadata.write", media=sounds.sound(studio, 1.0, rate=44100, name=form), **params)
    assert caught.value.message.startswith(said)
    assert caught.value.hint


def test_a_cover_is_a_picture(studio: Studio) -> None:
    """It is decoded before it is copied into a file that a thousand players will open."""
    bad = studio.put("cover.png", b"\x89PNG\r\n\x1a\n" + b"x" * 40, "image", "image/png")
    with pytest.raises(NodeError, match=r"cover\.png is"):
        studio.make("metadata.write", media=sounds.sound(studio, 1.0, rate=44100, name="mp3"), cover=bad)
