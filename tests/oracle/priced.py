"""A graph that has every kind that costs money, each with what was asked for. Knows no stand-in.

`LINES` are the parameters of one node a kind; they refer to a picture, a recording and a clip that are made for free.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["LINES", "MODELS", "graph_of"]

MODELS: Final = ("fal/some/model", "openai/gpt-x", "openrouter/a/b", "google/g-1", "elevenlabs/v9")
"""Models that cost money, of which nobody has heard."""

LINES: Final[Mapping[str, str]] = {
    "text.generate": 'prompt = "Three scenes about a lantern"\nreturns = { scenes = ["text"] }\ntemperature = 0.4\nmax_tokens = 90',
    "text.translate": 'text = "Good evening."\nlanguage = "de"\ntone = "dry"',
    "image.generate": 'prompt = "A lantern"\nsize = "64x48"\nstyle = "ink"',
    "image.edit": 'image = "${pic}"\nprompt = "at dawn"\nstrength = 0.5\nmask = "${pic}"',
    "image.upscale": 'image = "${pic}"\nfactor = 3',
    "image.remove_background": 'image = "${pic}"',
    "image.describe": 'image = "${pic}"\nreturns = { title = "text", colors = ["text"] }',
    "speech.generate": 'text = "Good evening."\nvoice = "Rachel"\nstability = 0.3\nsimilarity = 0.9\nstyle = 0.2',
    "speech.dialogue": 'lines = [{ speaker = "anna", text = "Hello." }, { speaker = "ben", text = "Good day." }]\nvoices = { anna = "Rachel", ben = "Adam" }\ngap = 0.25',
    "speech.convert": 'audio = "${say}"\nvoice = "Adam"',
    "speech.dub": 'media = "${shot}"\nlanguage = "fr"',
    "audio.transcribe": 'audio = "${say}"\nlanguage = "en"\ndiarize = true',
    "sound.generate": 'prompt = "rain"\nduration = 0.7\nloop = true',
    "music.generate": 'prompt = "piano"\nduration = 1.5\nlyrics = "la la"\ninstrumental = true',
    "video.generate": 'start_image = "${pic}"\nprompt = "slowly in"\nduration = 0.9\naspect = "16:9"\nfps = 10\nresolution = "72p"',
    "video.edit": 'video = "${shot}"\nprompt = "as an oil painting"\nstrength = 0.3',
    "video.extend": 'video = "${shot}"\nseconds = 0.5\nprompt = "it goes on"',
    "video.upscale": 'video = "${shot}"\nfactor = 2',
    "video.avatar": 'image = "${pic}"\naudio = "${say}"\nprompt = "smiling"',
    "video.lipsync": 'video = "${shot}"\naudio = "${say}"',
    "video.soundtrack": 'video = "${shot}"\nprompt = "waves"',
    "video.describe": 'video = "${shot}"\nprompt = "what happens"',
}  # fmt: skip

_FREE: Final = """
[node.pic]
kind = "image.generate"
model = "local/card"
prompt = "A small lantern"
size = "64x36"
[node.say]
kind = "speech.generate"
model = "local/espeak"
text = "Hello. There it is."
voice = "Rachel"
[node.shot]
kind = "video.from_still"
image = "${pic}"
audio = "${say}"
motion = "none"
fps = 10
"""


def graph_of(models: Mapping[str, str], more: Iterable[str] = ()) -> str:
    """Return a graph with a node for each kind, made by the model it is given; nodes are named like their kinds."""
    nodes = [
        f'[node.{kind.replace(".", "_")}]\nkind = "{kind}"\nmodel = "{model}"\n{LINES[kind]}\n'
        for kind, model in models.items()
    ]
    return "\n".join(['[graph]\nname = "priced"\n', _FREE, *nodes, *more])
