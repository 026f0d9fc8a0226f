"""Google's films: interactions in the background, Veo's operations at Vertex, and the files they give. Knows no client."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.files import served
from dagcontent.testing.vendors.jobs import Job
from dagcontent.testing.vendors.rates import by_tokens
from dagcontent.testing.vendors.realm import Kept
from dagcontent.testing.vendors.vendor import Exchange, Route
from dagcontent.testing.vendors.wire import Response, json_response

if TYPE_CHECKING:
    from dagcontent.testing.vendors.google import Fake

__all__ = ["LongJobs"]

_HEIGHTS: Final = {"360p": 360, "720p": 720, "1080p": 1080, "4k": 2160}
_FIELDS: Final = frozenset(
    "model input system_instruction response_format generation_config tools background store stream service_tier "
    "previous_interaction_id labels safety_settings response_modalities response_mime_type".split()
)
_FORM: Final = frozenset("type aspect_ratio duration resolution delivery gcs_uri".split())
_SECONDS: Final = re.compile(r"(\d{1,3}(?:\.\d+)?)s")
_TOKENS_A_SECOND: Final = 5792
_INPUT_TOKENS: Final = 40
_FPS: Final = 24
_VERTEX: Final = "/{version}/projects/{project}/locations/{location}/publishers/google/models/{model}"


class LongJobs:
    """What is begun by one request, and asked for by others."""

    def __init__(self, fake: Fake) -> None:
        self.fake = fake
        self.realm = fake.realm

    def routes(self) -> Sequence[Route]:
        """Return the ways in."""
        return [
            Route("POST", "/{version}/interactions", "interactions.video", self._begin, job=True),
            Route("GET", "/{version}/interactions/{id}", "interactions.get", self._state),
            Route("POST", _VERTEX + ":predictLongRunning", "vertex.video", self._veo, job=True),
            Route("POST", _VERTEX + ":fetchPredictOperation", "vertex.poll", self._veo_state),
        ]

    async def download(self, exchange: Exchange) -> Response:
        """Answer with a film's bytes."""
        kept = self.realm.files.get(f"google/{exchange.params['id']}")
        if kept is None or exchange.request.asked("alt") != "media":
            raise self.fake.fail(404, "The file is not there.")
        return served(exchange, kept)

    # -- interactions -------------------------------------------------------------------------------------------

    async def _begin(self, exchange: Exchange) -> Response:
        body = self.fake.json_of(exchange)
        model = str(body.get("model", ""))
        if "omni" not in model:
            raise self.fake.fail(404, f"Model {model} is not found.")
        form = body.get("response_format") or {}
        odd = sorted(set(body) - _FIELDS) or sorted(set(form) - _FORM)
        if odd:
            raise self.fake.fail(400, f"Unknown parameter: {odd[0]}.")
        if form.get("type") != "video" or not body.get("input"):
            raise self.fake.fail(400, "The model makes films of an input, and of nothing.")
        self._check(body["input"])
        found = _SECONDS.fullmatch(str(form.get("duration", "8s")))
        if found is None or not 3 <= float(found[1]) <= 15:
            raise self.fake.fail(400, "duration must be 3s to 15s.")
        if form.get("resolution", "720p") not in _HEIGHTS:
            raise self.fake.fail(400, "resolution is not one of 360p, 720p, 1080p, 4k.")
        seconds = float(found[1])
        id_ = exchange.new_id("ia_{}")
        tokens = _INPUT_TOKENS + round(seconds * _TOKENS_A_SECOND)
        price = by_tokens(model, _INPUT_TOKENS, tokens - _INPUT_TOKENS, self.realm.now_ms())
        charged = await exchange.charge(model=model, job=id_, units=tokens, unit="token", microusd=price)
        job = Job(
            id_, self.fake.name, model, body, at_ms=self.realm.now_ms(), kind="interaction",
            tokens=round(charged.units or tokens), inline=form.get("delivery") == "inline",
            stored=body.get("store") is True, version=exchange.params["version"],
        )  # fmt: skip
        self._fail_as_told(exchange, job)
        shape = (str(form.get("resolution", "720p")), str(form.get("aspect_ratio", "16:9")))
        exchange.start(job, self._made(exchange, job, lambda: _film(shape, seconds, _seed(body))))
        if body.get("background") is not True:
            await job.wait_done()
        return json_response(self._row(job))

    async def _state(self, exchange: Exchange) -> Response:
        job = self._job(exchange, exchange.params["id"], "interaction")
        if not job.about["stored"]:
            raise self.fake.fail(404, "The interaction was not stored.")
        return json_response(self._row(job))

    def _row(self, job: Job) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": job.id, "object": "interaction", "model": job.model, "role": "model",
            "created": datetime.fromtimestamp(job.at_ms / 1000, UTC).isoformat().replace("+00:00", "Z"),
        }  # fmt: skip
        if job.stage != "done":
            return {**row, "status": "queued" if job.stage == "queued" else "in_progress"}
        if job.failure is not None:
            return {**row, "status": "failed", "errors": [{"code": job.failure[0], "message": job.failure[1]}]}
        film = self.realm.files[f"google/{job.result}"]
        content: dict[str, Any] = {"type": "video", "mime_type": film.media_type}
        if job.about["inline"]:
            content["data"] = base64.b64encode(film.data).decode()
        else:
            host = "https://generativelanguage.googleapis.com"
            content["uri"] = f"{host}/{job.about['version']}/files/{job.result}:download?alt=media"
        made = job.about["tokens"] - _INPUT_TOKENS
        usage = {
            "total_input_tokens": _INPUT_TOKENS, "total_output_tokens": made, "total_tokens": job.about["tokens"],
            "input_tokens_by_modality": [{"modality": "text", "tokens": _INPUT_TOKENS}],
            "output_tokens_by_modality": [{"modality": "video", "tokens": made}],
        }  # fmt: skip
        steps = [{"type": "thought", "signature": "c2lnbmF0dXJl"}, {"type": "model_output", "content": [content]}]
        return {**row, "status": "completed", "steps": steps, "usage": usage}

    def _check(self, given: Any) -> None:
        rows = given if isinstance(given, list) else [{"type": "text", "text": given}]
        steps = [row for row in rows if row.get("type") == "user_input"]
        for item in [part for step in steps for part in step.get("content") or []] if steps else rows:
            if item.get("type") not in ("text", "image", "video", "audio"):
                raise self.fake.fail(400, "Unknown content type.")
            if item.get("data"):
                self._look(str(item["type"]), self.fake.bytes_of(item["data"]))

    def _look(self, kind: str, data: bytes) -> None:
        try:
            if kind == "image":
                media.picture_size(data)
            else:
                media.sound_length_s(data)
        except ValueError:
            raise self.fake.fail(400, "Unable to process input media.") from None

    # -- Vertex -------------------------------------------------------------------------------------------------

    async def _veo(self, exchange: Exchange) -> Response:
        body, model = self.fake.json_of(exchange), exchange.params["model"]
        if not exchange.request.header("authorization").startswith("Bearer "):
            raise self.fake.fail(401, "Request is missing required authentication credential.")
        instances, about = body.get("instances"), body.get("parameters") or {}
        if not model.startswith("veo-"):
            raise self.fake.fail(404, f"Publisher Model {model} is not found.")
        if not isinstance(instances, list) or len(instances) != 1 or not isinstance(instances[0], dict):
            raise self.fake.fail(400, "Exactly one instance is expected.")
        for name, kind in (("image", "image"), ("lastFrame", "image"), ("video", "video")):
            if name in instances[0]:
                self._look(kind, self.fake.bytes_of(instances[0][name].get("bytesBase64Encoded")))
        seconds = about.get("durationSeconds", 8)
        if seconds not in (4, 6, 8):
            raise self.fake.fail(400, "durationSeconds must be 4, 6 or 8.")
        path = exchange.request.path.removeprefix(f"{self.fake.prefix}/{exchange.params['version']}/")
        name = exchange.new_id(f"{path.removesuffix(':predictLongRunning')}/operations/{{}}")
        await exchange.charge(model=model, job=name, units=float(seconds), unit="second")
        job = Job(name, self.fake.name, model, body, at_ms=self.realm.now_ms(), kind="operation")
        self._fail_as_told(exchange, job)
        shape = (str(about.get("resolution", "720p")), str(about.get("aspectRatio", "16:9")))
        sound = about.get("generateAudio") is not False
        exchange.start(job, self._made(exchange, job, lambda: _film(shape, float(seconds), _seed(body), sound=sound)))
        return json_response({"name": name})

    async def _veo_state(self, exchange: Exchange) -> Response:
        name = str(self.fake.json_of(exchange).get("operationName", ""))
        job = self._job(exchange, name, "operation")
        if job.stage != "done":
            return json_response({"name": name})
        if job.failure is not None and job.failure[0] == "safety":
            filtered = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [job.failure[1]]}
            return json_response({"name": name, "done": True, "response": filtered})
        if job.failure is not None:
            return json_response({"name": name, "done": True, "error": {"code": 13, "message": job.failure[1]}})
        film = self.realm.files[f"google/{job.result}"]
        video = {"bytesBase64Encoded": base64.b64encode(film.data).decode(), "mimeType": film.media_type}
        kind = "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse"
        return json_response({"name": name, "done": True, "response": {"@type": kind, "videos": [video]}})

    # -- parts --------------------------------------------------------------------------------------------------

    async def _made(self, exchange: Exchange, job: Job, make: Callable[[], bytes]) -> str | None:
        """Make a job's film, unless it fails; return its name among the files."""
        if job.failure is not None:
            return None
        name = self.realm.new_id()[:12]
        data = exchange.media(await asyncio.to_thread(make))
        self.realm.files[f"google/{name}"] = Kept(name, "video/mp4", data)
        return name

    @staticmethod
    def _fail_as_told(exchange: Exchange, job: Job) -> None:
        if exchange.struck("moderation") is not None:
            job.failure = ("safety", "The film was blocked by the safety filters.")
        elif exchange.struck("job_error") is not None:
            job.failure = ("internal", "An internal error has occurred.")

    def _job(self, exchange: Exchange, id_: str, kind: str) -> Job:
        del exchange
        job = self.realm.jobs.find(self.fake.name, id_)
        kept_s = self.realm.settings.kept_s
        old = job is not None and kept_s is not None and self.realm.now_ms() - job.at_ms > kept_s * 1000
        if job is None or job.about.get("kind") != kind or old:
            raise self.fake.fail(404, f"There is no {kind} of that name.")
        return job


def _film(shape: tuple[str, str], seconds: float, seed: str, *, sound: bool = True) -> bytes:
    short = _HEIGHTS.get(shape[0], 720)
    width, height = (short, short * 16 // 9) if shape[1] == "9:16" else (short * 16 // 9, short)
    return media.clip(width, height, _FPS, seconds, seed, sound=sound)


def _seed(body: Mapping[str, Any]) -> str:
    return json.dumps(body, sort_keys=True)
