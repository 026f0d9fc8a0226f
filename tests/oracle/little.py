"""Little graphs, resolved: dry, or built in memory. Knows no store."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

from oracle.builds import new_folder
from oracle.driver import Driver, Memory, NoSide

from dagcontent.api.files import BesideFiles
from dagcontent.api.loading import load_graph
from dagcontent.plan.model import Plan
from dagcontent.plan.planner import make_plan, resolve_dry
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Unit
from dagcontent.run.machine import Machine


class Little:
    """One graph over one memory; `edit` writes another version of it."""

    def __init__(self, text: str, **files: str) -> None:
        self.memory = Memory()
        self.last: dict[str, str] = {}
        self.edit(text, **files)

    def edit(self, text: str, **files: str) -> None:
        """Write and load a version of the graph."""
        folder = new_folder()
        try:
            for name, body in files.items():
                (folder / name.replace("_", ".")).write_text(body, encoding="utf-8")
            path = folder / "graph.toml"
            path.write_text('[graph]\nname = "little"\n' + text, encoding="utf-8")
            self.graph = load_graph(path).graph
        finally:
            shutil.rmtree(folder)

    def resolver(self, **options: Any) -> Resolver:
        """Return a resolver over the memory."""
        return Resolver(self.graph, self.memory, BesideFiles(Path("/nowhere"), NoSide()), **options)

    def plan(self, **options: Any) -> Plan:
        """Return the dry run."""
        resolver = self.resolver(**options)
        resolve_dry(resolver)
        return make_plan(resolver, self.last)

    def build(self, **options: Any) -> Built:
        """Build all of it."""
        resolver = self.resolver(**options)
        driver = Driver(Machine(resolver, slots=2, remaining_s=lambda _: 0.0), self.memory, random.Random(0), 2, {})
        driver.run()
        built = Built(resolver, driver)
        self.last = {name: unit.record.key for name, unit in built.units.items() if unit.record is not None}
        return built


class Built:
    """What a build came to, by instance."""

    def __init__(self, resolver: Resolver, driver: Driver) -> None:
        self.resolver = resolver
        self.units: dict[str, Unit] = {resolver.fanout.name(u): u for u in resolver.fanout.all_units()}
        self.values = {name: unit.value for name, unit in self.units.items()}
        self.status = {name: None if unit.status is None else unit.status.value for name, unit in self.units.items()}
        by_key = {str(unit.key): name for name, unit in self.units.items()}
        self.executed = sorted(by_key[key] for key in driver.executed)


def planned(plan: Plan) -> dict[str, str]:
    """Return the status of every row."""
    return {row.node: row.status for row in plan.rows}
