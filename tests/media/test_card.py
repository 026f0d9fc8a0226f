from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.media import card as cards
from dagcontent.media.canvas import Canvas, luminance
from dagcontent.media.fonts import BUILT_IN, missing_in, suited
from dagcontent.media.lettering import fitted, wrapped
from dagcontent.media.mood import SCENES, TIMES, mood_of, title_of
from dagcontent.media.scenery import paint_scene
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio


def test_a_prompt_is_always_the_same_picture_and_another_is_another(studio: Studio) -> None:
    """Early cutoff and every golden film stand on this."""
    one, again, other = (
        studio.make("image.generate", "card", prompt=p, size="96x64") for p in ("The sea", "The sea", "A sea")
    )
    assert one == again != other


@pytest.mark.parametrize(
    ("params", "size"),
    [
        ({}, (1280, 720)),
        ({"aspect": "9:16"}, (720, 1280)),
        ({"aspect": "1:1"}, (960, 960)),
        ({"aspect": "4:5"}, (856, 1072)),
        ({"aspect": "1:1", "size": "64x32"}, (64, 32)),
    ],
)
def test_sizes(params: dict[str, Any], size: tuple[int, int], studio: Studio) -> None:
    """The shape asked for, with as many px as 1280x720; `size` wins."""
    call = studio.call("image.generate", "card", prompt="x", **params)
    assert cards.card_size(call) == size


@pytest.mark.slow
@pytest.mark.parametrize("scene", [*SCENES, "ribbons"])
@pytest.mark.parametrize("time", list(TIMES))
def test_every_scene_can_be_painted_at_every_hour_in_every_shape(scene: str, time: str) -> None:
    """A prompt meets any of them by chance: none may fail at a shape, and none may be a blank."""
    import msgspec

    mood = msgspec.structs.replace(
        mood_of("boat lighthouse lantern snow", seed=random.Random(1)), scene=scene, time=time
    )
    for size in ((64, 36), (36, 64), (17, 120), (120, 17)):
        canvas = Canvas(size, b"seed")
        paint_scene(canvas, mood)
        assert len(canvas.image.convert("L").getcolors(256) or []) > 15


@pytest.mark.slow
@given(
    st.sampled_from(["night", "noon", "storm", "dawn", "sunset", "snow alps day"]),
    st.sampled_from([(160, 90), (90, 160), (120, 120)]),
    st.integers(0, 9),
)
def test_the_title_stands_out_everywhere(word: str, size: tuple[int, int], number: int) -> None:
    """A contrast of 4.5 is what people with weaker eyes need."""
    prompt = f"Mountains {word} {number}"
    seed = prompt.encode()
    mood = mood_of(prompt, seed=random.Random(seed))
    canvas = Canvas(size, seed)
    paint_scene(canvas, mood)
    block, at = cards._title(title_of(prompt), size)
    assert at[0] + block.width <= size[0] * 0.92
    assert at[1] + block.height <= size[1] * 0.5
    ink = cards._ink(canvas, mood, block, at)
    for color in cards._behind(canvas, block, at):
        light, dark = sorted((luminance(ink), luminance(color)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= cards.CONTRAST_MIN - 0.01


@pytest.mark.slow
@given(st.text(min_size=1, max_size=100).filter(str.strip))
def test_any_prompt_is_painted(prompt: str) -> None:
    """A prompt is data: any script, any sign."""
    assert cards.paint(prompt, (48, 32)).size == (48, 32)


def test_no_letter_is_drawn_as_a_box() -> None:
    """What no font has is left out or named, never drawn as something else."""
    assert missing_in("Hello - “world”…") == ""
    assert missing_in("Hello", BUILT_IN) == ""
    assert missing_in("漢", BUILT_IN) == "漢"
    face, written = suited("na\u0131ve \U0001d2e0 caf\u00e9")
    assert missing_in(written, face) == ""


@given(st.text("abc defg", max_size=120), st.integers(10, 40), st.integers(40, 400))
def test_lines_fit_their_width_and_lose_nothing(text: str, size: int, width: int) -> None:
    """A word that is cut in two is still whole text; a word that vanishes is not."""
    lines = wrapped(text, BUILT_IN, size, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    font = BUILT_IN.at(size)
    assert all(font.getlength(line) <= width or len(line) == 1 for line in lines)


@given(st.text("abc de", max_size=300), st.tuples(st.integers(30, 300), st.integers(20, 200)))
def test_a_fitted_text_stays_in_its_box(text: str, box: tuple[int, int]) -> None:
    """However long the text."""
    block = fitted(text, BUILT_IN, box, 60, smallest=4)
    assert block.height <= max(box[1], block.step)


def test_style_references_and_transparency_have_an_effect(studio: Studio) -> None:
    """A parameter that is ignored in the draft surprises in the final."""
    red = Image.new("RGB", (20, 20), (220, 20, 20))
    path = studio.root / "red.png"
    red.save(path)
    reference: Blob = studio.put("red2.png", path.read_bytes(), "image", "image/png")
    plain, noir, tinted, clear = (
        studio.make("image.generate", "card", prompt="The sea at noon", size="96x64", **params)
        for params in ({}, {"style": "noir"}, {"images": [reference]}, {"background": "transparent"})
    )
    assert len({blob.digest for blob in (plain, noir, tinted, clear)}) == 4
    with Image.open(studio.path(clear)) as image:
        assert image.mode == "RGBA"
        assert image.getchannel("A").getextrema()[0] == 0


def test_an_empty_prompt_is_said(studio: Studio) -> None:
    """A picture of nothing helps nobody."""
    with pytest.raises(NodeError, match="`prompt`"):
        studio.make("image.generate", "card", prompt=" ")


def test_titles() -> None:
    """What is quoted, else the first clause."""
    assert title_of("a quiet harbour at night, lanterns, 35mm") == "A quiet harbour at night"
    assert title_of('A sign says "Open late" in neon') == "Open late"
    assert len(title_of("word " * 100)) <= 66
