"""A watch that builds: what all its builds together spend, against the vendors' ledger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from oracle.paid import Bench

from dagcontent.api import watching
from dagcontent.api.watching import Sources
from dagcontent.cli.commands import cli

GRAPH = """
[graph]
name = "one"
[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
prompt = "a lantern, {number}"
size = "1024x1024"
"""


@pytest.mark.slow
def test_all_builds_of_a_watch_share_one_budget(bench: Callable[[str], Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred edits cannot spend a hundred budgets: what the builds before spent is taken off, and what does not fit any more
    is not sent.
    """
    one = bench(GRAPH.format(number=0))
    edits = 0

    class Edits:
        def wait(self, sources: Sources) -> None:
            nonlocal edits
            edits += 1
            if edits > 5:
                raise KeyboardInterrupt
            one.write(GRAPH.format(number=edits))

    monkeypatch.setattr(watching, "changes", Edits)
    for name, value in one.vendors.environment.items():
        monkeypatch.setenv(name, value)
    config = one.folder / "config.toml"
    monkeypatch.setenv("DAGCONTENT_CONFIG", str(config))
    config.write_text(one.vendors.config_toml(), encoding="utf-8")
    args = ["watch", str(one.graph), "--auto", "--budget", "0.08", "--store", str(one.store)]
    found = CliRunner().invoke(cli, args, catch_exceptions=False)
    assert found.exit_code == 0, found.stderr
    charged = sum(charge.microusd or 0 for charge in one.charges())
    assert 0 < charged <= 80_000
    assert 1 <= len(one.posts()) <= 3
    assert Path(one.store).is_dir()
