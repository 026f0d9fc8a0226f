from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
import tomli

from dagcontent.errors import ConfigError
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.once import Gates
from dagcontent.providers.registry import VENDORS, Vendor, installed, make, missing
from dagcontent.providers.secret import Secret, host_matches, host_of

SDKS = ("fal_client", "elevenlabs", "google", "openai", "httpx", "httpx2", "anyio", "asyncio")


def keyed(name: str) -> ProviderConfig:
    return ProviderConfig(name=name, key=Secret("key-canary-1", "K", VENDORS[name].hosts))


def test_extras_are_those_of_the_package(root: Path) -> None:
    """What people are told to install is there to be installed."""
    extras = tomli.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {vendor.extra for vendor in VENDORS.values()} <= extras.keys()


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS.keys())
def test_a_key_may_go_to_its_vendors_own_address(vendor: Vendor) -> None:
    """Otherwise nothing could be sent; and the address is https."""
    assert vendor.base.startswith("https://")
    assert any(host_matches(host_of(vendor.base), host) for host in vendor.hosts)


def test_what_is_missing_is_said_with_what_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package and a key, for each provider that is needed, in their order and once."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    found = missing({"fal": keyed("fal")}, ["google", "fal", "google"])
    assert [(problem.provider, problem.lack, problem.hint) for problem in found] == [
        ("google", "extra", "pip install 'dagcontent[google]'"),
        ("google", "key", "export GEMINI_API_KEY=..."),
        ("fal", "extra", "pip install 'dagcontent[fal]'"),
    ]


def test_nothing_is_missing_where_all_is_there() -> None:
    """A server of one's own may need no key; a variable of one's own is the one that is named."""
    pytest.importorskip("fal_client")
    assert missing({"fal": keyed("fal")}, ["fal"]) == []
    assert missing({"fal": ProviderConfig(name="fal", keyless=True)}, ["fal"]) == []
    named = missing({"fal": ProviderConfig(name="fal", variable="MY_FAL")}, ["fal"])
    assert [problem.hint for problem in named] == ["export MY_FAL=..."]
    assert "MY_FAL is not set" in named[0].message
    assert missing({}, ["fal", "nobody"])[1].message == "there is no provider nobody"


def test_looking_imports_nothing() -> None:
    """A plan says what is missing, and costs no second of imports; `google` has no package of its own to import."""
    code = (
        "import sys; from dagcontent.providers.registry import *\n"
        "missing({}, VENDORS); from dagcontent.providers import config, secret\n"
        f"print([name for name in {SDKS!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_package_within_a_namespace_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """google-genai shares its folder with other packages: that `google` is there says nothing."""
    (tmp_path / "spacious" / "auth").mkdir(parents=True)
    (tmp_path / "spacious" / "auth" / "__init__.py").write_text("raise SystemExit", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    google = VENDORS["google"]
    assert installed(msgspec.structs.replace(google, package="spacious.auth"))
    assert not installed(msgspec.structs.replace(google, package="spacious.genai"))
    assert not installed(msgspec.structs.replace(google, package="nowhere.genai"))
    assert not installed(msgspec.structs.replace(google, package="json.genai.more"))


def test_an_adapter_is_made_of_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imported when it is made; it gets its configuration and the gates."""
    module, gates, config = ModuleType("dagcontent.providers.fal"), Gates(), keyed("fal")
    monkeypatch.setattr(module, "adapter", lambda *given: given, raising=False)
    monkeypatch.setitem(sys.modules, "dagcontent.providers.fal", module)
    assert make(config, gates) == (config, gates)


def test_a_missing_package_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a traceback of an import; a name that nobody has is an error too."""
    module = ModuleType("dagcontent.providers.fal")

    def adapter(*_given: object) -> None:
        raise ModuleNotFoundError("No module named 'fal_client'")

    monkeypatch.setattr(module, "adapter", adapter, raising=False)
    monkeypatch.setitem(sys.modules, "dagcontent.providers.fal", module)
    with pytest.raises(ConfigError, match="fal cannot be used") as caught:
        make(keyed("fal"), Gates())
    assert caught.value.hint == "pip install 'dagcontent[fal]'"
    with pytest.raises(ConfigError, match="there is no provider nobody"):
        make(ProviderConfig(name="nobody"), Gates())
