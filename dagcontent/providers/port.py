"""A call into one send, and answers into what they mean: the seam between the engine and every vendor.

One adapter a vendor, made once a build. The engine calls, for one attempt and in this order:

    prepare   uploads inputs (free requests), gives the payload: plain data, the same for the same call
    send      exactly one POST through the gate; what the vendor answers lies in the spool, whatever the SDK makes of it
    read      the spooled answer (now, or after a crash) into a Handle, a Result or a Failure: no I/O
    poll      by the handle, any number of times, across restarts: GETs only
    find      what the vendor lists that could be this call, when its answer was lost

Adapters know no budget, key, graph or store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol, runtime_checkable

import msgspec

from dagcontent.values.attempt import Handle
from dagcontent.values.value import Blob

__all__ = [
    "Adapter", "Answer", "Bounds", "Call", "Cost", "ErrorClass", "Failure", "Files", "Listed", "Operation", "Outcome",
    "Part", "Recovery", "Result", "TellsLater", "Waiting", "payload_digest",
]  # fmt: skip


class Recovery(Enum):
    """What can be done when a request was sent and its answer lost."""

    EXACT = "exact"
    """The vendor finds it by our marker."""
    BY_MATCH = "by-match"
    """The vendor lists it; payload and time must match one and only one."""
    ASK = "ask"
    """Nobody can tell: a person decides."""


class ErrorClass(Enum):
    """Why a vendor refused or failed. Policy reads this, never a text."""

    AUTH = "auth"
    QUOTA = "quota"  # no credit, no plan: nothing of this account goes on
    RATE_LIMIT = "rate-limit"  # too many a minute
    CONCURRENCY = "concurrency"  # too many at once
    BLOCKED = "blocked"  # moderation
    INVALID = "invalid"  # the request is wrong
    NOT_FOUND = "not-found"  # no such model, voice or job
    GONE = "gone"  # the job or its result is no longer kept
    TRANSIENT = "transient"
    UNKNOWN = "unknown"


class Bounds(msgspec.Struct, frozen=True):
    """How long things may take, in seconds. A realm's configuration may set others.

    `send_s`: from the intent to the first byte. `inflight_s`: how late a vendor may still register what was sent.
    `list_lag_s`: how late its list may show it. `poll_s`, `poll_most_s`: first and longest pause between polls.
    """

    send_s: float = 10.0
    inflight_s: float = 120.0
    list_lag_s: float = 60.0
    poll_s: float = 0.5
    poll_most_s: float = 10.0
    answer_s: float = 600.0


class Operation(msgspec.Struct, frozen=True):
    """What an adapter declares of one way to call: facts, not policy.

    `handle`: the answer is an id that is polled; otherwise the answer is the result. `marker`: where ours is put, empty if
    nowhere. `cost`: how the actual cost is read. `window`: one sentence for people: what happens when the answer is lost.
    """

    name: str
    recovery: Recovery
    handle: bool
    marker: str
    cost: str
    window: str
    bounds: Bounds = Bounds()


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request of ours. `model` is the vendor's own id; `params` are the kind's, effective (defaults, snapped);
    `fields` the same in the vendor's names and forms, `options` merged in; files are `Blob`s in both.

    `output` is the type that must come of it: text, json, image, audio, video. `marker` is 32 hex digits.
    """

    attempt: str
    marker: str
    provider: str
    operation: str
    kind: str
    model: str
    output: str
    params: Mapping[str, Any]
    fields: Mapping[str, Any]
    seed: int | None = None


class Answer(msgspec.Struct, frozen=True):
    """A vendor's whole answer to a send. `headers` in lower case; `body` decoded of any transfer coding."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Cost(msgspec.Struct, frozen=True):
    """What a vendor says it charged: money, or `units` of `unit` where it gives none; both None: it says nothing.

    `used` are the amounts that the units are made of, where they are priced apart: ("input token", 40), ("output token", 9).
    `doubt` quotes a report that cannot be, as a cost below zero: nothing of it is believed.
    """

    microusd: int | None = None
    units: float | None = None
    unit: str = ""
    used: tuple[tuple[str, float], ...] = ()
    doubt: str = ""

    @property
    def amounts(self) -> tuple[tuple[str, float], ...]:
        """What was used, by the unit it is priced in; empty if the vendor does not say."""
        return self.used or (() if self.units is None else ((self.unit, self.units),))


class Part(msgspec.Struct, frozen=True):
    """One artifact of a result: its bytes, a URL of a file host, or a path below the provider's own address.

    `media_type` is what the vendor says; the bytes decide. `facts` are what cannot be measured: an alignment.
    """

    data: bytes | None = None
    url: str | None = None
    path: str | None = None
    media_type: str = ""
    facts: Mapping[str, Any] = {}


class Result(msgspec.Struct, frozen=True):
    """What was made: text, JSON data, a `Part`, or a list of them, and what it cost."""

    value: Any
    cost: Cost = Cost()
    extras: Mapping[str, Any] = {}


class Failure(msgspec.Struct, frozen=True):
    """A refusal or a failed job, as the vendor's complete answer says it.

    `billed`: False only where the adapter's table names this answer as refused and unbilled; True where it was charged;
    None where nobody can say. `answer` is what is kept of it, without secrets. `cost` is what it says it charged.
    """

    error_class: ErrorClass
    message: str
    billed: bool | None = None
    retry_after_s: float | None = None
    answer: Any = None
    cost: Cost = Cost()


class Waiting(msgspec.Struct, frozen=True):
    """The job goes on. `stage` is a word for people: "in queue", "generating"."""

    stage: str
    position: int | None = None
    fraction: float | None = None


class Listed(msgspec.Struct, frozen=True):
    """One job of a vendor's list that could be ours."""

    handle: Handle
    at_ms: int
    exact: bool  # found by our marker


Outcome = Handle | Result | Failure


def payload_digest(payload: Mapping[str, Any]) -> str:
    """Return SHA-256 of a payload, whatever the order of its keys. Bytes and artifacts count by their content."""
    return hashlib.sha256(msgspec.json.encode(payload, order="deterministic", enc_hook=_named)).hexdigest()


def _named(value: object) -> object:
    if isinstance(value, Blob):
        return f"{value.type}:{value.digest}"
    text = f"{type(value).__name__} cannot be in a payload"
    raise NotImplementedError(text)


class Files(Protocol):
    """The inputs of one call."""

    def read(self, blob: Blob) -> bytes:
        """Return the verified bytes of an input."""
        ...

    async def uploaded(self, blob: Blob, upload: Callable[[bytes, str], Awaitable[tuple[str, int]]]) -> str:
        """Return where a vendor keeps this input; `upload(data, media_type) -> (url or id, kept until, in ms)` if it does not yet."""
        ...


class Adapter(Protocol):
    """One vendor. Methods that talk may raise the HTTP library's and the SDK's errors; `fault` says what they mean."""

    name: str
    operations: Mapping[str, Operation]
    result_hosts: Sequence[str]
    """Hosts whose URLs may be fetched; ".example.com" means all below it."""

    async def prepare(self, call: Call, files: Files) -> Mapping[str, Any]:
        """Return the payload; upload what must be uploaded. Raises NodeError for a call that cannot be made."""
        ...

    async def send(self, call: Call, payload: Mapping[str, Any]) -> None:
        """Send one POST, in the caller's context, and read its answer to the end. Returns nothing: the spool has it."""
        ...

    def read(self, call: Call, answer: Answer) -> Outcome:
        """Say what an answer means. Raises ProviderError for one that cannot be understood."""
        ...

    async def poll(self, call: Call, handle: Handle) -> Waiting | Result | Failure:
        """Ask once how a job stands."""
        ...

    async def find(self, call: Call, payload_digest: str, since_ms: int, until_ms: int) -> Sequence[Listed]:
        """Return the jobs of that time that could be this call; empty if there is none. ASK operations are never asked."""
        ...

    def fault(self, error: BaseException) -> Failure | None:
        """Say what an exception of a GET or of `prepare` means; None if it is not one of this vendor's."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


@runtime_checkable
class TellsLater(Protocol):
    """What an adapter may have besides, whose vendor tells afterwards what a request cost."""

    async def cost_later(self, call: Call, ids: Mapping[str, str], at_ms: int) -> Cost:
        """Return what a request cost that was sent about then; `Cost()` if its vendor does not say. Free requests, no POST.

        `ids` are all that the vendor named: headers of its answer that end in "-id", and the ids of a handle.
        """
        ...

    def fault(self, error: BaseException) -> Failure | None:
        """As an adapter's."""
        ...
