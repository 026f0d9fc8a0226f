"""An example into a copy that can be built, edited, decided about and paid for. Knows none of the examples.

Paid means: by real SDKs against fake vendors; what was charged is read from the vendors' own ledger.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from oracle.paid import spending

from dagcontent.api import BuildResult, approve, build, load, pick, plan, show
from dagcontent.media import ffmpeg
from dagcontent.testing.vendors.client import FakeVendors

__all__ = ["EXAMPLES", "Example", "failures", "lufs"]

EXAMPLES = Path(__file__).parents[2] / "examples"


class Example:
    """One example, copied, with a store of its own; `vendors` are paid by `buy`."""

    def __init__(
        self, name: str, folder: Path, params: Mapping[str, str] | None = None, vendors: FakeVendors | None = None
    ) -> None:
        shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("out"))
        self.graph = folder / name / "graph.toml"
        self.out = folder / name / "out"
        self.store = folder / "store"
        self.params = dict(params or {})
        self._spending = None if vendors is None else spending(vendors)

    def build(self, profile: str | None = None) -> BuildResult:
        """Build what is missing."""
        return build(self.graph, params=self.params, store=self.store, profile=profile)

    def buy(self) -> BuildResult:
        """Build what is missing, paid for."""
        return build(self.graph, params=self.params, store=self.store, spending=self._spending)

    def approve(self, *names: str) -> None:
        """Let what gates show go on."""
        approve(self.graph, names, params=self.params, store=self.store, realms=self._realms())

    def pick(self, name: str, choice: str) -> None:
        """Choose for a person."""
        pick(self.graph, name, choice, params=self.params, store=self.store, realms=self._realms())

    def _realms(self) -> Mapping[str, str]:
        return {} if self._spending is None else self._spending.realms

    def pending(self) -> dict[str, set[str]]:
        """Return instances by status, as the plan has them."""
        found: dict[str, set[str]] = {"run": set(), "maybe": set(), "hit": set()}
        for row in plan(self.graph, params=self.params, store=self.store).rows:
            found[row.status].add(row.node)
        return found

    def unbounded(self) -> list[str]:
        """Return what nobody can say the most of that it may cost, of a plan in which nothing is made yet."""
        rows = plan(self.graph, params=self.params, store=self.store.with_name("new")).rows
        return [row.node for row in rows if row.price is not None and row.price.quote.high is None]

    def seconds(self, node: str, profile: str | None = None) -> float:
        """Return how long a result is."""
        loaded = load(self.graph, params=self.params, profile=profile)
        return float(show(loaded, node, store=self.store).artifacts[0].facts["duration_ms"]) / 1000

    def edit(self, old: str, new: str) -> None:
        """Change the graph's text in one place."""
        text = self.graph.read_text()
        assert text.count(old) == 1
        self.graph.write_text(text.replace(old, new))


def failures(result: BuildResult) -> list[tuple[str, str]]:
    """Return what failed, and why: a test that compares them with none says it when it fails."""
    return [(node.node, str(node.error)) for node in result.nodes if node.status == "failed"]


def lufs(path: Path) -> float:
    """Return how loud a file is, by ffmpeg's own meter."""
    said = subprocess.run(
        [ffmpeg.executable(), "-hide_banner", "-nostats", "-i", str(path), "-vn", "-af", "ebur128", "-f", "null", "-"],
        check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", said.stderr)[-1])
