"""What is believed of a vendor's models into what its free lists and schemas say of them. Sends GETs only. Knows no catalog's file.

fal publishes a schema for every endpoint, to anybody; the others list the models that a key may use.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Protocol, Self
from urllib.parse import urlencode

import msgspec

from dagcontent.errors import ProviderError
from dagcontent.providers.answers import json_or_none, retry_after_s, table, words
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.once import Gates
from dagcontent.providers.registry import VENDORS
from dagcontent.providers.secret import host_of

__all__ = ["ASKS", "Believed", "Finding", "Heard", "ask"]

_AT_ONCE: Final = 4
_TRIES: Final = 3
_PAUSE_S: Final = 1.0
_PAUSE_MOST_S: Final = 30.0
_MOST_BYTES: Final = 32 << 20
_MOST_PAGES: Final = 20
_NANO: Final = 1_000_000_000
_FAL: Final = "https://fal.ai"


class Believed(msgspec.Struct, frozen=True):
    """One model as it is catalogued. `fields` are all that may be sent, "a|b" where one of several is; `refused` are known
    and never sent; `most` are our bounds in nano-USD a unit; `retired` ones are believed to be gone.
    """

    name: str
    operations: tuple[str, ...]
    fields: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    most: Mapping[str, int] = {}
    retired: bool = False


class Finding(msgspec.Struct, frozen=True):
    """Where a vendor says another thing. `wrong`: calls would fail, or cost more than is believed."""

    model: str
    what: Literal["gone", "field", "required", "dearer", "alive", "unclear", "new", "unknown"]
    text: str

    @property
    def wrong(self) -> bool:
        """Whether the catalog has to change."""
        return self.what in {"gone", "field", "required", "dearer"}


class Heard(msgspec.Struct, frozen=True):
    """What came of asking one vendor. `confirmed` models are as believed; `unlisted` ones are in no list of its.

    `failure` says why it could not be asked; `unkeyed`: because there is no key.
    """

    provider: str
    confirmed: int = 0
    unlisted: int = 0
    findings: tuple[Finding, ...] = ()
    failure: str = ""
    hint: str = ""
    unkeyed: bool = False


class _NotAskedError(Exception):
    """A vendor cannot be asked, with the reason."""


async def ask(config: ProviderConfig, gates: Gates, believed: Sequence[Believed], *, whole: bool) -> Heard:
    """Ask a vendor. `whole`: these are all that are catalogued, so that others of its list are unknown. Raises nothing."""
    way = ASKS.get(config.name)
    if way is None:
        return Heard(config.name, failure="publishes no list")
    if way.keyed and not (config.key or config.keyless):
        variable = config.variable or VENDORS[config.name].keys[0]
        return Heard(config.name, failure="needs a key for its list", hint=f"export {variable}=...", unkeyed=True)
    base = config.base(way.base)
    there = {host_of(base)}
    async with _Asker(config, gates.only(lambda host: host in there), way, base) as asker:
        try:
            return await way.compare(asker, believed, whole)
        except _NotAskedError as error:
            return Heard(config.name, failure=str(error))
        except ProviderError as error:
            return Heard(config.name, failure=error.message)


class _Compare(Protocol):
    async def __call__(self, asker: _Asker, believed: Sequence[Believed], whole: bool) -> Heard: ...  # noqa: FBT001 - asked by us alone


class _Way(msgspec.Struct, frozen=True):
    """How a vendor is asked: where, whether a key goes along, and what is made of the answers."""

    base: str
    keyed: bool
    compare: _Compare
    keyless: bool = False  # nothing of ours is to be known there


class _Asker:
    """A client for GETs of one vendor: few at once, and patient where it is told to wait."""

    def __init__(self, config: ProviderConfig, gates: Gates, way: _Way, base: str) -> None:
        self.name = config.name
        self._lib, transport = _library(gates)
        auth = VENDORS[config.name].auth
        secret = "" if way.keyless else config.secret(way.base)
        headers = {"User-Agent": "dagcontent", "Accept-Encoding": "identity", **config.headers}
        headers |= {auth[0]: auth[1] + secret} if secret else {}
        self._client = self._lib.AsyncClient(transport=transport, headers=headers, timeout=30.0, follow_redirects=False)
        self._base = base
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, path: str, **query: str) -> tuple[int, Any]:
        """Return status and JSON of an answer; 404 is one. Raises _NotAskedError for what says nothing of a model."""
        url = f"{self._base}/{path}" + (f"?{urlencode(query, safe='/')}" if query else "")
        async with self._slots:
            for tried in range(_TRIES):
                status, headers, body = await self._once(url)
                if status not in {429, 500, 502, 503, 504}:
                    break
                pause = retry_after_s(headers) or _PAUSE_S * 2**tried
                if pause > _PAUSE_MOST_S or tried == _TRIES - 1:
                    break
                await asyncio.sleep(pause)
        if status in {401, 403}:
            raise _NotAskedError(f"refused the key ({status})" if status == 401 else f"refused to answer ({status})")
        if status not in {200, 404}:
            raise _NotAskedError(f"answered {status}")
        return status, json_or_none(body)

    async def _once(self, url: str) -> tuple[int, dict[str, str], bytes]:
        body = bytearray()
        try:
            async with self._client.stream("GET", url) as response:
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise _NotAskedError(f"answered with more than {_MOST_BYTES >> 20} MiB")
                headers = {name.lower(): value for name, value in response.headers.items()}
                return response.status_code, headers, bytes(body)
        except self._lib.HTTPError as error:
            raise _NotAskedError(f"could not be reached: {words(f'{type(error).__name__}: {error}', 200)}") from error

    async def rows(self, path: str, field: str, **query: str) -> list[dict[str, Any]]:
        """Return the rows of a list; of a list without `field`, the list itself. Raises _NotAskedError."""
        rows: list[dict[str, Any]] = []
        for _ in range(_MOST_PAGES):
            status, data = await self.get(path, **query)
            found = table(data).get(field) if field else data
            if status == 404 or not isinstance(found, list):
                raise _NotAskedError("answered with no list of models")
            rows += [table(row) for row in found]
            token = table(data).get("nextPageToken")
            if not isinstance(token, str) or not token:
                return rows
            query["pageToken"] = token
        raise _NotAskedError("has a list without an end")


def _library(gates: Gates) -> tuple[Any, Any]:
    try:
        import httpx2  # noqa: PLC0415 - heavy, and only one of the two need be there
    except ImportError:
        import httpx  # noqa: PLC0415 - as above

        return httpx, gates.httpx
    return httpx2, gates.httpx2


# -- fal: a schema for every endpoint ---------------------------------------------------------------------------------


async def _of_fal(asker: _Asker, believed: Sequence[Believed], whole: bool) -> Heard:  # noqa: FBT001 - see _Compare
    del whole  # it lists nothing without a key
    asked = [one for one in believed if not one.retired]
    findings: list[Finding] = []

    async def look(one: Believed) -> None:
        status, data = await asker.get("api/openapi/queue/openapi.json", endpoint_id=one.name)
        findings.extend(_against_schema(one, None if status == 404 else table(data)))

    tasks = [asyncio.ensure_future(look(one)) for one in asked]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return _heard(asker.name, asked, findings, unlisted=0)


def _against_schema(one: Believed, document: dict[str, Any] | None) -> Iterator[Finding]:
    """Compare what is sent with what a schema takes; None: there is no schema."""
    if document is None:
        yield Finding(one.name, "gone", "there is no such endpoint any more")
        return
    properties, required = _input_of(document)
    if not properties:
        yield Finding(one.name, "unclear", "its schema cannot be read")
        return
    named = {name for field in one.fields for name in field.split("|")}
    for field in sorted(one.fields):
        if not set(field.split("|")) & set(properties):
            yield Finding(one.name, "field", f"takes no `{field}`")
    for field in sorted(required - named):
        yield Finding(one.name, "required", f"needs `{field}`, which is never sent")
    more = sorted(set(properties) - named - one.refused - required)
    if more:
        yield Finding(one.name, "new", f"takes more than is catalogued: {', '.join(more)}")


def _input_of(document: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Return the properties of a queue's input and the names of those that are required; nothing if they are not there."""
    for path in table(document.get("paths")).values():
        content = table(table(table(path).get("post")).get("requestBody")).get("content")
        schema = table(table(table(content).get("application/json")).get("schema"))
        properties: dict[str, Any] = {}
        required: set[str] = set()
        for part in _parts(schema, document, 0):
            properties |= table(part.get("properties"))
            names = part.get("required")
            required |= {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()
        if properties:
            return properties, required
    return {}, set()


def _parts(schema: Mapping[str, Any], document: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield a schema, what it refers to and what it is put together of."""
    if depth > 8:
        return
    yield schema
    name = schema.get("$ref")
    if isinstance(name, str):
        found = table(table(table(document.get("components")).get("schemas")).get(name.rpartition("/")[2]))
        yield from _parts(found, document, depth + 1)
    several = schema.get("allOf")
    for part in several if isinstance(several, list) else []:
        yield from _parts(table(part), document, depth + 1)


# -- the others: a list of models ---------------------------------------------------------------------------------------


async def _of_openai(asker: _Asker, believed: Sequence[Believed], whole: bool) -> Heard:  # noqa: FBT001 - see _Compare
    live = _named(await asker.rows("models", "data"), "id")
    return _against_list(asker.name, believed, live, whole, lambda _one: True)


async def _of_elevenlabs(asker: _Asker, believed: Sequence[Believed], whole: bool) -> Heard:  # noqa: FBT001 - see _Compare
    live = _named(await asker.rows("v1/models", ""), "model_id")
    spoken = {"speech", "dialogue", "convert"}  # its list has no music, no sounds, no pictures
    return _against_list(asker.name, believed, live, whole, lambda one: bool(spoken & set(one.operations)))


async def _of_google(asker: _Asker, believed: Sequence[Believed], whole: bool) -> Heard:  # noqa: FBT001 - see _Compare
    rows = await asker.rows("v1beta/models", "models", pageSize="1000")
    live = {name.removeprefix("models/"): row for name, row in _named(rows, "name").items()}
    return _against_list(
        asker.name, believed, live, whole, lambda one: not all(name.startswith("vertex.") for name in one.operations)
    )


async def _of_openrouter(asker: _Asker, believed: Sequence[Believed], whole: bool) -> Heard:  # noqa: FBT001 - see _Compare
    live = _named(await asker.rows("models", "data"), "id") | _named(await asker.rows("videos/models", "data"), "id")
    heard = _against_list(asker.name, believed, live, whole, lambda _one: True)
    dearer = [finding for one in believed if one.name in live for finding in _dearer(one, live[one.name])]
    wrong = {finding.model for finding in heard.findings if finding.wrong}
    fewer = len({finding.model for finding in dearer} - wrong)
    return msgspec.structs.replace(heard, findings=(*dearer, *heard.findings), confirmed=heard.confirmed - fewer)


def _named(rows: Iterable[Mapping[str, Any]], field: str) -> dict[str, Mapping[str, Any]]:
    return {name: row for row in rows if isinstance(name := row.get(field), str) and name}


def _against_list(
    provider: str,
    believed: Sequence[Believed],
    live: Mapping[str, Mapping[str, Any]],
    whole: bool,  # noqa: FBT001 - see _Compare
    listed: Callable[[Believed], bool],
) -> Heard:
    """Compare with a list. What is not `listed` there is not missed; an empty list says nothing."""
    if not live:
        return Heard(provider, failure="answered with an empty list")
    asked = [one for one in believed if not one.retired and listed(one)]
    findings = [Finding(one.name, "gone", "is not in the list of models") for one in asked if one.name not in live]
    findings += [
        Finding(one.name, "alive", "is listed, and catalogued as retired")
        for one in believed
        if one.retired and one.name in live
    ]
    if whole:
        known = {one.name for one in believed}
        findings += [Finding(name, "unknown", "is not catalogued") for name in sorted(set(live) - known)]
    unlisted = sum(not one.retired and one not in asked for one in believed)
    return _heard(provider, asked, findings, unlisted=unlisted)


def _dearer(one: Believed, row: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare prices of tokens, where the list has them, with our bounds."""
    pricing = table(row.get("pricing"))
    for unit, field in (("input token", "prompt"), ("output token", "completion")):
        try:
            nano = float(pricing.get(field, "nan")) * _NANO
        except (TypeError, ValueError):
            continue
        most = one.most.get(unit)
        if most is not None and math.isfinite(nano) and nano > most:
            text = f"${nano / 1000:g} a million {unit}s, and at most ${most / 1000:g} is believed"
            yield Finding(one.name, "dearer", text)


def _heard(provider: str, asked: Sequence[Believed], findings: list[Finding], *, unlisted: int) -> Heard:
    doubted = {finding.model for finding in findings if finding.wrong or finding.what == "unclear"}
    confirmed = sum(one.name not in doubted for one in asked)
    order = {one.name: at for at, one in enumerate(asked)}
    findings.sort(key=lambda finding: (not finding.wrong, order.get(finding.model, len(order))))
    return Heard(provider, confirmed, unlisted, tuple(findings))


ASKS: Final[Mapping[str, _Way]] = {
    "fal": _Way(_FAL, keyed=False, compare=_of_fal, keyless=True),
    "elevenlabs": _Way(VENDORS["elevenlabs"].base, keyed=True, compare=_of_elevenlabs),
    "google": _Way(VENDORS["google"].base, keyed=True, compare=_of_google),
    "openai": _Way(VENDORS["openai"].base, keyed=True, compare=_of_openai),
    "openrouter": _Way(VENDORS["openrouter"].base, keyed=False, compare=_of_openrouter),
}
"""Vendors that can be asked."""
