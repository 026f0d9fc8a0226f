"""The pictures of the documents: what is shown there is what the kinds make today."""

from __future__ import annotations

import re
import shutil
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


def test_every_picture_is_shown_and_small() -> None:
    """Who clones the repository carries them along."""
    page = (DOCS / "pictures.md").read_text(encoding="utf-8")
    files = sorted((DOCS / "pictures").iterdir())
    assert sorted(re.findall(r"\(pictures/([a-z]+\.webp)\)", page)) == [path.name for path in files]
    assert all(path.stat().st_size < 40_000 for path in files)
