"""OpenAI's pictures, chat, responses, speech and transcription, as its SDK speaks to them. Knows no engine."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

from dagcontent.testing.vendors import openai_audio as audio
from dagcontent.testing.vendors import openai_images as images
from dagcontent.testing.vendors import openai_responses as responses
from dagcontent.testing.vendors.chat import BadInput, prompt_of, said, tokens
from dagcontent.testing.vendors.jobs import Job
from dagcontent.testing.vendors.listed import listed
from dagcontent.testing.vendors.rates import by_tokens
from dagcontent.testing.vendors.realm import Realm
from dagcontent.testing.vendors.vendor import Exchange, Refused, Route, Vendor
from dagcontent.testing.vendors.wire import Request, Response, json_response

__all__ = ["Fake"]

_ERRORS: Mapping[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", "invalid_value", "Invalid request."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    402: ("invalid_request_error", "billing_required", "Payment required."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "Forbidden."),
    404: ("invalid_request_error", "not_found", "Not found."),
    408: ("timeout", None, "Request timed out."),
    409: ("conflict", None, "Another request is in progress."),
    422: ("invalid_request_error", None, "Unprocessable entity."),
    425: ("invalid_request_error", None, "Too early."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    500: ("server_error", None, "The server had an error while processing your request."),
    502: ("server_error", None, "Bad gateway."),
    503: ("server_error", None, "The engine is currently overloaded, please try again later."),
    504: ("server_error", None, "Gateway timeout."),
}
_MESSAGES = {
    "insufficient_quota": "You exceeded your current quota, please check your plan and billing details.",
    "billing_hard_limit_reached": "Billing hard limit has been reached.",
}
_GONE = ("dall-e-2", "dall-e-3", "gpt-image-1", "sora-2")
_MODELS = (
    "gpt-image-2", "gpt-image-2.5-flare", "gpt-image-2.5-sunburst", "gpt-image-2.6-flare", "gpt-6-sol", "gpt-5.5",
    "gpt-4o-mini-tts", "tts-1", "tts-1-hd", "gpt-transcribe", "gpt-4o-transcribe", "whisper-1",
)  # fmt: skip
_REFUSAL = "I'm sorry, but I can't help with that."
_PIECES = 4


class Fake(Vendor):
    """OpenAI."""

    name = "openai"
    prefix = "/openai/v1"

    def __init__(self, realm: Realm) -> None:
        self.realm = realm

    def routes(self) -> Sequence[Route]:
        """Return the ways in."""
        return (
            Route("POST", "/images/generations", "images.generate", self._images),
            Route("POST", "/images/edits", "images.edit", self._edits),
            Route("POST", "/chat/completions", "chat", self._chat, job=True),
            Route("GET", "/chat/completions", "chat.list", self._chat_list),
            Route("GET", "/chat/completions/{id}", "chat.retrieve", self._chat_retrieve),
            Route("POST", "/responses", "responses", self._responses, job=True),
            Route("GET", "/responses/{id}", "responses.retrieve", self._retrieve),
            Route("POST", "/responses/{id}/cancel", "responses.cancel", self._cancel),
            Route("POST", "/audio/speech", "speech", self._speech),
            Route("POST", "/audio/transcriptions", "transcriptions", self._transcriptions),
            Route("GET", "/models", "models", self._models),
            Route("GET", "/models/{id}", "models", self._model),
        )

    def key(self, request: Request) -> str:
        """Return the bearer token."""
        return request.header("authorization").removeprefix("Bearer ")

    def model(self, request: Request, params: Mapping[str, str]) -> str:  # noqa: ARG002 - it is in no path
        """Return the body's model."""
        try:
            if "json" in request.header("content-type"):
                return str(request.json().get("model", ""))
            return next((field.text for field in request.form() if field.name == "model"), "")
        except (ValueError, AttributeError):
            return ""

    def refusal(self, status: int, *, code: str = "", message: str = "", param: str | None = None) -> Response:
        """Return `{"error": {message, type, param, code}}`; for the code "nginx" a gateway's page."""
        kind, usual, text = _ERRORS.get(status, ("server_error", None, "Error."))
        if code == "nginx":
            body = f"<html><head><title>{status}</title></head><body><center>nginx</center></body></html>"
            return Response(status=status, headers=[("Content-Type", "text/html")], body=body.encode())
        if code == "insufficient_quota":
            kind = code
        error = {"message": message or _MESSAGES.get(code, text), "type": kind, "param": param, "code": code or usual}
        return json_response({"error": error}, status, [("x-request-id", self.realm.new_id("req_{}"))])

    def moderated(self) -> Response:
        """Return the 400 of the picture endpoints."""
        text = "Your request was rejected by the safety system. safety_violations=[violence]."
        error = {"message": text, "type": "image_generation_user_error", "param": None, "code": "moderation_blocked"}
        return json_response({"error": error}, 400, [("x-request-id", self.realm.new_id("req_{}"))])

    async def _images(self, exchange: Exchange) -> Response:
        body = self._body(exchange)
        return await self._pictures(exchange, body, [])

    async def _edits(self, exchange: Exchange) -> Response:
        """Edit pictures of a form; `image` may be one or, as `image[]`, several."""
        form = _form(exchange)
        inputs = [field.data for field in form if field.name.partition("[")[0] == "image"]
        if not inputs:
            raise Refused(self.refusal(400, message="Missing required parameter: 'image'.", param="image"))
        masks = [field.data for field in form if field.name == "mask"]
        fields = {field.name: field.text for field in form if field.file_name is None}
        self._known(fields.get("model"))
        return await self._pictures(exchange, fields, inputs + masks)

    async def _pictures(self, exchange: Exchange, fields: Mapping[str, Any], inputs: list[bytes]) -> Response:
        try:
            what = images.order(fields, inputs)
        except BadInput as error:
            raise self._bad(error) from error
        model = str(fields.get("model"))
        await exchange.charge(model=model, microusd=images.price_microusd(what))
        made = await asyncio.to_thread(images.pictures, what, exchange.request.digest(), exchange.media)
        answer = {
            "created": self.realm.now_ms() // 1000, "background": what.background, "output_format": what.form,
            "quality": what.quality, "size": f"{what.width}x{what.height}", "data": [{"b64_json": data} for data in made],
            "usage": images.usage(what, exchange.factor),
        }  # fmt: skip
        return self._answer(answer)

    async def _chat(self, exchange: Exchange) -> Response:
        body = self._body(exchange)
        try:
            prompt, given = prompt_of(body.get("messages"))
            text = said(prompt, body.get("response_format"))
        except BadInput as error:
            raise self._bad(error) from error
        out = tokens(text)
        completion_id = exchange.new_id("chatcmpl-{}")
        listed_price = by_tokens(body["model"], given, out, self.realm.now_ms())
        price = 2 * given + 10 * out if listed_price is None else listed_price
        await exchange.charge(model=body["model"], job=completion_id, microusd=price)
        refused = exchange.struck("moderation") is not None
        message = {"role": "assistant", "content": None if refused else text, "refusal": _REFUSAL if refused else None}
        given, out = round(given * exchange.factor), round(out * exchange.factor)
        completion = {
            "id": completion_id, "object": "chat.completion", "created": self.realm.now_ms() // 1000, "model": body["model"],
            "choices": [{
                "index": 0, "message": message, "logprobs": None, "finish_reason": "content_filter" if refused else "stop",
            }],
            "usage": {
                "prompt_tokens": given, "completion_tokens": out, "total_tokens": given + out,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
            },
            "service_tier": "default", "system_fingerprint": "fp_fake",
        }  # fmt: skip
        if body.get("store"):
            stored = {**completion, "metadata": body.get("metadata") or {}}
            job = Job(completion_id, self.name, body["model"], body, at_ms=self.realm.now_ms(), completion=stored)
            exchange.start(job, _nothing())
        return self._answer(completion)

    async def _chat_list(self, exchange: Exchange) -> Response:
        """List stored completions, oldest first; of a model, with metadata."""
        request = exchange.request
        wanted = {
            found[1]: value for name, value in request.query if (found := re.fullmatch(r"metadata\[(.+)\]", name))
        }
        rows = [job.about["completion"] for job in self.realm.jobs.listed(self.name) if "completion" in job.about]
        rows = [
            row for row in rows
            if request.asked("model", row["model"]) == row["model"]
            and all(row["metadata"].get(name) == value for name, value in wanted.items())
        ]  # fmt: skip
        if request.asked("order", "asc") == "asc":
            rows.reverse()
        ids = [row["id"] for row in rows]
        start = ids.index(request.asked("after")) + 1 if request.asked("after") in ids else 0
        page = rows[start : start + int(request.asked("limit", "20"))]
        more = start + len(page) < len(rows)
        ends = {"first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}
        return self._answer({"object": "list", "data": page, **ends, "has_more": more})

    async def _chat_retrieve(self, exchange: Exchange) -> Response:
        job = self.realm.jobs.find(self.name, exchange.params["id"])
        if job is None or "completion" not in job.about:
            return self.refusal(404, message="Chat completion not found.")
        return self._answer(job.about["completion"])

    async def _responses(self, exchange: Exchange) -> Response:
        """Make a response, now or (`background`) as a job."""
        body = self._body(exchange)
        try:
            what = responses.order(body)
        except BadInput as error:
            raise self._bad(error) from error
        job_id = exchange.new_id("resp_{}")
        await exchange.charge(model=body["model"], job=job_id, microusd=what.microusd(self.realm.now_ms()))
        job = Job(job_id, self.name, body["model"], body, at_ms=self.realm.now_ms())
        if exchange.struck("moderation") and what.picture is not None:
            job.failure = {
                "code": "image_content_policy_violation",
                "message": "Your request was rejected by the safety system.",
            }
        elif exchange.struck("moderation"):
            job.about["refused"] = True
        elif exchange.struck("job_error"):
            job.failure = {"code": "server_error", "message": "The server had an error while processing your request."}
        seed = exchange.request.digest()
        exchange.start(job, asyncio.to_thread(responses.made, what, seed, exchange.factor, exchange.media))
        if not body.get("background"):
            await job.wait_done()
        return self._answer(responses.response(job))

    async def _retrieve(self, exchange: Exchange) -> Response:
        return self._answer(responses.response(self._job(exchange)))

    async def _cancel(self, exchange: Exchange) -> Response:
        job = self._job(exchange)
        if not job.payload.get("background"):
            return self.refusal(400, message="Only responses created with background=true can be cancelled.")
        job.cancelled = job.cancelled or job.stage != "done"
        return self._answer(responses.response(job))

    async def _speech(self, exchange: Exchange) -> Response:
        body = self._body(exchange)
        try:
            data, media_type = await asyncio.to_thread(audio.speak, body, self.realm)
        except BadInput as error:
            raise self._bad(error) from error
        await exchange.charge(model=body["model"], microusd=audio.speech_microusd(body["model"], body["input"]))
        headers = [("Content-Type", media_type), ("x-request-id", self.realm.new_id("req_{}"))]
        return Response(headers=headers, body=exchange.media(data), pieces=_PIECES)

    async def _transcriptions(self, exchange: Exchange) -> Response:
        form = _form(exchange)
        self._known(next((field.text for field in form if field.name == "model"), None))
        try:
            heard = await asyncio.to_thread(audio.hear, form, self.realm)
        except BadInput as error:
            raise self._bad(error) from error
        await exchange.charge(model=heard.model, microusd=heard.microusd)
        return audio.transcription(heard, exchange.factor)

    async def _models(self, _exchange: Exchange) -> Response:
        return self._answer(
            {"object": "list", "data": [_about(name) for name in dict.fromkeys((*_MODELS, *listed(self.name)))]}
        )

    async def _model(self, exchange: Exchange) -> Response:
        self._known(exchange.params["id"])
        return self._answer(_about(exchange.params["id"]))

    def _body(self, exchange: Exchange) -> dict[str, Any]:
        try:
            body = exchange.request.json()
        except ValueError as error:
            text = "We could not parse the JSON body of your request."
            raise Refused(self.refusal(400, message=text)) from error
        if not isinstance(body, dict):
            raise Refused(self.refusal(400, message="The body of a request is a JSON object."))
        if body.get("stream"):
            raise Refused(
                self.refusal(400, code="unsupported_value", message="This server does not stream.", param="stream")
            )
        self._known(body.get("model"))
        return body

    def _known(self, model: Any) -> None:
        if not isinstance(model, str) or not model:
            raise Refused(self.refusal(400, message="You must provide a model parameter.", param="model"))
        if model in _GONE or model.startswith("no-such"):
            text = f"The model `{model}` does not exist or you do not have access to it."
            raise Refused(self.refusal(404, code="model_not_found", message=text))

    def _job(self, exchange: Exchange) -> Job:
        job = self.realm.jobs.find(self.name, exchange.params["id"])
        if job is None or "completion" in job.about or job.payload.get("store") is False:
            text = f"Response with id '{exchange.params['id']}' not found."
            raise Refused(self.refusal(404, message=text))
        return job

    def _bad(self, error: BadInput) -> Refused:
        return Refused(self.refusal(400, code=error.code, message=str(error), param=error.param))

    def _answer(self, value: Any) -> Response:
        return json_response(value, headers=[("x-request-id", self.realm.new_id("req_{}"))])


async def _nothing() -> None:
    return None


def _form(exchange: Exchange) -> Any:
    try:
        return exchange.request.form()
    except ValueError as error:
        raise Refused(exchange.vendor.refusal(400, message=f"The body of a request is a form: {error}")) from error


def _about(model: str) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": 1_750_000_000, "owned_by": "system"}
