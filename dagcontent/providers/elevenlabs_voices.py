"""A voice's name into its id, by the vendor's own list (free). Knows no request that costs."""

from __future__ import annotations

import re
from typing import Any, Final

import anyio

from dagcontent.errors import NodeError, ProviderError

__all__ = ["Voices"]

_ID: Final = re.compile(r"[A-Za-z0-9]{20}")
_PAGES_MAX: Final = 50


class Voices:
    """The ids of one account's voices, each name asked for once a build."""

    def __init__(self, client: Any) -> None:
        self._client = client  # AsyncElevenLabs: imported late, so without a type here
        self._ids: dict[str, str] = {}
        self._one_at_a_time = anyio.Lock()

    async def id_of(self, voice: str) -> str:
        """Return a voice's id; what looks like an id is one. Raises NodeError unless one voice, and one only, has the name."""
        if _ID.fullmatch(voice):
            return voice
        async with self._one_at_a_time:
            if voice not in self._ids:
                self._ids[voice] = await self._search(voice)
        return self._ids[voice]

    async def _search(self, voice: str) -> str:
        # The search is loose: it looks into descriptions and labels too.
        matches: dict[str, str] = {}
        others: list[str] = []
        token: str | None = None
        for _ in range(_PAGES_MAX):
            page = await self._client.voices.search(
                search=voice, page_size=100, next_page_token=token, request_options={"max_retries": 0}
            )
            for found in page.voices or []:
                if found.name == voice:
                    matches[found.voice_id] = str(found.category or "")
                else:
                    others.append(str(found.name))
            token = page.next_page_token
            if not page.has_more or not token:
                break
        else:
            raise ProviderError(f"ElevenLabs lists voices like {voice!r} without end")
        if len(matches) == 1:
            return next(iter(matches))
        if matches:
            raise NodeError(
                f"{len(matches)} voices have the name {voice!r}",
                facts=[(voice_id, category) for voice_id, category in list(matches.items())[:10]],
                hint="give the id of one of them as `voice`",
            )
        raise NodeError(
            f"the account has no voice with the name {voice!r}",
            facts=[("names like it", ", ".join(others[:10]) or "none")],
            hint="give the name exactly as ElevenLabs shows it, or the voice's id; a library voice must be added first",
        )
