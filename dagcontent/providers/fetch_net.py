"""How files are fetched into an HTTP library, its certificates and its limits. Knows no file and no vendor."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

import msgspec

from dagcontent.errors import ConfigError
from dagcontent.providers.address import is_public

if TYPE_CHECKING:
    from dagcontent.providers.gate_proxy import Proxies

__all__ = ["FetchLimits", "Net", "library", "resolve_name", "tls_context"]


class FetchLimits(msgspec.Struct, frozen=True):
    """How much one fetch may take. `stall_s` is the longest silence."""

    most_bytes: int = 4 << 30
    total_s: float = 1800.0
    stall_s: float = 30.0
    connect_s: float = 10.0
    redirects: int = 3


async def resolve_name(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host. Raises OSError."""
    import anyio  # noqa: PLC0415 - a plan fetches nothing

    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Net(msgspec.Struct, frozen=True):
    """How the internet is reached. With a proxy it is the proxy that looks names up, and only their spelling is checked.

    `resolve` and `public` are seams for tests; `tls` None: the usual certificates, or those of `ca_file`.
    """

    resolve: Callable[[str, int], Awaitable[Sequence[str]]] = resolve_name
    public: Callable[[str], bool] = is_public
    tls: ssl.SSLContext | None = None
    ca_file: str | None = None
    proxies: Proxies | None = None
    limits: FetchLimits = FetchLimits()


def library(extra: str) -> ModuleType:
    """Return httpx2 or httpx: the one that is imported, else the one that is there. Raises ConfigError; `extra` is what to install."""
    for name in ("httpx2", "httpx"):
        known = sys.modules.get(name)
        if known is not None:
            return known
    try:
        import httpx2  # noqa: PLC0415 - not every vendor's package brings it

        return httpx2
    except ImportError:
        pass
    try:
        import httpx  # noqa: PLC0415 - as above

        return httpx
    except ImportError:
        text = "neither httpx2 nor httpx is installed: nothing can be fetched"
        raise ConfigError(text, hint=f"pip install 'dagcontent[{extra}]'") from None


_CONTEXTS: dict[tuple[str, str | None], ssl.SSLContext] = {}
"""Making one takes 20 ms, and each fetch has connections of its own: a host is never spoken to over another's."""


def tls_context(lib: ModuleType, ca_file: str | None) -> ssl.SSLContext:
    """Return what says whom to trust: the usual certificates, or those of a file."""
    key = (lib.__name__, ca_file)
    if key not in _CONTEXTS:
        # The environment is read by the command line, and by nothing below it.
        _CONTEXTS[key] = (
            ssl.create_default_context(cafile=ca_file) if ca_file else lib.create_ssl_context(trust_env=False)
        )
    return _CONTEXTS[key]
