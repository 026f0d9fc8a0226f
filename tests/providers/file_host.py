"""A file host on loopback, raw enough to lie: what it is asked, under which name, and answers that a test wrote byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

Write = Callable[[bytes], Awaitable[None]]
Way = bytes | Callable[[dict[str, str], Write], Awaitable[None]]


def said(body: bytes = b"", *headers: str, status: int = 200) -> bytes:
    """Return an answer; its length is said unless a header says another."""
    lines = [f"HTTP/1.1 {status} Said", *headers]
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class FileHost:
    """Serves `files`, by path without query. `asked` are the requests' targets, `heads` their headers, `names` TLS names."""

    def __init__(self) -> None:
        self.files: dict[str, Way] = {}
        self.asked: list[str] = []
        self.heads: list[dict[str, str]] = []
        self.names: list[str | None] = []
        self.connections = 0
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def serving(self, certificate: Path | None = None, host: str = "127.0.0.1") -> AsyncIterator[FileHost]:
        tls = None
        if certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            tls.sni_callback = lambda _socket, name, _context: self.names.append(name)
        server = await asyncio.start_server(
            self._serve, host, 0, ssl=tls, ssl_shutdown_timeout=0.2 if certificate else None
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1

        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        with contextlib.suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            target = head[0].split(" ")[1]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            self.asked.append(target)
            self.heads.append(headers)
            way = self.files.get(target.partition("?")[0], said(status=404))
            if isinstance(way, bytes):
                await write(way)
            else:
                await way(headers, write)
        self._tasks.discard(task)
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()


def certificate_for(folder: Path, *names: str) -> Path:
    """Write a certificate and its key for hosts of these names; it vouches for itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = folder / f"{names[0]}.pem"
    path.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()) + made.public_bytes(pem))
    return path
