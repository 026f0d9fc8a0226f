"""Bytes of HTTP/1.1 into requests, and responses into bytes. Knows no vendor and no fault."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

__all__ = ["BadRequest", "Field", "Request", "Response", "framed", "json_response", "read_body", "read_head"]

HEAD_BYTES_MAX = 256 * 1024
BODY_BYTES_MAX = 512 * 1024 * 1024
_READ_BYTES = 64 * 1024
_REASONS = {
    100: "Continue", 102: "Processing", 103: "Early Hints", 200: "OK", 201: "Created", 202: "Accepted", 204: "No Content",
    206: "Partial Content", 302: "Found", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request",
    401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 409: "Conflict", 410: "Gone", 413: "Content Too Large", 416: "Range Not Satisfiable",
    422: "Unprocessable Entity", 425: "Too Early", 429: "Too Many Requests", 500: "Internal Server Error",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip
_PARAMETER = re.compile(r'(\w+)\*?="((?:[^"\\]|\\.)*)"')


class BadRequest(Exception):  # noqa: N818 - a state of a connection, not a fault of this program
    """What came is no request."""


class Field(msgspec.Struct, frozen=True):
    """One field of a form: text, or a file when it has a file name."""

    name: str
    data: bytes
    file_name: str | None = None
    media_type: str = ""

    @property
    def text(self) -> str:
        """The data as text."""
        return self.data.decode("utf-8", "replace")


class Request(msgspec.Struct, kw_only=True):
    """One request. Header names in lower case; `body` is complete when `complete` is."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    connection: int = 0
    head_bytes: int = 0
    body: bytes = b""
    complete: bool = False

    @property
    def path(self) -> str:
        """The decoded path."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's pairs, in their order."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def asked(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)

    def header(self, name: str, default: str = "") -> str:
        """Return the first value of a header, its name in lower case."""
        return next((value for key, value in self.headers if key == name), default)

    def json(self) -> Any:
        """Return the body's JSON. Raises ValueError."""
        return json.loads(self.body)

    def form(self) -> list[Field]:
        """Return the fields of a multipart body, or of a URL-encoded one. Raises ValueError for anything else."""
        media_type = self.header("content-type")
        if media_type.startswith("application/x-www-form-urlencoded"):
            return [Field(name, value.encode()) for name, value in parse_qsl(self.body.decode())]
        found = re.search(r'boundary="?([^";]+)"?', media_type)
        if not media_type.startswith("multipart/form-data") or found is None:
            text = f"no form: {media_type or 'no content type'}"
            raise ValueError(text)
        return _fields(self.body, found[1].encode())

    def digest(self) -> str:
        """Return the SHA-256 of the body, in hex; of a form, that of its fields, as its boundary is by chance."""
        data = self.body
        if self.header("content-type").startswith("multipart/form-data"):
            with contextlib.suppress(ValueError):
                data = repr([(field.name, field.file_name, field.data) for field in self.form()]).encode()
        return hashlib.sha256(data).hexdigest()


class Response(msgspec.Struct, kw_only=True):
    """One answer. `pieces`: the body goes out in so many chunks of transfer coding; 0: with its length instead."""

    status: int = 200
    headers: list[tuple[str, str]] = []
    body: bytes = b""
    pieces: int = 0
    head_only: bool = False

    def header(self, name: str) -> str:
        """Return the first value of a header, or ""."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    def with_header(self, name: str, value: str) -> None:
        """Set a header, in the place of any of its name."""
        self.headers = [(key, old) for key, old in self.headers if key.lower() != name.lower()] + [(name, value)]


def json_response(value: Any, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """Return an answer of JSON."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status=status, headers=[("Content-Type", "application/json"), *headers], body=body)


def framed(response: Response, *, close: bool) -> tuple[bytes, bytes]:
    """Return (head, body) as they go over the wire."""
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    if response.pieces:
        lines.append("Transfer-Encoding: chunked")
    elif response.status != 204:
        lines.append(f"Content-Length: {len(response.body)}")
    lines.append("Connection: " + ("close" if close else "keep-alive"))
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    if response.head_only or response.status == 204:
        return head, b""
    return head, _chunked(response.body, response.pieces) if response.pieces else response.body


async def read_head(reader: asyncio.StreamReader, connection: int) -> Request | None:
    """Read a request up to its body; None at the end of the connection. Raises BadRequest."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest("head too long") from error
    first, *rows = head[:-4].decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest("no request line")
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (row.partition(":") for row in rows)]
    return Request(method=words[0], target=words[1], headers=headers, connection=connection, head_bytes=len(head))


async def read_body(reader: asyncio.StreamReader, request: Request, most: int | None = None) -> None:
    """Read a request's body into it, at most `most` bytes. Raises BadRequest; a body that ends early is not complete."""
    limit = BODY_BYTES_MAX if most is None else most
    try:
        if "chunked" in request.header("transfer-encoding").lower():
            await _read_chunks(reader, request, limit)
            return
        length = int(request.header("content-length", "0"))
        if length > BODY_BYTES_MAX:
            raise BadRequest("body too long")
        kept = bytearray()
        while len(kept) < min(length, limit):
            chunk = await reader.read(min(_READ_BYTES, min(length, limit) - len(kept)))
            if not chunk:
                break
            kept += chunk
        request.body = bytes(kept)
        request.complete = len(kept) == length
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    except ValueError as error:
        raise BadRequest("no length") from error


async def _read_chunks(reader: asyncio.StreamReader, request: Request, limit: int) -> None:
    while len(request.body) < limit:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        if size == 0:
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass
            request.complete = True
            return
        request.body += await reader.readexactly(size)
        await reader.readexactly(2)


def _chunked(body: bytes, pieces: int) -> bytes:
    size = max(1, -(-len(body) // pieces))
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def _fields(body: bytes, boundary: bytes) -> list[Field]:
    fields: list[Field] = []
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        if part.startswith(b"--"):
            return fields
        head, found, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not found:
            break
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (row.partition(":") for row in head.decode("utf-8", "replace").split("\r\n"))
        }
        about = dict(_PARAMETER.findall(headers.get("content-disposition", "")))
        fields.append(Field(about.get("name", ""), data, about.get("filename"), headers.get("content-type", "")))
    raise ValueError("the form has no end")
