from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg
from dagcontent.media.still import from_still
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio


def test_a_filter_that_is_missing_is_named(studio: Studio) -> None:
    """A small ffmpeg fails in the middle of a film with a riddle otherwise."""
    with pytest.raises(NodeError, match="misses the filter warp_drive") as caught:
        ffmpeg.require(studio.run, ffmpeg.executable(), ["scale", "warp_drive"])
    assert "imageio-ffmpeg" in (caught.value.hint or "")
    ffmpeg.require(studio.run, ffmpeg.executable(), ["scale", "xfade", "ass", "tpad"])


def test_the_version_is_recorded(studio: Studio, card: Blob) -> None:
    """Another version makes other bytes: whoever compares two machines must see it."""
    made = from_still(studio.call("video.from_still", image=card, duration=0.2, fps=10))
    assert made.made_with["ffmpeg"] == ffmpeg.version(studio.run)
    assert set(made.made_with) == {"ffmpeg", "pillow", "av"}


def test_progress_rises_to_one(studio: Studio, card: Blob) -> None:
    """The live view draws a bar from it."""
    studio.progress.clear()
    studio.make("video.from_still", image=card, duration=3, fps=24)
    assert studio.progress
    assert studio.progress == sorted(studio.progress)
    assert studio.progress[-1] > 0.9
    assert all(0 <= part <= 1 for part in studio.progress)


def test_strange_names_reach_filters_whole() -> None:
    """A folder may have any name; inside a filter graph some signs are commands."""
    assert ffmpeg.quoted(Path("/a b/c")) == "/a b/c"
    assert ffmpeg.quoted(Path("/it's")) == "/it\\\\\\'s"
    assert ffmpeg.quoted(Path("/a:b,c")) == "/a\\\\:b\\,c"


def test_a_type_that_is_not_read_is_said(studio: Studio, card: Blob) -> None:
    """No demuxer is ever guessed."""
    call = studio.call("video.mux")
    with pytest.raises(NodeError, match="application/x-mpegurl"):
        ffmpeg.render(
            call, [ffmpeg.Source(studio.path(card), "application/x-mpegurl")], call.workdir / "x.mp4", encode=ffmpeg.MP4
        )
