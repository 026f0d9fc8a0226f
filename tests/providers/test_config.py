from __future__ import annotations

import pytest

from dagcontent.errors import InternalError
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.port import Bounds
from dagcontent.providers.registry import VENDORS
from dagcontent.providers.secret import Secret

OPENAI = VENDORS["openai"]


def config(base_url: str | None = None, **further: object) -> ProviderConfig:
    return ProviderConfig(name="openai", base_url=base_url, own_hosts=OPENAI.hosts, **further)  # type: ignore[arg-type] - a test's fields


@pytest.mark.parametrize(
    ("base_url", "name", "realm"),
    [
        (None, None, ""),
        (None, "work", ""),
        ("https://api.openai.com/v1", None, ""),
        ("https://API.openai.com:443/v1/", "work", ""),
        ("https://eu.api.openai.com/v1", None, ""),
        ("https://gateway.example/openai", None, "gateway.example"),
        ("https://gateway.example:8443", None, "gateway.example:8443"),
        ("https://gateway.example/openai", "work", "work"),
        ("http://127.0.0.1:8000/v1", None, "127.0.0.1:8000"),
        ("https://api.openai.com.evil.example/v1", None, "api.openai.com.evil.example"),
        ("https://api.openai.com:8443/v1", None, "api.openai.com:8443"),
    ],
)
def test_the_realm_keeps_results_of_other_hosts_apart(base_url: str | None, name: str | None, realm: str) -> None:
    """What a gateway or a fake made never passes for the vendor's; the vendor's other regions are the vendor."""
    assert config(base_url, name_of_realm=name).realm == realm


def test_the_address_has_no_slash_at_its_end() -> None:
    """Its path is kept: a gateway may put vendors below one host."""
    assert config().base("https://api.openai.com/v1/") == "https://api.openai.com/v1"
    assert config("http://127.0.0.1:8000/openai/v1/").base("x") == "http://127.0.0.1:8000/openai/v1"


def test_only_the_configured_host_is_allowed() -> None:
    """With its port; without configuration none is: the adapter knows the vendor's."""
    assert config("http://127.0.0.1:8000/v1").allows("127.0.0.1:8000")
    assert config("https://Gateway.example/v1").allows("gateway.example")
    for host in ("127.0.0.1", "127.0.0.1:8001", "api.openai.com", ""):
        assert not config("http://127.0.0.1:8000/v1").allows(host)
    assert not config().allows("api.openai.com")


def test_configured_bounds_come_first() -> None:
    """Those that are not configured are the operation's."""
    declared = Bounds(answer_s=900.0)
    assert config().bounded(declared) is declared
    assert config(bounds={"send_s": 1.0}).bounded(declared) == Bounds(send_s=1.0, answer_s=900.0)


def test_limits_are_an_accounts() -> None:
    """The same key at the same host is one account, whatever the variable is called; the name does not lead to the key."""
    one, same, other = (
        config(key=Secret(text, name))
        for text, name in (("key-canary-1", "A"), ("key-canary-1", "B"), ("key-canary-2", "A"))
    )
    assert one.account == same.account != other.account
    assert "canary" not in one.account
    assert config("http://127.0.0.1:8000", key=one.key).account != one.account
    assert config().account == "openai//none"


def test_the_key_goes_to_the_address_it_is_bound_to() -> None:
    """A configuration whose address is not among the key's hosts is a fault before anything is sent."""
    bound = Secret("key-canary-1", "OPENAI_API_KEY", OPENAI.hosts)
    assert config(key=bound).secret(OPENAI.base) == "key-canary-1"
    assert config().secret(OPENAI.base) == ""
    with pytest.raises(InternalError, match=r"about to be sent to evil\.example"):
        config("https://evil.example/v1", key=bound).secret(OPENAI.base)
