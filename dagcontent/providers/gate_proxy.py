"""The environment's proxy settings, given as a mapping, into the proxy of one address. Knows no HTTP library and reads no environment.

An HTTP library looks for proxies by itself only as long as nobody gives it a transport, and the gate is one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from dagcontent.errors import ConfigError

__all__ = ["Proxies"]


class Proxies(msgspec.Struct, frozen=True):
    """Addresses of proxies for http and https targets; `bypassed` are hosts that are reached without one."""

    http: str | None = None
    https: str | None = None
    bypassed: tuple[str, ...] = ()

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Proxies:
        """Read HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY; lower case wins. Raises ConfigError for a proxy of another kind."""
        every = _setting(environ, "all_proxy")
        # A web server hands a visitor's "Proxy:" header to its CGI programs as HTTP_PROXY.
        http = None if "REQUEST_METHOD" in environ else _setting(environ, "http_proxy")
        hosts = (_setting(environ, "no_proxy") or "").split(",")
        return cls(
            http=_address(http or every),
            https=_address(_setting(environ, "https_proxy") or every),
            bypassed=tuple(host.strip().lower() for host in hosts if host.strip()),
        )

    def find(self, scheme: str, host: str, port: int | None) -> str | None:
        """Return the proxy for a target, None to reach it directly. `port` is None for its scheme's own."""
        proxy = self.https if scheme == "https" else self.http
        if proxy is None:
            return None
        at = port or (443 if scheme == "https" else 80)
        bare = host.strip("[]").rstrip(".").lower()
        return None if any(_covers(entry, bare, at) for entry in self.bypassed) else proxy

    def __repr__(self) -> str:
        # A proxy's address may hold a password.
        return f"Proxies(http={_shown(self.http)}, https={_shown(self.https)}, bypassed={self.bypassed!r})"

    def __rich_repr__(self) -> Any:
        """Give `rich` no more than `repr` gives."""
        yield "http", _shown(self.http)
        yield "https", _shown(self.https)
        yield "bypassed", self.bypassed


def _setting(environ: Mapping[str, str], name: str) -> str | None:
    return (environ.get(name) if name in environ else environ.get(name.upper())) or None


def _address(text: str | None) -> str | None:
    if text is None:
        return None
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(
            "the proxy of the environment cannot be used",
            facts=[("proxy", _shown(url))],
            hint="set HTTPS_PROXY to http://HOST:PORT or https://HOST:PORT; SOCKS is not supported",
        )
    return url


def _shown(url: str | None) -> str:
    if url is None:
        return "none"
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _covers(entry: str, host: str, port: int) -> bool:
    """Tell whether an entry of NO_PROXY names this host: "*", "example.com" (and below), "host:port", "10.0.0.0/8"."""
    if entry == "*":
        return True
    try:
        network = ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        network = None
    if network is not None:
        try:
            return ipaddress.ip_address(host) in network
        except ValueError:
            return False
    name, _, digits = entry.rpartition(":")
    if name and digits.isdecimal():
        if int(digits) != port:
            return False
        entry = name
    name = entry.strip("[]").removeprefix("*").lstrip(".")
    return host == name or host.endswith(f".{name}")
