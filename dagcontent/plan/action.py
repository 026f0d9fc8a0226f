"""A unit whose inputs are known into a manifest and its key. Knows no records and no other units.

One function makes both the key and what `why` shows: they cannot drift apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

import msgspec

from dagcontent.errors import NodeError
from dagcontent.graph.model import Node
from dagcontent.kinds.declaration import Kind
from dagcontent.kinds.schema import ReturnsError, schema_of_returns
from dagcontent.plan.unit import Unit
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import Manifest, action_key
from dagcontent.values.value import ABSENT, ActionKey, Value

__all__ = ["FIRST", "OPTIONS", "SEED", "Action", "Keys", "Sample", "carries", "keyed_params", "seed_of"]

SEED = "seed"
OPTIONS = "options"


class Sample(NamedTuple):
    """Which of many results of one request."""

    take: int = 0
    reroll: int = 0


FIRST: Final = Sample()


def seed_of(written: int | None, sample: Sample) -> int | None:
    """Return the seed that is sent: the first sample's is the one that is written, if one is; others' are made of both.

    A sample without a written seed gets one too: a stand-in, and a model with a seed of its own, would give the same again.
    """
    if sample == FIRST:
        return written
    text = f"{'' if written is None else written}:{sample.take}:{sample.reroll}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) >> 1


class Action(msgspec.Struct, frozen=True):
    """What would be run for one unit. `params` are complete (defaults filled in); the manifest's are the keyed ones."""

    unit: Unit
    node: Node
    key: ActionKey
    manifest: Manifest
    params: dict[str, Any]
    model: str
    seed: int | None  # as it is sent: of the node's own and the sample

    @property
    def provider(self) -> str:
        """Who is paid for it; empty for what this machine makes."""
        provider = self.model.partition("/")[0]
        return "" if provider == "local" else provider


class Keys:
    """Makes manifests and keys; remembers the encodings of long lists and of key defaults."""

    def __init__(
        self, *, epoch: str | None = None, realms: Mapping[str, str] | None = None, today: date | None = None
    ) -> None:
        self.encoder = Encoder()
        self.today = today
        self._realms = realms or {}
        self._epoch = epoch
        self._defaults: dict[str, dict[str, bytes]] = {}

    def manifest(
        self, node: Node, params: Mapping[str, Value], model: str, version: int, sample: Sample = FIRST
    ) -> Manifest:
        """Return the manifest of a node for parameters as evaluated and coerced (and `seed`, `options` among them)."""
        kind = node.kind
        return Manifest(
            kind=kind.name,
            version=version,
            params=keyed_params(kind, params, self._default_bytes(kind), self.encoder),
            model=model,
            realm=self.realm(model),
            take=sample.take,
            reroll=sample.reroll,
            epoch=self._epoch if node.spec.cache == "run" else None,
            carry=carries(kind, model),
        )

    def realm(self, model: str) -> str:
        """Return what keeps a model's results apart from those of the vendor's own hosts; empty for those."""
        return self._realms.get(model.partition("/")[0], "")

    def key(self, manifest: Manifest) -> ActionKey:
        """Return the action key."""
        return action_key(manifest, self.encoder)

    def _default_bytes(self, kind: Kind) -> dict[str, bytes]:
        known = self._defaults.get(kind.name)
        if known is None:
            known = {p.name: self.encoder.encode(p.default) for p in kind.params if p.default is not None}
            self._defaults[kind.name] = known
        return known


def carries(kind: Kind, model: str) -> bool:
    """Tell whether carried facts of what goes in decide what comes out, and so are in the key."""
    return kind.carries or (kind.carries_here and model.startswith("local/"))


def keyed_params(
    kind: Kind, params: Mapping[str, Value], defaults: Mapping[str, bytes], encoder: Encoder
) -> dict[str, Any]:
    """Return the parameters that enter the key: given, keyed, and not the key default.

    `returns` enters as the JSON Schema it stands for, so that both spellings are one key.
    """
    made: dict[str, Any] = {}
    for name, value in params.items():
        if value is None or value is ABSENT:
            continue
        if name == "returns" and kind.param("schema") is not None:
            try:
                made["schema"] = schema_of_returns(value)
            except ReturnsError as bad:
                raise NodeError(str(bad), hint="correct `returns`") from None
            continue
        default = defaults.get(name)
        if default is not None and encoder.encode(value) == default:
            continue
        made[name] = value
    return made
