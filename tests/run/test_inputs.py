"""Names of input files, in messages of real builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagcontent.api import build

pytestmark = pytest.mark.slow


def test_files_are_called_what_their_owner_calls_them(tmp_path: Path) -> None:
    """Of ten clips one is damaged: the message says which, by its own name, or by its place in the list."""
    (tmp_path / "holiday film.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 90)
    graph = tmp_path / "graph.toml"
    graph.write_text(
        """
[graph]
name = "names"
[node.ours]
kind = "video.generate"
model = "local/kenburns"
prompt = "a"
duration = 0.3
aspect = "1:1"
[node.film]
kind = "video.concat"
clips = ["${ours}", "holiday film.mp4"]
[node.two]
kind = "video.concat"
clips = ["${ours}", "${ours}"]
transition = "fade"
transition_seconds = 2.0
"""
    )
    nodes = {node.node: node for node in build(graph, store=tmp_path / "store").nodes}
    assert "holiday-film.mp4" in str(nodes["film"].error)
    assert nodes["two"].status == "failed"
