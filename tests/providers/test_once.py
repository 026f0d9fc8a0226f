"""The gate by itself, under both HTTP libraries: what passes, when, how often, and what is known of it at the end."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from types import ModuleType
from typing import Any

import anyio
import httpx
import httpx2
import pytest

from dagcontent.errors import InternalError
from dagcontent.providers.once import (
    GateRefused,
    Gates,
    Phase,
    Proxies,
    Sending,
    free_requests,
    sending,
)

LIBRARIES = [httpx, httpx2]
both = pytest.mark.parametrize("lib", LIBRARIES, ids=lambda lib: lib.__name__)
BODY = b'{"prompt": "a fox"}'


class Journal:
    """What an attempt's owner would write down, with steps that tests may put in."""

    def __init__(self) -> None:
        self.commits = 0
        self.heads: list[tuple[int, Mapping[str, str]]] = []
        self.body = bytearray()
        self.on_commit: Callable[[], Coroutine[Any, Any, None]] | None = None
        self.on_head: Callable[[], Coroutine[Any, Any, None]] | None = None

    def attempt(self) -> Sending:
        return Sending(commit=self._commit, on_headers=self._headers, sink=self.body.extend)

    async def _commit(self) -> None:
        if self.on_commit is not None:
            await self.on_commit()
        self.commits += 1

    async def _headers(self, status: int, headers: Mapping[str, str]) -> None:
        if self.on_head is not None:
            await self.on_head()
        self.heads.append((status, headers))


@contextlib.asynccontextmanager
async def clients(lib: ModuleType, gates: Gates | None = None, **more: Any) -> AsyncIterator[Any]:
    """A client of the library over the gate, closed with its gates."""
    gates = gates or Gates()
    more = {"timeout": 20.0} | more
    async with lib.AsyncClient(transport=getattr(gates, lib.__name__), **more) as client:
        yield client
    await gates.aclose()


async def until(condition: Callable[[], bool], what: str) -> None:
    """Let the loop go on until something holds."""
    with anyio.fail_after(20):
        while not condition():  # noqa: ASYNC110 - any condition; no event belongs to it
            await asyncio.sleep(0.001)
    assert condition(), what


def free_port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- what passes ----------------------------------------------------------------------------------------------------


@both
def test_a_paid_request_is_committed_sent_and_read(lib: ModuleType, raw_vendor: Any) -> None:
    """The plain case: intent, POST, head, body, in this order and once each."""

    async def run() -> None:
        journal = Journal()
        attempt = journal.attempt()
        async with raw_vendor().serving() as vendor, clients(lib) as client:
            vendor.allowed = lambda: journal.commits == 1
            with sending(attempt):
                answer = await client.post(f"{vendor.url}/x", content=BODY)
            assert answer.json() == {}
            assert (len(vendor.posts), vendor.early) == (1, 0)
            assert vendor.posts[0].endswith(BODY)
        assert (attempt.phase, attempt.status, attempt.error) == (Phase.BODY_IN, 200, None)
        assert (attempt.sent, attempt.complete, attempt.framed, attempt.committed) == (True, True, True, True)
        assert (journal.commits, bytes(journal.body)) == (1, b"{}")
        assert journal.heads == [(200, attempt.headers)]
        assert attempt.headers["x-request-id"] == "r-1"

    asyncio.run(run())


@both
def test_the_library_still_announces_its_steps_in_this_order(lib: ModuleType, raw_vendor: Any) -> None:
    """The contract with a new version: connected, then the head is about to go, then gone, then the body, then the answer."""
    events: list[str] = []

    async def note(name: str, info: Mapping[str, Any]) -> None:
        if name.endswith("send_request_headers.started"):
            assert info["request"].method == b"POST"
        events.append(name)

    async def run() -> None:
        async with raw_vendor().serving() as vendor, lib.AsyncClient() as client:
            await client.post(f"{vendor.url}/x", content=BODY, extensions={"trace": note})

    asyncio.run(run())
    steps = ("connect_tcp", "send_request_headers", "send_request_body", "receive_response_headers")
    expected = [
        f"{'connection' if s == 'connect_tcp' else 'http11'}.{s}.{e}" for s in steps for e in ("started", "complete")
    ]
    assert events[: len(expected)] == expected


@both
def test_each_phase_is_known_when_it_is_reached(lib: ModuleType, raw_vendor: Any) -> None:
    """Whoever looks at a moment sees how far the request has come at that moment."""

    async def run() -> None:
        journal = Journal()
        attempt = journal.attempt()
        at: list[Phase] = [attempt.phase]

        async def note() -> None:
            at.append(attempt.phase)

        journal.on_commit = journal.on_head = note
        async with raw_vendor("slow").serving() as vendor, clients(lib) as client:
            with sending(attempt):
                call = asyncio.ensure_future(client.post(f"{vendor.url}/x", content=BODY))
                await until(lambda: len(journal.heads) == 1, "the head is journaled while the body is outstanding")
                await note()
                vendor.may_go_on.set()
                await call
        assert [*at, attempt.phase] == [
            Phase.CONNECTING, Phase.HOLDING, Phase.ANSWERED, Phase.ANSWERED, Phase.BODY_IN,
        ]  # fmt: skip

    asyncio.run(run())


@both
def test_fifty_attempts_share_a_client_and_nothing_else(lib: ModuleType, raw_vendor: Any) -> None:
    """Each has its own intent, connection, answer and sink."""

    async def run() -> None:
        async with raw_vendor().serving() as vendor, clients(lib) as client:

            async def one() -> Journal:
                journal = Journal()
                with sending(journal.attempt()):
                    await client.post(f"{vendor.url}/x", content=BODY)
                return journal

            journals = await asyncio.gather(*(one() for _ in range(50)))
            assert (len(vendor.posts), vendor.connections) == (50, 50)
        assert all((j.commits, len(j.heads), bytes(j.body)) == (1, 1, b"{}") for j in journals)

    asyncio.run(run())


@both
def test_reading_and_free_requests_share_connections(lib: ModuleType, raw_vendor: Any) -> None:
    """Polls need no attempt; uploads need a free scope; both keep their connection."""

    async def run() -> None:
        async with raw_vendor().serving() as vendor, clients(lib) as client:
            for _ in range(3):
                await client.get(f"{vendor.url}/status")
            with free_requests():
                for method in ("POST", "PUT"):
                    await client.request(method, f"{vendor.url}/upload", content=BODY)
            assert (len(vendor.gets), len(vendor.posts), vendor.connections) == (3, 2, 1)

    asyncio.run(run())


@both
def test_a_closed_client_leaves_the_gates_open(lib: ModuleType, raw_vendor: Any) -> None:
    """One vendor's client that is closed does not take the others' connections; closed gates refuse."""

    async def run() -> None:
        gates = Gates()
        transport = getattr(gates, lib.__name__)
        assert transport is getattr(gates, lib.__name__)
        async with raw_vendor().serving() as vendor:
            for _ in range(2):
                async with lib.AsyncClient(transport=transport) as client:
                    await client.get(f"{vendor.url}/status")
            assert vendor.connections == 1
            await gates.aclose()
            await gates.aclose()
            async with lib.AsyncClient(transport=transport) as client:
                with pytest.raises(GateRefused, match="after the gates were closed"):
                    await client.get(f"{vendor.url}/status")

    asyncio.run(run())


# -- what does not --------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "NEW"])
def test_a_send_outside_of_an_attempt_is_refused(lib: ModuleType, method: str, raw_vendor: Any) -> None:
    """Every method that is not one of the three that read is taken for one that may cost."""

    async def run() -> None:
        async with raw_vendor().serving() as vendor, clients(lib) as client:
            with pytest.raises(GateRefused, match="outside of an attempt"):
                await client.request(method, f"{vendor.url}/x")
            assert vendor.connections == 0

    asyncio.run(run())


@both
def test_a_second_request_in_an_attempt_is_refused(lib: ModuleType, raw_vendor: Any) -> None:
    """The second is not even connected, and takes nothing from what is known of the first."""

    async def run() -> None:
        journal = Journal()
        attempt = journal.attempt()
        async with raw_vendor("500").serving() as vendor, clients(lib) as client:
            with sending(attempt):
                await client.post(f"{vendor.url}/x")
                with pytest.raises(GateRefused, match="a second POST"):
                    await client.post(f"{vendor.url}/x")
            assert (vendor.connections, journal.commits) == (1, 1)
        assert (attempt.phase, attempt.status, attempt.error) == (Phase.BODY_IN, 500, None)

    asyncio.run(run())


@both
def test_of_two_at_once_one_is_held(lib: ModuleType, raw_vendor: Any) -> None:
    """Two requests of one attempt race for the gate; both may connect, one passes."""

    async def run() -> None:
        journal = Journal()
        async with raw_vendor().serving() as vendor, clients(lib) as client:
            with sending(journal.attempt()) as attempt:
                calls = (client.post(f"{vendor.url}/x") for _ in range(5))
                done = await asyncio.gather(*calls, return_exceptions=True)
            assert len(vendor.posts) == 1
        assert sum(isinstance(one, GateRefused) for one in done) == 4
        assert (attempt.phase, journal.commits, attempt.error) == (Phase.BODY_IN, 1, None)

    asyncio.run(run())


@both
def test_a_scope_within_a_scope_is_a_fault(lib: ModuleType) -> None:
    """An attempt within an attempt, or the same one again, is a mistake of ours and not a call."""
    attempt = Journal().attempt()
    with sending(attempt), pytest.raises(InternalError, match="within another"), sending(Journal().attempt()):
        pass
    with pytest.raises(InternalError, match="sent twice"), sending(attempt):
        pass


@both
def test_what_outlives_its_scope_does_not_pass(lib: ModuleType, raw_vendor: Any) -> None:
    """A task that an SDK left behind, still connecting or still held, cannot pay after the attempt was judged."""

    async def run() -> None:
        async with raw_vendor().serving() as vendor, clients(lib) as client:
            journal, late = Journal(), Journal()
            held, go = asyncio.Event(), asyncio.Event()

            async def hold() -> None:
                held.set()
                await go.wait()

            late.on_commit = hold
            with sending(late.attempt()) as held_one:
                call = asyncio.ensure_future(client.post(f"{vendor.url}/x"))
                await held.wait()
            go.set()
            with pytest.raises(GateRefused, match="given up while it was held"):
                await call
            with sending(journal.attempt()) as unstarted:
                call = asyncio.ensure_future(client.post(f"{vendor.url}/x"))
            with pytest.raises(GateRefused, match="its attempt is over"):
                await call
            assert vendor.posts == []
            assert (held_one.phase, held_one.committed, unstarted.phase) == (Phase.HOLDING, True, Phase.CONNECTING)
            assert journal.commits == 0

    asyncio.run(run())


@both
@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
def test_redirects_are_not_followed(lib: ModuleType, status: str, raw_vendor: Any) -> None:
    """Not as the POST again, nor as the GET that some become, even by a client that follows."""

    async def run() -> None:
        async with raw_vendor(status).serving() as vendor, clients(lib, follow_redirects=True) as client:
            with sending(Journal().attempt()) as attempt, pytest.raises(GateRefused):
                await client.post(f"{vendor.url}/x")
            assert (len(vendor.posts), len(vendor.gets)) == (1, 0)
            assert attempt.status == int(status)
            with pytest.raises(GateRefused, match="redirect"):
                await client.get(f"{vendor.url}/status")
            assert len(vendor.gets) == 1

    asyncio.run(run())


@both
def test_only_hosts_that_are_allowed_are_reached(lib: ModuleType, raw_vendor: Any) -> None:
    """The check comes before the connection, for reading too, and a narrower gate keeps the wider one's check."""

    async def run() -> None:
        asked: list[str] = []
        gates = Gates(allow=lambda host: bool(asked.append(host)) or host.startswith("127."))
        async with raw_vendor().serving() as vendor:
            async with lib.AsyncClient(transport=getattr(gates, lib.__name__)) as client:
                await client.get(f"{vendor.url}/status")
                with pytest.raises(GateRefused, match=r"elsewhere\.example"):
                    await client.get("https://user:word@ELSEWHERE.example/status?key=secret")
            narrow = gates.only(lambda host: host.endswith(":1"))
            async with lib.AsyncClient(transport=getattr(narrow, lib.__name__)) as client:
                for url in (vendor.url, "http://other.example:1"):
                    with pytest.raises(GateRefused, match="no provider"), sending(Journal().attempt()):
                        await client.post(url)
            assert vendor.connections == 1
        assert asked == [f"127.0.0.1:{vendor.port}", "elsewhere.example", f"127.0.0.1:{vendor.port}", "other.example:1"]
        await gates.aclose()

    asyncio.run(run())


# -- what goes wrong ------------------------------------------------------------------------------------------------


@both
def test_a_refused_connection_commits_nothing_and_may_be_tried_again(lib: ModuleType, raw_vendor: Any) -> None:
    """The port opens meanwhile: the second try of the same attempt is the first that is committed."""

    async def run() -> None:
        journal = Journal()
        port = free_port()
        async with clients(lib) as client:
            with sending(journal.attempt()) as attempt:
                for _ in range(2):
                    with pytest.raises(lib.ConnectError):
                        await client.post(f"http://127.0.0.1:{port}/x")
                assert (attempt.phase, attempt.sent, journal.commits) == (Phase.CONNECTING, False, 0)
                assert isinstance(attempt.error, lib.ConnectError)
                async with raw_vendor().serving(port=port) as vendor:
                    await client.post(f"http://127.0.0.1:{port}/x")
                    assert len(vendor.posts) == 1
        assert (attempt.phase, attempt.error, journal.commits) == (Phase.BODY_IN, None, 1)

    asyncio.run(run())


@both
def test_a_request_that_the_protocol_forbids_is_not_committed(lib: ModuleType, raw_vendor: Any) -> None:
    """A line break in a header is found before there is an intent, not after."""

    async def run() -> None:
        journal = Journal()
        async with raw_vendor().serving() as vendor, clients(lib) as client:
            with sending(journal.attempt()) as attempt, pytest.raises(lib.LocalProtocolError):
                await client.post(f"{vendor.url}/x", headers={"x-name": "a\r\nb: c"})
            assert vendor.connections == 0
        assert (attempt.phase, journal.commits) == (Phase.CONNECTING, 0)

    asyncio.run(run())


@both
def test_an_intent_that_cannot_be_written_sends_nothing(lib: ModuleType, raw_vendor: Any) -> None:
    """The store's error comes out as it is, and the vendor sees an empty connection."""

    async def run() -> None:
        journal = Journal()

        async def full() -> None:
            raise OSError("no space left")

        journal.on_commit = full
        async with raw_vendor().serving() as vendor, clients(lib) as client:
            with sending(journal.attempt()) as attempt:
                with pytest.raises(OSError, match="no space"):
                    await client.post(f"{vendor.url}/x")
                with pytest.raises(GateRefused):
                    await client.post(f"{vendor.url}/x")
            assert (vendor.posts, vendor.partial, vendor.connections) == ([], 0, 1)
        assert (attempt.phase, attempt.sent, attempt.committed) == (Phase.HOLDING, False, False)
        assert isinstance(attempt.error, OSError)

    asyncio.run(run())


@both
def test_a_head_that_cannot_be_journaled_is_told(lib: ModuleType, raw_vendor: Any) -> None:
    """The error comes out as it is; the phase still says that an answer came."""

    async def run() -> None:
        journal = Journal()

        async def busy() -> None:
            raise RuntimeError("busy")

        journal.on_head = busy
        async with raw_vendor().serving() as vendor, clients(lib) as client:
            with sending(journal.attempt()) as attempt, pytest.raises(RuntimeError, match="busy"):
                await client.post(f"{vendor.url}/x")
        assert (attempt.phase, attempt.status, attempt.complete) == (Phase.ANSWERED, 200, False)
        assert isinstance(attempt.error, RuntimeError)

    asyncio.run(run())


@both
def test_a_sink_that_is_full_breaks_the_body_off(lib: ModuleType, raw_vendor: Any) -> None:
    """A piece that could not be kept is not handed on as if it were, and the body does not count as whole."""

    def full(_: bytes) -> None:
        raise OSError("no space left")

    async def run() -> None:
        journal = Journal()
        attempt = journal.attempt()
        attempt.sink = full
        async with raw_vendor().serving() as vendor, clients(lib) as client:
            with sending(attempt), pytest.raises(OSError, match="no space"):
                await client.post(f"{vendor.url}/x")
        assert (attempt.phase, attempt.status, str(attempt.error)) == (Phase.ANSWERED, 200, "no space left")

    asyncio.run(run())


@both
def test_what_a_client_leaves_unread_is_read(lib: ModuleType, raw_vendor: Any) -> None:
    """A client that stops in the middle of a stream does not lose the rest of what was paid for."""
    body = bytes(range(256)) * 4000

    async def run() -> None:
        journal = Journal()
        async with raw_vendor(body=body).serving() as vendor, clients(lib) as client:
            with sending(journal.attempt()) as attempt:
                async with client.stream("POST", f"{vendor.url}/x") as answer:
                    async for _ in answer.aiter_raw(100):
                        break
        assert attempt.complete
        assert bytes(journal.body) == body

    asyncio.run(run())


@both
def test_a_body_without_an_end_of_its_own_is_told_apart(lib: ModuleType) -> None:
    """Where only the connection ends the body, nobody can say whether it is whole: `framed` is False."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf of someth")
        await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        journal = Journal()
        async with clients(lib) as client:
            with sending(journal.attempt()) as attempt:
                await client.post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x")
        server.close()
        assert (attempt.complete, attempt.framed) == (True, False)

    asyncio.run(run())


@both
def test_an_unknown_certificate_commits_nothing(lib: ModuleType, raw_vendor: Any, authority: Any) -> None:
    """TLS that fails is before the gate."""

    async def run() -> None:
        journal = Journal()
        async with raw_vendor().serving(authority.server()) as vendor, clients(lib) as client:
            with sending(journal.attempt()) as attempt, pytest.raises(lib.ConnectError):
                await client.post(f"{vendor.url}/x")
            assert vendor.posts == []
        assert (attempt.phase, journal.commits) == (Phase.CONNECTING, 0)

    asyncio.run(run())


# -- proxies --------------------------------------------------------------------------------------------------------


class Tunnel:
    """A proxy that makes tunnels, or refuses to, and writes down what is asked of it."""

    def __init__(self, *, says: str = "200 OK") -> None:
        self.says = says
        self.asked: list[bytes] = []
        self.commits_at: list[int] = []
        self.count: Callable[[], int] = lambda: 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        self.commits_at.append(self.count())
        length = "" if self.says[0] == "2" else "content-length: 0\r\n"
        writer.write(f"HTTP/1.1 {self.says}\r\n{length}\r\n".encode())
        await writer.drain()
        if self.says[0] == "2":
            host, _, port = head.split()[1].decode().partition(":")
            inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
            await asyncio.gather(self._pump(reader, inner_writer), self._pump(inner_reader, writer))
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


@both
def test_a_tunnel_is_not_the_request(lib: ModuleType, raw_vendor: Any, authority: Any) -> None:
    """The proxy's CONNECT comes before the intent, and its 200 is not the vendor's."""

    async def run() -> None:
        journal, tunnel = Journal(), Tunnel()
        tunnel.count = lambda: journal.commits
        proxy = await asyncio.start_server(tunnel.serve, "127.0.0.1", 0)
        at = f"http://name:word@127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        gates = Gates(proxies=Proxies(https=at), ca_file=authority.ca_file)
        async with raw_vendor("429").serving(authority.server()) as vendor, clients(lib, gates) as client:
            vendor.allowed = lambda: journal.commits == 1
            with sending(journal.attempt()) as attempt:
                await client.post(f"{vendor.url}/x", content=BODY)
            assert (len(vendor.posts), vendor.early) == (1, 0)
            await gates.aclose()
        proxy.close()
        assert tunnel.asked[0].startswith(f"CONNECT 127.0.0.1:{vendor.port}".encode())
        assert b"roxy-authorization" in tunnel.asked[0].lower()
        assert (tunnel.commits_at, journal.commits) == ([0], 1)
        assert [status for status, _ in journal.heads] == [429]
        assert attempt.phase is Phase.BODY_IN

    asyncio.run(run())


@both
def test_a_proxy_that_refuses_commits_nothing(lib: ModuleType) -> None:
    """407 for the tunnel: nothing was sent to any vendor."""

    async def run() -> None:
        journal, tunnel = Journal(), Tunnel(says="407 Who are you")
        proxy = await asyncio.start_server(tunnel.serve, "127.0.0.1", 0)
        gates = Gates(proxies=Proxies(https=f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"))
        async with clients(lib, gates) as client:
            with sending(journal.attempt()) as attempt, pytest.raises(lib.ProxyError):
                await client.post("https://vendor.example/x")
        proxy.close()
        assert (attempt.phase, journal.commits, len(tunnel.asked)) == (Phase.CONNECTING, 0, 1)

    asyncio.run(run())


@both
def test_no_proxy_of_the_environment_is_used_unasked(
    lib: ModuleType, raw_vendor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment is read by the caller; a variable alone changes nothing here."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")

    async def run() -> None:
        async with raw_vendor().serving() as vendor, clients(lib) as client:
            with sending(Journal().attempt()) as attempt:
                await client.post(f"{vendor.url}/x")
        assert attempt.complete

    asyncio.run(run())


# -- cancellation ---------------------------------------------------------------------------------------------------


async def stepped(
    lib: ModuleType, gates: Gates, raw_vendor: Any, steps: int, pause: int, *, native: bool, ca: Any
) -> tuple[Sending, int, bool]:
    """Make a call and cancel it after so many steps of the event loop; check what it says; return it, its steps, and whether it says sent in vain."""
    journal = Journal()

    async def slow_commit() -> None:
        for _ in range(pause):
            await asyncio.sleep(0)

    journal.on_commit = slow_commit
    attempt = journal.attempt()
    scope = anyio.CancelScope()
    async with raw_vendor(body=b"x" * 3000).serving(ca and ca.server()) as vendor:
        vendor.allowed = lambda: journal.commits == 1
        async with lib.AsyncClient(transport=getattr(gates, lib.__name__), timeout=20.0) as client:

            async def call() -> None:
                with scope, sending(attempt):
                    await client.post(f"{vendor.url}/x", content=b"y" * 3000)

            task = asyncio.ensure_future(call())
            taken = 0
            while not task.done() and taken < steps:
                taken += 1
                await asyncio.sleep(0)
            task.cancel() if native else scope.cancel()
            await asyncio.wait((task,))
            judged = attempt.phase
            # Whatever is under way to the vendor arrives before the end of its connection does.
            await vendor.settled()
        assert attempt.phase is judged
        assert len(vendor.posts) + vendor.partial <= 1, "two requests"
        assert vendor.early == 0, "a byte before its intent"
        assert vendor.bytes_seen == 0 or attempt.sent, "a byte that is said not to be sent"
        assert journal.commits == attempt.committed
        in_vain = attempt.sent and not vendor.bytes_seen
    return attempt, taken, in_vain


async def cancelled_often(lib: ModuleType, raw_vendor: Any, seed: int, count: int, ca: Any = None) -> Counter[str]:
    """Cancel at every step that a call takes, by chance; return how often it was where, and how often said sent in vain."""
    chance = random.Random(seed)
    gates = Gates(ca_file=ca and ca.ca_file)
    found: Counter[str] = Counter()
    for _ in range(2):  # the first one makes the context for TLS
        _, whole, _ = await stepped(lib, gates, raw_vendor, 1_000_000, 10, native=True, ca=ca)
    for _ in range(count):
        steps, pause, native = chance.randrange(whole + 5), chance.randrange(20), chance.random() < 0.5
        attempt, _, in_vain = await stepped(lib, gates, raw_vendor, steps, pause, native=native, ca=ca)
        found[attempt.phase.name] += 1
        found["in vain"] += in_vain and not native  # a task's own cancel may come between the gate and the write
    await gates.aclose()
    return found


@both
@pytest.mark.slow
def test_cancelled_at_any_moment_the_phase_tells_the_truth(lib: ModuleType, raw_vendor: Any) -> None:
    """Never a byte at the vendor that is called not sent, never one before its intent, never two requests."""
    phases = asyncio.run(cancelled_often(lib, raw_vendor, seed=1, count=200))
    assert min(phases["CONNECTING"], phases["HOLDING"], phases["BODY_IN"]) > 5, phases
    assert phases["in vain"] == 0


@both
@pytest.mark.slow
def test_cancelled_within_tls_the_phase_tells_the_truth(lib: ModuleType, raw_vendor: Any, authority: Any) -> None:
    """The same with a handshake before the gate."""
    phases = asyncio.run(cancelled_often(lib, raw_vendor, seed=2, count=100, ca=authority))
    assert min(phases["CONNECTING"], phases["HOLDING"], phases["BODY_IN"]) > 1, phases


@both
def test_a_poll_that_is_cancelled_in_its_handshake_leaves_no_socket(lib: ModuleType) -> None:
    """The libraries leave it to the garbage collector; the other side would wait until then."""
    ended = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        ended.set()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        gates = Gates()
        async with clients(lib, gates) as client:
            with anyio.move_on_after(0.05):
                await client.get(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/status")
            async with asyncio.timeout(20):
                await ended.wait()
        server.close()

    asyncio.run(run())


@both
@pytest.mark.sweep
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("seed", range(10))
def test_cancelled_thousands_of_times(lib: ModuleType, seed: int, raw_vendor: Any, authority: Any) -> None:
    """The same, until chance has been everywhere."""
    asyncio.run(cancelled_often(lib, raw_vendor, seed=100 + seed, count=1000))
    asyncio.run(cancelled_often(lib, raw_vendor, seed=200 + seed, count=500, ca=authority))


@both
@pytest.mark.parametrize("native", [True, False], ids=["task", "scope"])
def test_cancelled_while_held_the_commit_ends_and_nothing_is_sent(
    lib: ModuleType, native: bool, raw_vendor: Any
) -> None:
    """The intent's fate is known when the call returns: it is durable, and the request was not sent."""

    async def run() -> None:
        journal = Journal()
        held, go = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            held.set()
            await go.wait()

        journal.on_commit = hold
        attempt = journal.attempt()
        async with raw_vendor().serving() as vendor, clients(lib) as client:
            scope = anyio.CancelScope()

            async def call() -> None:
                with scope, sending(attempt):
                    await client.post(f"{vendor.url}/x")

            task = asyncio.ensure_future(call())
            await held.wait()
            for _ in range(3):
                task.cancel() if native else scope.cancel()
                await asyncio.sleep(0)
            assert not task.done()
            go.set()
            await asyncio.wait((task,))
            assert task.cancelled() == native
            await vendor.settled()
            assert vendor.bytes_seen == 0
        assert (attempt.phase, attempt.committed, journal.commits) == (Phase.HOLDING, True, 1)

    asyncio.run(run())
