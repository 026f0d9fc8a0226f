"""Turn a clip and subtitles into a clip with the subtitles in its pictures (subtitles.burn). Knows no model.

The subtitles are set anew for the clip's size and given to libass with the one font file they need, so that nothing
depends on what is installed. A word lights up by an event of its own: the same lines, one word in another colour.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg, probe
from dagcontent.media.arguments import flag_of, number_of, required_blob, text_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.carried import chapter_file, travelling
from dagcontent.media.coded import coded_facts
from dagcontent.media.cues import Cue, Word, joined
from dagcontent.media.facts import known_facts
from dagcontent.media.fonts import Face, installed, missing_in, suited
from dagcontent.media.picture import made_with
from dagcontent.media.subtitle_file import read
from dagcontent.values.value import Blob

__all__ = ["Style", "burn", "drawing", "placed", "script"]

SIDE_MARGIN: Final = 0.06
_ALIGN: Final = {"bottom": 2, "center": 5, "top": 8}
_LIT: Final = "&H3FD5FF&"  # blue, green, red: a warm yellow
_PLAIN: Final = "&HFFFFFF&"


class _Look(msgspec.Struct, frozen=True):
    """How the subtitles look on one clip: lengths in px."""

    width: int
    height: int
    face: Face
    size: int
    position: str

    @property
    def room(self) -> int:
        return round(self.width * (1 - 2 * SIDE_MARGIN))

    @property
    def margin(self) -> int:
        # Players and social apps cover the lowest part of a tall picture with their own controls.
        return round(self.height * (0.14 if self.height > self.width else 0.07))


class Style(msgspec.Struct, frozen=True):
    """How subtitles are wanted: `size` is a line's height as a part of the shorter side; without `font`, the built-in one."""

    font: str | None = None
    size: float = 0.06
    position: str = "bottom"
    karaoke: bool = False


def burn(call: Call) -> Made:
    """Draw `subtitles` into `video`. Raises NodeError for letters that no font has, and for karaoke without word times."""
    video = required_blob(call, "video")
    path = call.path(video)
    media_type = probe.check_input(path, "video")
    facts = known_facts(call, video)
    style = Style(
        text_of(call, "font"),
        number_of(call, "size") or 0.06,
        text_of(call, "position") or "bottom",
        flag_of(call, "karaoke"),
    )
    size = facts["width"] // 2 * 2, facts["height"] // 2 * 2
    drawn = drawing(call, required_blob(call, "subtitles"), style, size, facts.get("alignment") or [])
    graph = f"[0:v:0]scale=w='trunc(iw/2)*2':h='trunc(ih/2)*2',format=yuv420p,{drawn},{ffmpeg.LAST}[v]"
    sources = [ffmpeg.Source(path, media_type)]
    encode = [
        *ffmpeg.H264,
        "-fps_mode",
        "passthrough",
        *(("-c:a", "copy") if media_type == "video/mp4" else ffmpeg.AAC),
    ]
    carried: dict[str, Any] = travelling(facts)
    if "chapters" in carried:
        sources.append(
            ffmpeg.Source(chapter_file(carried["chapters"], call.workdir / "chapters.txt"), "text/x-ffmetadata")
        )
    encode += ["-map_chapters", str(len(sources) - 1)]
    out = call.workdir / "subtitled.mp4"
    version = ffmpeg.render(
        call, sources, out, encode=[*encode, *ffmpeg.MP4], graph=graph, maps=["[v]", "0:a:0?"], filters=["ass"],
        seconds=facts["duration_ms"] / 1000,
    )  # fmt: skip
    measured = coded_facts(out)[0] | carried
    return Made(NewFile(out, "video", "video/mp4", measured), {"ffmpeg": version, **made_with(), **probe.made_with()})


def drawing(
    call: Call,
    subtitles: Blob,
    style: Style,
    size: tuple[int, int],
    spoken: Sequence[dict[str, Any]],
    name: str = "burn",
) -> str:
    """Return the filter that draws subtitles into pictures of `size` px. `spoken` are the words that karaoke may go by; `name` is
    that of the files in the work folder. Raises NodeError as `burn` does.
    """
    file = call.path(subtitles)
    cues, timed = read(file.read_bytes(), probe.check_input(file, "subtitles"), subtitles.name or file.name)
    if style.karaoke and not timed:
        cues = placed(cues, spoken)
    look = _look(cues, style, size)
    fonts = call.workdir / f"{name}-fonts"
    fonts.mkdir(exist_ok=True)
    (fonts / "face.ttf").write_bytes(look.face.data())
    written = call.workdir / f"{name}.ass"
    written.write_text(script(cues, look, karaoke=style.karaoke), encoding="utf-8")
    return f"ass=filename={ffmpeg.quoted(written)}:fontsdir={ffmpeg.quoted(fonts)}"


def placed(cues: Sequence[Cue], alignment: Sequence[dict[str, Any]]) -> list[Cue]:
    """Return subtitles whose words have the times of the clip's own words. Raises NodeError when they are others."""
    spoken = [(_bare(str(row["text"])), round(row["start"] * 1000), round(row["end"] * 1000)) for row in alignment]
    at = 0
    result: list[Cue] = []
    for cue in cues:
        lines: list[tuple[Word, ...]] = []
        for line in cue.lines:
            words: list[Word] = []
            for word in line:
                found = next((i for i in range(at, len(spoken)) if spoken[i][0] == _bare(word.text)), None)
                if found is None:
                    text = f"`karaoke` needs the time of every word, and there is none for {word.text!r}"
                    hint = 'build the subtitles with format = "vtt" or "ass" from an alignment, or leave `karaoke` out'
                    raise NodeError(text, hint=hint)
                start, end = (min(max(moment, cue.start), cue.end) for moment in spoken[found][1:])
                words.append(Word(word.text, start, end))
                at = found + 1
            lines.append(tuple(words))
        result.append(Cue(cue.start, cue.end, tuple(lines)))
    return result


def script(cues: Sequence[Cue], look: _Look, *, karaoke: bool) -> str:
    """Return the ASS script for one clip; events never overlap."""
    outline = max(1.0, look.size * 0.085)
    style = (
        f"Style: Default,{look.face.family.replace(',', ' ')},{look.size},{_PLAIN[:-1].replace('&H', '&H00')},&H00FFFFFF,"
        f"&H00141414,&H90000000,-1,0,0,0,100,100,0,0,1,{outline:.1f},{look.size * 0.05:.1f},{_ALIGN[look.position]},0,0,"
        f"{0 if look.position == 'center' else look.margin},1"
    )
    head = (
        f"[Script Info]\nScriptType: v4.00+\nPlayResX: {look.width}\nPlayResY: {look.height}\nWrapStyle: 2\n"
        "ScaledBorderAndShadow: yes\nYCbCr Matrix: None\n\n[V4+ Styles]\n"
        "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, "
        "Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, "
        f"MarginV, Encoding\n{style}\n\n[Events]\n"
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    )
    rows: list[str] = []
    for index, cue in enumerate(cues):
        # A subtitle that runs into the next would be pushed to another place: it ends there instead.
        end = min(cue.end, cues[index + 1].start) if index + 1 < len(cues) else cue.end
        lines, scale = _set(cue, look)
        steps = _steps(cue, end) if karaoke else [(cue.start, end, None)]
        rows += [
            f"Dialogue: 0,{_clock(start)},{_clock(stop)},Default,,0,0,0,,{scale}{_written(lines, lit)}"
            for start, stop, lit in steps
            if round(stop / 10) > round(start / 10)
        ]
    return head + "\n".join(rows) + "\n"


def _look(cues: Sequence[Cue], style: Style, size: tuple[int, int]) -> _Look:
    everything = "\n".join(cue.text for cue in cues)
    face = installed(style.font) if style.font is not None else suited(everything)[0]
    lacking = missing_in(everything, face) if style.font is not None else missing_in(everything)
    if lacking:
        who = f"the font {style.font!r} has" if style.font is not None else "any font on this machine has"
        text = f"not all letters can be drawn: {who} no {' '.join(lacking[:20])}"
        raise NodeError(text, hint="install a font that has them, or name another one in `font`")
    return _Look(*size, face, max(6, round(style.size * min(size))), style.position)


def _set(cue: Cue, look: _Look) -> tuple[list[list[tuple[int, str]]], str]:
    """Return lines of (number of the word, its text) that fit the clip, and the tag that makes a long word smaller."""
    numbered: list[list[tuple[int, str]]] = []
    number = 0
    for line in cue.lines:
        row = []
        for word in line:
            written = suited(word.text)[1] if look.face.path is None else word.text
            row.append((number, written))
            number += 1
        numbered.append(row)
    if all(_length(row, look, look.size) <= look.room for row in numbered):
        return numbered, ""
    words = [word for row in numbered for word in row]
    size = look.size
    while size > 6 and (
        max(_length([word], look, size) for word in words) > look.room or len(_rows(words, look, size, look.room)) > 4
    ):
        size -= 1
    rows = _rows(words, look, size, look.room)
    width = look.room
    while width > look.room // 3 and len(_rows(words, look, size, width - 4)) <= len(rows):
        width -= 4
    return _rows(words, look, size, width), f"{{\\fs{size}}}" if size != look.size else ""


def _rows(words: Sequence[tuple[int, str]], look: _Look, size: int, width: int) -> list[list[tuple[int, str]]]:
    rows: list[list[tuple[int, str]]] = []
    for word in words:
        if rows and _length([*rows[-1], word], look, size) <= width:
            rows[-1].append(word)
        else:
            rows.append([word])
    return rows


def _length(row: Sequence[tuple[int, str]], look: _Look, size: int) -> float:
    # libass counts from the lowest to the highest point of a line as the size; Pillow counts the em. Bold is wider.
    ascent, descent = look.face.at(100).getmetrics()
    return look.face.at(100).getlength(joined([text for _, text in row])) / (ascent + descent) * size * 1.05


def _steps(cue: Cue, end: int) -> list[tuple[int, int, int | None]]:
    """Return (start, end, lit word) without gaps from the subtitle's start to its end."""
    words = cue.words
    steps: list[tuple[int, int, int | None]] = []
    at = cue.start
    for number, word in enumerate(words):
        start = min(max(word.start, at), end)
        if start > at:
            steps.append((at, start, number - 1 if number else None))
        stop = words[number + 1].start if number + 1 < len(words) else min(word.end, end)
        stop = min(max(stop, start), end)
        if stop > start:
            steps.append((start, stop, number))
        at = stop
    if at < end:
        steps.append((at, end, None))
    return steps


def _written(lines: Sequence[Sequence[tuple[int, str]]], lit: int | None) -> str:
    rows = []
    for line in lines:
        row, before = "", ""
        for number, text in line:
            glue = joined([before[-1:], text])[1 : -len(text)] if before else ""
            safe = text.replace("\\", "/").replace("{", "(").replace("}", ")")
            row += glue + (f"{{\\1c{_LIT}}}{safe}{{\\1c{_PLAIN}}}" if number == lit else safe)
            before = text
        rows.append(row)
    return "\\N".join(rows)


def _clock(ms: int) -> str:
    hundredths = round(ms / 10)
    return f"{hundredths // 360_000}:{hundredths // 6000 % 60:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", text).lower() or text
