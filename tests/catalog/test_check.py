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


@pytest.mark.parametrize(
    ("snap", "lines"),
    [('snap = "up"', [6]), ('snap = "nearest"', []), ('snap = "down"', []), ('snap = "error"', [6]), ("", [6])],
)
def test_what_snap_mends_is_no_mistake(tmp_path: Path, snap: str, lines: list[int]) -> None:
    """A literal that a model cannot take is told with its line, unless the graph says what becomes of it."""
    path = tmp_path / "g.toml"
    path.write_text(
        '[graph]\nname = "g"\n[node.a]\nkind = "video.generate"\nmodel = "fal/fal-ai/veo3.1"\nduration = 12\n'
        f'prompt = "x"\n{snap}\n',
        encoding="utf-8",
    )
    assert [mistake.line for mistake in find_mistakes(path)] == lines


LIMITS = {
    "a prompt": ('kind = "video.generate"\nmodel = "fal/fal-ai/kling-video/v2.5-turbo/pro/text-to-video"\n', 'prompt = "LONG"', "has 2501 characters, and fal/fal-ai/kling-video/v2.5-turbo/pro/text-to-video takes 2500"),
    "references": ('kind = "image.edit"\nmodel = "google/gemini-3.1-flash-image"\nprompt = "x"\nimage = "a.png"\n', "images = [FILES]", "takes 14"),
    "sound": ('kind = "video.generate"\nmodel = "fal/fal-ai/kling-video/v2.5-turbo/pro/text-to-video"\nprompt = "x"\n', "sound = true", "always has it false"),
    "silence": ('kind = "video.generate"\nmodel = "google/gemini-omni-1.2-flash"\nprompt = "x"\n', "sound = false", "always has it true"),
    "a length": ('kind = "video.generate"\nmodel = "fal/fal-ai/veo3.1"\nprompt = "x"\n', "duration = 9", "takes 4, 6, 8 s"),
    "an aspect": ('kind = "video.generate"\nmodel = "fal/fal-ai/veo3.1"\nprompt = "x"\n', 'aspect = "1:1"', "takes 16:9, 9:16"),
    "a size": ('kind = "image.generate"\nmodel = "openai/gpt-image-2"\nprompt = "x"\n', 'size = "1000x1000"', "multiples of 16"),
}  # fmt: skip


@pytest.mark.parametrize("what", LIMITS)
def test_limits_of_models_are_mistakes_with_their_line(tmp_path: Path, what: str) -> None:
    """Each would fail at its vendor, after what it is made of was paid for: it is said with model and limit beforehand."""
    head, line, says = LIMITS[what]
    for number in range(20):
        (tmp_path / f"{number}.png").write_bytes(b"x")
    (tmp_path / "a.png").write_bytes(b"x")
    line = line.replace("LONG", "x" * 2501).replace("FILES", ", ".join(f'"{number}.png"' for number in range(20)))
    path = tmp_path / "g.toml"
    path.write_text(f"[node.a]\n{head}{line}\n", encoding="utf-8")
    (found,) = find_mistakes(path)
    assert says in found.message
    assert head.partition('model = "')[2].partition('"')[0] in found.message
    assert found.line == 1 + head.count("\n") + 1
    assert found.caret


@pytest.mark.parametrize(("more", "wrong"), [("", True), ('optional = ["images"]', False), ("", None)])
def test_references_that_are_still_to_be_made_are_counted(tmp_path: Path, more: str, wrong: bool | None) -> None:
    """Twenty pictures would be bought for a model that takes fourteen; where some may be left out, or how many there will be
    is not known, that is judged later.
    """
    path = tmp_path / "g.toml"
    each = 'words = "${list}"' if wrong is None else "words = { from = 1, to = 20 }"
    path.write_text(
        f'[each]\n{each}\n[node.list]\nkind = "text.split"\ntext = "a b"\nby = "line"\n'
        '[node.still]\nkind = "image.generate"\nmodel = "fal/fal-ai/flux/dev"\nprompt = "${words}"\neach = "words"\n'
        '[node.sheet]\nkind = "image.generate"\nmodel = "google/gemini-3.1-flash-image"\nprompt = "x"\n'
        f'images = ["${{still}}"]\n{"" if wrong is None else more}\n',
        encoding="utf-8",
    )
    found = [(mistake.line, mistake.message) for mistake in find_mistakes(path)]
    limit = "`images` has 20 elements, and google/gemini-3.1-flash-image takes 14"
    assert found == ([(16, limit)] if wrong else [])
