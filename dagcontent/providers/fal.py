"""One call into one job of fal's queue, and the job into its result. Knows no price and no store.

fal's own client sends a submit again, up to ten times, and trusts addresses that answers carry. So the wire is spoken
here: one POST, then GETs under addresses that are made of the model's name and the job's id alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dagcontent.errors import NodeError, ProviderError
from dagcontent.providers.answers import (
    ListInDoubt,
    date_ms,
    instant_ms,
    json_of,
    json_or_none,
    plain_numbers,
    retry_after_s,
    table,
    words,
)
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.fal_answers import KEPT_S, read_result, read_status, read_submit
from dagcontent.providers.inline import file_name
from dagcontent.providers.once import Gates, free_requests
from dagcontent.providers.port import (
    Adapter,
    Answer,
    Bounds,
    Call,
    ErrorClass,
    Failure,
    Files,
    Listed,
    Operation,
    Outcome,
    Recovery,
    Result,
    Waiting,
    payload_digest,
)
from dagcontent.values.attempt import Handle
from dagcontent.values.value import Blob, Value

if TYPE_CHECKING:
    import httpx

__all__ = ["OPERATIONS", "adapter", "job_path"]

_QUEUE: Final = "https://queue.fal.run"
_REST: Final = "https://rest.fal.ai"
_CDN: Final = "https://v3.fal.media"
_API: Final = "https://api.fal.ai"

_NAMESPACES: Final = ("workflows", "comfy")
_APP: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)+")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_LIFETIME: Final = f'{{"expiration_duration_seconds": {KEPT_S}}}'
_MOST_BYTES: Final = 64 << 20
_MOST_UPLOAD: Final = 100 << 20
_MOST_PAGES: Final = 50
_SKEW_MS: Final = 60_000
"""How far apart fal's clock and ours may be."""

_OPERATION: Final = Operation(
    name="queue",
    recovery=Recovery.BY_MATCH,
    handle=True,
    marker="",
    cost="x-fal-billable-units of the result, times the price of a unit",
    window="fal's list of requests is asked for the one with the same input; two that match, or none yet, are left to a person",
    # The list may show finished requests only, so nothing is concluded from its silence before the longest job is over.
    bounds=Bounds(inflight_s=120.0, list_lag_s=3600.0, answer_s=120.0),
)
OPERATIONS: Final[Mapping[str, Operation]] = {_OPERATION.name: _OPERATION}
"""What this adapter declares."""


def adapter(config: ProviderConfig, gates: Gates) -> Adapter:
    """Return fal's adapter. Raises ImportError if httpx is not there."""
    return _Fal(config, gates)


def job_path(app: str, request_id: str) -> str:
    """Return where a job is found: only owner and name of an endpoint are kept, and a namespace before them."""
    parts = app.split("/")
    kept = parts[:3] if parts[0] in _NAMESPACES else parts[:2]
    if not _APP.fullmatch(app) or not _ID.fullmatch(request_id) or (parts[0] in _NAMESPACES and len(parts) < 3):
        raise ProviderError(
            "a job of fal's cannot be asked for", facts=[("model", words(app, 80)), ("id", words(request_id, 80))]
        )
    return f"{'/'.join(kept)}/requests/{request_id}"


class _Fal:
    name = "fal"
    result_hosts: Sequence[str] = ("fal.media", ".fal.media", "storage.googleapis.com")

    def __init__(self, config: ProviderConfig, gates: Gates) -> None:
        import httpx  # noqa: PLC0415 - heavy, and only for graphs that use fal

        self._lib = httpx
        self._config = config
        bounds = config.bounded(_OPERATION.bounds)
        self.operations: Mapping[str, Operation] = {_OPERATION.name: msgspec.structs.replace(_OPERATION, bounds=bounds)}
        self._client = httpx.AsyncClient(
            transport=gates.httpx,
            headers={"Accept-Encoding": "identity", "User-Agent": "dagcontent", **config.headers},
            timeout=httpx.Timeout(bounds.answer_s, connect=30.0),
            follow_redirects=False,
        )

    async def prepare(self, call: Call, files: Files) -> Mapping[str, Any]:
        """Return the input with a URL for every file."""
        if not _APP.fullmatch(call.model):
            raise NodeError(f"{words(call.model, 80)} is no endpoint of fal's", hint="write it as fal/owner/name")
        for name in ("num_images", "max_images"):
            count = call.fields.get(name)
            if isinstance(count, int) and count > 1:
                text = f"{name} = {count}: a node makes one artifact"
                raise NodeError(text, hint=f"remove {name} from options; takes = {count} makes as many, one by one")
        if call.fields.get("sync_mode") is True:
            raise NodeError("sync_mode keeps a result out of fal's history", hint="remove sync_mode from options")
        payload: dict[str, Any] = plain_numbers({n: await self._sent(v, files) for n, v in call.fields.items()})
        return payload

    async def send(self, call: Call, payload: Mapping[str, Any]) -> None:
        """Put one request into the queue."""
        headers = {
            **self._key(_QUEUE),
            "Content-Type": "application/json",
            # Without them a result may be gone after minutes.
            "X-Fal-Store-IO": "1",
            "X-Fal-Object-Lifecycle-Preference": _LIFETIME,
        }
        url = f"{self._config.base(_QUEUE)}/{call.model}"
        await self._client.post(url, content=msgspec.json.encode(payload), headers=headers)

    def read(self, call: Call, answer: Answer) -> Outcome:
        """Return the job's id, or why there is none."""
        return read_submit(call, answer)

    async def poll(self, call: Call, handle: Handle) -> Waiting | Result | Failure:
        """Ask for the status, and for the result when there is one."""
        request_id = handle.ids.get("request_id", "")
        url = f"{self._config.base(_QUEUE)}/{job_path(handle.ids.get('app', call.model), request_id)}"
        answer, response = await self._get(f"{url}/status", _QUEUE, {"logs": "0"})
        if answer.status == 404 and "detail" in table(json_or_none(answer.body)):
            message = words(table(json_or_none(answer.body))["detail"])
            return Failure(ErrorClass.GONE, f"fal does not know the job {request_id}: {message}", None)
        _raise_for_status(response)
        status = read_status(answer)
        if isinstance(status, Waiting):
            return status
        answer, response = await self._get(url, _QUEUE)
        outcome = read_result(call, status, answer)
        if outcome is None:
            _raise_for_status(response)
            raise ProviderError("fal's answer to a finished job cannot be read", facts=[("status", str(answer.status))])
        if isinstance(outcome, Result):
            return msgspec.structs.replace(outcome, extras={**outcome.extras, "request_id": request_id})
        return outcome

    async def find(self, call: Call, payload_digest: str, since_ms: int, until_ms: int) -> Sequence[Listed]:
        """Return the jobs whose input is the same. Raises ProviderError for a list that cannot be read, ListInDoubt for one
        that cannot tell.
        """
        query = {
            "endpoint_id": call.model, "start": _iso(since_ms - _SKEW_MS), "end": _iso(until_ms + _SKEW_MS), "expand": "payloads",
            "limit": "100",
        }  # fmt: skip
        found: dict[str, Listed] = {}
        doubts: list[str] = []
        for _ in range(_MOST_PAGES):
            answer, response = await self._get(f"{self._config.base(_API)}/v1/models/requests/by-endpoint", _API, query)
            _raise_for_status(response)
            data = json_of(answer, "fal")
            items = data.get("items")
            if not isinstance(items, list):
                raise ProviderError("fal's list of requests cannot be read")
            for item in items:
                listed = _matched(call, table(item), payload_digest, since_ms, until_ms)
                if isinstance(listed, Listed):
                    found[listed.handle.ids["request_id"]] = listed
                elif listed is not None:
                    doubts.append(listed)
            cursor = data.get("next_cursor")
            if not data.get("has_more") and not cursor:
                if doubts and not found:
                    raise ListInDoubt(doubts[0])
                return list(found.values())
            if not isinstance(cursor, str) or cursor == query.get("cursor"):
                raise ProviderError("fal's list of requests does not come to its end")
            query["cursor"] = cursor
        raise ListInDoubt(f"fal's list of requests has more than {_MOST_PAGES} pages")

    def fault(self, error: BaseException) -> Failure | None:
        """Say what went wrong with a GET or an upload: nothing of it is billed."""
        if isinstance(error, ListInDoubt):
            return Failure(ErrorClass.GONE, str(error), None)
        if isinstance(error, self._lib.HTTPStatusError):
            status = error.response.status_code
            return Failure(
                _READING.get(status, _other(status)), f"fal answered {status}", False, _pause(error.response)
            )
        if isinstance(error, self._lib.HTTPError):
            text = words(f"{type(error).__name__}: {error}")
            return Failure(ErrorClass.TRANSIENT, f"fal could not be reached: {text}", False)
        return None

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def _sent(self, value: Value, files: Files) -> Any:
        """Return a value with the address of an upload for each file. Always an upload: a file in the request itself would
        have to survive fal's list unchanged, for the request to be found again by what it held.
        """
        if isinstance(value, Blob):
            if value.size_bytes > _MOST_UPLOAD:
                raise NodeError(
                    f"a file of {value.size_bytes} bytes is too large for fal", hint="make it smaller than 100 MiB"
                )
            return await files.uploaded(value, self._upload)
        if isinstance(value, list | tuple):
            return [await self._sent(item, files) for item in value]
        if isinstance(value, dict):
            return {name: await self._sent(item, files) for name, item in value.items()}
        return value

    async def _upload(self, data: bytes, media_type: str) -> tuple[str, int]:
        """Put a file where fal's models can read it; return its address, and until when it is kept, in ms."""
        with free_requests():
            url = f"{self._config.base(_REST)}/storage/auth/token"
            response = await self._client.post(
                url, params={"storage_type": "fal-cdn-v3"}, headers=self._key(_REST), json={}
            )
            token = self._taken(response)
            scheme, secret = token.get("token_type"), token.get("token")
            if not isinstance(scheme, str) or not isinstance(secret, str):
                raise ProviderError("fal gave no token for an upload")
            response = await self._client.post(
                f"{self._config.base(_CDN)}/files/upload",
                content=data,
                headers={
                    "Authorization": f"{scheme} {secret}",
                    "Content-Type": media_type,
                    "X-Fal-File-Name": file_name("input", media_type),
                    "X-Fal-Object-Lifecycle": _LIFETIME,
                    "X-Fal-Object-Lifecycle-Preference": _LIFETIME,
                },
            )
        where = self._taken(response).get("access_url")
        if not isinstance(where, str) or not where.startswith(("https://", "http://")):
            raise ProviderError("fal took a file and did not say where it is")
        answered = date_ms({name.lower(): value for name, value in response.headers.items()})
        # A day less than asked for: a request may wait in the queue. Unknown: not used a second time.
        return where, 0 if answered is None else answered + (KEPT_S - 86_400) * 1000

    def _taken(self, response: httpx.Response) -> dict[str, Any]:
        _raise_for_status(response)
        return json_of(_answer(response, response.content), "fal")

    async def _get(self, url: str, host: str, query: Mapping[str, str] | None = None) -> tuple[Answer, httpx.Response]:
        body = bytearray()
        async with self._client.stream("GET", url, params=query, headers=self._key(host)) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise ProviderError(f"fal's answer is larger than {_MOST_BYTES >> 20} MiB")
        return _answer(response, bytes(body)), response

    def _key(self, default: str) -> dict[str, str]:
        secret = self._config.secret(default)
        return {"Authorization": f"Key {secret}"} if secret else {}


_READING: Final = {
    401: ErrorClass.AUTH, 402: ErrorClass.QUOTA, 403: ErrorClass.AUTH, 404: ErrorClass.NOT_FOUND,
    413: ErrorClass.INVALID, 415: ErrorClass.INVALID, 422: ErrorClass.INVALID, 429: ErrorClass.RATE_LIMIT,
}  # fmt: skip
"""What a status means on a request that costs nothing."""


def _other(status: int) -> ErrorClass:
    return ErrorClass.TRANSIENT if status >= 500 or status in {408, 425} else ErrorClass.UNKNOWN


def _pause(response: httpx.Response) -> float | None:
    return retry_after_s({name.lower(): value for name, value in response.headers.items()})


def _answer(response: httpx.Response, body: bytes) -> Answer:
    return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)


def _raise_for_status(response: httpx.Response) -> None:
    """Raise httpx.HTTPStatusError for all that is no success, redirects too: `fault` words it."""
    if not response.is_success:
        import httpx  # noqa: PLC0415 - imported by then

        text = f"fal answered {response.status_code}"
        raise httpx.HTTPStatusError(text, request=response.request, response=response)


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _matched(call: Call, item: dict[str, Any], digest: str, since_ms: int, until_ms: int) -> Listed | str | None:
    """Return a listed request that had this input at this time, None for another, or why nobody can tell."""
    if item.get("endpoint_id", call.model) != call.model:
        return None
    request_id, sent = item.get("request_id"), instant_ms(item.get("sent_at") or item.get("started_at"))
    if not isinstance(request_id, str) or not _ID.fullmatch(request_id) or sent is None:
        return "fal lists a request without its id or its time"
    if not since_ms - _SKEW_MS <= sent <= until_ms + _SKEW_MS:
        return None
    given = item.get("json_input")
    if not isinstance(given, dict):
        return f"fal lists the request {request_id} of that time without its input: it could be this one"
    if payload_digest(plain_numbers(given)) != digest:
        return None
    return Listed(Handle({"request_id": request_id, "app": call.model}), sent, exact=False)
