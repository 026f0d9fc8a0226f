"""A vendor on loopback, as raw as a socket: it says when the first byte came, and can misbehave in every way there is."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

HEAD_END = b"\r\n\r\n"


class RawVendor:
    """Answers every request in one way, and writes down what came.

    Ways: whole, slow (the body waits for `may_go_on`), silent, drop, cut (the body stops half-way), or a status.
    `allowed()` is asked at the first byte of every connection; `early` counts its refusals.
    """

    def __init__(self, way: str = "whole", body: bytes = b"{}", kind: str = "application/json") -> None:
        self.way, self.body, self.kind = way, body, kind
        self.headers: list[str] = []
        self.posts: list[bytes] = []
        self.gets: list[bytes] = []
        self.heads: list[bytes] = []
        self.partial = 0
        self.bytes_seen = 0
        self.early = 0
        self.connections = 0
        self.allowed: Callable[[], bool] = lambda: True
        self.may_go_on = asyncio.Event()
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @contextlib.asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[RawVendor]:
        goodbye_s = 0.2 if tls else None  # an SDK that hangs up does not say so in TLS
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", port, ssl=tls, ssl_shutdown_timeout=goodbye_s
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self.scheme = "https" if tls else "http"
        try:
            yield self
        finally:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def settled(self) -> None:
        """Wait until every connection has come to its end, and with it all that was sent on it."""
        self.may_go_on.set()
        async with asyncio.timeout(20):
            while self._tasks:  # noqa: ASYNC110 - set by nobody: they end one by one
                await asyncio.sleep(0.0005)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            while await self._one(reader, writer):
                pass
        self._tasks.discard(task)
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first = await reader.read(1)
        if not first:
            return False
        self.bytes_seen += 1
        self.early += not self.allowed()
        self.partial += 1
        head = first + await reader.readuntil(HEAD_END)
        body = await read_body(reader, head)
        self.partial -= 1
        self.heads.append(head)
        (self.gets if head.startswith((b"GET", b"HEAD")) else self.posts).append(head + body)
        return await self._answer(writer)

    async def _answer(self, writer: asyncio.StreamWriter) -> bool:
        if self.way == "silent":
            await asyncio.Event().wait()
        if self.way == "drop":
            return False
        status = int(self.way) if self.way.isdigit() else 200
        extra = ["location: /elsewhere"] if 300 <= status < 400 else []
        lines = [f"HTTP/1.1 {status} Said", f"content-type: {self.kind}", f"content-length: {len(self.body)}"]
        writer.write("\r\n".join([*lines, "X-Request-Id: r-1", *extra, *self.headers]).encode() + HEAD_END)
        await writer.drain()
        if self.way == "slow":
            await self.may_go_on.wait()
        if self.way == "cut":
            writer.write(self.body[: len(self.body) // 2])
            await writer.drain()
            return False
        writer.write(self.body)
        await writer.drain()
        return True


async def read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """Read a request's body, by its length or in chunks."""
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if fields.get(b"transfer-encoding") == b"chunked":
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return body
    return await reader.readexactly(int(fields.get(b"content-length", b"0")))


class Authority:
    """A certificate authority of this test run alone: its file, and a server's context for 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self.ca_file, self._server_file = _certificates(folder)

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._server_file)
        return context


def _certificates(folder: Path) -> tuple[str, str]:
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def made(name: str, issuer: Any, issuer_key: Any, *, ca: bool) -> tuple[Any, Any]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            host = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([host]), critical=False)
        return builder.sign(issuer_key or key, hashes.SHA256()), key

    root, root_key = made("test authority", None, None, ca=True)
    leaf, leaf_key = made("test vendor", root, root_key, ca=False)
    ca_file, server_file = folder / "ca.pem", folder / "server.pem"
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    ca_file.write_bytes(root.public_bytes(pem))
    server_file.write_bytes(leaf_key.private_bytes(pem, form, serialization.NoEncryption()) + leaf.public_bytes(pem))
    return str(ca_file), str(server_file)


@pytest.fixture(scope="session")
def raw_vendor() -> type[RawVendor]:
    """The raw vendor's class: make one inside of an event loop."""
    return RawVendor


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Certificates of this test run."""
    pytest.importorskip("cryptography")
    return Authority(tmp_path_factory.mktemp("certificates"))
