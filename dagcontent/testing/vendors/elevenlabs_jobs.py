"""ElevenLabs' long jobs: pictures and clips of Flows, dubs of both kinds, assets, and the host of what they give. Knows no client."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.files import served
from dagcontent.testing.vendors.jobs import Job
from dagcontent.testing.vendors.realm import Kept
from dagcontent.testing.vendors.vendor import Exchange, Route
from dagcontent.testing.vendors.wire import Response, json_response

if TYPE_CHECKING:
    from dagcontent.testing.vendors.elevenlabs import Fake

__all__ = ["LongJobs"]

_IMAGE_FIELDS: Final = frozenset("model_id prompt images mask seed resolution aspect_ratio quality webhook".split())
_AVATAR_FIELDS: Final = frozenset("model_id image audio resolution guidance_scale audio_guidance_scale webhook".split())
_VIDEO_FIELDS: Final = frozenset(
    "model_id prompt duration_secs resolution aspect_ratio seed generate_audio start_frame end_frame images videos audios "
    "negative_prompt enhance_prompt webhook".split()
)
_AVATAR: Final = "creatify-aurora"
_IMAGE_MODELS: Final = ("bytedance-seedream-", "gemini-", "gpt-image-")
_VIDEO_MODELS: Final = ("bytedance-seedance-", "veo-3.1-", _AVATAR)
_IMAGE_CREDITS, _VIDEO_CREDITS_A_SECOND, _DUB_CREDITS_A_SECOND = 500, 1000, 50
_FPS: Final = 12
_WIDTHS: Final = {"512": 512, "1K": 1024, "2K": 2048, "3K": 3072, "4K": 4096}
_HEIGHTS: Final = {"480p": 480, "720p": 720, "1080p": 1080, "4k": 2160, "4K": 2160}


class LongJobs:
    """What is begun by one request, and asked for by others."""

    def __init__(self, fake: Fake) -> None:
        self.fake = fake
        self.realm = fake.realm

    def routes(self) -> Sequence[Route]:
        """Return the ways in."""
        rows = [
            Route("POST", "/v1/assets", "assets", self._asset),
            Route("GET", "/files/{name}", "files", self._file, open=True),
            Route("POST", "/v1/dubbing/project", "dubbing", self._project, job=True),
            Route("GET", "/v1/dubbing/project", "dubbing.list", self._projects),
            Route("GET", "/v1/dubbing/project/{id}", "dubbing.get", self._project_state),
            Route("GET", "/v1/dubbing/project/{id}/language/{language}", "dubbing.language", self._language_state),
            Route("POST", "/v1/dubbing", "dubbing", self._dub, job=True),
            Route("GET", "/v1/dubbing", "dubbing.list", self._dubs),
            Route("GET", "/v1/dubbing/{id}", "dubbing.get", self._dub_state),
            Route("GET", "/v1/dubbing/{id}/audio/{language}", "dubbing.audio", self._dub_file),
        ]
        for kind in ("image", "video"):
            path, name = f"/v1/flows/{kind}", f"flows.{kind}"
            rows += [
                Route("POST", path, name, self._flow(kind), job=True),
                Route("GET", path, f"{name}.list", self._flows(kind)),
                Route("GET", path + "/{id}", f"{name}.get", self._flow_state),
            ]
        return rows

    # -- Flows --------------------------------------------------------------------------------------------------

    def _flow(self, kind: str) -> Callable[[Exchange], Awaitable[Response]]:
        async def begin(exchange: Exchange) -> Response:
            body = self.fake.json_of(exchange)
            model = str(body.get("model_id", ""))
            fields = _IMAGE_FIELDS if kind == "image" else _AVATAR_FIELDS if model == _AVATAR else _VIDEO_FIELDS
            if not model.startswith(_IMAGE_MODELS if kind == "image" else _VIDEO_MODELS):
                raise self.fake.fail(422, message="model_id: Input tag does not match any of the expected tags")
            odd = sorted(set(body) - fields)
            if odd:
                raise self.fake.fail(422, message=f"{odd[0]}: Extra inputs are not permitted")
            self._check_references(body)
            seconds = self._seconds(model, body)
            units = _IMAGE_CREDITS if kind == "image" else _VIDEO_CREDITS_A_SECOND * seconds
            id_ = exchange.new_id()
            await exchange.charge(model=model, job=id_, units=units, unit="credit")
            job = Job(id_, self.fake.name, model, body, at_ms=self.realm.now_ms(), kind=kind)
            self._fail_as_told(exchange, job)
            make = _make_image if kind == "image" else _make_video
            exchange.start(job, self._made(exchange, job, lambda: make(body, seconds)))
            return json_response({"id": id_, "status": "pending"})

        return begin

    def _flows(self, kind: str) -> Callable[[Exchange], Awaitable[Response]]:
        async def show(exchange: Exchange) -> Response:
            model = exchange.request.asked("model_id")
            jobs = [job for job in self.realm.jobs.listed(self.fake.name) if job.about.get("kind") == kind]
            rows = [self._flow_row(job) for job in jobs if model in ("", job.model)]
            return json_response({"generations": rows, "next_cursor": None, "has_more": False})

        return show

    async def _flow_state(self, exchange: Exchange) -> Response:
        return json_response(self._flow_row(self._job(exchange, ("image", "video"))))

    def _flow_row(self, job: Job) -> dict[str, Any]:
        if job.stage != "done":
            return {"id": job.id, "status": "pending" if job.stage == "queued" else "generating"}
        if job.failure is not None:
            return {"id": job.id, "status": "failed", "failure_reason": job.failure[0], "error_message": job.failure[1]}
        kept = self.realm.files[job.result]
        return {
            "id": job.id, "status": "completed", "content_url": self._url(job.result), "content_mime_type": kept.media_type,
        }  # fmt: skip

    def _check_references(self, body: Mapping[str, Any]) -> None:
        for value in body.values():
            for item in value if isinstance(value, list) else [value]:
                found = item.get("image", item) if isinstance(item, dict) else None
                if not isinstance(found, dict) or found.get("type") != "asset":
                    continue
                if found.get("asset_id") not in self._assets():
                    raise self.fake.fail(404, "asset_not_found", "There is no such asset.")

    def _seconds(self, model: str, body: Mapping[str, Any]) -> float:
        if model != _AVATAR:
            return float(body.get("duration_secs") or 5)
        try:
            return self.fake.length_of(self._assets()[body["audio"]["asset_id"]].data)
        except (KeyError, TypeError):
            raise self.fake.fail(422, message="audio: Field required") from None

    # -- dubs ---------------------------------------------------------------------------------------------------

    async def _project(self, exchange: Exchange) -> Response:
        fields, data, media_type = self.fake.form_of(exchange, "file")
        model = fields.get("model_id") or "dubbing_v2"
        id_ = exchange.new_id("proj_{}")
        await self._begin_dub(exchange, id_, model, fields, data, media_type, "project")
        job = self.realm.jobs.find(self.fake.name, id_)
        assert job is not None
        return json_response(self._project_row(job))

    async def _projects(self, exchange: Exchange) -> Response:
        del exchange
        jobs = [job for job in self.realm.jobs.listed(self.fake.name) if job.about.get("kind") == "project"]
        rows = [self._project_row(job) | {"language_ids": []} for job in jobs]
        return json_response({"projects": rows, "next_cursor": None})

    async def _project_state(self, exchange: Exchange) -> Response:
        return json_response(self._project_row(self._job(exchange, ("project",))))

    def _project_row(self, job: Job) -> dict[str, Any]:
        fields, failed = job.payload, job.stage == "done" and job.failure is not None
        status = {"queued": "queued", "running": "preparing"}.get(job.stage, "failed" if failed else "ready")
        return {
            "project_id": job.id, "status": status, "reference": fields.get("reference"),
            "source_language": fields.get("source_language"), "model_id": job.model, "media": None,
            "language_ids": [_language_id(job)] if fields.get("target_language") else [], "webhook_ids": [],
            "revision": 0, "error": _dub_error(job) if failed else None, "warnings": [], **_times(job),
        }  # fmt: skip

    async def _language_state(self, exchange: Exchange) -> Response:
        job = self._job(exchange, ("project",))
        if exchange.params["language"] != _language_id(job):
            raise self.fake.fail(404)
        failed = job.stage == "done" and job.failure is not None
        status = {"queued": "queued", "running": "processing"}.get(job.stage, "failed" if failed else "completed")
        outputs = {"lossless_audio": self._url(job.result), "subtitles": None} if status == "completed" else None
        return json_response({
            "language_id": _language_id(job), "project_id": job.id, "target_language": job.payload.get("target_language"),
            "status": status, "model_id": job.model, "voice_settings": None, "outputs": outputs, "revision": 0,
            "output_revision": None, "error": _dub_error(job) if failed else None, "warnings": [], **_times(job),
        })  # fmt: skip

    async def _dub(self, exchange: Exchange) -> Response:
        fields, data, media_type = self.fake.form_of(exchange, "file")
        if not fields.get("target_lang"):
            raise self.fake.fail(422, message="target_lang: Field required")
        id_ = exchange.new_id()
        length = await self._begin_dub(exchange, id_, "dubbing", fields, data, media_type, "dub")
        return json_response({"dubbing_id": id_, "expected_duration_sec": length})

    async def _dubs(self, exchange: Exchange) -> Response:
        del exchange
        jobs = [job for job in self.realm.jobs.listed(self.fake.name) if job.about.get("kind") == "dub"]
        return json_response({"dubs": [self._dub_row(job) for job in jobs], "next_cursor": None, "has_more": False})

    async def _dub_state(self, exchange: Exchange) -> Response:
        return json_response(self._dub_row(self._job(exchange, ("dub",))))

    def _dub_row(self, job: Job) -> dict[str, Any]:
        done, failed = job.stage == "done", job.failure is not None
        return {
            "dubbing_id": job.id, "name": job.payload.get("name") or "", "editable": False,
            "status": ("failed" if failed else "dubbed") if done else "dubbing",
            "source_language": job.payload.get("source_lang"), "target_languages": [job.payload["target_lang"]],
            "created_at": _moment(job.at_ms), "media_metadata": None,
            "error": job.failure[1] if done and failed else None,
        }  # fmt: skip

    async def _dub_file(self, exchange: Exchange) -> Response:
        job = self._job(exchange, ("dub",))
        if job.stage != "done" or job.result is None or exchange.params["language"] != job.payload["target_lang"]:
            raise self.fake.fail(404, "dubbing_not_found", "There is no such dub.")
        return served(exchange, self.realm.files[job.result])

    async def _begin_dub(
        self,
        exchange: Exchange,
        id_: str,
        model: str,
        fields: Mapping[str, str],
        data: bytes,
        media_type: str,
        kind: str,
    ) -> float:
        length = self.fake.length_of(data)
        await exchange.charge(model=model, job=id_, units=math.ceil(_DUB_CREDITS_A_SECOND * length), unit="credit")
        job = Job(id_, self.fake.name, model, dict(fields), at_ms=self.realm.now_ms(), kind=kind)
        self._fail_as_told(exchange, job)
        film = kind == "dub" and media_type.startswith("video/")
        form = "flac" if kind == "project" else "mp3"

        def make() -> tuple[bytes, str]:
            if film:
                return data, media_type
            return media.recording(length, form, id_, rate=44_100), media.MEDIA_TYPES[form]

        exchange.start(job, self._made(exchange, job, make))
        return length

    # -- files --------------------------------------------------------------------------------------------------

    async def _asset(self, exchange: Exchange) -> Response:
        fields, data, media_type = self.fake.form_of(exchange, "asset")
        id_ = exchange.new_id("asset_{}")
        self._assets()[id_] = Kept(fields.get("name", ""), media_type, data)
        at = self.realm.now_ms() // 1000
        answer = {"asset_id": id_, "name": fields.get("name", ""), "mime_type": media_type, "created_at_unix": at}
        return json_response({**answer, "content_url": None})

    async def _file(self, exchange: Exchange) -> Response:
        kept = self.realm.files.get(exchange.params["name"])
        if kept is None:
            return Response(
                status=404, headers=[("Content-Type", "application/xml")], body=b"<Error><Code>NoSuchKey</Code></Error>"
            )
        return served(exchange, kept)

    def _assets(self) -> dict[str, Any]:
        return self.realm.stored.setdefault(self.fake.name, {})

    def _url(self, name: str) -> str:
        return f"{self.realm.origin}{self.fake.prefix}/files/{name}"

    async def _made(self, exchange: Exchange, job: Job, make: Callable[[], tuple[bytes, str]]) -> str | None:
        """Make a job's file, unless it fails; return its name on the file host."""
        if job.failure is not None:
            return None
        data, media_type = await asyncio.to_thread(make)
        name = f"{job.id}.{media_type.rpartition('/')[2]}"
        self.realm.files[name] = Kept(name, media_type, exchange.media(data))
        return name

    @staticmethod
    def _fail_as_told(exchange: Exchange, job: Job) -> None:
        rule = exchange.struck("moderation") or exchange.struck("job_error")
        if rule is not None:
            code = "moderated" if rule.fault == "moderation" else rule.code or "internal_error"
            job.failure = (code, "The generation was blocked." if code == "moderated" else "The generation failed.")

    def _job(self, exchange: Exchange, kinds: Sequence[str]) -> Job:
        job = self.realm.jobs.find(self.fake.name, exchange.params["id"])
        kept_s = self.realm.settings.kept_s
        old = job is not None and kept_s is not None and self.realm.now_ms() - job.at_ms > kept_s * 1000
        if job is None or job.about.get("kind") not in kinds or old:
            raise self.fake.fail(404)
        return job


def _make_image(body: Mapping[str, Any], seconds: float) -> tuple[bytes, str]:
    del seconds
    width = _WIDTHS.get(str(body.get("resolution")), 1024)
    across, down = _ratio(body, "1:1")
    return media.picture(
        width, max(16, width * down // across), "png", repr(sorted(body.items(), key=str))
    ), "image/png"


def _make_video(body: Mapping[str, Any], seconds: float) -> tuple[bytes, str]:
    short = _HEIGHTS.get(str(body.get("resolution")), 480)
    across, down = _ratio(body, "16:9")
    width, height = (short * across // down, short) if across >= down else (short, short * down // across)
    sound = body.get("generate_audio") is not False
    return media.clip(width, height, _FPS, seconds, repr(sorted(body.items(), key=str)), sound=sound), "video/mp4"


def _ratio(body: Mapping[str, Any], default: str) -> tuple[int, int]:
    given = str(body.get("aspect_ratio") or default)
    across, _, down = (default if given == "auto" else given).partition(":")
    return int(across), int(down)


def _language_id(job: Job) -> str:
    return f"lang_{job.id.removeprefix('proj_')}"


def _dub_error(job: Job) -> dict[str, Any]:
    return {"code": job.failure[0], "message": job.failure[1], "retryable": job.failure[0] == "internal_error"}


def _times(job: Job) -> dict[str, str]:
    return {"created_at": _moment(job.at_ms), "updated_at": _moment(job.at_ms)}


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
