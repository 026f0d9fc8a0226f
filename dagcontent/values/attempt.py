"""One paid attempt as data: its states, the only ways between them, and what is written of it. Knows no store, no vendor.

    INTENT ──id──► SUBMITTED ──bytes──► SPOOLED ──record──► COMMITTED
       │───────────whole answer───────────►│
       │ refused and unbilled ► RELEASED   │ charged, unusable ► CHARGED      (from SUBMITTED too)
       │ nobody can tell ► UNRESOLVED      │ result gone ► EXPIRED            (from SUBMITTED too)

UNRESOLVED becomes SUBMITTED or SPOOLED when the vendor's list or a person names the job, RELEASED when the settle rule
proves that it never was, ABANDONED or SUPERSEDED when a person says so. ABANDONED leaves the key undone; SUPERSEDED lets
it be sent again. A key has at most one attempt in a state that blocks.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

import msgspec

__all__ = ["ATTEMPT_TRANSITIONS", "BLOCKING", "Attempt", "AttemptState", "Handle", "Intent"]


class AttemptState(Enum):
    """See the module's picture. The value is what the journal holds."""

    INTENT = "intent"
    SUBMITTED = "submitted"
    SPOOLED = "spooled"
    COMMITTED = "committed"
    RELEASED = "released"
    CHARGED = "charged"
    EXPIRED = "expired"
    UNRESOLVED = "unresolved"
    ABANDONED = "abandoned"
    SUPERSEDED = "superseded"


_S = AttemptState

ATTEMPT_TRANSITIONS: Final[dict[AttemptState, frozenset[AttemptState]]] = {
    _S.INTENT: frozenset({_S.SUBMITTED, _S.SPOOLED, _S.RELEASED, _S.CHARGED, _S.UNRESOLVED}),
    _S.SUBMITTED: frozenset({_S.SPOOLED, _S.RELEASED, _S.CHARGED, _S.EXPIRED, _S.ABANDONED}),
    _S.SPOOLED: frozenset({_S.COMMITTED, _S.CHARGED, _S.EXPIRED, _S.ABANDONED}),
    _S.UNRESOLVED: frozenset({_S.SUBMITTED, _S.SPOOLED, _S.RELEASED, _S.CHARGED, _S.ABANDONED, _S.SUPERSEDED}),
    _S.EXPIRED: frozenset({_S.ABANDONED, _S.SUPERSEDED}),
    _S.ABANDONED: frozenset({_S.SUPERSEDED}),
    _S.COMMITTED: frozenset(),
    _S.RELEASED: frozenset(),
    _S.CHARGED: frozenset(),
    _S.SUPERSEDED: frozenset(),
}

BLOCKING: Final = frozenset({_S.INTENT, _S.SUBMITTED, _S.SPOOLED, _S.UNRESOLVED, _S.EXPIRED, _S.ABANDONED})
"""While a key has an attempt in one of these, no other request of that key is sent."""


class Handle(msgspec.Struct, frozen=True):
    """What a vendor answered to know a job by: ids only, never URLs. `until_ms`: how long it keeps the result, if it says."""

    ids: dict[str, str]
    until_ms: int | None = None


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What is written before a request is sent. `request` is the adapter's `Call`, enough to go on without the graph.

    `reserved_microusd` is the upper bound of its cost, None where nobody knows one. `send_by_ms` is the moment after which
    it is not sent any more.
    """

    attempt: str
    key: str
    run: str
    graph: str
    instance: str
    provider: str
    realm: str
    account: str
    operation: str
    model: str
    kind: str
    recovery: str
    marker: str
    payload_digest: str
    reserved_microusd: int | None
    at_ms: int
    send_by_ms: int
    manifest: Any
    request: Any
    expected_microusd: int | None = None
    """The list price: what it counts as where the vendor does not say."""
    units: dict[str, int | None] = {}
    """The most that it uses of each measure, in millionths (`values.units`); None where nobody knows."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the journal: its intent, how far it came, and what it cost.

    `cost_source` is "reported" (the vendor said), "computed" (its usage times a price), "estimated" (the list price) or
    "unknown" (the upper bound). `answer` is the vendor's status and the headers that matter; `spool` names what lies in the spool. `owner` is
    the run that took it over after its own died; empty: the intent's. Read back, `manifest` and `request` are plain data.
    """

    intent: Intent
    state: AttemptState
    changed_ms: int
    handle: Handle | None = None
    answer: Any = None
    spool: Any = None
    error_class: str = ""
    message: str = ""
    cost_microusd: int | None = None
    cost_source: str = ""
    owner: str = ""

    @property
    def id(self) -> str:
        """The attempt's name."""
        return self.intent.attempt

    @property
    def key(self) -> str:
        """The action key it is for."""
        return self.intent.key

    @property
    def blocks(self) -> bool:
        """Whether it keeps its key from being sent again."""
        return self.state in BLOCKING
