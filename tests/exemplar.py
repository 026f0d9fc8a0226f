"""An example into a copy of its own that is built small: what the tests of examples stand on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from dagcontent.api import BuildResult, build, plan

EXAMPLES = Path(__file__).parents[1] / "examples"
SMALL = {"hello": {"size": "180x320"}, "slides": {"size": "320x180"}, "teaser": {"size": "90x160"}}


class Example:
    """One example, copied, with a store of its own."""

    def __init__(self, name: str, folder: Path, params: Mapping[str, str] | None = None) -> None:
        shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("out"))
        self.graph = folder / name / "graph.toml"
        self.out = folder / name / "out"
        self.store = folder / "store"
        self.params = dict(SMALL[name] if params is None else params)

    def build(self, profile: str | None = None) -> BuildResult:
        """Build what is missing."""
        return build(self.graph, params=self.params, store=self.store, profile=profile)

    def pending(self) -> dict[str, set[str]]:
        """Return instances by status, as the plan has them."""
        found: dict[str, set[str]] = {"run": set(), "maybe": set(), "hit": set()}
        for row in plan(self.graph, params=self.params, store=self.store).rows:
            found[row.status].add(row.node)
        return found

    def edit(self, old: str, new: str) -> None:
        """Change the graph's text in one place."""
        text = self.graph.read_text()
        assert text.count(old) == 1
        self.graph.write_text(text.replace(old, new))
