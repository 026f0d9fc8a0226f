"""A part of a result into its bytes, from where an answer says they are. Knows no spool, store or key of a graph.

Rules (`providers.address` says which addresses): a name is resolved once, every address it has must be public, and the
connection goes to that very address, with the name in TLS and in the Host header, so that no second look-up can lead
elsewhere. At most three redirects, each under the same rules. The provider's key goes to paths below its own address and
to nothing else. Bytes count after decoding.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from dagcontent.errors import ProviderError
from dagcontent.providers.address import Allowed, Refused, Target
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.fetch_coding import MEDIA_TYPE, Gzip, data_url_bytes
from dagcontent.providers.fetch_net import Net, library, tls_context
from dagcontent.providers.port import ErrorClass, Part
from dagcontent.providers.registry import VENDORS
from dagcontent.providers.secret import redact

__all__ = ["FetchFailed", "Fetched", "Resume", "fetch"]

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_ADDRESSES_MOST: Final = 3
_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


class Fetched(msgspec.Struct, frozen=True):
    """What was fetched: the size of the whole, and the media type as the server says it, empty if it says none."""

    size_bytes: int
    media_type: str


class FetchFailed(ProviderError):  # noqa: N818 - the name is the state
    """A part was not fetched.

    `error_class`: GONE (it is kept no longer), TRANSIENT, RATE_LIMIT, CONCURRENCY (again later, with `resume`), AUTH,
    INVALID (an address or a body that is refused: again is in vain). `received_bytes` were handed over, the offset of a
    `resume` among them; `validator` names the version they are of, empty if the server names none.
    """

    def __init__(
        self,
        message: str,
        error_class: ErrorClass,
        *,
        hint: str | None = None,
        facts: Sequence[tuple[str, str]] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, facts=facts, hint=hint)
        self.error_class = error_class
        self.retry_after_s = retry_after_s
        self.received_bytes = 0
        self.validator = ""

    @property
    def retry(self) -> bool:
        """Whether the same fetch can succeed later."""
        return self.error_class in {ErrorClass.TRANSIENT, ErrorClass.RATE_LIMIT, ErrorClass.CONCURRENCY}


class Resume(msgspec.Struct, frozen=True):
    """What is there already: bytes of the version that `validator` names. `restart` is called if they do not count."""

    offset: int
    validator: str
    restart: Callable[[], None]


async def fetch(
    part: Part,
    into: Callable[[bytes], None],
    *,
    config: ProviderConfig,
    result_hosts: Sequence[str],
    access: Mapping[str, str] | None = None,
    resume: Resume | None = None,
    started: Callable[[str], None] | None = None,
    net: Net = Net(),  # noqa: B008 - a frozen value
) -> Fetched:
    """Hand a part's bytes over, piece by piece, and return what they are. Raises FetchFailed.

    `access` are headers for the provider's own address, instead of the vendor's usual one with its key. `started` is told
    the validator before the first byte: whoever keeps it beside the bytes can resume after a crash.
    """
    import anyio  # noqa: PLC0415 - a plan fetches nothing

    job = _Fetch(into, config, access, resume, started, net)
    try:
        if part.data is not None:
            return job.inline(part.data, part.media_type)
        if part.url is not None and part.url[:5].lower() == "data:":
            return job.inline(*data_url_bytes(part.url, config.name))
        vendor = VENDORS.get(config.name)
        allowed = Allowed(config, config.base(vendor.base if vendor is not None else ""), result_hosts)
        target = allowed.of(part.url) if part.url is not None else allowed.below(part.path or "//")
        with anyio.fail_after(net.limits.total_s):
            return await job.run(allowed, target)
    except Refused as reason:
        raise job.failed(
            f"what {config.name} answered with is not fetched: {reason}", ErrorClass.INVALID,
            hint="an address that an answer names is followed to known file hosts only",
        ) from None  # fmt: skip
    except TimeoutError:
        raise job.failed(f"the fetch from {config.name} took too long", ErrorClass.TRANSIENT) from None
    except FetchFailed:
        raise
    except ProviderError as error:
        raise job.failed(error.message, ErrorClass.INVALID) from None


class _Again(Exception):  # noqa: N818 - the next request is for the whole
    """What is there is of another version."""


class _Fetch:
    """One fetch: the bytes so far, and of what they are."""

    def __init__(
        self,
        into: Callable[[bytes], None],
        config: ProviderConfig,
        access: Mapping[str, str] | None,
        resume: Resume | None,
        started: Callable[[str], None] | None,
        net: Net,
    ) -> None:
        self._into = into
        self._config = config
        self._access = access
        self._started = started
        self._net = net
        self._resume = resume if resume is not None and resume.offset > 0 and resume.validator else None
        self._received = self._resume.offset if self._resume is not None else 0
        self._validator = self._resume.validator if self._resume is not None else ""
        if resume is not None and self._resume is None and resume.offset:
            resume.restart()
        self._restart = resume.restart if resume is not None else None

    def inline(self, data: bytes, media_type: str) -> Fetched:
        """Hand over what the answer itself held."""
        self._anew()
        self._take(data)
        return Fetched(self._received, media_type)

    async def run(self, allowed: Allowed, target: Target) -> Fetched:
        """Fetch a target, and those it redirects to."""
        try:
            return await self._follow(allowed, target)
        except _Again:
            self._anew()
            return await self._follow(allowed, target)

    async def _follow(self, allowed: Allowed, target: Target) -> Fetched:
        for _ in range(self._net.limits.redirects + 1):
            async with self._open(target) as response:
                location = response.headers.get("location")
                if response.status_code not in _REDIRECTS or not location:
                    return await self._read(response, target)
            target = allowed.next(target, location)
        raise self.failed(f"{self._config.name} redirects without end", ErrorClass.INVALID)

    @asynccontextmanager
    async def _open(self, target: Target) -> AsyncIterator[Any]:
        """Connect to an address of the target that was looked at; yield its response, the body unread."""
        vendor = VENDORS.get(self._config.name)
        lib = library(vendor.extra if vendor is not None else "all")
        last: BaseException | None = None
        for address, proxy in await self._addresses(target):
            transport = lib.AsyncHTTPTransport(
                verify=self._net.tls or tls_context(lib, self._net.ca_file),
                trust_env=False,
                http2=False,
                retries=0,
                proxy=proxy,
            )
            limits = self._net.limits
            timeout = lib.Timeout(limits.stall_s, connect=limits.connect_s)
            async with lib.AsyncClient(transport=transport, timeout=timeout, trust_env=False) as client:
                request = client.build_request("GET", self._url(lib, target, address), headers=self._headers(target))
                if not target.literal:
                    request.extensions["sni_hostname"] = target.host
                try:
                    response = await client.send(request, stream=True, follow_redirects=False)
                except (lib.ConnectError, lib.ConnectTimeout, OSError) as error:
                    last = error
                    continue
                except lib.TransportError as error:
                    raise self._broken(target, error) from None
                try:
                    yield response
                    return
                except lib.TransportError as error:
                    raise self._broken(target, error) from None
                finally:
                    await response.aclose()
        raise self._broken(target, last) from None

    async def _addresses(self, target: Target) -> list[tuple[str, str | None]]:
        """Return what to connect to, each with its proxy. Raises Refused where one address of the host is not public."""
        proxies = self._net.proxies
        proxy = proxies.find(target.scheme, target.host, target.port) if proxies is not None else None
        if proxy is not None or target.literal:
            return [(target.host, proxy)]
        try:
            found = list(await self._net.resolve(target.host, target.port))
        except (OSError, UnicodeError) as error:
            raise self._broken(target, error) from None
        if not target.own and not all(self._net.public(address) for address in found):
            raise Refused(f"{target.host} is at an address that is not of the public internet")
        return [(address, None) for address in found[:_ADDRESSES_MOST]]

    def _url(self, lib: Any, target: Target, address: str) -> Any:
        return lib.URL(scheme=target.scheme, host=address, port=target.port, raw_path=target.path.encode("ascii"))

    def _headers(self, target: Target) -> dict[str, str]:
        headers = {"host": target.authority, "accept": "*/*", "accept-encoding": "identity", "user-agent": "dagcontent"}
        if target.below:
            further = self._access if self._access is not None else self._key(target)
            headers |= {name.lower(): value for name, value in (*further.items(), *self._config.headers.items())}
        if self._resume is not None:
            headers["range"] = f"bytes={self._resume.offset}-"
            headers["if-range"] = self._resume.validator
        return headers

    def _key(self, target: Target) -> dict[str, str]:
        vendor = VENDORS.get(self._config.name)
        if vendor is None or not self._config.key:
            return {}
        header, before = vendor.auth
        return {header: before + self._config.key.reveal(target.authority)}

    async def _read(self, response: Any, target: Target) -> Fetched:
        """Hand the body over, or say what the status means."""
        status = response.status_code
        total = self._begin(response, target) if status in {200, 206} else None
        if status == 416 and self._resume is not None:
            raise _Again
        if status not in {200, 206}:
            raise self._refusal(response, target)
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding not in {"identity", "", "gzip", "x-gzip"}:
            raise self.failed(
                f"{target.authority} sends a file as {coding[:40]!r}, which was not asked for", ErrorClass.INVALID
            )
        decoder = Gzip() if coding.endswith("gzip") else None
        await self._body(response, target, decoder)
        if decoder is not None and not decoder.whole:
            raise self.failed(f"the file from {target.authority} was cut off", ErrorClass.TRANSIENT)
        if decoder is None and total is not None and self._received != total:
            text = f"the file from {target.authority} is not as long as was said: {self._received:,} of {total:,} bytes"
            raise self.failed(text, ErrorClass.TRANSIENT)
        said = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Fetched(self._received, said if MEDIA_TYPE.fullmatch(said) else "")

    async def _body(self, response: Any, target: Target, decoder: Gzip | None) -> None:
        from anyio.lowlevel import checkpoint  # noqa: PLC0415 - as anyio above

        try:
            async for chunk in response.aiter_raw():
                for piece in decoder.pieces(chunk) if decoder is not None else (chunk,):
                    self._take(piece)
                    await checkpoint()  # a body that unfolds for long can be stopped
        except zlib.error:
            raise self.failed(
                f"the file from {target.authority} is not in the form it says", ErrorClass.TRANSIENT
            ) from None

    def _begin(self, response: Any, target: Target) -> int | None:
        """Look at the headers of a body that is coming; return how long the whole is, if they say it."""
        headers = response.headers
        coded = headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}
        length = headers.get("content-length", "")
        total = int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None
        etag = headers.get("etag", "")
        if response.status_code == 206:
            said = _RANGE.fullmatch(headers.get("content-range", "").strip())
            if self._resume is None or said is None or coded or int(said[1]) != self._resume.offset:
                raise self._part(target)
            ours = etag if self._validator.startswith('"') else headers.get("last-modified", "")
            if ours and ours != self._validator:
                raise _Again
            total = int(said[3]) if said[3] != "*" else int(said[2]) + 1
        elif self._resume is not None:
            self._anew()
        if total is not None and total > self._net.limits.most_bytes:
            raise self._too_long()
        if response.status_code == 200:
            strong = etag if etag.startswith('"') else headers.get("last-modified", "")
            self._validator = strong if not coded and strong.isascii() and strong.isprintable() else ""
            if self._started is not None:
                self._started(self._validator)
        return total

    def _part(self, target: Target) -> Exception:
        """Return what to do about a range that was not asked for."""
        if self._resume is not None:
            return _Again()
        return self.failed(f"{target.authority} answered with a part that was not asked for", ErrorClass.TRANSIENT)

    def _anew(self) -> None:
        """Forget what is there."""
        if self._received and self._restart is not None:
            self._restart()
        self._received, self._validator, self._resume = 0, "", None

    def _take(self, data: bytes) -> None:
        if self._received + len(data) > self._net.limits.most_bytes:
            raise self._too_long()
        self._into(data)
        self._received += len(data)

    def _too_long(self) -> FetchFailed:
        most = self._net.limits.most_bytes
        return self.failed(f"{self._config.name} answered with a file longer than {most:,} bytes", ErrorClass.INVALID)

    def _refusal(self, response: Any, target: Target) -> FetchFailed:
        status, name = response.status_code, self._config.name
        text = f"{target.authority} answered {status} for a file of {name}"
        after = response.headers.get("retry-after", "").strip()
        wait = float(after) if after.isascii() and after.isdigit() and len(after) < 7 else None
        if status in {404, 410} or (status in {401, 403} and not target.below):
            # A signed URL that has run out is answered with 403, or 401, by a host that was sent no key.
            return self.failed(f"{text}: it is kept no longer", ErrorClass.GONE)
        if status in {401, 403}:
            return self.failed(text, ErrorClass.AUTH, hint=f"look at the key of {name}: dagcontent doctor")
        if status == 429:
            return self.failed(text, ErrorClass.RATE_LIMIT, retry_after_s=wait)
        if status in {408, 425} or status >= 500 or status < 200:
            return self.failed(text, ErrorClass.TRANSIENT, retry_after_s=wait)
        return self.failed(text, ErrorClass.INVALID)

    def _broken(self, target: Target, error: BaseException | None) -> FetchFailed:
        reason = redact(f"{type(error).__name__}: {error}".rstrip(": ")) if error is not None else "it has no address"
        return self.failed(
            f"a file of {self._config.name} could not be fetched from {target.authority}", ErrorClass.TRANSIENT,
            facts=[("reason", reason[:300])],
        )  # fmt: skip

    def failed(self, message: str, error_class: ErrorClass, **further: Any) -> FetchFailed:
        """Return the failure with what there is so far."""
        error = FetchFailed(message, error_class, **further)
        error.received_bytes, error.validator = self._received, self._validator
        return error
