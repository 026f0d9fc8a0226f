"""The files of a small graph to start from. Knows nothing."""

from __future__ import annotations

from typing import Final

__all__ = ["FILES"]

_GRAPH: Final = """\
# A short narrated film, made on this machine: no key, no network, nothing to pay.
#
#   dagcontent build graph.toml       makes it: out/NAME.mp4
#   dagcontent plan graph.toml        after an edit: what would be made again, and why
#   dagcontent kinds                  what else nodes can be
[graph]
name = "NAME"

[params]                              # override one with: -p voice=Daniel
size  = "1280x720"
voice = "Rachel"

# A dimension: nodes with `each = "scene"` are made once for every entry. Add a third.
[[each.scene.of]]
id      = "harbour"
line    = "Before sunrise, the harbour belongs to the gulls."
picture = "A quiet harbour before sunrise, boats and a lighthouse"

[[each.scene.of]]
id      = "market"
line    = "An hour later, the whole town is buying fish."
picture = "A market square in the morning, stalls with bright awnings"

[node.card]
kind   = "image.generate"
each   = "scene"
model  = "local/card"
prompt = "${scene.picture}"
size   = "${params.size}"

[node.voice]
kind  = "speech.generate"
each  = "scene"
model = "local/espeak"
voice = "${params.voice}"
text  = "${scene.line}"

[node.film]
kind       = "video.concat"
clips      = "${card}"                # all of them, in order: a picture becomes a clip, as long as its voice
audio      = "${voice}"
size       = "${params.size}"
transition = "fade"
output     = "NAME"
"""

_README: Final = """\
# NAME

A short narrated film, declared in [graph.toml](graph.toml).

    dagcontent build graph.toml

makes `out/NAME.mp4`. Build again, and nothing is made; change a line, and only what depends on it is:

    dagcontent plan graph.toml             # what a build would make, and why
    dagcontent why graph.toml film         # one node, field by field
    dagcontent graph graph.toml -o graph.svg
    dagcontent show graph.toml film        # the result, its facts, how it was made
"""

FILES: Final = {"graph.toml": _GRAPH, "README.md": _README, ".gitignore": "out/\n"}
"""Text by file name; NAME stands for the graph's name."""
