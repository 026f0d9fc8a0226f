"""Turn a recording or a clip, and words about it, into the same with the words in its file (metadata.write). Knows no model.

Sound and pictures are copied packet by packet. What was written there before gives way.
"""

from __future__ import annotations

from typing import Any, Final

from dagcontent.errors import InternalError, NodeError
from dagcontent.media import ffmpeg, picture, probe
from dagcontent.media.arguments import blob_of, required_blob, rows_of, text_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.carried import Row, cut, travelling
from dagcontent.media.chapters import chapters_of
from dagcontent.media.coded import same_streams
from dagcontent.media.facts import known_facts
from dagcontent.values.value import Blob

__all__ = ["write"]

_FORMS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "audio/mpeg": ("mp3", ("-f", "mp3", "-id3v2_version", "3", "-write_id3v1", "0")),
    "audio/mp4": ("m4a", ("-movflags", "+faststart", "-f", "ipod")),
    "video/mp4": ("mp4", ffmpeg.MP4),
}
_LATE_S: Final = 0.1


def write(call: Call) -> Made:
    """Write `title`, `artist`, `chapters` and `cover`. Raises NodeError for a format that holds none, and chapters beyond its end."""
    media, cover = required_blob(call, "media"), blob_of(call, "cover")
    path = call.path(media)
    name = f"`media` ({media.name})" if media.name else "`media`"
    facts = known_facts(call, media)
    media_type = probe.check_input(path, media.type)
    if media_type not in _FORMS:
        text = f"{name} is {media_type}: metadata.write writes into mp3, m4a and mp4"
        convert = (
            "audio.convert makes an mp3 or m4a of it" if media.type == "audio" else "video.concat makes an mp4 of it"
        )
        raise NodeError(text, hint=convert)
    ending, encode = _FORMS[media_type]
    chapters = _chapters(call, facts, name)
    sources = [ffmpeg.Source(path, media_type)]
    maps = ["0:v:0", "0:a:0?"] if media.type == "video" else ["0:a:0"]
    words = [
        option
        for key in ("title", "artist")
        if (said := " ".join((text_of(call, key) or "").split()))
        for option in ("-metadata", f"{key}={said}")
    ]
    if cover is not None:
        sources.append(_cover(call, cover))
        maps.append("1:v:0")
        words += [f"-disposition:v:{1 if media.type == 'video' else 0}", "attached_pic"]
    words += chapters_of(call, chapters, sources)
    out = call.workdir / f"tagged.{ending}"
    version = ffmpeg.render(
        call, sources, out, encode=["-c", "copy", *words, *encode], maps=maps, seconds=facts["duration_ms"] / 1000
    )
    measured: dict[str, Any] = probe.measure(out, media.type, media_type)
    if not same_streams(path, out, media_type):
        text = f"metadata.write changed the sound or the pictures of {name}"
        raise InternalError(text, hint="please report this with the file")
    carried = travelling(facts) | ({"chapters": chapters} if chapters else {})
    return Made(NewFile(out, media.type, media_type, measured | carried), {"ffmpeg": version, **probe.made_with()})


def _chapters(call: Call, facts: dict[str, Any], name: str) -> list[Row]:
    """Return the chapters that are written: those given, each until the next, or those that travel along."""
    length = facts["duration_ms"] / 1000
    given = sorted(rows_of(call, "chapters"), key=lambda row: float(row["start"]))
    if not given:
        return cut(facts.get("chapters"), length)
    for number, row in enumerate(given, start=1):
        end = float(row.get("end") or row["start"])
        if row["start"] >= length or end > length + _LATE_S or end < row["start"]:
            when = f"{row['start']:g} to {end:g} s" if row.get("end") else f"{row['start']:g} s"
            text = f"chapter {number} (`{row['title']}`) is at {when}, and {name} is {length:.2f} s long"
            raise NodeError(text, hint="chapters begin and end within it: ${NODE.chapters} has those that travel along")
    ends = [*(float(row["start"]) for row in given[1:]), length]
    rows = [
        {
            "title": " ".join(str(row["title"]).split()),
            "start": float(row["start"]),
            "end": float(row.get("end") or end),
        }
        for row, end in zip(given, ends, strict=True)
    ]
    return cut(rows, length)


def _cover(call: Call, cover: Blob) -> ffmpeg.Source:
    """Return the picture as a source. One that is neither PNG nor JPEG is written as PNG: players show those two."""
    path = call.path(cover)
    media_type = probe.check_input(path, "image")
    image = picture.open_picture(path)
    if media_type in {"image/png", "image/jpeg"}:
        return ffmpeg.Source(path, media_type)
    return ffmpeg.Source(picture.save_png(image, call.workdir / "cover.png"), "image/png")
