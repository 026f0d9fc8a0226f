"""ElevenLabs' wire: speech and sound in one answer, history, voices, transcripts. Knows no client; long jobs are in `elevenlabs_jobs`."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.elevenlabs_jobs import LongJobs
from dagcontent.testing.vendors.jobs import Job
from dagcontent.testing.vendors.listed import listed
from dagcontent.testing.vendors.realm import Realm
from dagcontent.testing.vendors.vendor import Charged, Exchange, Refused, Route
from dagcontent.testing.vendors.wire import Request, Response, json_response

__all__ = ["VOICES", "Fake"]

VOICES: Final[Sequence[tuple[str, str]]] = (
    ("Rachel", "21m00Tcm4TlvDq8ikWAM"), ("Adam", "pNInz6obpgDQGcFmaJgB"), ("Bella", "EXAVITQu4vr4xnSDxMaL"),
    ("Antoni", "ErXwobaYiN019PkySvjV"), ("Brian", "nPczCjzI2devNBz1zQrb"), ("Rachel Whispers", "AZnzlk1XvdvUeBnXmlld"),
    ("Echo", "TxGEqnHWrfWFTfGW9XjX"), ("Echo", "VR6AewLTigWG4xSOukaG"),
)  # fmt: skip
"""Name and id of every voice; two share a name."""

_ID = re.compile(r"[A-Za-z0-9]{20}")
_TYPES = {
    400: "validation_error", 401: "authentication_error", 402: "payment_required", 403: "authorization_error",
    404: "not_found", 409: "conflict", 422: "validation_error", 429: "rate_limit_error", 500: "internal_error",
    503: "service_unavailable",
}  # fmt: skip
_CODES = {
    400: "invalid_parameters", 401: "invalid_api_key", 402: "insufficient_credits", 403: "missing_permissions",
    404: "not_found", 409: "already_running", 429: "rate_limit_exceeded", 500: "internal_server_error",
    503: "service_unavailable",
}  # fmt: skip
_CONCURRENT = ("concurrent_limit_exceeded", "too_many_concurrent_requests")
_DEFAULT_FORMAT = "mp3_44100_128"
_SOUND_CREDITS_A_SECOND, _SOUND_CREDITS, _MUSIC_CREDITS_A_SECOND, _CONVERTED_CREDITS_A_SECOND = 20, 100, 25, 17


class Fake:
    """See `vendor.Vendor`."""

    name = "elevenlabs"
    prefix = "/elevenlabs"

    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        self._long = LongJobs(self)

    def routes(self) -> Sequence[Route]:
        """Return the ways in."""
        return [
            Route("POST", "/v1/text-to-speech/{voice}/with-timestamps", "speech", self._speech),
            Route("POST", "/v1/text-to-dialogue/with-timestamps", "dialogue", self._dialogue),
            Route("POST", "/v1/sound-generation", "sound", self._sound),
            Route("POST", "/v1/music", "music", self._music),
            Route("POST", "/v1/voice-changer/{voice}", "convert", self._convert),
            Route("POST", "/v1/speech-to-text", "transcribe", self._transcribe),
            Route("GET", "/v1/models", "models", self._models),
            Route("GET", "/v2/voices", "voices", self._voices),
            Route("GET", "/v1/history", "history", self._history),
            Route("GET", "/v1/history/{id}", "history.item", self._history_item),
            Route("GET", "/v1/history/{id}/audio", "history.audio", self._history_audio),
            *self._long.routes(),
        ]

    def key(self, request: Request) -> str:
        """Return the key that came with a request."""
        return request.header("xi-api-key")

    def model(self, request: Request, params: Mapping[str, str]) -> str:
        """Return the model that is asked for."""
        del params
        try:
            if "json" in request.header("content-type"):
                return str(request.json().get("model_id", ""))
            return next((field.text for field in request.form() if field.name == "model_id"), "")
        except (ValueError, AttributeError):
            return ""

    def refusal(self, status: int, *, code: str = "", message: str = "") -> Response:
        """Return an error: `{"detail": {type, code, status, message}}`, a list of places for 422, a page from 502 and 504."""
        if status in (502, 504):
            page = b"<html><head><title>error</title></head><body>nginx</body></html>"
            return Response(status=status, headers=[("Content-Type", "text/html")], body=page)
        if status == 422 and not code:
            row = {"loc": ["body", "text"], "msg": message or "Field required", "type": "missing"}
            return json_response({"detail": [row]}, 422)
        code = code or _CODES.get(status, "unknown_error")
        detail = {
            "type": _TYPES.get(status, "api_error"), "code": code, "status": code,
            "message": message or f"The request failed: {code}.", "request_id": self.realm.new_id("req_{}"), "param": None,
        }  # fmt: skip
        limits = [("current-concurrent-requests", "5"), ("maximum-concurrent-requests", "5")]
        return json_response({"detail": detail}, status, limits if code in _CONCURRENT else ())

    def moderated(self) -> Response:
        """Return a refusal for content."""
        return self.refusal(400, code="content_against_policy", message="The text may violate our Terms of Service.")

    def fail(self, status: int, code: str = "", message: str = "") -> Refused:
        """Return a refusal, to be raised."""
        return Refused(self.refusal(status, code=code, message=message))

    # -- one answer ---------------------------------------------------------------------------------------------

    async def _speech(self, exchange: Exchange) -> Response:
        body = self.json_of(exchange)
        voice = self._voice(exchange.params["voice"])
        text = body.get("text")
        if not isinstance(text, str) or not text.strip():
            raise self.fail(422)
        model = str(body.get("model_id") or "eleven_multilingual_v2")
        form = self._form(exchange)
        charged = await exchange.charge(model=model, units=_credits(text, model), unit="credit")
        speed = float((body.get("voice_settings") or {}).get("speed") or 1.0)
        length = media.speech_length_s(text, speed)
        data = await self.recording(exchange, length, form, f"{voice}/{text}/{body.get('seed')}")
        self.realm.spoken[hashlib.sha256(data).hexdigest()] = text
        alignment = _aligned(text, 0.0, length)
        request_id = self._remember(
            exchange, model, data, charged, text=text, voice_id=voice, source="TTS", output_format=form,
            settings=body.get("voice_settings"), alignments={"alignment": alignment, "normalized_alignment": alignment},
        )  # fmt: skip
        answer = {
            "audio_base64": base64.b64encode(data).decode(),
            "alignment": alignment,
            "normalized_alignment": alignment,
        }
        return json_response(answer, headers=self._headers(exchange, charged, request_id))

    async def _dialogue(self, exchange: Exchange) -> Response:
        body = self.json_of(exchange)
        inputs = body.get("inputs")
        if not isinstance(inputs, list) or not inputs:
            raise self.fail(422, message="inputs: Field required")
        lines = [(str(line.get("text", "")), self._voice(str(line.get("voice_id", "")))) for line in inputs]
        if len({voice for _, voice in lines}) > 10:
            raise self.fail(400, message="at most 10 voices")
        model = str(body.get("model_id") or "eleven_v3")
        form = self._form(exchange)
        text = "".join(said for said, _ in lines)
        charged = await exchange.charge(model=model, units=_credits(text, model), unit="credit")
        rows, at, character = [], 0.0, 0
        alignment: dict[str, list[Any]] = {}
        for index, (said, voice) in enumerate(lines):
            length = media.speech_length_s(said)
            for name, values in _aligned(said, at, length).items():
                alignment.setdefault(name, []).extend(values)
            rows.append({
                "voice_id": voice, "start_time_seconds": at, "end_time_seconds": at + length,
                "character_start_index": character, "character_end_index": character + len(said),
                "dialogue_input_index": index,
            })  # fmt: skip
            at, character = at + length, character + len(said)
        data = await self.recording(exchange, at, form, repr(lines))
        self.realm.spoken[hashlib.sha256(data).hexdigest()] = " ".join(said for said, _ in lines)
        said_by = [{"text": said, "voice_id": voice, "voice_name": _name_of(voice)} for said, voice in lines]
        request_id = self._remember(exchange, model, data, charged, dialogue=said_by, source="TTS", output_format=form)
        answer = {
            "audio_base64": base64.b64encode(data).decode(), "alignment": alignment, "normalized_alignment": alignment,
            "voice_segments": rows,
        }  # fmt: skip
        return json_response(answer, headers=self._headers(exchange, charged, request_id))

    async def _sound(self, exchange: Exchange) -> Response:
        body = self.json_of(exchange)
        seconds = body.get("duration_seconds")
        if not isinstance(body.get("text"), str) or (seconds is not None and not 0.5 <= seconds <= 30):
            raise self.fail(422)
        units = _SOUND_CREDITS if seconds is None else _SOUND_CREDITS_A_SECOND * seconds
        return await self._bytes(exchange, body, "eleven_text_to_sound_v2", seconds or 3.0, units)

    async def _music(self, exchange: Exchange) -> Response:
        body = self.json_of(exchange)
        if (body.get("prompt") is None) == (body.get("composition_plan") is None):
            raise self.fail(422, message="either a prompt or a composition plan")
        length = body.get("music_length_ms") or 10_000
        if not 3_000 <= length <= 600_000:
            raise self.fail(422, message="music_length_ms: between 3000 and 600000")
        return await self._bytes(exchange, body, "music_v1", length / 1000, _MUSIC_CREDITS_A_SECOND * length / 1000)

    async def _bytes(
        self, exchange: Exchange, body: Mapping[str, Any], model: str, seconds: float, units: float
    ) -> Response:
        form = self._form(exchange)
        charged = await exchange.charge(model=str(body.get("model_id") or model), units=math.ceil(units), unit="credit")
        data = await self.recording(exchange, seconds, form, str(body.get("text") or body.get("prompt")))
        return Response(
            headers=[("Content-Type", _media_type(form)), *self._headers(exchange, charged)], body=data, pieces=4
        )

    async def _convert(self, exchange: Exchange) -> Response:
        voice = self._voice(exchange.params["voice"])
        fields, data, _ = self.form_of(exchange, "audio")
        length = self.length_of(data)
        model = fields.get("model_id") or "eleven_english_sts_v2"
        form = self._form(exchange)
        units = math.ceil(_CONVERTED_CREDITS_A_SECOND * length)
        charged = await exchange.charge(model=model, units=units, unit="credit")
        made = await self.recording(exchange, length, form, voice + hashlib.sha256(data).hexdigest())
        said = self.realm.spoken.get(hashlib.sha256(data).hexdigest(), "")
        self.realm.spoken[hashlib.sha256(made).hexdigest()] = said
        request_id = self._remember(exchange, model, made, charged, voice_id=voice, source="STS", output_format=form)
        headers = [("Content-Type", _media_type(form)), *self._headers(exchange, charged, request_id)]
        return Response(headers=headers, body=made, pieces=4)

    async def _transcribe(self, exchange: Exchange) -> Response:
        fields, data, _ = self.form_of(exchange, "file")
        model = fields.get("model_id")
        if not model:
            raise self.fail(422, message="model_id: Field required")
        length = self.length_of(data)
        charged = await exchange.charge(model=model, units=math.ceil(0.75 * length), unit="credit")
        text = self.realm.spoken.get(hashlib.sha256(data).hexdigest()) or "A hum is heard. It says nothing."
        speaker = "speaker_0" if fields.get("diarize") == "true" else None
        answer = {
            "language_code": fields.get("language_code") or "eng", "language_probability": 0.98, "text": text,
            "words": _heard(text, length, speaker), "transcription_id": exchange.new_id(),
            "audio_duration_secs": round(length, 3),
        }  # fmt: skip
        return json_response(answer, headers=self._headers(exchange, charged))

    # -- what is asked for afterwards ---------------------------------------------------------------------------

    async def _models(self, exchange: Exchange) -> Response:
        del exchange
        spoken = listed(self.name, "speech", "dialogue", "convert")
        return json_response([{"model_id": name, "name": name, "can_do_text_to_speech": True} for name in spoken])

    async def _voices(self, exchange: Exchange) -> Response:
        wanted = exchange.request.asked("search").lower()
        size = int(exchange.request.asked("page_size", "10"))
        first = int(exchange.request.asked("next_page_token", "0"))
        found = [(name, id_) for name, id_ in VOICES if wanted in name.lower()]
        page = found[first : first + size]
        more = first + size < len(found)
        rows = [{"voice_id": id_, "name": name, "category": "premade", "labels": {}} for name, id_ in page]
        token = str(first + size) if more else None
        return json_response({"voices": rows, "has_more": more, "total_count": len(found), "next_page_token": token})

    async def _history(self, exchange: Exchange) -> Response:
        ask = exchange.request.asked
        after, before = int(ask("date_after_unix", "0")), int(ask("date_before_unix", str(1 << 40)))
        items = [job for job in self.realm.jobs.listed(self.name) if "item" in job.about]
        items = [job for job in items if after <= job.at_ms // 1000 < before]
        items = [job for job in items if ask("source") in ("", job.about["item"]["source"])]
        if start := ask("start_after_history_item_id"):
            ids = [job.id for job in items]
            items = items[ids.index(start) + 1 :] if start in ids else []
        size = int(ask("page_size", "100"))
        rows = [job.about["item"] for job in items[:size]]
        last = items[: size or None][-1].id if rows else None
        return json_response({"history": rows, "last_history_item_id": last, "has_more": len(items) > size})

    async def _history_item(self, exchange: Exchange) -> Response:
        return json_response(self._item(exchange).about["item"])

    async def _history_audio(self, exchange: Exchange) -> Response:
        job = self._item(exchange)
        form = str(job.about["item"]["output_format"])
        data = exchange.media(job.payload)
        return Response(headers=[("Content-Type", _media_type(form))], body=data, pieces=2)

    def _item(self, exchange: Exchange) -> Job:
        job = self.realm.jobs.find(self.name, exchange.params["id"])
        if job is None or "item" not in job.about:
            raise self.fail(404, "history_item_not_found", "There is no such history item.")
        return job

    def _remember(self, exchange: Exchange, model: str, data: bytes, charged: Charged, **item: Any) -> str:
        """Put a recording into the history, unless the request forbids it; return the request's id."""
        request_id = self.realm.new_id()
        if exchange.request.asked("enable_logging") == "false":
            return request_id
        at_ms = self.realm.now_ms()
        id_ = exchange.new_id()
        whole = {
            "history_item_id": id_, "request_id": request_id, "voice_id": None, "text": None, "settings": None,
            "model_id": model, "date_unix": at_ms // 1000, "character_count_change_from": 1000,
            "character_count_change_to": 1000 + round(charged.units or 0), "content_type": "audio/mpeg",
            "state": "created", "alignments": None, "dialogue": None, **item,
        }  # fmt: skip
        job = Job(id_, self.name, model, data, at_ms=at_ms, item=whole)
        exchange.start(job, asyncio.sleep(0))
        return request_id

    # -- parts --------------------------------------------------------------------------------------------------

    def json_of(self, exchange: Exchange) -> dict[str, Any]:
        """Return the request's JSON object. Refuses anything else."""
        try:
            body = exchange.request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise self.fail(422, message="the body is no JSON object")
        return body

    def form_of(self, exchange: Exchange, name: str) -> tuple[dict[str, str], bytes, str]:
        """Return the request's texts, and bytes and media type of its file. Refuses a form without it."""
        try:
            fields = exchange.request.form()
        except ValueError:
            fields = []
        file = next((field for field in fields if field.name == name and field.file_name is not None), None)
        if file is None:
            raise self.fail(422, message=f"{name}: Field required")
        return {field.name: field.text for field in fields if field.file_name is None}, file.data, file.media_type

    def length_of(self, data: bytes) -> float:
        """Return a file's length, in seconds. Refuses what is no recording."""
        try:
            return media.sound_length_s(data)
        except ValueError:
            raise self.fail(400, "invalid_content", "The file cannot be read as audio or video.") from None

    async def recording(self, exchange: Exchange, seconds: float, form: str, seed: str) -> bytes:
        """Return a recording in an output format, as mp3_44100_128."""
        family, rate, *bits = form.split("_")
        kilobits = int(bits[0]) if bits else 128
        data = await asyncio.to_thread(media.recording, seconds, family, seed, rate=int(rate), bit_rate=kilobits * 1000)
        return exchange.media(data)

    def _form(self, exchange: Exchange) -> str:
        form = exchange.request.asked("output_format") or _DEFAULT_FORMAT
        form = _DEFAULT_FORMAT if form == "auto" else form
        if not re.fullmatch(r"(mp3|opus)_\d{4,5}_\d{2,3}|(pcm|wav)_\d{4,5}", form):
            raise self.fail(400, "invalid_output_format", f"The output format {form} is not supported.")
        return form

    def _voice(self, id_: str) -> str:
        if not _ID.fullmatch(id_) or id_.startswith("unknown"):
            raise self.fail(404, "voice_not_found", f"A voice with the id {id_} was not found.")
        return id_

    def _headers(self, exchange: Exchange, charged: Charged, request_id: str = "") -> list[tuple[str, str]]:
        told = exchange.cost_as_told(str(round(charged.units or 0)))
        cost = [] if told is None else [("character-cost", told)]
        return [*cost, ("request-id", request_id or self.realm.new_id())]


def _credits(text: str, model: str) -> int:
    return math.ceil(len(text) * (0.5 if "flash" in model or "turbo" in model else 1.0))


def _media_type(form: str) -> str:
    return media.MEDIA_TYPES[form.partition("_")[0]]


def _name_of(voice: str) -> str:
    return next((name for name, id_ in VOICES if id_ == voice), "Somebody")


def _aligned(text: str, start: float, seconds: float) -> dict[str, list[Any]]:
    step = seconds / max(1, len(text))
    return {
        "characters": list(text),
        "character_start_times_seconds": [round(start + step * at, 3) for at in range(len(text))],
        "character_end_times_seconds": [round(start + step * (at + 1), 3) for at in range(len(text))],
    }


def _heard(text: str, seconds: float, speaker: str | None) -> list[dict[str, Any]]:
    step = seconds / max(1, len(text))
    rows = []
    for found in re.finditer(r"\s+|\S+", text):
        kind = "spacing" if found[0].isspace() else "word"
        rows.append({
            "text": found[0], "start": round(step * found.start(), 3), "end": round(step * found.end(), 3), "type": kind,
            "speaker_id": speaker, "logprob": -0.01,
        })  # fmt: skip
    return rows
