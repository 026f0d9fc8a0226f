"""The example film, made by us, by one ffmpeg command written by hand, and by moviepy where it is installed. Knows no timing.

All three begin with the same cards, voices and captions; what is measured is the pictures: a slow camera over each card,
captions, cross-fades, sound. The command is what somebody writes who knows ffmpeg well: one run, one encoding, for the same
timeline. A card stays for its voice and until the next card has come, so that voices do not meet.
"""

from __future__ import annotations

import importlib.util
import math
import shutil
import sys
from pathlib import Path

import ours
from process import Command, Timed, ratio, run_once, take_turns
from rows import Row, Section

from dagcontent.api import load, show
from dagcontent.media.ffmpeg import executable

__all__ = ["film", "sides"]

_EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "hello" / "graph.toml"
_SCENES = ("dusk", "camp", "dawn")
_FPS = 24
_FADE_S = 0.5
_FILM_X = 1.2
_CORES = 1.6


def film(folder: Path, size: str, rounds: int) -> Section:
    """Measure the film at a size, as 720x1280."""
    folder.mkdir(parents=True)
    text = _EXAMPLE.read_text(encoding="utf-8").replace('size = "720x1280"', f'size = "{size}"')
    (folder / "graph.toml").write_text(text, encoding="utf-8")
    build = ours.build(folder)
    run_once(build._replace(argv=[*build.argv, "card", "voice", "captions"]))
    (folder / "store").rename(folder / "seed")
    scenes = _scenes(folder)

    def from_seed(_round: int) -> None:
        for made in ("store", "out"):
            shutil.rmtree(folder / made, ignore_errors=True)
        shutil.copytree(folder / "seed", folder / "store", symlinks=True)

    commands = {"ours": build._replace(prepare=from_seed), "ffmpeg": Command(_by_hand(scenes, size), folder)}
    if importlib.util.find_spec("moviepy") is not None:
        script = Path(__file__).parent / "inside" / "with_moviepy.py"
        arguments = [word for scene in scenes for word in map(str, scene)]
        commands["moviepy"] = Command([sys.executable, str(script), size, *arguments], folder)
    timed = take_turns(commands, rounds)
    mine, hand = timed["ours"], timed["ffmpeg"]
    rows = [
        Row(
            "the example film, from its cards and voices",
            size,
            str(mine),
            f"one ffmpeg command: {hand}",
            ratio(mine, hand),
            "x",
            _FILM_X,
        )
    ]
    if "moviepy" in timed:
        other = timed["moviepy"]
        rows.append(Row("the same", size, str(mine), f"moviepy: {other}", ratio(mine, other), "x"))
    notes = [] if "moviepy" in timed else ["moviepy is not installed: no row beside it"]
    return Section("The example film", rows, notes)


def sides(folder: Path, size: str, rounds: int) -> Section:
    """Measure how many cores are busy while four clips that do not depend on each other are made."""
    folder.mkdir(parents=True)
    (folder / "graph.toml").write_text(
        '[graph]\nname = "sides"\n[each]\nscene = ["a", "b", "c", "d"]\n[node.card]\nkind = "image.generate"\neach = "scene"\n'
        f'model = "local/card"\nprompt = "${{scene}}"\nsize = "{size}"\n[node.clip]\nkind = "video.from_still"\neach = "scene"\n'
        f'image = "${{card[scene]}}"\nduration = 4\nsize = "{size}"\n',
        encoding="utf-8",
    )
    command = ours.build(folder)._replace(prepare=lambda _: shutil.rmtree(folder / "store", ignore_errors=True))
    timed: Timed = take_turns({"ours": command}, rounds)["ours"]
    busy = max(sample.cpu_s / sample.wall_s for sample in timed.samples)
    row = Row(
        "cores that are busy", f"4 clips, {size}", str(timed), "user + system over wall", busy, " cores", least=_CORES
    )
    return Section("Clips side by side", [row], ["of two"])


def _scenes(folder: Path) -> list[tuple[Path, Path, Path, float]]:
    """Return card, voice, captions and length of each scene, as files with names that end as they should."""
    loaded = load(folder / "graph.toml")
    found = []
    for scene in _SCENES:
        files, length = [], 0.0
        for node, suffix in (("card", ".png"), ("voice", ".wav"), ("captions", ".srt")):
            artifact = show(loaded, f"{node}[{scene}]", store=folder / "seed").artifacts[0]
            assert artifact.path is not None
            length = artifact.facts.get("duration_ms", length * 1000) / 1000
            files.append(Path(shutil.copy(artifact.path, folder / f"{node}-{scene}{suffix}")))
        found.append((files[0], files[1], files[2], length))
    return found


def _by_hand(scenes: list[tuple[Path, Path, Path, float]], size: str) -> list[str]:
    width, height = (int(side) for side in size.split("x"))
    argv = [executable(), "-y", "-v", "error", "-nostdin"]
    for card, voice, _, _ in scenes:
        argv += ["-i", str(card), "-i", str(voice)]
    rows = []
    starts, lengths = [0], []
    for i, (_, _, _, length) in enumerate(scenes):
        lengths.append(math.ceil(length * _FPS) + (round(_FADE_S * _FPS) if i < len(scenes) - 1 else 0))
        starts.append(starts[-1] + math.ceil(length * _FPS))
    for i, (_, _, captions, _) in enumerate(scenes):
        rows.append(
            f"[{2 * i}:v]scale={2 * width}:{2 * height}:flags=bicubic,zoompan=z='1+0.14*on/{lengths[i]}':x='iw/2-iw/zoom/2':"
            f"y='ih/2-ih/zoom/2':d={lengths[i]}:s={size}:fps={_FPS},subtitles={captions.name},format=yuv420p,setsar=1[v{i}]"
        )
        spoken = (starts[i + 1] - starts[i]) / _FPS
        rows.append(f"[{2 * i + 1}:a]aresample=48000,aformat=channel_layouts=stereo,apad=whole_dur={spoken:.6f}[a{i}]")
    seen = "v0"
    for i in range(1, len(scenes)):
        rows.append(f"[{seen}][v{i}]xfade=transition=fade:duration={_FADE_S}:offset={starts[i] / _FPS:.6f}[x{i}]")
        seen = f"x{i}"
    heard = "".join(f"[a{i}]" for i in range(len(scenes)))
    rows.append(f"{heard}concat=n={len(scenes)}:v=0:a=1[heard]")
    argv += ["-filter_complex", ";".join(rows), "-map", f"[{seen}]", "-map", "[heard]"]
    argv += [
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-crf",
        "19",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        "-b:a",
        "160k",
    ]
    return [*argv, "-movflags", "+faststart", "by-hand.mp4"]
