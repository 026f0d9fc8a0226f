"""fal's queue, file store and list of requests, as fal-client and plain HTTP speak to them. Knows no engine.

A submission is charged when it is accepted; the result tells its billable units in a header. A job that fails is COMPLETED,
and its result is answered with the error's status; what it cost is given back, unless the script says that it fails "after"
its charge, or its content is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dagcontent.testing.vendors.chat import data_of_url
from dagcontent.testing.vendors.fal_results import Asked, asked, result
from dagcontent.testing.vendors.fal_schema import queue_schema
from dagcontent.testing.vendors.files import served
from dagcontent.testing.vendors.jobs import Job
from dagcontent.testing.vendors.realm import FAKE_KEY, Kept, Realm
from dagcontent.testing.vendors.vendor import Exchange, Refused, Route, Vendor
from dagcontent.testing.vendors.wire import Request, Response, json_response

__all__ = ["Fake"]

_NAMESPACES = ("workflows", "comfy")
_MESSAGES = {
    400: "Bad request", 401: "Invalid API key", 402: "Payment required", 403: "User is locked. Reason: Exhausted balance.",
    404: "Not found", 408: "Request timed out", 409: "Conflict", 410: "Gone", 422: "Unprocessable", 425: "Too early",
    429: "Too many requests", 500: "Internal server error", 502: "Bad gateway", 503: "Service unavailable",
    504: "Gateway timeout",
}  # fmt: skip
_STAGES = {"queued": "IN_QUEUE", "running": "IN_PROGRESS", "done": "COMPLETED", "cancelled": "COMPLETED"}
_PAGE = 50


class Fake(Vendor):
    """fal, every host of it below one prefix."""

    name = "fal"
    prefix = "/fal"

    def __init__(self, realm: Realm) -> None:
        self.realm = realm

    def routes(self) -> Sequence[Route]:
        """Return the ways in: file store, lists and schemas first, as their paths could be apps'."""
        return (
            Route("POST", "/storage/auth/token", "token", self._token),
            Route("POST", "/storage/upload/initiate", "token", self._initiate),
            Route("POST", "/files/upload", "upload", self._upload, open=True),
            Route("PUT", "/files/{id}/{name}", "upload", self._put, open=True),
            Route("GET", "/files/{id}/{name}", "file", self._file, open=True),
            Route("GET", "/v1/models/requests/by-endpoint", "list", self._list),
            Route("GET", "/api/openapi/queue/openapi.json", "schema", self._schema, open=True),
            Route("GET", "/{app*}/requests/{id}/status", "status", self._status),
            Route("GET", "/{app*}/requests/{id}", "result", self._result),
            Route("PUT", "/{app*}/requests/{id}/cancel", "cancel", self._cancel),
            Route("POST", "/{app*}", "submit", self._submit, job=True),
        )

    def key(self, request: Request) -> str:
        """Return the key of `Authorization: Key ...`."""
        given = request.header("authorization")
        return given.removeprefix("Key ") if given.startswith("Key ") else ""

    def model(self, request: Request, params: Mapping[str, str]) -> str:  # noqa: ARG002 - an app is in its path
        """Return the app of a path, whole for a submission."""
        return params.get("app", "")

    def refusal(self, status: int, *, code: str = "", message: str = "") -> Response:
        """Return `{"detail": ...}`; a list of findings for 422."""
        text = message or _MESSAGES.get(status, "Error")
        detail: Any = text
        if status == 422:
            kind = code or "value_error"
            detail = [{"loc": ["body", "prompt"], "msg": text, "type": kind, "ctx": {}, "url": f"/errors#{kind}"}]
        headers = [("X-Fal-Error-Type", code)] if code else []
        if status >= 500:
            headers.append(("X-Fal-Retryable", "true" if status in (502, 503, 504) else "false"))
        if status in (502, 503, 504) and code == "nginx":
            body = f"<html><head><title>{status} {text}</title></head><body><center>nginx</center></body></html>"
            return Response(status=status, headers=[("Content-Type", "text/html")], body=body.encode())
        return json_response({"detail": detail}, status, headers)

    def moderated(self) -> Response:
        """Return the 422 of a content checker."""
        text = "The content could not be processed because it contained material flagged by a content checker."
        return self.refusal(422, code="content_policy_violation", message=text)

    async def _submit(self, exchange: Exchange) -> Response:
        app = exchange.params["app"]
        payload = self._payload(exchange, app)
        try:
            what = await asyncio.to_thread(asked, app, payload, self._read)
        except ValueError as error:
            raise Refused(self.refusal(422, message=str(error))) from error
        job_id = _dashed(exchange.new_id())
        unit = "silent units" if payload.get("generate_audio") is False else "units"
        charged = await exchange.charge(model=app, job=job_id, units=what.units, unit=unit)
        job = Job(job_id, self.name, app, payload, at_ms=self.realm.now_ms(), units=charged.units, ended_at=None)
        if exchange.struck("moderation"):
            job.failure = self.moderated()
        elif (rule := exchange.struck("job_error")) is not None:
            job.failure = self.refusal(rule.status or 500, code=rule.code or "runner_server_error")
        exchange.start(job, self._made(exchange, what, job))
        urls = self._urls(app, job_id)
        return json_response(
            {"status": "IN_QUEUE", "request_id": job_id, "gateway_request_id": job_id, **urls, "queue_position": 0}
        )

    def _payload(self, exchange: Exchange, app: str) -> dict[str, Any]:
        """Return the input of a submission, with nothing in it that fal itself refuses."""
        if app.count("/") < 1:
            raise Refused(self.refusal(404, message=f"Application '{app}' not found"))
        try:
            payload = exchange.request.json()
        except ValueError as error:
            raise Refused(self.refusal(422, code="json_invalid", message="JSON decode error")) from error
        if not isinstance(payload, dict):
            raise Refused(self.refusal(422, code="dict_type", message="Input should be a valid dictionary"))
        for name, value in payload.items():
            if value is None:
                raise Refused(self.refusal(422, code="string_type", message=f"{name}: Input should be a valid string"))
            urls = [value] if name.endswith("_url") else value if name.endswith("_urls") else []
            for url in urls if isinstance(urls, list) else [None]:
                self._check_url(name, url)
        return payload

    def _check_url(self, name: str, url: Any) -> None:
        if not isinstance(url, str) or not url.startswith(("http://", "https://", "data:")):
            raise Refused(self.refusal(422, code="url_parsing", message=f"{name}: Input should be a valid URL"))
        here = f"{self.realm.origin}{self.prefix}/files/"
        if url.startswith(here) and url.removeprefix(here).partition("/")[0] not in self.realm.files:
            raise Refused(self.refusal(422, code="file_download_error", message=f"{name}: the file could not be read"))

    def _read(self, url: str) -> bytes | None:
        """Return an input: a data URL's bytes or a file kept here; None for what lies elsewhere. Raises ValueError."""
        if url.startswith("data:"):
            return data_of_url(url)
        here = f"{self.realm.origin}{self.prefix}/files/"
        kept = self.realm.files.get(url.removeprefix(here).partition("/")[0]) if url.startswith(here) else None
        return None if kept is None else kept.data

    async def _made(self, exchange: Exchange, what: Asked, job: Job) -> Any:
        if job.failure is not None:
            rule = exchange.struck("job_error")
            if rule is not None and not rule.when:
                await exchange.refund(job.id)
            return None

        def keep(name: str, media_type: str, data: bytes) -> str:
            return self._keep(name, media_type, exchange.media(data))

        return await asyncio.to_thread(result, what, keep)

    async def _status(self, exchange: Exchange) -> Response:
        job = self._job(exchange)
        stage = job.stage
        answer: dict[str, Any] = {"status": _STAGES[stage], "request_id": job.id, **self._urls(job.model, job.id)}
        if stage == "queued":
            return json_response({**answer, "queue_position": 0}, 202)
        answer["logs"] = (
            [{"message": "at work", "level": "INFO", "timestamp": _iso(job.at_ms)}]
            if exchange.request.asked("logs")
            else []
        )
        if stage == "running":
            return json_response(answer, 202)
        answer["metrics"] = {"inference_time": job.runs_s}
        if job.failure is not None:
            answer |= {
                "error": "the request failed",
                "error_type": job.failure.header("x-fal-error-type") or "request_error",
            }
        if job.cancelled:
            answer |= {"error": "the request was cancelled", "error_type": "request_cancelled"}
        return json_response(answer)

    async def _result(self, exchange: Exchange) -> Response:
        job = self._job(exchange)
        if job.stage in ("queued", "running"):
            return self.refusal(400, message="Request is still in progress")
        kept_s = self.realm.settings.kept_s
        if kept_s is not None and self.realm.now_ms() - job.at_ms > 1000 * (kept_s + job.runs_s):
            return self.refusal(404, message="Request not found")
        if job.cancelled:
            return self.refusal(499 if job.failure is None else job.failure.status, message="Request was cancelled")
        told = exchange.cost_as_told(f"{job.about['units']:g}")
        headers = [("x-fal-request-id", job.id), *([] if told is None else [("x-fal-billable-units", told)])]
        if job.failure is not None:
            failed: Response = job.failure
            return Response(status=failed.status, headers=[*failed.headers, headers[0]], body=failed.body)
        return json_response(job.result, headers=headers)

    async def _cancel(self, exchange: Exchange) -> Response:
        job = self._job(exchange)
        if job.stage in ("done", "cancelled"):
            return json_response({"status": "ALREADY_COMPLETED"}, 400)
        job.cancelled = True
        return json_response({"status": "CANCELLATION_REQUESTED"}, 202)

    async def _list(self, exchange: Exchange) -> Response:
        """List an endpoint's requests, newest first, 50 a page; between two times, with payloads where asked."""
        request = exchange.request
        wanted = [value for name, value in request.query if name == "endpoint_id"]
        if not wanted:
            return self.refusal(400, message="endpoint_id is required")
        start, end = (_ms(request.asked(name)) for name in ("start", "end"))
        found = [
            job for job in self.realm.jobs.listed(self.name)
            if job.model in wanted and (start is None or job.at_ms >= start) and (end is None or job.at_ms <= end)
            and request.asked("request_id", job.id) == job.id
        ]  # fmt: skip
        at, size = int(request.asked("cursor", "0")), min(100, int(request.asked("limit", str(_PAGE))))
        more = len(found) > at + size
        with_payloads = "payloads" in request.asked("expand")
        items = [self._item(job, with_payloads=with_payloads) for job in found[at : at + size]]
        return json_response({"items": items, "has_more": more, "next_cursor": str(at + size) if more else None})

    def _item(self, job: Job, *, with_payloads: bool) -> dict[str, Any]:
        done = job.stage in ("done", "cancelled")
        item = {
            "request_id": job.id, "endpoint_id": job.model, "sent_at": _iso(job.at_ms), "started_at": _iso(job.at_ms + 10),
            "ended_at": _iso(job.at_ms + round(1000 * job.runs_s)) if done else None,
            "status_code": (200 if job.failure is None else job.failure.status) if done else None,
            "duration": job.runs_s if done else None,
        }  # fmt: skip
        return {**item, "json_input": job.payload, "json_output": job.result} if with_payloads else item

    async def _schema(self, exchange: Exchange) -> Response:
        endpoint = exchange.request.asked("endpoint_id")
        if endpoint.count("/") < 1:
            return self.refusal(404, message=f"Application '{endpoint}' not found")
        return json_response(queue_schema(endpoint))

    async def _token(self, exchange: Exchange) -> Response:
        token = exchange.new_id("fake-token-{}")
        self.realm.stored.setdefault("fal-tokens", {})[token] = True
        expires = _iso(self.realm.now_ms() + 3_600_000)
        base = self.realm.origin + self.prefix
        return json_response({"token": token, "token_type": "Bearer", "base_url": base, "expires_at": expires})

    async def _upload(self, exchange: Exchange) -> Response:
        request = exchange.request
        token = request.header("authorization").removeprefix("Bearer ")
        if token not in self.realm.stored.get("fal-tokens", {}) and not self.key(request).startswith(FAKE_KEY):
            return self.refusal(401, message="Invalid token")
        name = request.header("x-fal-file-name", "upload.bin").rpartition("/")[2] or "upload.bin"
        return json_response({"access_url": self._keep(name, request.header("content-type"), request.body)})

    async def _initiate(self, exchange: Exchange) -> Response:
        about = exchange.request.json()
        url = self._keep(str(about.get("file_name", "upload.bin")), str(about.get("content_type", "")), b"")
        return json_response({"upload_url": url, "file_url": url})

    async def _put(self, exchange: Exchange) -> Response:
        kept = self.realm.files.get(exchange.params["id"])
        if kept is None:
            return self.refusal(403)
        self.realm.files[exchange.params["id"]] = Kept(kept.name, kept.media_type, exchange.request.body)
        return Response()

    async def _file(self, exchange: Exchange) -> Response:
        kept = self.realm.files.get(exchange.params["id"])
        if kept is None or kept.name != exchange.params["name"]:
            return self.refusal(404)
        return served(exchange, kept)

    def _keep(self, name: str, media_type: str, data: bytes) -> str:
        file_id = self.realm.new_id()
        self.realm.files[file_id] = Kept(name, media_type, data)
        return f"{self.realm.origin}{self.prefix}/files/{file_id}/{name}"

    def _job(self, exchange: Exchange) -> Job:
        job = self.realm.jobs.find(self.name, exchange.params["id"])
        if job is None or _owner_and_name(job.model) != exchange.params["app"]:
            raise Refused(self.refusal(404, message="Request not found"))
        return job

    def _urls(self, app: str, job_id: str) -> dict[str, str]:
        base = f"{self.realm.origin}{self.prefix}/{_owner_and_name(app)}/requests/{job_id}"
        return {"response_url": base, "status_url": f"{base}/status", "cancel_url": f"{base}/cancel"}


def _owner_and_name(app: str) -> str:
    """Return what of an app's id is in the paths of its jobs: what lies below is dropped."""
    parts = app.split("/")
    return "/".join(parts[: 3 if parts[0] in _NAMESPACES else 2])


def _dashed(given: str) -> str:
    digits = given.replace("-", "")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ms(text: str) -> float | None:
    return datetime.fromisoformat(text).timestamp() * 1000 if text else None
