"""A build whose speech was made and whose answer was lost: found in the history, and paid once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dagcontent.testing.vendors.client import FakeVendors

GRAPH = """
[graph]
name = "talk"

[node.voice]
kind = "speech.generate"
model = "elevenlabs/eleven_multilingual_v2"
text = "Good morning. The kettle sings."
voice = "Rachel"

[node.words]
kind = "text.generate"
model = "openrouter/openai/gpt-6-luna"
prompt = "Write about a kettle."
"""


@pytest.mark.slow
def test_a_build_finds_the_speech_whose_answer_was_lost(tmp_path: Path) -> None:
    """The connection breaks after the vendor has spoken: the same build goes on with it, and the next has nothing to make."""
    (tmp_path / "graph.toml").write_text(GRAPH, encoding="utf-8")
    (tmp_path / "config" / "dagcontent").mkdir(parents=True)
    with FakeVendors() as vendors:
        (tmp_path / "config" / "dagcontent" / "config.toml").write_text(vendors.config_toml(), encoding="utf-8")
        vendors.set_faults([{"fault": "drop", "vendor": "elevenlabs", "operation": "speech", "nth": 1}])
        folders = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "CACHE", "STATE")}
        said = [
            subprocess.run(
                [sys.executable, "-m", "dagcontent", "build", "graph.toml", "--yes", "--allow-unpriced"],
                cwd=tmp_path, env={**os.environ, **vendors.environment, **folders, "HOME": str(tmp_path)},
                capture_output=True, text=True, timeout=100, check=False,
            )
            for _ in range(2)
        ]  # fmt: skip
        assert [one.returncode for one in said] == [0, 0], said
        assert "2 hits" in said[1].stdout
        assert sorted(charge.operation for charge in vendors.charges()) == ["chat", "speech"]
        assert len(vendors.requests(operation="history.audio")) == 1
        assert vendors.errors() == []
