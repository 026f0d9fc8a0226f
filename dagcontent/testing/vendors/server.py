"""Connections into exchanges with fake vendors, one byte after the other as the faults want it. Knows no wire format of a vendor.

A request goes on when its client has left: a vendor that took a job is at work on it, whoever still listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import struct
import termios
import traceback
from collections.abc import Awaitable, Callable, Sequence

from dagcontent.testing.vendors.answering import outgoing, refused_early
from dagcontent.testing.vendors.control import PREFIX, Control
from dagcontent.testing.vendors.faults import Rule
from dagcontent.testing.vendors.realm import Realm
from dagcontent.testing.vendors.vendor import Exchange, Refused, Route, Vendor, every_vendor, lets_in
from dagcontent.testing.vendors.wire import (
    HEAD_BYTES_MAX,
    BadRequest,
    Request,
    Response,
    framed,
    read_body,
    read_head,
)

__all__ = ["Server"]

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_BACKLOG = 1024
_HOST = "127.0.0.1"
_DELIVERED_S = 0.5
_INTERIM = {100: "100 Continue", 102: "102 Processing", 103: "103 Early Hints"}


class Server:
    """All vendors under one port, and the control under another of its own, which no fault reaches."""

    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        self.control = Control(realm, self.refuse)
        self.vendors = every_vendor(realm)
        self.port = self.control_port = 0
        self._routes: dict[str, list[Route]] = {vendor.name: list(vendor.routes()) for vendor in self.vendors}
        self._main: asyncio.Server | None = None
        self._side: asyncio.Server | None = None
        self._connections = 0
        self._later: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> None:
        """Listen; port 0: any that is free."""
        self._main = await self._listen(port, self._connected)
        self._side = await self._listen(0, self._controlled)
        self.port, self.control_port = (s.sockets[0].getsockname()[1] for s in (self._main, self._side))
        self.realm.origin = f"http://{_HOST}:{self.port}"

    def close(self) -> None:
        """Stop listening."""
        for listening in (self._main, self._side):
            if listening is not None:
                listening.close()

    @property
    def base_urls(self) -> dict[str, str]:
        """Vendor -> where a client finds it."""
        return {vendor.name: self.realm.origin + vendor.prefix for vendor in self.vendors}

    def refuse(self, seconds: float) -> None:
        """Stop listening, and listen again `seconds` later; connections that stand are left alone."""
        task = asyncio.get_running_loop().create_task(self._refuse(seconds))
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _refuse(self, seconds: float) -> None:
        # The port stays ours, with nobody listening: else another program may have it before the time is over.
        with contextlib.closing(_bound(self.port)):
            if self._main is not None:
                self._main.close()
            await asyncio.sleep(seconds)
            self._main = await self._listen(self.port, self._connected)

    async def _listen(self, port: int, connected: Connected) -> asyncio.Server:
        return await asyncio.start_server(connected, sock=_bound(port), backlog=_BACKLOG, limit=HEAD_BYTES_MAX)

    async def _controlled(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(BadRequest, ConnectionError):
            while (request := await read_head(reader, 0)) is not None:
                await read_body(reader, request)
                writer.write(b"".join(framed(self.control.answer(request), close=False)))
                await writer.drain()
        writer.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        number = self._connections
        if self.realm.script.for_connection():
            _reset(writer)
            return
        try:
            while await self._one(reader, writer, number):
                pass
        except (BadRequest, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        """Answer one request; return whether another may come."""
        request = await read_head(reader, number)
        if request is None:
            return False
        if request.path.startswith(PREFIX):
            await read_body(reader, request)
            writer.write(b"".join(framed(self.control.answer(request), close=False)))
            await writer.drain()
            return True
        vendor, route, params = self._find(request)
        if vendor is None or route is None:
            await read_body(reader, request)
            self.realm.note_body(self.realm.note(request, vendor.name if vendor else "", ""), request)
            answer = vendor.refusal(404, message="no such path") if vendor else Response(status=404)
            writer.write(b"".join(framed(answer, close=True)))
            await writer.drain()
            return False
        exchange = Exchange(self.realm, vendor, route, request, params)
        return await self._exchange(exchange, reader, writer)

    async def _exchange(self, exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request, vendor, operation = exchange.request, exchange.vendor, exchange.route.operation
        script = self.realm.script
        note = self.realm.note(request, vendor.name, operation)
        broken = script.for_head(vendor.name, operation)
        if request.header("expect") == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await read_body(reader, request, max(0, broken.byte - request.head_bytes) if broken else None)
        self.realm.note_body(note, request)
        if broken is not None:
            _reset(writer)
        if broken is not None or not request.complete:
            return False
        exchange.rules = script.for_request(
            vendor.name, operation, vendor.model(request, exchange.params), exchange.said
        )
        for rule in exchange.rules:
            if rule.fault == "early":
                words = _INTERIM.get(rule.status, _INTERIM[103])
                writer.write(f"HTTP/1.1 {words}\r\n\r\n".encode())
        response = await self._answer(exchange)
        note["status"] = response.status
        close = request.header("connection").lower() == "close"
        sent = outgoing(exchange, response, close=close)
        writer.write(sent.data)
        await writer.drain()
        return await self._end(sent.end, reader, writer)

    async def _answer(self, exchange: Exchange) -> Response:
        await _delays(exchange.rules, "registering")
        try:
            early = refused_early(exchange)
            if early is not None:
                response = early
            elif not exchange.route.open and not lets_in(exchange.vendor.key(exchange.request)):
                response = exchange.vendor.refusal(401)
            else:
                response = await exchange.route.handler(exchange)
        except Refused as refused:
            response = refused.response
        except Exception:  # noqa: BLE001 - a handler's fault is told to the test that asks for errors
            self.realm.errors.append(traceback.format_exc())
            response = exchange.vendor.refusal(500, message="the fake vendor itself failed")
        response.head_only = exchange.request.method == "HEAD"
        await _delays(exchange.rules, "replying")
        return response

    def _find(self, request: Request) -> tuple[Vendor | None, Route | None, dict[str, str]]:
        for vendor in sorted(self.vendors, key=lambda v: -len(v.prefix)):
            if request.path.startswith(vendor.prefix + "/"):
                below = request.path.removeprefix(vendor.prefix)
                for route in self._routes[vendor.name]:
                    params = route.match(request.method, below)
                    if params is not None:
                        return vendor, route, params
                return vendor, None, {}
        return None, None, {}

    @staticmethod
    async def _end(end: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if end == "stall":
            while await reader.read(1024):
                pass
        elif end == "reset":
            await _delivered(writer)
            _reset(writer)
        return end == "keep"


async def _delays(rules: Sequence[Rule], at: str) -> None:
    for rule in rules:
        if rule.fault == "delay" and rule.at == at:
            await asyncio.sleep(rule.seconds)


async def _delivered(writer: asyncio.StreamWriter) -> None:
    """Return when the client's side has what was written: a reset throws away what is still on its way."""
    end = asyncio.get_running_loop().time() + _DELIVERED_S
    number = writer.get_extra_info("socket").fileno()
    while asyncio.get_running_loop().time() < end:
        if struct.unpack("i", fcntl.ioctl(number, termios.TIOCOUTQ, b"\0\0\0\0"))[0] == 0:
            return
        await asyncio.sleep(0.001)


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _bound(port: int) -> socket.socket:
    """Return a socket that has a port of this machine, and does not listen yet; it may be shared with another of ours."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((_HOST, port))
    return bound
