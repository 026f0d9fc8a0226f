from __future__ import annotations

import base64
import copy
import json
import logging
import pickle
import pprint
import traceback
import urllib.parse
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import InternalError
from dagcontent.providers import secret as secrets_of
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.secret import Secret, host_matches, host_of, redact, redact_data

CANARY = 'canary/+"\\é-7d1f0c'
HOSTS = ("api.vendor.example", ".files.vendor.example", "127.0.0.1:8000")


def secret() -> Secret:
    return Secret(CANARY, "VENDOR_KEY", HOSTS)


def configured() -> ProviderConfig:
    return ProviderConfig(name="fal", base_url="http://127.0.0.1:8000", key=secret(), headers={"X-Team-Token": CANARY})


def shown(value: Any) -> list[str]:
    """Return a value in all ways that a program shows one by accident."""
    try:
        local = value
        raise ValueError(f"{local}", local)
    except ValueError as error:
        trace = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    record = logging.LogRecord("x", 10, "f", 1, "%s %r", (value, value), None).getMessage()
    return [
        repr(value), str(value), f"{value}", f"{value!r:>200}", f"{value!s:>99}",
        repr([value]), str({"k": value}), pprint.pformat(value), ascii(value), trace, record, repr(vars(value) if hasattr(value, "__dict__") else ""),
    ]  # fmt: skip


@pytest.mark.parametrize("made", [secret, configured], ids=["secret", "config"])
def test_nothing_shows_a_secret(made: Any) -> None:
    """Neither text nor log nor traceback with its locals; a configuration's headers are as secret as its key."""
    for text in shown(made()):
        assert "canary" not in text
    import rich.pretty

    assert "canary" not in rich.pretty.pretty_repr(made())
    assert "VENDOR_KEY" in repr(made())


@pytest.mark.parametrize("made", [secret, configured], ids=["secret", "config"])
def test_nothing_packs_a_secret(made: Any) -> None:
    """No pickle, no JSON, no MessagePack: a secret that lies in a file is none."""
    value = made()
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises((TypeError, InternalError)) as caught:
            pickle.dumps(value, protocol)
        assert "canary" not in str(caught.value)
    for pack in (json.dumps, msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins):
        with pytest.raises(TypeError) as caught:
            pack(value)
        assert "canary" not in str(caught.value)


def test_copies_are_as_silent() -> None:
    """Copies do not fail: an object that holds one may be copied."""
    for value in (copy.copy(secret()), copy.deepcopy(secret()), copy.deepcopy(configured()), copy.copy(configured())):
        assert "canary" not in repr(value)


def test_a_secret_is_revealed_to_its_hosts_only() -> None:
    """Host and port must be its own; anything else is a fault of ours, whose message has no secret."""
    one = secret()
    for host in ("api.vendor.example", "API.vendor.example", "v3.files.vendor.example", "127.0.0.1:8000"):
        assert one.reveal(host) == CANARY
    for host in (
        "", "vendor.example", "evil.example", "api.vendor.example.evil.example", "xapi.vendor.example", "api.vendor.example:8443",
        "files.vendor.example", ".files.vendor.example", "127.0.0.1", "127.0.0.1:8001", "api.vendor.example@evil.example",
    ):  # fmt: skip
        with pytest.raises(InternalError) as caught:
            one.reveal(host)
        assert "canary" not in str(caught.value) + str(caught.value.facts)
    with pytest.raises(InternalError):
        Secret(CANARY, "K").reveal("api.vendor.example")
    assert one.bound(["evil.example"]).reveal("evil.example") == CANARY


def test_a_fingerprint_tells_keys_apart() -> None:
    """It is the same for the same key, whatever it is called, and short."""
    assert secret().fingerprint == Secret(CANARY, "OTHER").fingerprint
    assert secret().fingerprint != Secret("x" + CANARY[1:], "OTHER").fingerprint
    assert len(secret().fingerprint) == 12
    assert secret() == secret()
    assert secret() != Secret(CANARY, "VENDOR_KEY")
    assert len({secret(), secret()}) == 1
    assert not Secret("", "K")


def forms(value: str) -> list[str]:
    """Return a value in the forms that answers and messages have it in."""
    raw = value.encode()
    return [
        f"key={value}!", raw.hex(), raw.hex().upper(), urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value),
        urllib.parse.quote(value, safe="").lower() if value.islower() else "", json.dumps({"a": value}), json.dumps({"a": value}, ensure_ascii=False),
        json.dumps(value).replace("/", "\\/"), repr(value), *(base64.b64encode(before + raw + b"tail").decode() for before in (b"", b"u", b"us", b"use")),
        base64.urlsafe_b64encode(b"user:" + raw).decode(),
    ]  # fmt: skip


@pytest.mark.parametrize("form", forms(CANARY))
def test_every_form_is_put_by_its_name(form: str) -> None:
    """Raw, hex, base64 wherever it begins, in a URL, in JSON, as Python shows it."""
    Secret(CANARY, "VENDOR_KEY")
    found = redact(f"before {form} after")
    assert "canary" not in found
    if form:
        assert "[VENDOR_KEY]" in found
    assert found.startswith("before ")
    assert found.endswith(" after")


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=8, max_size=40),
    st.binary(max_size=7),
)
def test_no_form_of_any_secret_is_left(value: str, before: bytes) -> None:
    """Whatever letters it is of, and wherever it begins in what was encoded."""
    with pytest.MonkeyPatch.context() as patch:
        # Else every example's secret would be looked for in all texts of this process from now on.
        patch.setattr(secrets_of, "_KNOWN", type(secrets_of._KNOWN)())
        Secret(value, "SOME_KEY")
        raw = value.encode()
        for text in (value, json.dumps(value), urllib.parse.quote(value, safe=""), raw.hex(), f"<{value}>"):
            assert value not in redact(text)
            assert raw.hex() not in redact(text)
        encoded = base64.b64encode(before + raw).decode()
        assert encoded not in redact(encoded)


def test_half_of_a_pair_is_a_secret_too() -> None:
    """Some vendors join an id and a secret by a colon; a program may show the second alone."""
    Secret("key-id-0001:pair-canary-9f", "FAL_KEY")
    assert redact("it was pair-canary-9f") == "it was [FAL_KEY]"
    assert redact("id key-id-0001") == "id key-id-0001"


def test_short_values_tear_no_words() -> None:
    """A key of a few letters is none, and would be found in half of all words."""
    Secret("able", "TINY_KEY")
    assert redact("capable tables") == "capable tables"


@pytest.mark.parametrize(
    ("text", "kept", "gone"),
    [
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer ", "abc"),
        ("'authorization': 'Key id:abcdef'", "'authorization': 'Key ", "abcdef"),
        ('{"xi-api-key": "abcdef"}', '{"xi-api-key": "', "abcdef"),
        ("x-goog-api-key=abcdef, next", ", next", "abcdef"),
        ("proxy-authorization: Basic abcdef==", "Basic ", "abcdef"),
        ("https://user:abcdef@host/x", "https://", "abcdef"),
        ("https://h.example/x?a=1&X-Amz-Signature=abcdef&b=2", "&b=2", "abcdef"),
        ("https://h.example/x?GoogleAccessId=me&Signature=abcdef", "?GoogleAccessId=", "abcdef"),
        ("https://h.example/x?sig=abcdef%2F", "https://h.example/x?sig=", "abcdef"),
        ("https://h.example/v1/files?key=abcdef", "https://h.example/v1/files?key=", "abcdef"),
    ],
)  # fmt: skip
def test_unknown_credentials_are_hidden_by_their_names(text: str, kept: str, gone: str) -> None:
    """A vendor's answer can hold secrets that nobody here knows: signatures, tokens of others."""
    found = redact(text)
    assert kept in found
    assert gone not in found
    assert redact(found) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a token is missing",
        "the key of the song",
        "signature: none",
        "https://h.example/x?size=1024",
        "monkey=3",
        "basic authorization failed",
    ],
)
def test_plain_words_stay(text: str) -> None:
    """Redaction that eats messages would be switched off."""
    assert redact(text) == text


def test_data_is_redacted_to_its_leaves() -> None:
    """Keys of tables too; what is no text stays what it is."""
    Secret(CANARY, "VENDOR_KEY")
    data = {"a": [CANARY, {"b": f"x {CANARY}"}, (CANARY,)], CANARY: 1, "n": None, "f": 1.5, "t": True}
    found = redact_data(data)
    assert found == {
        "a": ["[VENDOR_KEY]", {"b": "x [VENDOR_KEY]"}, ["[VENDOR_KEY]"]],
        "[VENDOR_KEY]": 1,
        "n": None,
        "f": 1.5,
        "t": True,
    }


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://A.example/x", "a.example"), ("https://a.example:443", "a.example"), ("http://a.example:443", "a.example:443"),
     ("http://a.example:80/", "a.example"), ("https://a.example.:8443/v1", "a.example:8443"), ("http://[::1]:8000/x", "[::1]:8000"),
     ("http://[::1]/", "[::1]"), ("nonsense", "")],
)  # fmt: skip
def test_hosts_of_urls(url: str, host: str) -> None:
    """As in a Host header: the port where it is not the scheme's own."""
    assert host_of(url) == host
    assert host_matches(host, host) or not host
