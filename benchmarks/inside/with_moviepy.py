"""Cards, voices and captions into the example's film with moviepy. Arguments: SIZE, then CARD VOICE CAPTIONS SECONDS a scene."""

from __future__ import annotations

import re
import sys

from moviepy import AudioFileClip, CompositeVideoClip, ImageClip, TextClip
from moviepy.video.fx import CrossFadeIn

_FADE_S = 0.5
_CUE = re.compile(r"(\d+):(\d+):([\d,]+) --> (\d+):(\d+):([\d,]+)\n(.+?)(?:\n\n|\Z)", re.DOTALL)


def main() -> None:
    """Make the film."""
    width, height = (int(side) for side in sys.argv[1].split("x"))
    clips, at = [], 0.0
    for i in range(2, len(sys.argv), 4):
        card, voice, captions, seconds = sys.argv[i : i + 4]
        length = float(seconds) + (_FADE_S if i + 4 < len(sys.argv) else 0)
        zoom = (
            ImageClip(card).with_duration(length).resized(lambda t, n=length: 1 + 0.14 * t / n).with_position("center")
        )
        layers = [zoom]
        with open(captions, encoding="utf-8") as file:
            cues = _CUE.findall(file.read())
        for *times, text in cues:
            hours, minutes, seconds_, *end = (float(part.replace(",", ".")) for part in times)
            begins, ends = hours * 3600 + minutes * 60 + seconds_, end[0] * 3600 + end[1] * 60 + end[2]
            words = TextClip(text=text, font_size=round(0.06 * width), color="white", method="label")
            layers.append(
                words.with_start(begins).with_duration(ends - begins).with_position(("center", round(0.85 * height)))
            )
        scene = CompositeVideoClip(layers, size=(width, height)).with_duration(length).with_audio(AudioFileClip(voice))
        clips.append((scene if not clips else scene.with_effects([CrossFadeIn(_FADE_S)])).with_start(at))
        at += length - _FADE_S
    film = CompositeVideoClip(clips, size=(width, height))
    film.write_videofile(
        "moviepy.mp4", fps=24, codec="libx264", preset="veryfast", audio_codec="aac", threads=2, logger=None
    )


main()
