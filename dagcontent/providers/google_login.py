"""Who asks Vertex, into a token that holds for the next minutes. Knows no model and no request that costs.

A gateway of one's own gets the configured key as its token. Google itself gets the login of this machine: what
`gcloud auth application-default login` left, a service account's file, or the machine's own in Google's cloud. Tokens are
fetched through the gate like everything else, as requests that cost nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

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

        found, self.project = await asyncio.to_thread(google.auth.default, scopes=_SCOPES, request=self._asker())
        return found

    def _asker(self) -> Any:
        """Return what google.auth asks for tokens with: called in a thread, it sends in this event loop, through the gate."""
        from google.auth import exceptions, transport  # noqa: PLC0415 - only those who use Vertex

        loop, http = asyncio.get_running_loop(), self._http

        class Told(transport.Response):
            def __init__(self, response: Any) -> None:
                self.status: int = response.status_code
                self.headers: Mapping[str, str] = response.headers
                self.data: bytes = response.content

        async def asked(url: str, method: str, body: Any, headers: Any, within_s: float) -> Any:
            with free_requests():
                return await http.request(method, url, content=body, headers=headers, timeout=within_s)

        class Asker(transport.Request):
            def __call__(
                self,
                url: str,
                method: str = "GET",
                body: Any = None,
                headers: Any = None,
                timeout: Any = None,
                **_: Any,
            ) -> Any:
                import httpx2  # noqa: PLC0415 - loaded with the adapter

                try:
                    waiting = asyncio.run_coroutine_threadsafe(
                        asked(url, method, body, headers, timeout or _TOKEN_S), loop
                    )
                    return Told(waiting.result())
                except httpx2.TransportError as error:
                    raise exceptions.TransportError(str(error)) from error  # type: ignore[no-untyped-call]

        return Asker()
