from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.providers.address import Allowed, Refused, is_public
from dagcontent.providers.config import ProviderConfig

HOSTS = ("files.example.com", ".cdn.example.com")

NOT_PUBLIC = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 169.254.0.1
    172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255
    198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
    :: ::1 ::2 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::ffff:7f00:1 ::ffff:0:127.0.0.1
    64:ff9b::127.0.0.1 64:ff9b::169.254.169.254 64:ff9b::10.0.0.1 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:7f00:1::1
    2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::1 2002:a9fe:a9fe::1 3fff::1 5f00::1 fc00::1 fd00::1
    fd00:ec2::254 fe80::1 fe80::1%eth0 fe80::1%2 fec0::1 ff02::1 ff0e::1 localhost 2130706433 0x7f000001 017700000001 127.1
""".split()

PUBLIC = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.32.0.1 192.0.3.1 198.20.0.1 2606:4700::1111 2a00:1450::8 64:ff9b::8.8.8.8".split()


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_nobodys_own_network_is_public(address: str) -> None:
    """Machines, networks, clouds' metadata, and every way to write IPv4 as IPv6."""
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_internet_is_public(address: str) -> None:
    """Neighbours of reserved ranges are not taken with them."""
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_no_way_of_writing_makes_an_address_public(address: ipaddress.IPv4Address) -> None:
    """What stands for an IPv4 address is public at most when that one is."""
    number = int(address)
    written = [
        ipaddress.IPv6Address(number), ipaddress.IPv6Address(0xFFFF << 32 | number),
        ipaddress.IPv6Address(0x2002 << 112 | number << 80), ipaddress.IPv6Address(0x0064FF9B << 96 | number),
    ]  # fmt: skip
    assert not any(is_public(str(one)) for one in written[:3])
    assert is_public(str(written[3])) == is_public(str(address))


REFUSED = [
    "http://files.example.com/a", "https://169.254.169.254/latest/meta-data/", "https://127.0.0.1/", "https://127.1/",
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/",
    "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[fe80::1%25eth0]/",
    "https://localhost/", "https://localhost./", "https://LOCALHOST/", "https://foo.localhost/", "https://metadata/",
    "https://files.example.com@evil.example/", "https://evil.example@files.example.com/", "https://u:p@files.example.com/",
    "https://@files.example.com/", "https://files.example.com:8443/", "https://files.example.com:0/",
    "https://files.example.com.evil.example/", "https://xfiles.example.com/", "https://cdn.example.com/",
    "https://evilcdn.example.com/", "https://evil.example/files.example.com", "https://evil.example/?.cdn.example.com",
    "https://evil.example#.cdn.example.com", "https://evil.example\\.cdn.example.com/", "https:\\\\files.example.com/",
    "https://evil.example%2f.cdn.example.com/", "https://evil.example%00.cdn.example.com/", "https://a b.cdn.example.com/",
    "https://evil.example\t.cdn.example.com/", "https://files.example.com/\r\nHost: evil.example", "https://files.example.com/\x00",
    " https://files.example.com/", "https://fıles.example.com/", "https://files。example。com/", "https://ⓕiles.example.com/",
    "https:files.example.com/", "https:///files.example.com/", "//files.example.com/", "/a", "", "a",
    "ftp://files.example.com/", "file:///etc/passwd", "gopher://files.example.com/", "javascript:alert(1)", "HTTPS//x",
    "https://files.example.com:99999/", "https://files.example.com:x/", "https://[files.example.com/", "https://[::1",
    "https://1.cdn.example.com.0x7f/", "https://..cdn.example.com/", "https://.cdn.example.com/", "https://-.cdn.example.com/",
    "https://" + "a." * 130 + "cdn.example.com/", "https://api.vendor.example/jobs", "https://a.cdn.example.com../",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_addresses_in_disguise_are_refused(url: str) -> None:
    """Whatever an answer says: only https, only the hosts that were named, and no name that two parsers read differently."""
    config = ProviderConfig(name="fal", base_url="https://gateway.example/fal")
    with pytest.raises(Refused) as caught:
        Allowed(config, config.base("https://api.vendor.example"), HOSTS).of(url)
    assert "latest" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://files.example.com/a?sig=%2F+|é#mark", "files.example.com", "/a?sig=%2F+|%C3%A9"),
        ("HTTPS://Files.Example.COM./A", "files.example.com", "/A"),
        ("https://files.example.com:443", "files.example.com", "/"),
        ("https://v3b.cdn.example.com/x y".replace(" ", "%20"), "v3b.cdn.example.com", "/x%20y"),
        ("https://a.b.cdn.example.com//x/../y", "a.b.cdn.example.com", "//x/../y"),
    ],
)
def test_file_hosts_are_allowed(url: str, host: str, path: str) -> None:
    """A signed path goes out as it came: another spelling of it would have another signature."""
    target = Allowed(ProviderConfig(name="fal"), "https://api.vendor.example", HOSTS).of(url)
    assert (target.scheme, target.host, target.port, target.path) == ("https", host, 443, path)
    assert not target.below
    assert not target.own
    assert target.authority == host


def test_the_configured_address_is_the_users_word() -> None:
    """It may be plain http, on this machine; its neighbours may not."""
    config = ProviderConfig(name="fal", base_url="http://127.0.0.1:8000/fal/")
    allowed = Allowed(config, config.base("https://x"), HOSTS)
    target = allowed.of("http://127.0.0.1:8000/files/a.png")
    assert (target.own, target.below, target.authority) == (True, False, "127.0.0.1:8000")
    assert allowed.of("http://127.0.0.1:8000/fal/a").below
    for url in (
        "http://127.0.0.1:8001/fal/a", "http://127.0.0.1/fal/a", "https://127.0.0.1:8000/fal/a", "http://127.0.0.2:8000/",
        "http://localhost:8000/", "http://2130706433:8000/", "http://127.0.0.1:8000@evil.example/", "http://files.example.com/",
    ):  # fmt: skip
        with pytest.raises(Refused):
            allowed.of(url)
    six = ProviderConfig(name="fal", base_url="http://[::1]:8000")
    assert (
        Allowed(six, six.base(""), ()).of("http://[0:0::1]:8000/x".replace("0:0::1", "::1")).authority == "[::1]:8000"
    )


@pytest.mark.parametrize(
    "path",
    ["../a", "a/../../b", "a/%2e%2e/b", "a/.%2E/b", "a%2f..%2fb", "a%5c..%5cb", "//evil.example/a", "https://evil.example/", "./a", "a\\b", "a b",
     "\\\\evil.example"],
)  # fmt: skip
def test_paths_stay_below_the_address(path: str) -> None:
    """The key goes with them: they must not climb out of what it is for."""
    with pytest.raises(Refused):
        Allowed(ProviderConfig(name="fal"), "https://api.vendor.example/v1", HOSTS).below(path)


@pytest.mark.parametrize(
    ("path", "whole"),
    [
        ("a", "/v1/a"),
        ("/a/b?x=../1", "/v1/a/b?x=../1"),
        ("files/x:download?alt=media", "/v1/files/x:download?alt=media"),
    ],
)
def test_paths_are_put_behind_the_address(path: str, whole: str) -> None:
    """With or without a slash; queries stay."""
    target = Allowed(ProviderConfig(name="fal"), "https://api.vendor.example/v1", HOSTS).below(path)
    assert (target.path, target.below, target.own) == (whole, True, False)


def test_below_means_whole_segments() -> None:
    """/v10 is not below /v1, and the vendor's host is none of the configured gateway's."""
    allowed = Allowed(ProviderConfig(name="fal"), "https://api.vendor.example/v1", HOSTS)
    assert allowed.of("https://api.vendor.example/v1/files").below
    assert not allowed.of("https://api.vendor.example/v10/files").below
    assert not allowed.of("https://api.vendor.example/v1/../admin").below
    assert not allowed.of("https://files.example.com/v1/a").below


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("b", "/x/b"),
        ("/b?c=1", "/b?c=1"),
        ("//n.cdn.example.com/c", "/c"),
        ("?d", "/x/a?d"),
        ("https://files.example.com/e#f", "/e"),
    ],
)
def test_redirects_are_read_against_where_they_came_from(location: str, path: str) -> None:
    """Relative ones too; each is under the same rules."""
    allowed = Allowed(ProviderConfig(name="fal"), "https://api.vendor.example", HOSTS)
    assert allowed.next(allowed.of("https://files.example.com/x/a?b=1"), location).path == path


@given(st.text(max_size=80))
def test_no_text_is_an_error_of_ours(text: str) -> None:
    """Any address is allowed or refused; nothing else is raised, and what is allowed has a host that was named."""
    allowed = Allowed(ProviderConfig(name="fal"), "https://api.vendor.example", HOSTS)
    for url in (text, f"https://{text}", f"https://files.example.com/{text}", f"https://{text}.cdn.example.com/"):
        try:
            target = allowed.of(url)
        except Refused:
            continue
        assert target.host in {"files.example.com", "api.vendor.example"} or target.host.endswith(".cdn.example.com")
        assert target.path.isascii()
        assert target.path.startswith("/")
        assert not set(target.path) & set("\r\n\0 ")
