"""Turn chapters into the options by which ffmpeg writes them. Knows no kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dagcontent.media import ffmpeg
from dagcontent.media.call import Call
from dagcontent.media.carried import chapter_file

__all__ = ["chapters_of"]


def chapters_of(
    call: Call, chapters: Sequence[Mapping[str, Any]] | None, sources: list[ffmpeg.Source] | list[ffmpeg.Input]
) -> list[str]:
    """Return the options that write chapters, or leave none. Their source joins `sources`: call it when all others are there."""
    if not chapters:
        return ["-map_chapters", "-1"]
    sources.append(ffmpeg.Source(chapter_file(chapters, call.workdir / "chapters.txt"), "text/x-ffmetadata"))
    return ["-map_chapters", str(len(sources) - 1)]
