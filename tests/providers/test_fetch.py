from __future__ import annotations

import asyncio
import gzip
import sys
import traceback
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest
from providers.file_host import FileHost, Way, Write, certificate_for, said

from dagcontent.errors import ConfigError
from dagcontent.providers import fetch as fetching
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.fetch import Fetched, FetchFailed, Resume, fetch
from dagcontent.providers.fetch_coding import Gzip
from dagcontent.providers.fetch_net import FetchLimits, Net, library
from dagcontent.providers.gate_proxy import Proxies
from dagcontent.providers.port import ErrorClass, Part
from dagcontent.providers.secret import Secret

KEY = "canary-2f6e9a81d4"
CDN, OTHER = "files.example.com", "other.example.com"
SHORT = FetchLimits(most_bytes=1 << 20, total_s=20, stall_s=10, connect_s=5)


@pytest.fixture(params=[httpx, httpx2], ids=lambda lib: lib.__name__)
def lib(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Each of the two HTTP libraries."""
    found: ModuleType = request.param
    monkeypatch.setattr(fetching, "library", lambda _extra: found)
    return found


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the file host's name, and for no other."""
    pytest.importorskip("cryptography")
    return certificate_for(tmp_path_factory.mktemp("tls"), CDN)


class Names:
    """A resolver: hosts to the addresses they have, one list a look-up, the last of them for ever."""

    def __init__(self, **hosts: Sequence[Sequence[str]]) -> None:
        self.hosts = {name.replace("__", "."): list(lists) for name, lists in hosts.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        lists = self.hosts.get(host)
        if not lists:
            raise OSError(f"nobody knows {host}")
        return lists.pop(0) if len(lists) > 1 else lists[0]


HERE = Names(files__example__com=[["127.0.0.1"]], other__example__com=[["127.0.0.1"]])


def configured(port: int, path: str = "/api", name: str = "fal") -> ProviderConfig:
    """A provider whose address is a server of this test."""
    key = Secret(KEY, "FAL_KEY", [f"127.0.0.1:{port}"])
    return ProviderConfig(name=name, base_url=f"http://127.0.0.1:{port}{path}", key=key, headers={"X-Team": "film"})


def net(certificate: Path | None = None, *, resolve: Any = HERE, limits: FetchLimits = SHORT, **further: Any) -> Net:
    """Let names lead to loopback, which counts as public here."""
    ca_file = str(certificate) if certificate else None
    return Net(
        resolve=resolve, public=lambda address: address.startswith("127."), ca_file=ca_file, limits=limits, **further
    )


async def got(
    part: Part, config: ProviderConfig, how: Net, hosts: Sequence[str] = (), **further: Any
) -> tuple[Fetched, bytes]:
    """Return what was fetched, and its bytes."""
    pieces: list[bytes] = []
    found = await fetch(part, pieces.append, config=config, result_hosts=hosts, net=how, **further)
    return found, b"".join(pieces)


def run(
    work: Callable[[FileHost], Coroutine[Any, Any, None]], certificate: Path | None = None, **files: Way
) -> FileHost:
    """Serve files, by name, while `work` runs."""

    async def inside() -> FileHost:
        host = FileHost()
        host.files = {f"/{name}": way for name, way in files.items()}
        async with host.serving(certificate) as server, asyncio.timeout(30):
            await work(server)
        return host

    return asyncio.run(inside())


def refusal(part: Part, way: Way, **further: Any) -> FetchFailed:
    """Return how the fetch of `/api/x` fails, where it is answered in a way."""
    found: list[FetchFailed] = []

    async def work(host: FileHost) -> None:
        host.files["/api/x"] = way
        with pytest.raises(FetchFailed) as caught:
            await got(part, configured(host.port), net(limits=further.pop("limits", SHORT)), **further)
        found.append(caught.value)

    run(work)
    return found[0]


X = Part(path="x")


def test_a_file_of_a_file_host_is_fetched(lib: ModuleType, certificate: Path) -> None:
    """Over TLS by its name, at the address that was looked at; identity is asked for, and no key goes there."""

    async def work(host: FileHost) -> None:
        part = Part(url=f"https://{CDN}:{host.port}/a?X-Amz-Signature=s%2Fe|c")
        found, body = await got(part, configured(1), net(certificate), [f"{CDN}:{host.port}"])
        assert (found, body) == (Fetched(5, "image/png"), b"hello")
        assert host.heads[0]["host"] == f"{CDN}:{host.port}"

    host = run(work, certificate, a=said(b"hello", "Content-Type: Image/PNG; charset=x"))
    assert host.names == [CDN]
    assert host.asked == ["/a?X-Amz-Signature=s%2Fe|c"]
    assert host.heads[0]["accept-encoding"] == "identity"
    assert not {"authorization", "x-team", "cookie", "range"} & host.heads[0].keys()
    assert KEY not in str(host.heads)


def test_a_path_below_the_address_takes_the_key(lib: ModuleType) -> None:
    """And the configured headers; a file of the same host elsewhere takes neither."""

    async def work(host: FileHost) -> None:
        config = configured(host.port)
        host.files |= {"/api/x": said(b"one"), "/media/y": said(b"two")}
        assert (await got(X, config, net()))[1] == b"one"
        assert (await got(Part(url=f"http://127.0.0.1:{host.port}/media/y"), config, net()))[1] == b"two"
        assert (await got(X, config, net(), access={"Authorization": "Bearer other"}))[1] == b"one"

    host = run(work)
    assert [head.get("authorization") for head in host.heads] == [f"Key {KEY}", None, "Bearer other"]
    assert [head.get("x-team") for head in host.heads] == ["film", None, "film"]


@pytest.mark.parametrize(
    ("name", "header", "value"),
    [("fal", "authorization", f"Key {KEY}"), ("elevenlabs", "xi-api-key", KEY), ("google", "x-goog-api-key", KEY),
     ("openai", "authorization", f"Bearer {KEY}"), ("openrouter", "authorization", f"Bearer {KEY}")],
)  # fmt: skip
def test_each_vendor_has_its_own_header(name: str, header: str, value: str) -> None:
    """The key is sent as its vendor wants it."""

    async def work(host: FileHost) -> None:
        host.files["/api/x"] = said(b"x")
        await got(X, configured(host.port, name=name), net())

    assert run(work).heads[0][header] == value


PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "169.254.169.254",
    "100.64.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "fd00:ec2::254",
    "fe80::1%lo",
    "64:ff9b::7f00:1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_names_that_lead_home_are_refused(address: str) -> None:
    """One address that is not public is enough: nothing is connected, whichever stands first."""

    async def work(host: FileHost) -> None:
        for found in ([address], ["1.1.1.1", address], [address, "1.1.1.1"]):
            names = Names(files__example__com=[found])
            with pytest.raises(FetchFailed, match="not of the public internet") as caught:
                await got(
                    Part(url=f"https://{CDN}:{host.port}/a"), configured(1), Net(resolve=names), [f"{CDN}:{host.port}"]
                )
            assert caught.value.error_class is ErrorClass.INVALID
            assert names.asked == [CDN]

    assert run(work).connections == 0


def test_a_name_is_looked_up_once(lib: ModuleType, certificate: Path) -> None:
    """A resolver that gives another address the second time is not asked a second time."""

    async def work(host: FileHost) -> None:
        names = Names(files__example__com=[["127.0.0.1"], ["127.0.0.2"], ["169.254.169.254"]])
        _, body = await got(
            Part(url=f"https://{CDN}:{host.port}/a"),
            configured(1),
            net(certificate, resolve=names),
            [f"{CDN}:{host.port}"],
        )
        assert body == b"hello"
        assert names.asked == [CDN]

    assert run(work, certificate, a=said(b"hello")).connections == 1


def test_the_next_address_is_tried(lib: ModuleType, certificate: Path) -> None:
    """A host with a dead address among its own is still reached; of many, three are tried."""

    async def work(host: FileHost) -> None:
        part, hosts = Part(url=f"https://{CDN}:{host.port}/a"), [f"{CDN}:{host.port}"]
        names = Names(files__example__com=[["127.0.0.2", "127.0.0.1"]])
        assert (await got(part, configured(1), net(certificate, resolve=names), hosts))[1] == b"hello"
        far = Names(files__example__com=[["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.1"]])
        with pytest.raises(FetchFailed) as caught:
            await got(part, configured(1), net(certificate, resolve=far), hosts)
        assert caught.value.retry

    run(work, certificate, a=said(b"hello"))


def test_a_certificate_of_another_name_is_refused(lib: ModuleType, certificate: Path) -> None:
    """An address is checked; that it is the host's, its certificate says."""

    async def work(host: FileHost) -> None:
        for name, ca_file in ((OTHER, certificate), (CDN, None)):
            part, hosts = Part(url=f"https://{name}:{host.port}/a"), [f"{name}:{host.port}"]
            with pytest.raises(FetchFailed) as caught:
                await got(part, configured(1), net(ca_file), hosts)
            assert "CERTIFICATE_VERIFY_FAILED" in str(caught.value.facts)
            assert caught.value.error_class is ErrorClass.TRANSIENT

    assert run(work, certificate, a=said(b"hello")).asked == []


def test_the_configured_host_may_be_this_machine(lib: ModuleType) -> None:
    """By its name too: it is the user's word, and the only one that may lead home."""

    async def work(host: FileHost) -> None:
        host.files["/api/x"] = said(b"hello")
        names = Names(localhost=[["127.0.0.1"]])
        config = ProviderConfig(name="fal", base_url=f"http://localhost:{host.port}/api")
        assert (await got(X, config, Net(resolve=names)))[1] == b"hello"
        assert host.heads[0]["host"] == f"localhost:{host.port}"

    run(work)


def test_unknown_hosts_are_not_even_looked_up() -> None:
    """The name alone decides: a look-up would tell whoever keeps it."""

    async def work(_host: FileHost) -> None:
        names = Names()
        for url in (
            "https://evil.example/a",
            f"https://{CDN}@evil.example/",
            "http://169.254.169.254/",
            "https://[::ffff:127.0.0.1]/",
            "https://localhost./",
        ):
            with pytest.raises(FetchFailed, match="is not fetched"):
                await got(Part(url=url), ProviderConfig(name="fal"), net(resolve=names), [CDN])
        with pytest.raises(FetchFailed, match="is not fetched"):
            await got(Part(), ProviderConfig(name="fal"), net(resolve=names), [CDN])
        assert names.asked == []

    run(work)


def test_redirects_are_followed_three_times(lib: ModuleType) -> None:
    """Three and no more."""

    async def work(host: FileHost) -> None:
        config = configured(host.port)
        for n in range(1, 5):
            host.files[f"/api/{n}"] = said(b"", f"Location: {n - 1}", status=(301, 302, 307, 308)[n - 1])
        host.files["/api/0"] = said(b"end")
        assert (await got(Part(path="3"), config, net()))[1] == b"end"
        with pytest.raises(FetchFailed, match="without end") as caught:
            await got(Part(path="4"), config, net())
        assert caught.value.error_class is ErrorClass.INVALID

    assert run(work).asked == ["/api/3", "/api/2", "/api/1", "/api/0", "/api/4", "/api/3", "/api/2", "/api/1"]


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/latest/", "https://169.254.169.254/", "https://evil.example/", "http://127.0.0.1:1/", "//evil.example/",
     "https://u:p@files.example.com/", "file:///etc/passwd", "https://localhost/", "https://2130706433/", "http://[::1]/", "http://files.example.com/"],
)  # fmt: skip
def test_redirects_are_under_the_same_rules(location: str) -> None:
    """A known host is not trusted to name others."""
    names = Names()
    error = refusal(X, said(b"", f"Location: {location}", status=302))
    assert error.error_class is ErrorClass.INVALID
    assert "is not fetched" in str(error)
    assert names.asked == []


def test_a_redirect_takes_no_key_along(lib: ModuleType, certificate: Path) -> None:
    """From the vendor's own address to its file host, as vendors do: there the key has no business."""
    asked: list[dict[str, str]] = []

    async def work(host: FileHost) -> None:
        own = FileHost()
        async with own.serving() as vendor:
            own.files["/api/x"] = said(b"", f"Location: https://{CDN}:{host.port}/a", "Set-Cookie: a=b", status=307)
            names = Names(files__example__com=[["127.0.0.1"]])
            _, body = await got(X, configured(vendor.port), net(certificate, resolve=names), [f"{CDN}:{host.port}"])
            assert body == b"hello"
        asked.extend(own.heads)

    host = run(work, certificate, a=said(b"hello"))
    assert asked[0]["authorization"] == f"Key {KEY}"
    assert not {"authorization", "x-team", "cookie", "referer"} & host.heads[0].keys()


async def endless(_headers: dict[str, str], write: Write) -> None:
    """Send chunks for ever."""
    await write(b"HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await write(b"10000\r\n" + bytes(65536) + b"\r\n")


@pytest.mark.slow
def test_files_have_a_size_at_most(lib: ModuleType) -> None:
    """Whether the length is said, comes piece by piece or unfolds from gzip."""
    bomb = gzip.compress(bytes(1 << 26))
    ways: list[Way] = [
        said(b"", "Content-Length: 2000000"),
        endless,
        said(bomb, "Content-Encoding: gzip"),
        said(bytes((1 << 20) + 1)),
    ]
    for way in ways:
        error = refusal(X, way)
        assert error.error_class is ErrorClass.INVALID
        assert "longer than 1,048,576 bytes" in str(error)
        assert error.received_bytes <= 1 << 20
    assert len(bomb) < 1 << 17


def test_a_file_of_the_size_at_most_is_whole(lib: ModuleType) -> None:
    """The last byte that is allowed is."""

    async def work(host: FileHost) -> None:
        host.files["/api/x"] = said(bytes(1 << 20))
        assert (await got(X, configured(host.port), net()))[0].size_bytes == 1 << 20

    run(work)


@pytest.mark.parametrize("plain", [b"hello", bytes(3 << 20), b""])
def test_gzip_that_nobody_asked_for_is_undone(lib: ModuleType, plain: bytes) -> None:
    """What was paid for is not lost because a host does not listen; members and padding too."""

    async def work(host: FileHost) -> None:
        body = gzip.compress(plain) + gzip.compress(b"more") + bytes(9)
        host.files["/api/x"] = said(body, "Content-Encoding: gzip", 'ETag: "1"')
        validators: list[str] = []
        limits = FetchLimits(most_bytes=4 << 20)
        _, found = await got(X, configured(host.port), net(limits=limits), started=validators.append)
        assert found == plain + b"more"
        assert validators == [""]  # offsets of what was decoded mean nothing to the host

    run(work)


@pytest.mark.slow
def test_gzip_unfolds_a_megabyte_at_a_time() -> None:
    """However much a chunk holds, no more of it is in memory at once."""
    pieces = [len(piece) for piece in Gzip().pieces(gzip.compress(bytes(1 << 25)))]
    assert sum(pieces) == 1 << 25
    assert max(pieces) <= 1 << 20


def test_what_cannot_be_decoded_is_refused(lib: ModuleType) -> None:
    """Another coding is not guessed at; gzip that ends early can be whole the next time."""
    assert refusal(X, said(b"xyz", "Content-Encoding: br")).error_class is ErrorClass.INVALID
    assert refusal(X, said(gzip.compress(b"hello" * 99)[:-9], "Content-Encoding: gzip")).retry
    assert refusal(X, said(b"no gzip at all", "Content-Encoding: gzip")).retry


def test_lying_lengths_are_seen(lib: ModuleType) -> None:
    """Too short is a broken fetch, with what there is; what follows the end is nobody's."""

    async def work(host: FileHost) -> None:
        host.files["/api/x"] = said(b"helloINTRUDER", "Content-Length: 5")
        assert (await got(X, configured(host.port), net()))[1] == b"hello"

    run(work)
    error = refusal(X, said(b"hello", "Content-Length: 500", 'ETag: "v1"'))
    assert (error.retry, error.received_bytes, error.validator) == (True, 5, '"v1"')
    for lie in ("Content-Length: -1", "Content-Length: 5, 6", "Content-Length: 5\r\nContent-Length: 6"):
        assert refusal(X, said(b"hello", lie)).retry


async def silent(_headers: dict[str, str], write: Write) -> None:
    """Say that a body comes, and send none."""
    await write(b"HTTP/1.1 200 Said\r\nContent-Length: 9\r\n\r\n")
    await asyncio.Event().wait()


async def drip(_headers: dict[str, str], write: Write) -> None:
    """Send a byte now and then, never long enough apart to be silence."""
    await write(b"HTTP/1.1 200 Said\r\nContent-Length: 90000\r\n\r\n")
    while True:
        await write(b"x")
        await asyncio.sleep(0.01)


@pytest.mark.slow
def test_silence_and_dripping_end(lib: ModuleType) -> None:
    """Silence has a limit; what drips just fast enough has one in all."""
    stalled = refusal(X, silent, limits=FetchLimits(stall_s=0.05, total_s=60))
    assert (stalled.retry, stalled.received_bytes) == (True, 0)
    slow = refusal(X, drip, limits=FetchLimits(stall_s=10, total_s=0.3))
    assert slow.retry
    assert slow.received_bytes > 0
    assert "took too long" in str(slow)


def test_stopping_a_fetch_stops_it(lib: ModuleType) -> None:
    """A build that is told to stop does not wait for a file host."""

    async def work(host: FileHost) -> None:
        came = asyncio.Event()

        async def way(headers: dict[str, str], write: Write) -> None:
            came.set()
            await silent(headers, write)

        host.files["/api/x"] = way
        task = asyncio.create_task(got(X, configured(host.port), net()))
        async with asyncio.timeout(10):
            await came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work)


class Spool:
    """What a fetch is resumed into."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        self.restarts = 0

    def restart(self) -> None:
        self.data.clear()
        self.restarts += 1


WHOLE = b"0123456789"


def ranged(etag: str = '"v1"', *further: str, start: int = 4, status: int = 206) -> Way:
    """Answer a range with a range, if its condition holds, as a file host does."""

    async def way(headers: dict[str, str], write: Write) -> None:
        if "range" in headers and headers.get("if-range") == '"v1"':
            await write(
                said(WHOLE[start:], f"Content-Range: bytes {start}-9/10", f"ETag: {etag}", *further, status=status)
            )
        else:
            await write(said(WHOLE, f"ETag: {etag}"))

    return way


def resumed(way: Way, offset: int = 4, validator: str = '"v1"') -> tuple[Spool, list[str], FileHost]:
    """Resume a fetch; return the spool, the validators that were told and the host."""
    spool, told = Spool(WHOLE[:offset]), list[str]()

    async def work(host: FileHost) -> None:
        host.files["/api/x"] = way
        found = await fetch(
            X, spool.data.extend, config=configured(host.port), result_hosts=(), net=net(),
            resume=Resume(offset, validator, spool.restart), started=told.append,
        )  # fmt: skip
        assert found.size_bytes == len(spool.data)

    return spool, told, run(work)


def test_what_is_there_is_not_fetched_again(lib: ModuleType) -> None:
    """Of the same version only the rest comes."""
    spool, told, host = resumed(ranged())
    assert (bytes(spool.data), spool.restarts, told) == (WHOLE, 0, [])
    assert (host.heads[0]["range"], host.heads[0]["if-range"]) == ("bytes=4-", '"v1"')


@pytest.mark.parametrize(
    ("way", "asked"),
    [
        pytest.param(said(WHOLE, 'ETag: "v2"'), 1, id="another version, whole"),
        pytest.param(ranged('"v2"'), 2, id="another version, in part"),
        pytest.param(ranged(start=5), 2, id="another offset"),
        pytest.param(ranged('"v1"', "Content-Encoding: gzip"), 2, id="coded"),
    ],
)
def test_what_is_of_another_version_is_thrown_away(lib: ModuleType, way: Way, asked: int) -> None:
    """Two halves of two files make no file."""
    spool, told, host = resumed(way)
    assert (bytes(spool.data), spool.restarts, len(told)) == (WHOLE, 1, 1)
    assert len(host.asked) == asked
    assert "range" not in host.heads[1] if asked == 2 else True


def test_an_offset_behind_the_end_begins_anew(lib: ModuleType) -> None:
    """416 says that what is there is longer than the file."""

    async def way(headers: dict[str, str], write: Write) -> None:
        await write(said(b"", "Content-Range: bytes */10", status=416) if "range" in headers else said(WHOLE))

    spool, _, _ = resumed(way, offset=10)
    assert (bytes(spool.data), spool.restarts) == (WHOLE, 1)


def test_without_a_validator_nothing_is_resumed(lib: ModuleType) -> None:
    """Without one nobody can tell whether it is the same file."""
    spool, _, host = resumed(ranged(), validator="")
    assert (bytes(spool.data), spool.restarts) == (WHOLE, 1)
    assert "range" not in host.heads[0]


def test_a_date_is_a_validator_too(lib: ModuleType) -> None:
    """A weak ETag is none: bytes may differ under it."""
    date = "Sat, 21 Nov 2026 08:00:00 GMT"
    told: list[str] = []

    async def work(host: FileHost) -> None:
        host.files["/api/x"] = said(b"x", 'ETag: W/"1"', f"Last-Modified: {date}")
        await got(X, configured(host.port), net(), started=told.append)

    run(work)
    assert told == [date]


def test_a_part_that_nobody_asked_for_is_no_file(lib: ModuleType) -> None:
    """Nor is one that ends before the end."""
    assert refusal(X, said(b"x", "Content-Range: bytes 0-0/10", status=206)).retry
    spool = Spool(WHOLE[:4])
    short = said(WHOLE[4:6], "Content-Range: bytes 4-5/10", status=206)
    error = refusal(X, short, resume=Resume(4, '"v1"', spool.restart))
    assert (error.retry, error.received_bytes, error.validator, spool.restarts) == (True, 6, '"v1"', 0)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, "INVALID"), (401, "AUTH"), (403, "AUTH"), (404, "GONE"), (408, "TRANSIENT"), (410, "GONE"), (418, "INVALID"),
     (425, "TRANSIENT"), (429, "RATE_LIMIT"), (500, "TRANSIENT"), (503, "TRANSIENT"), (302, "INVALID"), (204, "INVALID"), (416, "INVALID")],
)  # fmt: skip
def test_statuses_have_their_classes(status: int, expected: str) -> None:
    """Gone is not tried again, what passes is; below its own address a vendor's 403 is about the key."""
    error = refusal(X, said(b"<html>a page of words</html>", "Retry-After: 7", status=status))
    assert error.error_class is ErrorClass[expected]
    assert error.retry_after_s == (7.0 if error.retry and status != 302 else None)
    assert "page of words" not in str(error)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_signed_address_runs_out(status: int) -> None:
    """A host that was sent no key means its own signature: the file is out of reach, for good."""

    async def work(host: FileHost) -> None:
        host.files["/media/x"] = said(b"", status=status)
        with pytest.raises(FetchFailed, match="kept no longer") as caught:
            await got(Part(url=f"http://127.0.0.1:{host.port}/media/x?Signature=s"), configured(host.port), net())
        assert caught.value.error_class is ErrorClass.GONE

    run(work)


def test_no_answer_is_transient(lib: ModuleType) -> None:
    """A closed port, a dropped connection, a name that nobody knows, what is no HTTP."""

    async def drop(_headers: dict[str, str], _write: Write) -> None: ...

    async def work(host: FileHost) -> None:
        port = host.port
        errors = []
        for part, config in ((Part(url=f"https://{OTHER}/a"), configured(port)), (X, configured(1))):
            with pytest.raises(FetchFailed) as caught:
                await got(part, config, net(resolve=Names()), [OTHER])
            errors.append(caught.value)
        assert all(error.retry for error in errors)

    run(work)
    assert refusal(X, drop).retry
    assert refusal(X, b"SSH-2.0-OpenSSH_9.6\r\n").retry
    assert refusal(X, b"HTTP/1.1 200 OK\r\n" + b"a: " + b"b" * 200_000).retry


@pytest.mark.parametrize(
    ("url", "body", "media_type"),
    [
        ("data:image/png;base64,aGVsbG8=", b"hello", "image/png"),
        ("DATA:image/png;base64,aGVsbG8=", b"hello", "image/png"),
        ("data:,a%20b%00", b"a b\0", ""),
        ("data:text/plain;charset=utf-8,%C3%A9", "é".encode(), "text/plain"),
    ],
)
def test_data_urls_hold_their_bytes(url: str, body: bytes, media_type: str) -> None:
    """Nothing is asked of anybody."""
    found = asyncio.run(got(Part(url=url), ProviderConfig(name="openrouter"), net()))
    assert found == (Fetched(len(body), media_type), body)


def test_broken_data_urls_are_refused() -> None:
    """And long ones; and bytes of the answer itself are under the same size."""
    for part in (
        Part(url="data:image/png;base64,a*b="),
        Part(url="data:image/png;base64"),
        Part(url="data:,".ljust(2 << 20, "x")),
        Part(data=bytes(2 << 20)),
    ):
        with pytest.raises(FetchFailed) as caught:
            asyncio.run(got(part, ProviderConfig(name="fal"), net()))
        assert caught.value.error_class is ErrorClass.INVALID
    found, body = asyncio.run(got(Part(data=b"abc", media_type="audio/mpeg"), ProviderConfig(name="fal"), net()))
    assert (found, body) == (Fetched(3, "audio/mpeg"), b"abc")


def test_inline_bytes_take_the_place_of_what_is_there() -> None:
    """A part that came in the answer is not appended to an older try."""
    spool = Spool(b"old")
    resume = Resume(3, "", spool.restart)
    asyncio.run(
        fetch(
            Part(data=b"new"),
            spool.data.extend,
            config=ProviderConfig(name="fal"),
            result_hosts=(),
            resume=resume,
            net=net(),
        )
    )
    assert (bytes(spool.data), spool.restarts) == (b"new", 1)


def test_no_message_holds_a_signature(lib: ModuleType, certificate: Path) -> None:
    """A signed address is a secret: it is in no message, no fact and no traceback; nor is the key."""

    async def work(host: FileHost) -> None:
        urls = [
            f"https://{CDN}:{host.port}/path-canary?Signature=query-canary", "https://evil.example/path-canary?Signature=query-canary",
            f"https://user-canary:pass-canary@{CDN}/", "https://127.0.0.1/path-canary", f"http://{CDN}/path-canary",
        ]  # fmt: skip
        for url in urls:
            with pytest.raises(FetchFailed) as caught:
                await got(Part(url=url), configured(host.port), net(certificate), [f"{CDN}:{host.port}"])
            error = caught.value
            shown = "".join([*traceback.format_exception(error), str(error.facts), str(error.hint), repr(error)])
            assert "canary" not in shown.replace(KEY, "")

    run(work, certificate)


def test_a_proxy_looks_names_up(lib: ModuleType) -> None:
    """Where a proxy is configured it is asked by name, and what is not a file host's name is still refused."""
    asked: list[str] = []

    async def work(host: FileHost) -> None:
        names = Names()
        proxies = Proxies.read({"https_proxy": f"http://127.0.0.1:{host.port}"})
        how = net(resolve=names, proxies=proxies)
        with pytest.raises(FetchFailed) as caught:
            await got(Part(url=f"https://{CDN}/a"), configured(1), how, [CDN])
        assert caught.value.retry
        with pytest.raises(FetchFailed, match="is not fetched"):
            await got(Part(url="https://169.254.169.254/a"), configured(1), how, [CDN])
        assert names.asked == []
        asked.extend(host.asked)

    run(work)
    assert asked == [f"{CDN}:443"]


def test_a_library_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is imported, else the one that is there; with neither it is said what to install."""
    assert library("fal") in {httpx, httpx2}
    monkeypatch.setitem(sys.modules, "httpx2", None)
    assert library("fal") is httpx
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(ConfigError) as caught:
        library("fal")
    assert caught.value.hint == "pip install 'dagcontent[fal]'"
