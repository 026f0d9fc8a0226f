"""Turn subtitles into the text of a file and back (SRT, WebVTT, ASS). Knows no picture.

WebVTT and ASS keep the time of every word, so that a later burn can light words up; SRT has no place for it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Final

from dagcontent.errors import NodeError
from dagcontent.media.cues import Cue, Word, joined

__all__ = ["FORMATS", "read", "write"]

FORMATS: Final = {"srt": ("application/x-subrip", ".srt"), "vtt": ("text/vtt", ".vtt"), "ass": ("text/x-ssa", ".ass")}
"""Format -> (media type, file name ending)."""

FILE_BYTES_MAX = 16 * 1024 * 1024
CUES_MAX = 100_000
_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_ARROW = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}.*")
_STAMP = re.compile(rf"<{_TIME}>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_ASS_TAGS = re.compile(r"\{([^}]*)\}")
_ASS_KARAOKE = re.compile(r"\\[kK][fo]?(\d+)")

_ASS_HEAD: Final = """[Script Info]
ScriptType: v4.00+
PlayResX: 1920
PlayResY: 1080
WrapStyle: 2
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,64,&H00FFFFFF,&H00FFFFFF,&H00101010,&H80000000,0,0,0,0,100,100,0,0,1,4,1,2,96,96,64,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def write(cues: Sequence[Cue], format: str) -> str:  # noqa: A002 - the parameter's own name
    """Return the file's text."""
    if format == "vtt":
        return "WEBVTT\n\n" + "".join(f"{_clock(c.start, '.')} --> {_clock(c.end, '.')}\n{_vtt(c)}\n\n" for c in cues)
    if format == "ass":
        rows = (f"Dialogue: 0,{_ass_clock(c.start)},{_ass_clock(c.end)},Default,,0,0,0,,{_ass(c)}\n" for c in cues)
        return _ASS_HEAD + "".join(rows)
    return "".join(
        f"{number}\n{_clock(c.start, ',')} --> {_clock(c.end, ',')}\n{_arrowless(c.text)}\n\n"
        for number, c in enumerate(cues, start=1)
    )


def read(data: bytes, media_type: str, name: str) -> tuple[list[Cue], bool]:
    """Return the subtitles of a file, and whether it says when each word is spoken. Raises NodeError naming the file."""
    if len(data) > FILE_BYTES_MAX:
        text = f"{name} is too large for subtitles: {len(data)} bytes"
        raise NodeError(text, hint=f"at most {FILE_BYTES_MAX} bytes")
    try:
        source = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        text = f"{name} is not UTF-8 text: byte {error.start}"
        raise NodeError(text, hint="save it as UTF-8") from error
    cues, timed = (
        _read_ass(source) if media_type == "text/x-ssa" else _read_blocks(source, vtt=media_type == "text/vtt")
    )
    if not cues:
        text = f"{name} has no subtitles in it"
        raise NodeError(text, hint="an SRT, WebVTT or ASS file with at least one subtitle is expected")
    if len(cues) > CUES_MAX:
        text = f"{name} has {len(cues)} subtitles"
        raise NodeError(text, hint=f"at most {CUES_MAX}")
    return sorted(cues, key=lambda cue: (cue.start, cue.end)), timed


def _read_blocks(source: str, *, vtt: bool) -> tuple[list[Cue], bool]:
    cues: list[Cue] = []
    timed = False
    for block in re.split(r"\n\s*\n", source):
        rows = block.strip("\n").split("\n")
        arrow = next((i for i, row in enumerate(rows[:2]) if _ARROW.fullmatch(row)), None)
        if arrow is None:
            continue
        found = _ARROW.fullmatch(rows[arrow])
        if found is None:
            continue
        start, end = _ms(found.groups()[:4]), _ms(found.groups()[4:])
        lines: list[tuple[Word, ...]] = []
        at = start
        for row in rows[arrow + 1 :]:
            line, at, stamped = _line(row, at, end, vtt=vtt)
            timed = timed or stamped
            if line:
                lines.append(line)
        if lines and end > start:
            cues.append(_ended(start, end, lines))
    return cues, timed


def _line(row: str, at: int, end: int, *, vtt: bool) -> tuple[tuple[Word, ...], int, bool]:
    """Return the words of a line, the time at its end, and whether it carries times."""
    words: list[Word] = []
    stamped = False
    parts = _STAMP.split(row) if vtt else [row]
    for index in range(0, len(parts), 5):
        if index:
            at, stamped = _ms(tuple(parts[index - 4 : index])), True
        plain = _TAG.sub("", parts[index])
        words += [Word(text, at, end) for text in (html.unescape(plain) if vtt else plain).split()]
    return tuple(words), at, stamped


def _read_ass(source: str) -> tuple[list[Cue], bool]:
    cues: list[Cue] = []
    timed = False
    for row in source.split("\n"):
        if not row.startswith("Dialogue:"):
            continue
        fields = row.removeprefix("Dialogue:").split(",", 9)
        if len(fields) < 10:
            continue
        start, end = _ass_ms(fields[1]), _ass_ms(fields[2])
        if start is None or end is None or end <= start:
            continue
        at = start
        lines: list[tuple[Word, ...]] = []
        for piece in re.split(r"\\[Nn]", fields[9]):
            words: list[Word] = []
            parts = _ASS_TAGS.split(piece)
            length = 0
            for index, part in enumerate(parts):
                if index % 2:
                    steps = [int(step) * 10 for step in _ASS_KARAOKE.findall(part)]
                    if steps:
                        timed = True
                        at += length + sum(steps[:-1])
                        length = steps[-1]
                    continue
                words += [Word(text, at, at + length or end) for text in part.replace("\\h", " ").split()]
            at += length
            if words:
                lines.append(tuple(words))
        if lines:
            cues.append(_ended(start, end, lines))
    return cues, timed


def _ended(start: int, end: int, lines: list[tuple[Word, ...]]) -> Cue:
    """Return the subtitle, every word ending where the next begins."""
    flat = [word for line in lines for word in line]
    stops = [*(word.start for word in flat[1:]), end]

    def ends(word: Word, stop: int) -> Word:
        return Word(word.text, min(word.start, end), min(max(word.start, stop), end))

    timed = iter([ends(word, stop) for word, stop in zip(flat, stops, strict=True)])
    return Cue(start, end, tuple(tuple(next(timed) for _ in line) for line in lines))


def _vtt(cue: Cue) -> str:
    rows = []
    last = cue.start
    for line in cue.lines:
        row = ""
        for word in line:
            glue = joined([row[-1:] or "", word.text])[len(row[-1:]) : -len(word.text)] if row else ""
            # A time inside a subtitle must be later than the one before it.
            stamp = f"<{_clock(word.start, '.')}>" if word.start > last and word.start < cue.end else ""
            last = max(last, word.start)
            row += f"{glue}{stamp}{html.escape(_arrowless(word.text), quote=False)}"
        rows.append(row)
    return "\n".join(rows)


def _ass(cue: Cue) -> str:
    rows = []
    # Centiseconds since the subtitle's start, summed without rounding twice.
    at = round(cue.start / 10)
    words = cue.words
    stops = [*(round(word.start / 10) for word in words[1:]), round(cue.end / 10)]
    lead = max(0, round(words[0].start / 10) - at) if words else 0
    at += lead
    number = 0
    for line in cue.lines:
        row = f"{{\\k{lead}}}" if lead else ""
        lead = 0
        before = ""
        for word in line:
            stop = max(at, stops[number])
            glue = joined([before[-1:], word.text])[1 : -len(word.text)] if before else ""
            row += f"{glue}{{\\k{stop - at}}}{_ass_text(word.text)}"
            at, before = stop, word.text
            number += 1
        rows.append(row)
    return "\\N".join(rows)


def _ass_text(text: str) -> str:
    # Braces and backslashes are commands in ASS: signs that look like them stand for them.
    return text.replace("\\", "/").replace("{", "(").replace("}", ")").replace("\n", " ")


def _arrowless(text: str) -> str:
    return text.replace("-->", "->")


def _clock(ms: int, point: str) -> str:
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}{point}{ms % 1000:03d}"


def _ass_clock(ms: int) -> str:
    hundredths = round(ms / 10)
    return f"{hundredths // 360_000}:{hundredths // 6000 % 60:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


def _ms(parts: Sequence[str | None]) -> int:
    hours, minutes, seconds, fraction = parts
    return ((int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)) * 1000 + int(
        (fraction or "0").ljust(3, "0")
    )


def _ass_ms(text: str) -> int | None:
    found = re.fullmatch(r"\s*(\d+):(\d{1,2}):(\d{1,2})[.:](\d{1,3})\s*", text)
    return None if found is None else _ms(found.groups())
