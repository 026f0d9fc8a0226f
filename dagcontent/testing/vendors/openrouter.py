"""OpenRouter's wire: chat with words, JSON and pictures, videos as jobs, what a request cost. Knows no client."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.chat import BadInput, data_of_url, prompt_of, said, tokens
from dagcontent.testing.vendors.files import served
from dagcontent.testing.vendors.jobs import Job
from dagcontent.testing.vendors.listed import listed
from dagcontent.testing.vendors.realm import Kept, Realm
from dagcontent.testing.vendors.vendor import Exchange, Refused, Route
from dagcontent.testing.vendors.wire import Request, Response, json_response

__all__ = ["Fake"]

_MESSAGES: Final = {
    400: "Invalid request.", 401: "No auth credentials found", 402: "Insufficient credits", 403: "Key limit exceeded",
    404: "No endpoints found", 408: "Request timed out", 429: "Rate limit exceeded", 500: "Internal Server Error",
    502: "Provider returned error", 503: "No available model provider meets your routing requirements",
}  # fmt: skip
_READ_MICROUSD, _WROTE_MICROUSD, _PICTURE_MICROUSD, _VIDEO_MICROUSD_A_SECOND = 1, 5, 39_000, 100_000
_ACCEPTED: Final = 202
_RESOLUTIONS: Final = {
    "360p": 360,
    "480p": 480,
    "720p": 720,
    "768p": 768,
    "1080p": 1080,
    "1K": 1024,
    "2K": 1440,
    "4K": 2160,
}
_RATIOS: Final = "16:9 9:16 1:1 4:3 3:4 3:2 2:3 21:9 9:21".split()
_SIZES: Final = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
_FPS: Final = 12
_VIDEO_FIELDS: Final = frozenset(
    "model prompt duration resolution aspect_ratio size frame_images input_references generate_audio seed callback_url "
    "previous_job_id provider".split()
)


class Fake:
    """See `vendor.Vendor`."""

    name = "openrouter"
    prefix = "/openrouter/api/v1"

    def __init__(self, realm: Realm) -> None:
        self.realm = realm

    def routes(self) -> Sequence[Route]:
        """Return the ways in."""
        return [
            Route("POST", "/chat/completions", "chat", self._chat, job=True),
            Route("GET", "/generation", "generation", self._generation),
            Route("POST", "/videos", "videos", self._videos, job=True),
            Route("GET", "/videos/models", "models", self._models, open=True),
            Route("GET", "/videos/{id}", "videos.get", self._video),
            Route("GET", "/videos/{id}/content", "videos.content", self._content),
            Route("GET", "/models", "models", self._models, open=True),
            Route("GET", "/key", "key", self._key),
        ]

    def key(self, request: Request) -> str:
        """Return the key that came with a request."""
        return request.header("authorization").removeprefix("Bearer ")

    def model(self, request: Request, params: Mapping[str, str]) -> str:
        """Return the model that is asked for."""
        del params
        try:
            return str(request.json().get("model", "")) if request.body else ""
        except (ValueError, AttributeError):
            return ""

    def refusal(self, status: int, *, code: str = "", message: str = "") -> Response:
        """Return an error: `{"error": {code, message, metadata?}}`; code "html": a proxy's page, "moderation": flagged."""
        if code == "html" or status in (504, 524):
            page = b"<html><head><title>error</title></head><body>cloudflare</body></html>"
            return Response(status=status, headers=[("Content-Type", "text/html")], body=page)
        error: dict[str, Any] = {"code": status, "message": message or _MESSAGES.get(status, "Error")}
        if code == "moderation":
            error["message"] = "Your chosen model requires moderation and your input was flagged"
            error["metadata"] = {"reasons": ["violence"], "flagged_input": "...", "provider_name": "OpenAI"}
        elif code:
            error["metadata"] = {"error_type": code}
        return json_response({"error": error, "user_id": "user_1"}, status)

    def moderated(self) -> Response:
        """Return a refusal for content."""
        return self.refusal(403, code="moderation")

    # -- chat ---------------------------------------------------------------------------------------------------

    async def _chat(self, exchange: Exchange) -> Response:
        body = self._body(exchange)
        try:
            prompt, read = prompt_of(body.get("messages"))
            pictures = "image" in (body.get("modalities") or [])
            text = "Here it is." if pictures else said(prompt, body.get("response_format"))
        except BadInput as error:
            raise Refused(self.refusal(400, message=str(error))) from error
        reason = "stop"
        most = body.get("max_tokens")
        if isinstance(most, int) and tokens(text) > most:
            text, reason = text[: most * 4], "length"
        wrote = tokens(text)
        price = read * _READ_MICROUSD + wrote * _WROTE_MICROUSD + (_PICTURE_MICROUSD if pictures else 0)
        id_ = exchange.new_id("gen-{}")
        charged = await exchange.charge(model=str(body["model"]), job=id_, microusd=price)
        dollars = (charged.microusd or 0) / 1_000_000
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if pictures:
            message["images"] = [await self._picture(exchange, body, prompt)]
        choice: dict[str, Any] = {
            "index": 0,
            "message": message,
            "finish_reason": reason,
            "native_finish_reason": reason,
        }
        if exchange.struck("moderation"):
            choice |= {"finish_reason": "content_filter", "message": {"role": "assistant", "content": None}}
        if rule := exchange.struck("job_error"):
            choice |= {
                "finish_reason": "error",
                "error": {"code": rule.status or 502, "message": "Provider returned error"},
            }
        details = {"upstream_inference_cost": None}
        usage = {
            "prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote,
            "is_byok": False, "cost_details": details,
        }  # fmt: skip
        if (told := exchange.cost_as_told(dollars)) is not None:
            usage["cost"] = told
        self.realm.stored.setdefault(self.name, {})[id_] = {
            "id": id_, "total_cost": dollars, "model": body["model"], "tokens_prompt": read, "tokens_completion": wrote,
            "provider_name": "Fake", "created_at": self.realm.now_ms() // 1000,
        }  # fmt: skip
        return json_response({
            "id": id_, "provider": "Fake", "model": body["model"], "object": "chat.completion",
            "created": self.realm.now_ms() // 1000, "choices": [choice], "usage": usage,
        }, headers=[("X-Generation-Id", id_)])  # fmt: skip

    async def _picture(self, exchange: Exchange, body: Mapping[str, Any], prompt: str) -> dict[str, Any]:
        config = body.get("image_config") or {}
        across, down = (int(side) for side in str(config.get("aspect_ratio") or "1:1").split(":"))
        width = _SIZES.get(str(config.get("image_size")), 1024)
        data = await asyncio.to_thread(media.picture, width, max(16, width * down // across), "png", prompt)
        url = f"data:image/png;base64,{base64.b64encode(exchange.media(data)).decode()}"
        return {"type": "image_url", "image_url": {"url": url}, "index": 0}

    async def _generation(self, exchange: Exchange) -> Response:
        found = self.realm.stored.get(self.name, {}).get(exchange.request.asked("id"))
        if found is None:
            raise Refused(self.refusal(404, message="Generation not found"))
        return json_response({"data": found})

    async def _models(self, exchange: Exchange) -> Response:
        drawn = exchange.request.path.endswith("/videos/models")
        names = listed(self.name, *(("videos",) if drawn else ("chat", "chat.image")))
        return json_response({"data": [{"id": name, "name": name} for name in names]})

    async def _key(self, exchange: Exchange) -> Response:
        del exchange
        return json_response({"data": {"label": "fake", "limit": None, "usage": 0}})

    # -- videos -------------------------------------------------------------------------------------------------

    async def _videos(self, exchange: Exchange) -> Response:
        body = self._body(exchange)
        self._check_video(body)
        seconds = int(body.get("duration") or 5)
        id_ = exchange.new_id("vgen-{}")
        price = _VIDEO_MICROUSD_A_SECOND * seconds
        charged = await exchange.charge(model=str(body["model"]), job=id_, microusd=price)
        job = Job(id_, self.name, str(body["model"]), body, at_ms=self.realm.now_ms(), microusd=charged.microusd or 0)
        rule = exchange.struck("moderation") or exchange.struck("job_error")
        if rule is not None:
            blocked = rule.fault == "moderation"
            job.failure = "The prompt was blocked by the model's provider." if blocked else "Provider returned error"
            job.about["microusd"] = (charged.microusd or 0) if rule.after else 0
        exchange.start(job, self._made(exchange, job, seconds))
        return json_response(self._row(job), _ACCEPTED)

    def _check_video(self, body: Mapping[str, Any]) -> None:
        odd = sorted(set(body) - _VIDEO_FIELDS)
        duration = body.get("duration", 5)
        if odd:
            raise Refused(self.refusal(400, message=f"Unrecognized key: {odd[0]}"))
        if isinstance(duration, bool) or not isinstance(duration, int) or not 1 <= duration <= 30:
            raise Refused(self.refusal(400, message="duration: expected an integer that the model supports"))
        if body.get("resolution", "720p") not in _RESOLUTIONS or body.get("aspect_ratio", "16:9") not in _RATIOS:
            raise Refused(self.refusal(400, message="resolution, aspect_ratio: not supported by the model"))
        for row in [*(body.get("frame_images") or []), *(body.get("input_references") or [])]:
            try:
                url = str(row["image_url"]["url"])
                if url.startswith("data:"):
                    media.picture_size(data_of_url(url))
            except (KeyError, TypeError, ValueError) as error:
                raise Refused(self.refusal(400, message="an image cannot be read")) from error

    async def _made(self, exchange: Exchange, job: Job, seconds: int) -> str | None:
        if job.failure is not None:
            return None
        short = _RESOLUTIONS[str(job.payload.get("resolution", "480p"))]
        across, down = (int(side) for side in str(job.payload.get("aspect_ratio", "16:9")).split(":"))
        width, height = (short * across // down, short) if across >= down else (short, short * down // across)
        sound = job.payload.get("generate_audio") is not False
        data = await asyncio.to_thread(media.clip, width, height, _FPS, seconds, job.id, sound=sound)
        self.realm.files[job.id] = Kept(job.id, "video/mp4", exchange.media(data))
        return job.id

    def _row(self, job: Job) -> dict[str, Any]:
        url = f"{self.realm.origin}{self.prefix}/videos/{job.id}"
        row = {"id": job.id, "polling_url": url, "model": job.model}
        if job.stage != "done":
            return {**row, "status": "pending" if job.stage == "queued" else "in_progress"}
        usage = {"cost": job.about["microusd"] / 1_000_000, "is_byok": False}
        if job.failure is not None:
            return {**row, "status": "failed", "error": job.failure, "usage": usage}
        about = {"generation_id": f"gen-{job.id}", "unsigned_urls": [f"{url}/content?index=0"], "usage": usage}
        return {**row, "status": "completed", **about}

    async def _video(self, exchange: Exchange) -> Response:
        job = self._job(exchange)
        kept_s = self.realm.settings.kept_s
        if kept_s is not None and self.realm.now_ms() - job.at_ms > kept_s * 1000:
            return json_response({**self._row(job), "status": "expired"})
        return json_response(self._row(job))

    async def _content(self, exchange: Exchange) -> Response:
        job = self._job(exchange)
        if job.stage != "done" or job.result is None or exchange.request.asked("index", "0") != "0":
            raise Refused(self.refusal(404, message="Video content is not available"))
        return served(exchange, self.realm.files[job.result])

    def _job(self, exchange: Exchange) -> Job:
        job = self.realm.jobs.find(self.name, exchange.params["id"])
        if job is None:
            raise Refused(self.refusal(404, message="Video job not found"))
        return job

    def _body(self, exchange: Exchange) -> dict[str, Any]:
        try:
            body = exchange.request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict) or not isinstance(body.get("model"), str) or "/" not in body["model"]:
            raise Refused(self.refusal(400, message="model: expected vendor/name"))
        return body
