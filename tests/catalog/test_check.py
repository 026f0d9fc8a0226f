from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from dagcontent.api.loading import find_mistakes
from dagcontent.catalog import load
from dagcontent.catalog.check import problems, suggestion
from dagcontent.kinds.registry import KINDS
from dagcontent.values.value import UNKNOWN

FLUX = "fal/fal-ai/flux/dev"


def test_everything_is_told_at_once_and_at_its_key() -> None:
    """People mend a graph in one go, not a mistake a build."""
    found = problems(
        "fal/fal-ai/kling-video/v3/pro/image-to-video", KINDS["video.generate"],
        {"prompt": "x", "duration": 20, "fps": 30, "resolution": UNKNOWN}, {"duration": "5", "shot_type": "customize"},
    )  # fmt: skip
    assert [(problem.key, problem.option) for problem in found] == [
        ("fps", ""), ("resolution", ""), ("model", ""), ("duration", ""), ("options", "duration"),
    ]  # fmt: skip
    assert "needs `start_image`" in found[2].message


@pytest.mark.parametrize("vendor", load.VENDORS)
def test_a_simple_node_of_any_model_is_right(vendor: str, simple: Any) -> None:
    """What can be built is not complained about."""
    for model in (model for model in load.models(vendor) if not model.gone(None)):
        for kind in model.kinds:
            found = problems(model.id, KINDS[kind], simple(model, kind))
            assert [problem for problem in found if not problem.warning] == [], model.id


@pytest.mark.parametrize("vendor", load.VENDORS)
def test_references_are_not_judged(vendor: str, simple: Any) -> None:
    """What they stand for is known later, and judged then."""
    for model in (model for model in load.models(vendor) if not model.gone(None)):
        for kind in model.kinds:
            params = dict.fromkeys(simple(model, kind), UNKNOWN)
            found = problems(model.id, KINDS[kind], params)
            assert [problem for problem in found if not problem.warning] == [], model.id


def test_a_misspelt_model_is_told_which_was_meant() -> None:
    """Fal takes any endpoint, so there it is a warning; elsewhere nothing could be sent."""
    kind = KINDS["image.generate"]
    warned = problems("fal/fal-ai/flux/devv", kind, {"prompt": "x"})
    assert [(problem.warning, problem.hint) for problem in warned] == [(True, "did you mean `fal/fal-ai/flux/dev`?")]
    wrong = problems("openai/gpt-image-2.6-flair", kind, {"prompt": "x"})
    assert [(problem.warning, problem.hint) for problem in wrong] == [
        (False, "did you mean `openai/gpt-image-2.6-flare`?")
    ]
    assert suggestion("fal/something/else", kind) == ""


def test_what_ends_is_told_before_and_after() -> None:
    """A warning until the day, a mistake from it on."""
    kind = KINDS["image.generate"]
    before = problems("openai/gpt-image-1.5", kind, {"prompt": "x"}, today=datetime.date(2026, 11, 30))
    assert [problem.warning for problem in before] == [True]
    after = problems("openai/gpt-image-1.5", kind, {"prompt": "x"}, today=datetime.date(2026, 12, 1))
    assert [problem.warning for problem in after] == [False]
    assert "gpt-image-2.6-flare" in after[0].hint


def test_another_kinds_model_says_what_it_makes() -> None:
    """The next question is what it is for."""
    found = problems(FLUX, KINDS["video.generate"], {"prompt": "x"})
    assert [problem.key for problem in found] == ["model"]
    assert "it makes: image.generate" in found[0].hint


def test_a_graph_file_shows_the_place(tmp_path: Path) -> None:
    """The caret stands under the value that the model does not take."""
    path = tmp_path / "g.toml"
    path.write_text(
        '[graph]\nname = "g"\n[node.a]\nkind = "image.generate"\nmodel = "fal/fal-ai/flux/dev"\nprompt = "x"\n'
        'negative_prompt = "y"\noptions = { num_images = 4 }\n',
        encoding="utf-8",
    )
    found = [(mistake.line, mistake.column) for mistake in find_mistakes(path)]
    assert found == [(7, 19), (8, 26)]
