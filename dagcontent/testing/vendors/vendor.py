"""What every fake vendor is, and one request to it as its handlers see it. Knows no sockets."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from dagcontent.testing.vendors.faults import Rule
from dagcontent.testing.vendors.jobs import Job
from dagcontent.testing.vendors.ledger import Charge
from dagcontent.testing.vendors.rates import by_units
from dagcontent.testing.vendors.realm import FAKE_KEY, Realm
from dagcontent.testing.vendors.wire import Request, Response

__all__ = ["NAMES", "Charged", "Exchange", "Handler", "Refused", "Route", "Vendor", "every_vendor"]

NAMES = ("fal", "elevenlabs", "google", "openai", "openrouter")
_MARKER = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_SPOILT_AFTER = 24


class Refused(Exception):  # noqa: N818 - an answer, not a fault of this program
    """A request is refused: nothing is charged."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class Charged(msgspec.Struct, frozen=True):
    """What was charged, and is reported."""

    microusd: int | None
    units: float | None


class Exchange:
    """One request, from its body on."""

    def __init__(self, realm: Realm, vendor: Vendor, route: Route, request: Request, params: Mapping[str, str]) -> None:
        self.realm = realm
        self.vendor = vendor
        self.route = route
        self.request = request
        self.params = params
        self.rules: Sequence[Rule] = ()

    @property
    def said(self) -> bytes:
        """The body; for what asks after a job, what that was begun with."""
        if self.request.body or "id" not in self.params:
            return self.request.body
        job = self.realm.jobs.find(self.vendor.name, self.params["id"])
        return b"" if job is None else msgspec.json.encode(job.payload, enc_hook=str)

    def struck(self, fault: str) -> Rule | None:
        """Return the rule of a fault that strikes this request, or None."""
        return next((rule for rule in self.rules if rule.fault == fault), None)

    @property
    def factor(self) -> float:
        """By how much this request is overcharged; 1.0: not at all."""
        rule = self.struck("overcharge")
        return rule.factor if rule is not None else 1.0

    async def charge(
        self, *, model: str, job: str = "", microusd: int | None = None, units: float | None = None, unit: str = ""
    ) -> Charged:
        """Accept the request: return when its charge is on disk. `microusd` None: units at the settings' price, or the list's.

        A job that is to fail unbilled is accepted without a charge.
        """
        if microusd is None and units is not None and model in self.realm.settings.prices:
            microusd = round(self.realm.settings.prices[model] * units)
        told = None if units is None else units * self.factor
        if microusd is None and told is not None:
            charged = Charged(by_units(self.vendor.name, model, told, unit), told)
        else:
            charged = Charged(None if microusd is None else round(microusd * self.factor), told)
        if any(rule.fault in ("moderation", "job_error") and not rule.after for rule in self.rules):
            return charged
        await self.realm.ledger.note(
            Charge(
                at=self.realm.now_ms(),
                vendor=self.vendor.name,
                operation=self.route.operation,
                model=model,
                job=job,
                marker=_marker_in(self.request),
                body=self.request.digest(),
                microusd=charged.microusd,
                units=charged.units,
                unit=unit,
            )
        )
        return charged

    def cost_as_told(self, cost: Any) -> Any:
        """Return what the answer says of a cost: the truth, or by a fault nothing, None, or what cannot be."""
        if self.struck("untold"):
            return None
        rule = self.struck("mistold")
        return cost if rule is None else type(cost)(rule.value)

    async def refund(self, job: str) -> None:
        """Take the charge for a job back: return when that is on disk."""
        line = Charge(
            at=self.realm.now_ms(), vendor=self.vendor.name, operation=self.route.operation, model="", refunds=job
        )
        await self.realm.ledger.note(line)

    def new_id(self, form: str = "{}") -> str:
        """Return a new id, 32 hex digits in `form`; by a fault, the id of the job before."""
        last = self.realm.jobs.last(self.vendor.name)
        return last.id if last is not None and self.struck("duplicate_id") else self.realm.new_id(form)

    def start(self, job: Job, work: Awaitable[Any]) -> Job:
        """Begin a job as the settings and the faults say, and keep it."""
        settings = self.realm.settings
        hidden = next((rule for rule in self.rules if rule.fault == "delay" and rule.at == "listing"), None)
        hidden_s = hidden.seconds if hidden is not None else settings.listing_s
        job.start(work, queued_s=settings.queued_s, runs_s=settings.job_s, hidden_s=hidden_s)
        self.realm.jobs.add(job)
        return job

    def media(self, data: bytes) -> bytes:
        """Return an artifact's bytes as they go out: by a fault, text or damaged."""
        if self.struck("wrong_media"):
            return b"<!doctype html><title>Service page</title><p>Your content is on its way.</p>\n"
        if self.struck("corrupt_media"):
            head = data[: max(_SPOILT_AFTER, len(data) // 4)]
            return head + bytes(byte ^ 0x5A for byte in head[::-1])
        return data


Handler = Callable[[Exchange], Awaitable[Response]]


class Route(msgspec.Struct, frozen=True):
    """One way in: `{name}` in the pattern is one segment, `{name*}` one or more.

    `open`: no key is asked for. `job`: its failures, moderation too, are the job's and not the submission's.
    """

    method: str
    pattern: str
    operation: str
    handler: Handler
    open: bool = False
    job: bool = False

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return what the pattern's names stand for in a path (below the vendor's prefix), or None."""
        if method != self.method and not (method == "HEAD" and self.method == "GET"):
            return None
        found = _compiled(self.pattern).fullmatch(path)
        return None if found is None else found.groupdict()


class Vendor(Protocol):
    """One fake vendor. Its module has the class `Fake`, which takes the realm."""

    name: str
    prefix: str
    realm: Realm

    def routes(self) -> Sequence[Route]:
        """Return the ways in, the first that matches counts."""
        ...

    def key(self, request: Request) -> str:
        """Return the key that came with a request, or ""."""
        ...

    def model(self, request: Request, params: Mapping[str, str]) -> str:
        """Return the model that is asked for, for rules that name one, or ""."""
        ...

    def refusal(self, status: int, *, code: str = "", message: str = "") -> Response:
        """Return an error as this vendor words it."""
        ...

    def moderated(self) -> Response:
        """Return a refusal for content."""
        ...


def every_vendor(realm: Realm) -> list[Vendor]:
    """Return a fake of each vendor whose module is there."""
    home = __name__.rpartition(".")[0]
    names = [name for name in NAMES if importlib.util.find_spec(f"{home}.{name}") is not None]
    return [importlib.import_module(f"{home}.{name}").Fake(realm) for name in names]


def lets_in(key: str) -> bool:
    """Whether a key is a fake one."""
    return key.startswith(FAKE_KEY)


_patterns: dict[str, re.Pattern[str]] = {}


def _compiled(pattern: str) -> re.Pattern[str]:
    if pattern not in _patterns:
        text = re.escape(pattern).replace(r"\{", "{").replace(r"\}", "}").replace(r"\*}", "*}")
        text = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", text)
        _patterns[pattern] = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text))
    return _patterns[pattern]


def _marker_in(request: Request) -> str:
    """Return the first 32 hex digits that stand where a client may put a mark of its own, or ""."""
    return next((found[0] for text in _places(request) if (found := _MARKER.search(text))), "")


def _places(request: Request) -> Iterator[str]:
    yield from (value for name, value in request.headers if name.startswith("x-") or name == "idempotency-key")
    names = ("metadata", "user", "safety_identifier", "session_id", "labels")
    try:
        body = request.json() if "json" in request.header("content-type") else None
        fields = [] if body is not None else request.form()
    except ValueError:
        return
    if isinstance(body, dict):
        for value in (body.get(name) for name in names):
            yield from (str(one) for one in value.values()) if isinstance(value, dict) else (str(value),)
    yield from (field.text for field in fields if field.name.partition("[")[0] in names)
