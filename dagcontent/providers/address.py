"""An address that a vendor's answer carries into one that may be fetched, or into the reason why not. Opens no connection.

A vendor's answer is not trusted to say where requests of this machine go. Fetched is https, from the file hosts that the
adapter names or the provider's own host; a host's addresses must be of the public internet. The configured address alone
is the user's word: it may be plain http, and may be on this machine.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.secret import host_matches, host_of

__all__ = ["Allowed", "Refused", "Target", "is_public"]

_PORTS: Final = {"http": 80, "https": 443}
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?=[a-z0-9-]*[a-z])(?!0x)[a-z0-9-]{2,63}"
)
"""Two labels at least, and no number at the end: 2130706433, 0x7f.1 and 127.0.0.1 are addresses in disguise."""
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f\\]")
_PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F)))
_DOTS: Final = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)

_NOT_PUBLIC: Final = tuple(map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "100.64.0.0/10")))
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_NOT_UNICAST: Final = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
"""Protocols, Teredo among them, documentation, and 6to4, whose addresses lead to ones of IPv4."""
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class Refused(Exception):  # noqa: N818 - a verdict; the fetch words it
    """An address that is not fetched. The text is the reason, and holds no path and no query: those may be secrets."""


class Target(msgspec.Struct, frozen=True):
    """Where one request goes. `path` has its query. `own`: scheme, host and port are the configured address's.

    `below`: the path is below the provider's address, where its key is sent.
    """

    scheme: str
    host: str
    port: int
    path: str
    own: bool
    below: bool

    @property
    def authority(self) -> str:
        """The Host header: "host", or "host:port" where the port is not its scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def literal(self) -> bool:
        """Whether the host is an address already."""
        return _is_address(self.host)


class Allowed:
    """The addresses that may be fetched for one provider. `base` is its address, configured or the vendor's own."""

    def __init__(self, config: ProviderConfig, base: str, hosts: Sequence[str]) -> None:
        self._config = config
        self._base = base.rstrip("/")
        self._hosts = tuple(hosts)

    def below(self, path: str) -> Target:
        """Return the target of a path below the provider's address. Raises Refused."""
        if path.startswith("//") or "://" in path.partition("?")[0] or not self._base:
            raise Refused("a path that is none")
        target = self.of(f"{self._base}/{path.lstrip('/')}")
        if not target.below:
            raise Refused("a path that leads elsewhere")
        return target

    def next(self, target: Target, location: str) -> Target:
        """Return the target of a redirect. Raises Refused."""
        return self.of(urljoin(f"{target.scheme}://{target.authority}{target.path}", location))

    def of(self, url: str) -> Target:
        """Return the target of a URL. Raises Refused."""
        scheme, host, port, path = _taken_apart(url)
        ours = _taken_apart(self._base) if self._base else ("", "", 0, "")
        at_base = (scheme, host, port) == ours[:3]
        own = at_base and self._config.base_url is not None
        if scheme == "http" and not own:
            raise Refused(f"http to {host} can be read on the way")
        if not own:
            if not _NAME.fullmatch(host):
                raise Refused(f"{host} is not the name of a host on the internet")
            named = host_of(f"{scheme}://{host}:{port}")
            if not at_base and not any(host_matches(named, pattern) for pattern in self._hosts):
                raise Refused(f"{named} is not one of its file hosts")
        return Target(scheme, host, port, path, own, at_base and _is_below(path, ours[3]))


def _taken_apart(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path with query. Raises Refused for what two parsers could read differently."""
    if _CONTROL.search(url):
        raise Refused("an address with a space, a backslash or a control character")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise Refused("what is no address") from None
    if parts.scheme not in _PORTS or not host:
        raise Refused("what is no address of the web")
    if "@" in parts.netloc:
        raise Refused("an address with a name in it")
    if not host.isascii() or "%" in host:
        raise Refused("a host whose name is not ASCII")
    bare = host.removesuffix(".")  # "localhost." is localhost
    path = quote(parts.path or "/", safe=_PRINTABLE) + (
        f"?{quote(parts.query, safe=_PRINTABLE)}" if parts.query else ""
    )
    return parts.scheme, bare, _PORTS[parts.scheme] if port is None else port, path


def _is_below(path: str, base: str) -> bool:
    """Tell whether a path is below another, by whole segments, and stays there."""
    bare = path.partition("?")[0]
    if any(_DOTS.fullmatch(part) for part in re.split(r"/|%2f|%5c", bare, flags=re.IGNORECASE)):
        return False
    return bare.startswith(base if base.endswith("/") else base + "/")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet: nobody's own network, machine or cloud.

    IPv6 addresses that stand for one of IPv4 are not, but for those of a NAT64 gateway, which count as what they stand for.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip not in _NAT64:
            return ip in _UNICAST and ip.is_global and not any(ip in network for network in _NOT_UNICAST)
        ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or any(ip in network for network in _NOT_PUBLIC))
