"""Tracks of a mix that are paths and results, and checks over takes, through a whole build with the real kinds."""

from __future__ import annotations

from pathlib import Path

import pytest
import sounds

from dagcontent import api

GRAPH = """
[graph]
name = "show"
[params]
quiet = false
[each]
line = ["Good evening.", "Good night."]
[node.say]
kind = "speech.generate"
each = "line"
takes = 2
model = "local/espeak"
voice = "Rachel"
text = "${line}"
[node.good]
kind = "media.check"
each = ["line", "say.take"]
media = "${say[line, take]}"
min_duration = 0.2
not_silent = true
[node.best]
kind = "select"
each = "line"
by = "first"
from = "${good[line]}"
[node.joined]
kind = "audio.concat"
clips = "${best}"
[node.sting]
kind = "audio.trim"
when = "${params.quiet}"
audio = "bed.wav"
end = 0.2
[node.mix]
kind = "audio.mix"
optional = "tracks"
tracks = [{ audio = "${joined}" }, { audio = "bed.wav", duck = true, loop = true }, { audio = "${sting}" }]
output = "mix"
[node.said]
kind = "text.template"
text = "${good[line='0', take=0].report.duration} ${good[0, 0].duration}"
"""


@pytest.mark.slow
def test_tables_hold_media_and_are_keyed_by_what_is_in_them(tmp_path: Path) -> None:
    """A track that is a path or another's result is an input like any other: nothing is mixed twice, nothing stale is kept."""
    graph, store = tmp_path / "graph.toml", tmp_path / "store"

    def build(text: str) -> dict[str, str]:
        graph.write_text(text, encoding="utf-8")
        result = api.build(graph, store=store)
        assert result.status == "ok", [(node.node, node.error) for node in result.failed]
        return {node.node: node.status for node in result.nodes}

    sounds.run("-f", "lavfi", "-i", "sine=300:duration=0.5:sample_rate=16000", str(tmp_path / "bed.wav"))
    first = build(GRAPH)
    assert first["mix"] == "ran"
    assert first["sting"] == "skipped"
    assert sum(name.startswith("good[") for name in first) == 4
    assert (
        "ran"
        not in build(
            GRAPH.replace('{ audio = "${joined}" }', '{ audio = "${joined}", gain_db = 0, duck = false }')
        ).values()
    )
    louder = build(GRAPH.replace("duck = true, loop", "duck = true, gain_db = 1, loop"))
    assert [name for name, status in louder.items() if status == "ran"] == ["mix"]
    with_sting = build(GRAPH.replace("quiet = false", "quiet = true"))
    assert [name for name, status in with_sting.items() if status == "ran"] == ["sting", "mix"]
    sounds.run("-f", "lavfi", "-i", "sine=500:duration=0.5:sample_rate=16000", str(tmp_path / "bed.wav"))
    assert [name for name, status in build(GRAPH).items() if status == "ran"] == ["mix"]
