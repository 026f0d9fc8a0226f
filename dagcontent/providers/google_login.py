"""Who asks Vertex, into a token that holds for the next minutes. Knows no model and no request that costs.

A gateway of one's own gets the configured key as its token. Google itself gets the login of this machine: what
`gcloud auth application-default login` left, a service account's file, or the machine's own in Google's cloud. Tokens are
fetched through the gate like everything else, as requests that cost nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.once import free_requests
from dagcontent.providers.secret import host_of

if TYPE_CHECKING:
    import httpx2
    from google.auth.credentials import Credentials

__all__ = ["Login"]

_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)
_TOKEN_S: Final = 30.0


class Login:
    """The credentials for Vertex of one build."""

    def __init__(self, config: ProviderConfig, http: httpx2.AsyncClient, credentials: Credentials | None) -> None:
        self._config = config
        self._http = http
        self._credentials: Any = credentials
        self._lock = asyncio.Lock()
        self.project: str | None = None

    async def fresh(self) -> Any:
        """Return credentials whose token is valid. Raises google.auth's errors."""
        async with self._lock:
            if self._credentials is None:
                self._credentials = await self._found()
            if not self._credentials.valid:
                await asyncio.to_thread(self._credentials.refresh, self._asker())
        return self._credentials

    async def headers(self) -> dict[str, str]:
        """Return the headers of a request of one's own."""
        credentials = await self.fresh()
        headers = {"Authorization": f"Bearer {credentials.token}"}
        if getattr(credentials, "quota_project_id", None):
            headers["x-goog-user-project"] = credentials.quota_project_id
        return headers

    async def _found(self) -> Any:
        config = self._config
        if config.base_url is not None and config.key is not None:
            from google.oauth2.credentials import Credentials  # noqa: PLC0415 - only those who use Vertex

            return Credentials(token=config.key.reveal(host_of(config.base_url)))  # type: ignore[no-untyped-call]
        import google.auth  # noqa: PLC0415 - only those who use Vertex

        asker: Any = self._asker()  # a function, where the package's word is a class that it only calls
        found, self.project = await asyncio.to_thread(google.auth.default, scopes=_SCOPES, request=asker)
        return found

    def _asker(self) -> Callable[..., _Told]:
        """Return what google.auth asks for tokens with: called in a thread, it sends in this event loop, through the gate."""
        from google.auth import exceptions  # noqa: PLC0415 - only those who use Vertex

        loop, http = asyncio.get_running_loop(), self._http

        async def asked(method: str, url: str, body: Any, headers: Any, within_s: float) -> Any:
            with free_requests():
                return await http.request(method, url, content=body, headers=headers, timeout=within_s)

        def ask(url: str, method: str = "GET", body: Any = None, headers: Any = None, **more: Any) -> _Told:
            import httpx2  # noqa: PLC0415 - loaded with the adapter

            asking = asked(method, url, body, headers, more.get("timeout") or _TOKEN_S)
            try:
                response = asyncio.run_coroutine_threadsafe(asking, loop).result()
            except httpx2.TransportError as error:
                raise exceptions.TransportError(str(error)) from error  # type: ignore[no-untyped-call]
            return _Told(response.status_code, response.headers, response.content)

        return ask


class _Told(msgspec.Struct, frozen=True):
    """An answer as google.auth reads it."""

    status: int
    headers: Mapping[str, str]
    data: bytes
