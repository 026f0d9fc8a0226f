from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.catalog import load
from dagcontent.catalog.ability import Ability, able, capabilities, capability
from dagcontent.catalog.check import problems
from dagcontent.catalog.model import Model
from dagcontent.kinds.registry import KINDS

MAKERS = [(model, kind) for model in load.models() if not model.gone(None) for kind in model.kinds]
ASKED = [
    *(("duration", f"{n}", n) for n in (1, 4, 5, 6, 8, 10, 12, 15, 30)),
    *(("aspect", text, text) for text in ("16:9", "9:16", "1:1", "21:9", "7:5")),
    *(("resolution", text, text) for text in ("480p", "720p", "1080p", "4k")),
    *(("fps", f"{n}", n) for n in (24, 30, 50)),
    ("sound", "yes", True),
    ("sound", "no", False),
    ("prompt", "2501", "x" * 2501),
    ("prompt", "100000", "x" * 100_000),
    ("size", "1024x1024", "1024x1024"),
    ("size", "2K", "2K"),
]


@given(st.sampled_from(MAKERS), st.sampled_from(ASKED))
def test_a_model_can_do_what_check_would_let_pass(of: tuple[Model, str], asked: tuple[str, str, object]) -> None:
    """A list of models that a graph is then refused for, or that misses the one that would do, is no help."""
    model, kind = of
    name, text, value = asked
    if KINDS[kind].param(name) is None or name in {"size", "resolution"}:
        return
    wrong = [one for one in problems(model.id, KINDS[kind], {name: value}, None, "error") if one.key == name]
    assert able(model, kind, capability(f"{name}:{text}")) == (wrong == [])


@given(st.sampled_from(MAKERS), st.integers(0, 40))
def test_counts_of_references_are_bounds(of: tuple[Model, str], count: int) -> None:
    """Who takes five pictures takes four: `references` is another word for `images`."""
    model, kind = of
    asked = capability(f"references:{count + 1}")
    assert asked == capability(f"images:{count + 1}")
    if able(model, kind, asked):
        assert able(model, kind, capability(f"references:{count}"))
        assert able(model, kind, capability("references"))


@pytest.mark.parametrize(
    ("model", "kind", "can", "cannot"),
    [
        ("fal/fal-ai/veo3.1", "video.generate", ["sound", "sound:no", "duration:8", "size:4k", "resolution:4K"], ["duration:9", "aspect:1:1"]),
        ("fal/fal-ai/flux/dev", "image.generate", ["seed", "size:1024x768", "aspect:9:16"], ["images", "end_frame", "sound"]),
        ("openai/gpt-image-2", "image.generate", ["references:16", "size:4k", "size:auto"], ["references:17", "size:1000x1000", "seed"]),
        ("fal/fal-ai/bytedance/omnihuman/v1.5", "video.avatar", ["audio:60"], ["audio:61"]),
        ("fal/fal-ai/kling-video/v2.5-turbo/pro/text-to-video", "video.generate", ["sound:no", "prompt:2500"], ["sound", "prompt:2501"]),
    ],
)  # fmt: skip
def test_words_of_capabilities(model: str, kind: str, can: list[str], cannot: list[str]) -> None:
    """Each word as its help has it, of models whose limits are known."""
    known = load.find(model)
    assert known is not None
    assert [word for word in can if not able(known, kind, capability(word))] == []
    assert [word for word in cannot if able(known, kind, capability(word))] == []


@pytest.mark.parametrize("word", ["durtion", "duration:", "duration:long", "sound:loud", "images:few", "audio:x", ""])
def test_words_that_ask_for_nothing_are_refused(word: str) -> None:
    """A filter that is misread would look like a catalog without such models."""
    with pytest.raises(ValueError, match="`"):
        capability(word)


def test_a_kind_is_asked_for_by_its_own_option() -> None:
    """Whoever knows a kind's name looks for its models with it; the option for that is another one."""
    with pytest.raises(ValueError, match=r"--kind image\.edit"):
        capability("image.edit")


@given(st.sampled_from(capabilities()), st.text(max_size=8))
def test_any_text_is_a_word_or_refused(name: str, value: str) -> None:
    """Nothing that can be typed breaks the list."""
    try:
        asked = capability(f"{name}:{value}")
    except ValueError:
        return
    for model, kind in MAKERS[:3]:
        able(model, kind, asked)
        able(model, kind, Ability(asked.name))
