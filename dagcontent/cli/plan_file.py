"""Turn a plan into a file that a build can be held to, and such a file into what was agreed to. Knows no store.

The file is the document of `plan --json` with a `plan` table more (its format, and what was planned: graph, targets, parameters,
profile)
and, in each row that costs money, a digest of what is written of it. What is not as it must be is refused before anything is spent.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from dagcontent.errors import ConfigError
from dagcontent.plan.contract import Promise, Promised
from dagcontent.spec.document_schemas import PLAN_FORMAT
from dagcontent.values.money import microusd

__all__ = ["Agreed", "file_head", "read_plan_file"]

_MOST_BYTES: Final = 256 * 1024 * 1024
_USD: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")
_AGAIN: Final = "write it anew: dagcontent plan GRAPH -o FILE"


class Agreed(msgspec.Struct, frozen=True):
    """What a file says was agreed to, and what it was planned for."""

    promise: Promise
    targets: tuple[str, ...]
    params: Mapping[str, str]
    profile: str | None = None


class _Head(msgspec.Struct):
    format: int
    graph: str
    targets: list[str]
    params: dict[str, str]
    profile: str | None = None


class _Cost(msgspec.Struct):
    high: str | None


class _Items(msgspec.Struct):
    max: int | None = None


class _Row(msgspec.Struct):
    node: str
    status: str
    cost_usd: _Cost
    model: str | None = None
    key: str | None = None
    asks: str | None = None
    items: _Items | None = None
    fallbacks: tuple[str, ...] = ()

    @property
    def buys(self) -> bool:
        """Whether it may be paid for: what costs nothing asks for nothing."""
        return self.asks is not None


class _Totals(msgspec.Struct):
    cost_usd: _Cost


class _File(msgspec.Struct):
    plan: _Head
    nodes: list[_Row]
    totals: _Totals


class _Formats(msgspec.Struct):
    """As much as any format has."""

    plan: Any = None
    nodes: Any = None


def file_head(
    graph: str, targets: Sequence[str], params: Mapping[str, str], profile: str | None, file: Path
) -> dict[str, Any]:
    """Return the table that makes a plan's document a file to be held to."""
    path = os.path.relpath(os.path.realpath(graph), os.path.realpath(file.parent))
    return {
        "format": PLAN_FORMAT,
        "graph": Path(path).as_posix(),
        "targets": list(targets),
        "params": dict(params),
        "profile": profile,
    }


def read_plan_file(
    name: str, graph: str, targets: Sequence[str], params: Mapping[str, str], profile: str | None
) -> Agreed:
    """Return what was agreed to in a file, for a build of this graph. Raises ConfigError.

    Targets, parameters and profile need not be given again; if they are, they must be the file's.
    """
    found = _parsed(name)
    path = os.path.realpath(Path(name).parent / found.plan.graph)
    if path != os.path.realpath(graph):
        raise ConfigError(
            f"{name} is the plan of another graph",
            facts=[("planned", found.plan.graph), ("to build", os.path.relpath(graph, Path(name).parent))],
            hint="the graph is looked for from the folder of the file, where it stood when it was planned",
        )
    if targets and set(targets) != set(found.plan.targets):
        planned = " ".join(found.plan.targets) or "the whole graph"
        raise ConfigError(
            f"{name} is the plan of other targets",
            facts=[("planned", planned), ("to build", " ".join(targets))], hint="leave them out: the file says them",
        )  # fmt: skip
    if params and params != found.plan.params:
        raise ConfigError(
            f"{name} was planned with other parameters",
            facts=[("planned", _shown(found.plan.params)), ("to build", _shown(params))],
            hint="leave them out: the file says them",
        )
    if profile not in {None, found.plan.profile}:
        raise ConfigError(
            f"{name} was planned with another profile",
            facts=[("planned", found.plan.profile or "none"), ("to build", str(profile))],
            hint="leave it out: the file says it",
        )
    rows = tuple(_promised(row, name) for row in found.nodes if row.buys)
    promise = Promise(said=name, rows=rows)
    total = found.totals.cost_usd.high
    if total is not None and _amount(total, name) != promise.most_microusd:
        raise ConfigError(f"{name} was changed: its total is not the sum of its rows", hint=_AGAIN)
    return Agreed(promise, tuple(found.plan.targets), found.plan.params, found.plan.profile)


def _parsed(name: str) -> _File:
    try:
        with Path(name).open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}", hint=_AGAIN) from None
    if len(data) > _MOST_BYTES:
        raise ConfigError(f"{name} is too large for a plan", hint=_AGAIN)
    try:
        formats = msgspec.json.decode(data, type=_Formats)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise ConfigError(f"{name} is no plan: it cannot be read as JSON", hint=_AGAIN) from None
    if not isinstance(formats.plan, dict) or not isinstance(formats.nodes, list):
        why = "was not written by `plan -o`" if isinstance(formats.nodes, list) else "is no plan"
        raise ConfigError(f"{name} {why}", hint=_AGAIN)
    version = formats.plan.get("format")
    if version != PLAN_FORMAT or isinstance(version, bool):
        age = "a newer" if isinstance(version, int) and version > PLAN_FORMAT else "another"
        raise ConfigError(
            f"{name} is of {age} version of dagcontent: its format is {version!r:.20}, and this one reads {PLAN_FORMAT}",
            hint=_AGAIN,
        )
    try:
        return msgspec.json.decode(data, type=_File)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ConfigError(f"{name} is no whole plan: {error}", hint=_AGAIN) from None


def _promised(row: _Row, name: str) -> Promised:
    return Promised(
        node=row.node,
        model=row.model or "",
        status=row.status,
        key=row.key,
        asks=row.asks,
        most_microusd=None if row.cost_usd.high is None else _amount(row.cost_usd.high, name),
        items_max=None if row.items is None else row.items.max,
        fallbacks=row.fallbacks,
    )


def _amount(text: str, name: str) -> int:
    if _USD.fullmatch(text) is None:
        raise ConfigError(f"{name} was changed: {text[:40]!r} is no amount of money", hint=_AGAIN)
    return microusd(text)


def _shown(params: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(params.items())) or "none"
