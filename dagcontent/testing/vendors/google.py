"""Google's wire: contents in one answer, files by resumable upload. Knows no client; films are in `google_jobs`."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.google_jobs import LongJobs
from dagcontent.testing.vendors.listed import listed
from dagcontent.testing.vendors.rates import by_tokens
from dagcontent.testing.vendors.realm import Kept, Realm
from dagcontent.testing.vendors.schema import SchemaError, conforming
from dagcontent.testing.vendors.vendor import Exchange, Refused, Route
from dagcontent.testing.vendors.wire import Request, Response, json_response
from dagcontent.testing.vendors.words import pick, sentences

__all__ = ["Fake", "camel"]

_STATUSES: Final = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ABORTED",
    429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 501: "UNIMPLEMENTED", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}  # fmt: skip
_RPC: Final = "type.googleapis.com/google.rpc."
_REASONS: Final = {"API_KEY_INVALID": 400, "SERVICE_DISABLED": 403, "BILLING_DISABLED": 403}
_PICTURE_TOKENS, _PICTURE_MADE_TOKENS, _HEARD_A_SECOND, _SEEN_A_SECOND, _SPOKEN_A_SECOND = 258, 1120, 32, 300, 25
_RATE: Final = 24_000
_WIDTHS: Final = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
_RATIO: Final = re.compile(r"(\d{1,2}):(\d{1,2})")
_FILES_KEPT_MS: Final = 48 * 3_600_000
_GENERATION: Final = frozenset(
    "temperature topP topK candidateCount maxOutputTokens stopSequences seed responseMimeType responseSchema "
    "responseJsonSchema responseModalities mediaResolution speechConfig thinkingConfig imageConfig presencePenalty "
    "frequencyPenalty responseLogprobs logprobs audioTranscriptionConfig".split()
)


class Fake:
    """See `vendor.Vendor`."""

    name = "google"
    prefix = "/google"

    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        self._long = LongJobs(self)

    def routes(self) -> Sequence[Route]:
        """Return the ways in."""
        return [
            Route("POST", "/{version}/models/{model}:generateContent", "generate", self._generate),
            Route("GET", "/{version}/models", "models", self._models),
            Route("POST", "/upload/{version}/files", "files.start", self._upload_start),
            Route("POST", "/upload/{version}/files/{id}", "files.upload", self._upload, open=True),
            Route("GET", "/{version}/files/{id}:download", "files.download", self._long.download),
            Route("GET", "/{version}/files/{id}", "files.get", self._file_state),
            *self._long.routes(),
        ]

    def key(self, request: Request) -> str:
        """Return the key or token that came with a request."""
        token = request.header("authorization").removeprefix("Bearer ")
        return request.header("x-goog-api-key") or token or request.asked("key")

    def model(self, request: Request, params: Mapping[str, str]) -> str:
        """Return the model that is asked for."""
        if "model" in params:
            return params["model"]
        try:
            return str(request.json().get("model", "")) if "json" in request.header("content-type") else ""
        except (ValueError, AttributeError):
            return ""

    def refusal(self, status: int, *, code: str = "", message: str = "") -> Response:
        """Return an error: `{"error": {code, message, status, details}}`, a page from 502. Codes: a reason, or "daily"."""
        if status == 502:
            page = b"<html><title>Error 502 (Server Error)!!1</title></html>"
            return Response(status=502, headers=[("Content-Type", "text/html; charset=UTF-8")], body=page)
        details: list[dict[str, Any]] = []
        if status == 429:
            every = "PerDay" if code == "daily" else "PerMinute"
            quota = {"quotaId": f"GenerateRequests{every}PerProjectPerModel", "quotaValue": "10"}
            details = [
                {"@type": _RPC + "QuotaFailure", "violations": [quota]},
                {"@type": _RPC + "RetryInfo", "retryDelay": "0.05s"},
            ]
        elif code:
            details = [{"@type": _RPC + "ErrorInfo", "reason": code, "domain": "googleapis.com"}]
        word = _STATUSES.get(status, "UNKNOWN")
        error = {
            "code": status,
            "message": message or f"The request failed: {word}.",
            "status": word,
            "details": details,
        }
        return json_response({"error": error}, status)

    def moderated(self) -> Response:
        """Return a refusal for content: a 200 without candidates."""
        return json_response({
            "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
            "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}, "responseId": self.realm.new_id(),
        })  # fmt: skip

    def fail(self, status: int, message: str, code: str = "") -> Refused:
        """Return a refusal, to be raised."""
        return Refused(self.refusal(status, code=code, message=message))

    def json_of(self, exchange: Exchange) -> dict[str, Any]:
        """Return the request's JSON object. Refuses anything else, and an API version that there is not."""
        if exchange.params.get("version") not in ("v1", "v1beta", "v1beta1", "v1alpha"):
            raise self.fail(404, "Not found.")
        try:
            body = exchange.request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise self.fail(400, "Invalid JSON payload received.")
        return body

    def bytes_of(self, text: Any) -> bytes:
        """Return what base64 stands for. Refuses anything else, and nothing."""
        try:
            data = base64.b64decode(str(text or ""), altchars=b"-_" if "-" in str(text) or "_" in str(text) else None)
        except (binascii.Error, ValueError):
            data = b""
        if not data:
            raise self.fail(400, "Base64 decoding failed.")
        return data

    # -- contents -----------------------------------------------------------------------------------------------

    async def _models(self, exchange: Exchange) -> Response:
        del exchange
        return json_response(
            {"models": [{"name": f"models/{name}", "displayName": name} for name in listed(self.name)]}
        )

    async def _generate(self, exchange: Exchange) -> Response:
        body, model = camel(self.json_of(exchange)), exchange.params["model"]
        if not model.startswith("gemini-") or "omni" in model:
            raise self.fail(
                404, f"models/{model} is not found for API version, or is not supported for generateContent."
            )
        config = body.get("generationConfig") or {}
        odd = sorted(set(config) - _GENERATION)
        if odd:
            raise self.fail(400, f"Invalid JSON payload received. Unknown name \"{odd[0]}\" at 'generation_config'.")
        texts, files = self._read(body)
        modalities = config.get("responseModalities") or ["TEXT"]
        seed = hashlib.sha256(json.dumps([texts, [f[1] for f in files], config], default=_digest).encode()).hexdigest()
        asked = sum(tokens for _, _, tokens in files) + _tokens("\n".join(texts))
        if "IMAGE" in modalities:
            made, count, kind = await self._picture(exchange, config, seed), _PICTURE_MADE_TOKENS, "IMAGE"
        elif "AUDIO" in modalities:
            made, count, kind = await self._speech(exchange, texts, config, seed)
        elif "audioTranscriptionConfig" in config:
            made, count, kind = self._transcript(files, config["audioTranscriptionConfig"])
        else:
            text = self._text(texts, config, seed)
            made, count, kind = [{"text": text}], _tokens(text), "TEXT"
        price = by_tokens(model, asked, count, self.realm.now_ms())
        charged = await exchange.charge(model=model, units=asked + count, unit="token", microusd=price)
        by = Counter({"TEXT": asked - sum(tokens for _, _, tokens in files)})
        for media_type, _, tokens in files:
            by[media_type.partition("/")[0].upper()] += tokens
        usage = _usage(by, round((charged.units or 0) - asked), kind)
        candidate = {"content": {"role": "model", "parts": made}, "finishReason": "STOP", "index": 0}
        answer: dict[str, Any] = {"candidates": [candidate], "modelVersion": model, "responseId": self.realm.new_id()}
        if exchange.struck("untold") is None:
            answer["usageMetadata"] = usage
        return json_response(answer)

    def _read(self, body: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, bytes, int]]]:
        """Return (texts, [(media type, bytes, tokens)]) of a request's contents. Refuses files that are none."""
        contents = body.get("contents")
        if not isinstance(contents, list) or not contents:
            raise self.fail(400, "* GenerateContentRequest.contents: contents is not specified")
        texts: list[str] = []
        files = []
        system = (body.get("systemInstruction") or {}).get("parts") or []
        for part in [*system, *(p for content in contents for p in content.get("parts") or [])]:
            if part.get("text"):
                about = part.get("speechMetadata") or {}
                texts.append(f"{about['speaker']}: {part['text']}" if about.get("speaker") else part["text"])
            for media_type, data in self._data_of(part):
                files.append((media_type, data, self._weighed(media_type, data)))
        if not texts and not files:
            raise self.fail(400, "Unable to submit request because it must have a text parameter.")
        return texts, files

    def _data_of(self, part: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
        if "inlineData" in part:
            yield str(part["inlineData"].get("mimeType")), self.bytes_of(part["inlineData"].get("data"))
        if "fileData" in part:
            name = str(part["fileData"].get("fileUri")).rpartition("/")[2]
            kept = self.realm.files.get(f"google/{name}")
            if kept is None:
                raise self.fail(403, f"You do not have permission to access the File {name} or it may not exist.")
            yield kept.media_type, kept.data

    def _weighed(self, media_type: str, data: bytes) -> int:
        try:
            if media_type.startswith("image/"):
                media.picture_size(data)
                return _PICTURE_TOKENS
            a_second = _SEEN_A_SECOND if media_type.startswith("video/") else _HEARD_A_SECOND
            return math.ceil(media.sound_length_s(data) * a_second)
        except ValueError:
            raise self.fail(400, "Unable to process input media.") from None

    def _text(self, texts: Sequence[str], config: Mapping[str, Any], seed: str) -> str:
        if config.get("responseMimeType") != "application/json":
            return sentences(seed, 2 + pick(seed, 3))
        schema = config.get("responseJsonSchema")
        try:
            value = conforming(schema, seed) if schema is not None else {"answer": sentences(seed, 1)}
        except SchemaError as error:
            raise self.fail(400, f"Invalid value at 'generation_config.response_json_schema': {error}") from None
        del texts
        return json.dumps(value, ensure_ascii=False)

    async def _picture(self, exchange: Exchange, config: Mapping[str, Any], seed: str) -> list[dict[str, Any]]:
        about = config.get("imageConfig") or {}
        ratio = _RATIO.fullmatch(str(about.get("aspectRatio") or "1:1"))
        side = _WIDTHS.get(str(about.get("imageSize") or "1K"))
        if ratio is None or side is None:
            raise self.fail(400, "Invalid value at 'generation_config.image_config'.")
        shape = math.sqrt(int(ratio[1]) / int(ratio[2]))
        width, height = (max(16, round(side * by / 16) * 16) for by in (shape, 1 / shape))
        data = exchange.media(await asyncio.to_thread(media.picture, width, height, "png", seed))
        return [{"inlineData": {"mimeType": "image/png", "data": base64.b64encode(data).decode()}}]

    async def _speech(
        self, exchange: Exchange, texts: Sequence[str], config: Mapping[str, Any], seed: str
    ) -> tuple[list[dict[str, Any]], int, str]:
        about = config.get("speechConfig") or {}
        several = (about.get("multiSpeakerVoiceConfig") or {}).get("speakerVoiceConfigs")
        if several is not None and len(several) != 2:
            raise self.fail(400, "The number of enabled_voices must equal 2.")
        voices = [row.get("voiceConfig") for row in several] if several else [about.get("voiceConfig")]
        names = [((voice or {}).get("prebuiltVoiceConfig") or {}).get("voiceName") for voice in voices]
        if not all(names):
            raise self.fail(400, "Voice name is required.")
        said = "\n".join(texts)
        if several and not all(f"{row['speaker']}:" in said for row in several):
            raise self.fail(400, "The speakers of the text are not those of the configuration.")
        seconds = media.speech_length_s(said)
        data = await asyncio.to_thread(media.recording, seconds, "pcm", f"{names}{seed}", rate=_RATE)
        inline = {
            "mimeType": f"audio/L16;codec=pcm;rate={_RATE}", "data": base64.b64encode(exchange.media(data)).decode()
        }  # fmt: skip
        return [{"inlineData": inline}], math.ceil(seconds * _SPOKEN_A_SECOND), "AUDIO"

    def _transcript(
        self, files: Sequence[tuple[str, bytes, int]], about: Mapping[str, Any]
    ) -> tuple[list[dict[str, Any]], int, str]:
        if len(files) != 1:
            raise self.fail(400, "Exactly one audio part is expected.")
        data = files[0][1]
        seconds = media.sound_length_s(data)
        text = self.realm.spoken.get(hashlib.sha256(data).hexdigest()) or "A hum is heard. It says nothing."
        heard: dict[str, Any] = {"text": text, "languageCode": (about.get("languageCodes") or ["en"])[0]}
        step = seconds / max(1, len(text))
        if about.get("diarization"):
            heard["speakerLabel"] = "spk_1"
        if about.get("wordTimestamp"):
            heard["words"] = [
                {"word": one[0], "startOffset": f"{step * one.start():.3f}s", "endOffset": f"{step * one.end():.3f}s"}
                for one in re.finditer(r"\S+", text)
            ]
        return [{"text": text, "audioTranscription": heard}], _tokens(text), "TEXT"

    # -- files --------------------------------------------------------------------------------------------------

    async def _upload_start(self, exchange: Exchange) -> Response:
        request = exchange.request
        if (
            request.header("x-goog-upload-command") != "start"
            or request.header("x-goog-upload-protocol") != "resumable"
        ):
            raise self.fail(400, "Upload with a resumable session.")
        name = self.realm.new_id()[:12]
        self._sessions()[name] = request.header("x-goog-upload-header-content-type")
        # The host that the real service names is its own: a client has to put the one it is configured for into its place.
        url = f"https://generativelanguage.googleapis.com{self.prefix}/upload/{exchange.params['version']}/files/{name}"
        url += f"?upload_id={name}&upload_protocol=resumable"  # the id is what lets it in: no key comes with it
        return Response(headers=[("X-Goog-Upload-URL", url), ("X-Goog-Upload-Status", "active")])

    async def _upload(self, exchange: Exchange) -> Response:
        name, request = exchange.params["id"], exchange.request
        media_type = self._sessions().get(name)
        if media_type is None or "finalize" not in request.header("x-goog-upload-command"):
            raise self.fail(400, "Upload session is not there, or is not finalized.")
        self.realm.files[f"google/{name}"] = Kept(name, media_type, request.body)
        answer = json_response({"file": self._file_row(exchange, name, "PROCESSING")})
        answer.with_header("X-Goog-Upload-Status", "final")
        return answer

    async def _file_state(self, exchange: Exchange) -> Response:
        return json_response(self._file_row(exchange, exchange.params["id"], "ACTIVE"))

    def _file_row(self, exchange: Exchange, name: str, state: str) -> dict[str, Any]:
        kept = self.realm.files.get(f"google/{name}")
        if kept is None:
            raise self.fail(403, f"You do not have permission to access the File {name} or it may not exist.")
        until = datetime.fromtimestamp((self.realm.now_ms() + _FILES_KEPT_MS) / 1000, UTC)
        return {
            "name": f"files/{name}", "mimeType": kept.media_type, "sizeBytes": str(len(kept.data)), "state": state,
            "expirationTime": until.isoformat().replace("+00:00", "Z"),
            "uri": f"https://generativelanguage.googleapis.com/{exchange.params['version']}/files/{name}",
        }  # fmt: skip

    def _sessions(self) -> dict[str, Any]:
        return self.realm.stored.setdefault(self.name, {})


def camel(value: Any) -> Any:
    """Return JSON data with the names of its fields in the form that Google writes; it takes both. Schemas stay."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): item for name, item in value.items()}
    return {name: item if name == "responseJsonSchema" else camel(item) for name, item in named.items()}


def _digest(value: Any) -> str:
    return hashlib.sha256(value).hexdigest()


def _tokens(text: str) -> int:
    return max(1, math.ceil(len(text) / 4))


def _usage(by: Mapping[str, int], made: int, kind: str) -> dict[str, Any]:
    asked = sum(by.values())
    return {
        "promptTokenCount": asked, "candidatesTokenCount": made, "totalTokenCount": asked + made,
        "promptTokensDetails": [{"modality": name, "tokenCount": count} for name, count in by.items() if count],
        "candidatesTokensDetails": [{"modality": kind, "tokenCount": made}],
    }  # fmt: skip
