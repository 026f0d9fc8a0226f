"""What a vendor told of one request's cost afterwards, as data. Knows no vendor and no store."""

from __future__ import annotations

import msgspec

__all__ = ["Reconciled"]


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """One request whose cost was estimated or unknown, and what became of that. `error`: why it still is."""

    attempt: str
    node: str
    provider: str
    before_microusd: int
    after_microusd: int
    source: str
    error: str | None = None
