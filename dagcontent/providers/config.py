"""What was configured of one provider into its addresses, its realm and its limits. Knows no vendor and reads no file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from dagcontent.errors import InternalError
from dagcontent.providers.port import Bounds
from dagcontent.providers.secret import Secret, host_matches, host_of

__all__ = ["ProviderConfig"]


class ProviderConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One provider, as the user configured it.

    `base_url` takes the place of the vendor's own address, path included; `headers` go with every request to it. `key` is
    bound to the hosts it may be sent to; None: there is none. `keyless`: none is needed. `variable` is where the key is
    looked for, empty for the vendor's usual ones. `own_hosts` are the vendor's. `bounds` override those that an operation
    declares, in seconds, by their names.
    """

    name: str
    base_url: str | None = None
    headers: Mapping[str, str] = {}
    key: Secret | None = None
    keyless: bool = False
    variable: str = ""
    api_version: str | None = None
    project: str | None = None
    location: str | None = None
    concurrency: int | None = None
    requests_per_minute: float | None = None
    bounds: Mapping[str, float] = {}
    name_of_realm: str | None = None
    own_hosts: tuple[str, ...] = ()

    @property
    def realm(self) -> str:
        """What keeps results of other hosts apart: empty for the vendor's own, else the configured name, or host and port."""
        if self.base_url is None:
            return ""
        host = host_of(self.base_url)
        if any(host_matches(host, own) for own in self.own_hosts):
            return ""
        return self.name_of_realm or host

    @property
    def account(self) -> str:
        """What shares the vendor's limits: provider, realm and a mark of the key that does not lead back to it."""
        mark = self.key.fingerprint if self.key else "none"
        return f"{self.name}/{self.realm}/{mark}"

    def base(self, default: str) -> str:
        """Return the address that paths are put behind: no slash at its end."""
        return (self.base_url or default).rstrip("/")

    def allows(self, host: str) -> bool:
        """Tell whether a host, with its port where that is not its scheme's own, is the configured address's."""
        return self.base_url is not None and host.lower() == host_of(self.base_url)

    def bounded(self, bounds: Bounds) -> Bounds:
        """Return an operation's bounds with the configured ones in their places."""
        return msgspec.structs.replace(bounds, **self.bounds) if self.bounds else bounds

    def secret(self, default: str) -> str:
        """Return the key's text, to be sent to `base(default)`; empty if there is none. Raises InternalError if it is not its host."""
        if self.key is None:
            return ""
        return self.key.reveal(host_of(self.base(default)))

    def __repr__(self) -> str:
        headers = ", ".join(self.headers)
        return f"ProviderConfig({self.name!r}, base_url={self.base_url!r}, key={self.key!r}, headers=<{headers}>)"

    def __rich_repr__(self) -> Any:
        """Give `rich` no more than `repr` gives."""
        yield self.name
        yield "base_url", self.base_url
        yield "key", self.key

    def __deepcopy__(self, _memo: object) -> ProviderConfig:
        return self

    def __reduce__(self) -> NoReturn:
        raise InternalError(f"the configuration of {self.name} holds secrets: it is not pickled")
