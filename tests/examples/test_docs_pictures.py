"""The pictures of the documents: what is shown there is what the kinds make today."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import ImageChops, ImageStat

from dagcontent.api import build
from dagcontent.media.picture import open_picture

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DOCS.is_dir(), reason="the documents are not beside these tests"),
]


def test_the_pictures_are_those_that_the_graph_makes(tmp_path: Path) -> None:
    """Fonts and encoders differ from machine to machine; what is shown, and where, does not (`make docs-pictures`)."""
    shutil.copy(DOCS / "pictures.toml", tmp_path)
    assert build(tmp_path / "pictures.toml", store=tmp_path / "store").status == "ok"
    made = {path.name: open_picture(path) for path in (tmp_path / "pictures").iterdir()}
    shown = {path.name: open_picture(path) for path in (DOCS / "pictures").iterdir()}
    assert made.keys() == shown.keys()
    for name, image in made.items():
        assert image.size == shown[name].size, name
        assert max(ImageStat.Stat(ImageChops.difference(image, shown[name])).mean) < 8, name


def _alike(made: Path, shown: Path, suffix: str) -> None:
    found = {path.name: open_picture(path) for path in made.glob(f"*{suffix}")}
    kept = {path.name: open_picture(path) for path in shown.glob(f"*{suffix}")}
    assert found.keys() == kept.keys()
    for name, image in found.items():
        assert image.size == kept[name].size, name
        assert max(ImageStat.Stat(ImageChops.difference(image, kept[name])).mean) < 8, name


def test_the_strips_are_those_that_the_clips_show(tmp_path: Path) -> None:
    """Three moments of every kind that makes or changes a clip."""
    shutil.copy(DOCS / "kinds/clips.toml", tmp_path)
    assert build(tmp_path / "clips.toml", store=tmp_path / "store").status == "ok"
    _alike(tmp_path / "pictures", DOCS / "kinds/pictures", ".webp")


def test_the_waves_are_those_of_the_sounds(tmp_path: Path) -> None:
    """A wave is as long as its sound, and as high where that is loud."""
    shutil.copy(DOCS / "kinds/sounds.toml", tmp_path)
    assert build(tmp_path / "sounds.toml", store=tmp_path / "store").status == "ok"
    into = tmp_path / "waves"
    argv = [sys.executable, str(DOCS / "kinds/waves.py"), str(tmp_path / "sounds"), str(into)]
    subprocess.run(argv, check=True)
    shown = {path.name: path for path in (DOCS / "kinds/pictures").glob("*.svg")}
    assert {path.name for path in into.iterdir()} == shown.keys()
    for path in into.iterdir():
        one, other = (
            [int(high) for high in re.findall(r"v(\d+)", text.read_text(encoding="utf-8"))]
            for text in (path, shown[path.name])
        )
        assert len(one) == len(other)
        assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one) < 4, path.name


def test_every_strip_and_wave_is_shown_and_small() -> None:
    """What no page shows is carried along for nothing."""
    pages = "".join((DOCS / "kinds" / name).read_text(encoding="utf-8") for name in ("video.md", "audio.md"))
    files = sorted((DOCS / "kinds/pictures").iterdir())
    assert sorted(re.findall(r"\(pictures/([a-z_]+\.(?:webp|svg))\)", pages)) == [path.name for path in files]
    assert all(path.stat().st_size < 12_000 for path in files)


def test_every_picture_is_shown_and_small() -> None:
    """Who clones the repository carries them along."""
    page = (DOCS / "pictures.md").read_text(encoding="utf-8")
    files = sorted((DOCS / "pictures").iterdir())
    assert sorted(re.findall(r"\(pictures/([a-z]+\.webp)\)", page)) == [path.name for path in files]
    assert all(path.stat().st_size < 40_000 for path in files)
