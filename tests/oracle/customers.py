"""Fake vendors into vendors of a customer of long standing: an empty history proves nothing where nothing was ever listed."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.testing.vendors.elevenlabs import VOICES

__all__ = ["buy_earlier"]

_EARLIER: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "openai": (
        "/chat/completions",
        {"Authorization": "Bearer "},
        {
            "model": "gpt-6-luna", "store": True, "metadata": {"dagcontent": "0" * 32},
            "messages": [{"role": "user", "content": "Hello"}],
        },
    ),
    "elevenlabs": (
        f"/v1/text-to-speech/{VOICES[0][1]}/with-timestamps",
        {"xi-api-key": ""},
        {"text": "Hello", "model_id": "eleven_multilingual_v2"},
    ),
}  # fmt: skip
"""What a customer bought earlier, by vendor: path, header of the key, body."""


def buy_earlier(vendors: FakeVendors, names: Iterable[str]) -> None:
    """Buy something, before all else, of those of these vendors that keep a history."""
    for vendor in sorted(set(names) & set(_EARLIER)):
        path, key, body = _EARLIER[vendor]
        headers = {name: f"{begin}{vendors.key(vendor)}" for name, begin in key.items()}
        connection = http.client.HTTPConnection("127.0.0.1", vendors.port, timeout=20)
        where = urlsplit(vendors.base_urls[vendor]).path + path
        connection.request("POST", where, json.dumps(body), {**headers, "Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        connection.close()
