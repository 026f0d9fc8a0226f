from __future__ import annotations

import pytest

from dagcontent.errors import ConfigError
from dagcontent.providers.once import Proxies


@pytest.mark.parametrize(
    ("environ", "target", "proxy"),
    [
        ({}, ("https", "a.example", None), None),
        ({"HTTPS_PROXY": "http://p:3128"}, ("https", "a.example", None), "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128"}, ("http", "a.example", None), None),
        ({"https_proxy": "p:3128", "HTTPS_PROXY": "http://q"}, ("https", "a.example", None), "http://p:3128"),
        ({"https_proxy": "", "HTTPS_PROXY": "http://q"}, ("https", "a.example", None), None),
        ({"ALL_PROXY": "http://p", "HTTP_PROXY": "http://q"}, ("https", "a.example", None), "http://p"),
        ({"HTTP_PROXY": "http://q", "REQUEST_METHOD": "GET"}, ("http", "a.example", None), None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "*"}, ("https", "a.example", None), None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "b.example, a.example"}, ("https", "A.example.", None), None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": ".example"}, ("https", "a.example", None), None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "*.example"}, ("https", "a.example", None), None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "xample"}, ("https", "a.example", None), "http://p"),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "a.example:443"}, ("https", "a.example", None), None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "a.example:444"}, ("https", "a.example", None), "http://p"),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "10.0.0.0/8"}, ("http", "10.1.2.3", 80), None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "10.0.0.0/8"}, ("http", "11.1.2.3", 80), "http://p"),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "::1"}, ("http", "[::1]", 8000), None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "10.0.0.0/8"}, ("http", "ten.example", None), "http://p"),
    ],
)
def test_proxies_are_read_as_others_read_them(
    environ: dict[str, str], target: tuple[str, str, int | None], proxy: str | None
) -> None:
    """Lower case wins, ALL_PROXY fills in, NO_PROXY takes names, what is below them, ports and networks."""
    assert Proxies.read(environ).find(*target) == proxy


@pytest.mark.parametrize("url", ["socks5://name:word@p:1080", "http://", "http://p:99999", "ftp://p"])
def test_a_proxy_that_cannot_be_used_is_said_without_its_password(url: str) -> None:
    """A proxy of another kind is an error at the start, not a request that goes around it."""
    with pytest.raises(ConfigError) as caught:
        Proxies.read({"HTTPS_PROXY": url})
    assert "word" not in str(caught.value.facts)
    assert "word" not in repr(Proxies(http="http://name:word@p"))
