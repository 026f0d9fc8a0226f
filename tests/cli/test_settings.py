from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.cli.settings import Settings, read_settings
from dagcontent.cli.settings_keys import parse_env
from dagcontent.errors import ConfigError, GraphError
from dagcontent.providers.port import Bounds
from dagcontent.spec.source import render
from dagcontent.values.money import Ceiling
from dagcontent.values.units import MILLIONTHS, UnitCeiling

Run = Callable[..., Result]
Same = Callable[[str, str], None]
CANARY = "sk-canary-5b21"


def config(path: Path, text: str) -> dict[str, str]:
    """Write the user's configuration; return the environment that names it."""
    path.write_text(text, encoding="utf-8")
    return {"DAGCONTENT_CONFIG": str(path)}


def test_the_nearer_setting_wins(tmp_path: Path) -> None:
    """Command line, environment, the file beside the graph, the user's own, the default: in this order."""
    graph = tmp_path / "graph.toml"
    env = config(tmp_path / "user.toml", '[store]\npath = "mine"\n')
    assert read_settings(None, store=None, environment=env).store == tmp_path / "mine"
    assert read_settings(graph, store=None, environment=env).store == tmp_path / "mine"
    (tmp_path / "dagcontent.toml").write_text('[store]\npath = "/near"\n', encoding="utf-8")
    assert read_settings(graph, store=None, environment=env).store == Path("/near")
    env["DAGCONTENT_STORE"] = "/env"
    assert read_settings(graph, store=None, environment=env).store == Path("/env")
    assert read_settings(graph, store="~/given", environment=env).store == Path("~/given").expanduser()


def test_without_configuration_nothing_is_set(tmp_path: Path) -> None:
    """The store's default place is the business of those who open it."""
    settings = read_settings(tmp_path / "graph.toml", store=None, environment={})
    assert (settings.store, settings.warnings) == (None, ())


def test_all_mistakes_of_a_file_are_found(tmp_path: Path) -> None:
    """A configuration is read as strictly as a graph: unknown names are mistakes, each at its line."""
    env = config(tmp_path / "user.toml", 'stoer = 1\n[store]\npath = 3\npaht = "x"\n')
    with pytest.raises(GraphError, match="3 mistakes") as caught:
        read_settings(None, store=None, environment=env)
    assert [(m.line, m.column) for m in caught.value.mistakes] == [(1, 1), (3, 8), (4, 1)]
    assert caught.value.mistakes[0].caret == "did you mean `store`?"


@pytest.mark.parametrize("text", ["[store\n", "a = 1\na = 2\n", "\x00", "store = 1\n"])
def test_broken_files_are_mistakes(tmp_path: Path, text: str) -> None:
    """What is no TOML is said with its place, as for a graph."""
    with pytest.raises(GraphError):
        read_settings(None, store=None, environment=config(tmp_path / "user.toml", text))


def test_later_settings_are_warned_of(tmp_path: Path) -> None:
    """What this version does not keep must not look as if it did."""
    env = config(tmp_path / "user.toml", '[remote]\nurl = "x"\n[executor]\n')
    settings = read_settings(None, store=None, environment=env)
    assert len(settings.warnings) == 2
    assert all("not used by this version yet" in warning for warning in settings.warnings)


def test_a_file_beside_a_graph_cannot_redirect_keys(tmp_path: Path) -> None:
    """It came with somebody's graph: where keys are sent is not its business."""
    (tmp_path / "dagcontent.toml").write_text('[provider.openai]\nbase_url = "https://example.org"\n', encoding="utf-8")
    with pytest.raises(GraphError, match="1 mistake"):
        read_settings(tmp_path / "graph.toml", store=None, environment={})


def test_a_named_configuration_must_be_there(tmp_path: Path) -> None:
    """A name with a slip in it must not mean "no configuration"."""
    with pytest.raises(ConfigError, match="is not there"):
        read_settings(None, store=None, environment={"DAGCONTENT_CONFIG": str(tmp_path / "none")})


def test_commands_use_and_warn(run: Run, small: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configured store is the one that is used; warnings go to stderr once, and not at all with -q."""
    monkeypatch.delenv("DAGCONTENT_STORE")
    env = config(here / "user.toml", '[store]\npath = "kept"\n[remote]\nurl = "x"\n')
    found = run("build", "small.toml", **env)
    assert found.exit_code == 0
    assert found.stderr.count("warning") == 1
    assert (here / "kept" / "FORMAT").is_file()
    assert run("store", "path", **env).stdout.strip() == str(here / "kept")
    assert run("build", "small.toml", "-q", **env).stderr == ""
    (here / "dagcontent.toml").write_text("stor = 1\n", encoding="utf-8")
    wrong = run("plan", "small.toml")
    assert wrong.exit_code == 2
    assert "dagcontent.toml:1:1" in wrong.stderr


PROVIDERS = """\
[provider.openai]
api_key_env = "TEAM_KEY"
base_url = "https://gateway.example:8443/openai/v1/"
headers = { X-Team = "film", X-Api-Key = "header-canary" }
concurrency = 3
requests_per_minute = 12.5
realm = "work"
bounds = { answer_s = 30, send_s = 0.5 }

[provider.google]
project = "films"
location = "europe-west4"
api_version = "v1beta"

[provider.fal]
base_url = "http://127.0.0.1:8000/fal"
api_key_env = ""
"""


def settings(tmp_path: Path, text: str, **environment: str) -> Settings:
    """Return the settings of a user's configuration and a graph in the same folder."""
    env = config(tmp_path / "user.toml", text) | environment
    return read_settings(tmp_path / "graph.toml", store=None, environment=env)


def refused(tmp_path: Path, text: str) -> str:
    """Return the mistakes of a user's configuration, as a screen shows them."""
    with pytest.raises(GraphError) as caught:
        settings(tmp_path, text)
    return "\n\n".join(map(render, caught.value.mistakes))


def test_providers_are_configured(tmp_path: Path) -> None:
    """Address, headers, limits and bounds; the key is in its variable and goes to the configured host only."""
    found = settings(tmp_path, PROVIDERS, TEAM_KEY="team-canary", OPENAI_API_KEY="other-canary").providers
    openai, google, fal = found["openai"], found["google"], found["fal"]
    assert openai.base("x") == "https://gateway.example:8443/openai/v1"
    assert (openai.realm, openai.concurrency, openai.requests_per_minute) == ("work", 3, 12.5)
    assert openai.headers == {"X-Team": "film", "X-Api-Key": "header-canary"}
    assert openai.bounded(Bounds()) == Bounds(answer_s=30.0, send_s=0.5)
    assert openai.secret("x") == "team-canary"
    assert openai.key is not None
    with pytest.raises(Exception, match="about to be sent"):
        openai.key.reveal("api.openai.com")
    assert (google.project, google.location, google.api_version, google.keyless) == (
        "films",
        "europe-west4",
        "v1beta",
        True,
    )
    assert (fal.realm, fal.key, fal.keyless) == ("127.0.0.1:8000", None, True)
    assert found["elevenlabs"].key is None


def test_without_configuration_keys_are_where_vendors_have_them(tmp_path: Path) -> None:
    """Each vendor's own variable, bound to its own hosts; fal's pair makes one key."""
    found = settings(
        tmp_path, "", FAL_KEY_ID="id-canary", FAL_KEY_SECRET=CANARY, GOOGLE_API_KEY="g-canary",
        ELEVENLABS_API_KEY=" e-canary\n", OPENAI_API_KEY="",
    ).providers  # fmt: skip
    assert found["fal"].secret("https://queue.fal.run") == f"id-canary:{CANARY}"
    assert found["google"].secret("https://generativelanguage.googleapis.com") == "g-canary"
    assert found["elevenlabs"].secret("https://api.elevenlabs.io") == "e-canary"
    assert (found["openai"].key, found["openrouter"].key, found["openai"].realm) == (None, None, "")


def test_keys_come_from_env_files_too(tmp_path: Path) -> None:
    """Beside the graph; the environment goes before it, and only keys are taken: a file of somebody's is no environment."""
    (tmp_path / ".env").write_text(
        f"FAL_KEY={CANARY}\nOPENAI_API_KEY=filed-canary\nDAGCONTENT_STORE=/evil\nOPENAI_BASE_URL=https://evil.example\n",
        encoding="utf-8",
    )
    found = settings(tmp_path, "", OPENAI_API_KEY="real-canary")
    assert found.store is None
    assert found.providers["fal"].secret("https://queue.fal.run") == CANARY
    assert found.providers["openai"].secret("https://api.openai.com/v1") == "real-canary"
    assert found.providers["openai"].base_url is None
    assert "FAL_KEY" not in os.environ
    without = read_settings(None, store=None, environment={"DAGCONTENT_CONFIG": str(tmp_path / "user.toml")})
    assert without.providers["fal"].key is None


def test_settings_show_no_secret(tmp_path: Path) -> None:
    """Neither before nor after the keys were read."""
    found = settings(tmp_path, PROVIDERS, TEAM_KEY="team-canary", ELEVENLABS_API_KEY="e-canary-1")
    for _ in range(2):
        assert "canary" not in f"{found!r} {found} {found.tables} {found.make_providers}"
        assert "canary" not in f"{found.providers!r}"


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "caf\u00e9-canary", "tab\tcanary", "x" * 5000])
def test_what_cannot_be_a_key_is_said(tmp_path: Path, key: str) -> None:
    """Before a vendor answers 401, and without showing it."""
    with pytest.raises(ConfigError, match="FAL_KEY is no key") as caught:
        _ = settings(tmp_path, "", FAL_KEY=key).providers
    assert key not in str(caught.value)


def test_mistakes_of_providers_and_budgets_have_their_places(tmp_path: Path, here: Path, same: Same) -> None:
    """Each at its line with a caret; where a key was written into the file, it is not shown."""
    shown = refused(here, WRONG_SETTINGS)
    assert "canary" not in shown
    same("settings.txt", shown + "\n")


WRONG_SETTINGS = """\
confirm_above_usd = "much"

[budget]
per_run_usd = -1
per_day_usd = "1.0000001"
per_week_usd = 3
per_graph_usd = nan
per_day_units = { image = 3 }

[budget.provider.fall]
per_day_usd = 1

[budget.provider.fal]
per_run_usd = true
units = { image = 3 }
per_run_units = 3
per_graph_units = { picture = 3, image = -1, second = nan, minute = "ten", hour = 1e300, call = true }

[budget.provider.openai]
per_run_usd = 1e300
per_day_usd = "ten"

[provider.opnai]
concurrency = 1

[provider.openai]
api_key = "sk-canary-0001"
api_key_env = "sk-canary-0002"
base_url = "https://user:canary-0003@gateway.example/v1"
headers = { Authorization = "Bearer canary-0004\\n", Host = "x", "X Y" = "z", X-Number = 3 }
concurrency = 0
requests_per_minute = -2
bounds = { answer = 3, send_s = 0, poll_s = "x" }
location = "eu"
insecure = "yes"

[provider.elevenlabs]
api_key_env = "sk_canary0005"
base_url = "http://gateway.example"
realm = "a b"

[provider.fal]
base_url = "https://gateway.example/v1?key=canary-0006"
api_key_env = ""

[provider.openrouter]
realm = "mine"
api_key_env = ""

[provider.google]
base_url = "ftp://gateway.example"
project = 3
"""


@pytest.mark.parametrize(
    "text",
    ["[provider.openai]\napi_key = sk-canary\n", '[provider.openai]\napi_key = "abc=sk-canary=="\n', '[provider.openai]\napi_key = "sk-canary\n', "provider.openai.token = ['sk-canary'\n",
     '[provider.openai]\nheaders = { X-Api-Key = "sk-canary", X-Api-Key = "x" }\n'],
)  # fmt: skip
def test_a_key_in_a_broken_file_is_not_shown(tmp_path: Path, text: str) -> None:
    """What is no TOML is shown with its line, but for what stands where a key stands."""
    assert "canary" not in refused(tmp_path, text)


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://gateway.example", True), ("https://gateway.example/a/b/", True), ("http://127.0.0.1:8000/v1", True), ("http://localhost:11434/v1", True),
        ("http://[::1]:8000", True), ("http://127.9.9.9", True), ("HTTPS://gateway.example", False), ("http://gateway.example", False),
        ("http://localhost.evil.example", False), ("http://127.0.0.1.evil.example", False), ("http://127.0.0.1@evil.example", False),
        ("http://127.1", False), ("http://2130706433", False), ("http://192.168.1.5:8000", False), ("http://0.0.0.0", False),
        ("https://u:p@gateway.example", False), ("https://gateway.example?x=1", False), ("https://gateway.example#x", False),
        ("https://gateway.example:99999", False), ("https://gateway.example:0", False), ("https://", False), ("gateway.example", False),
        ("ftp://gateway.example", False), ("https://gate way.example", False), ("https://gateway.example\\\\x", False), ("https://g\u00e4te.example", False),
        ("https://gateway.example/a/../b", False), ("", False), ("https://[gateway", False),
    ],
)  # fmt: skip
def test_addresses_are_https_or_of_this_machine(tmp_path: Path, url: str, *, right: bool) -> None:
    """A key in the clear is nobody's wish; what looks like this machine and is not, is not."""
    text = f'[provider.openai]\nbase_url = "{url}"\n'
    if right:
        assert settings(tmp_path, text).providers["openai"].base_url == url.rstrip("/")
    else:
        refused(tmp_path, text)


def test_insecure_is_said_aloud(tmp_path: Path) -> None:
    """Plain http to another machine is possible where the user says so, and to userinfo never."""
    text = '[provider.openai]\ninsecure = true\nbase_url = "http://10.0.0.5:8000/v1"\n'
    assert settings(tmp_path, text).providers["openai"].realm == "10.0.0.5:8000"
    refused(tmp_path, text.replace("10.0.0.5", "u@10.0.0.5"))


def test_budgets_are_ceilings(tmp_path: Path) -> None:
    """Dollars as numbers or text become micro-USD exactly; each says where it was set."""
    found = settings(
        tmp_path,
        'confirm_above_usd = "0.5"\n[budget]\nper_run_usd = 5\nper_day_usd = 0.1\n[budget.provider.fal]\nper_graph_usd = "12.345678"\n',
    )
    file = tmp_path / "user.toml"
    assert found.confirm_above_microusd == 500_000
    assert found.ceilings == (
        Ceiling("run", 5_000_000, f"per_run_usd in {file}"),
        Ceiling("day", 100_000, f"per_day_usd in {file}"),
        Ceiling("graph", 12_345_678, f"provider.fal.per_graph_usd in {file}", "fal"),
    )


def test_budgets_in_units_are_ceilings(tmp_path: Path) -> None:
    """Units of price lists, each with its measure: minutes are seconds, the lower of two holds, nothing is rounded up."""
    found = settings(
        tmp_path,
        '[budget.provider.fal]\nper_day_units = { "1000 characters" = 500, image = 40, minute = 2, second = 150.00000019 }\n',
    )
    said = f"in {tmp_path / 'user.toml'}"
    assert set(found.unit_ceilings) == {
        UnitCeiling(
            "day", "fal", "character", 500_000 * MILLIONTHS, f"provider.fal.per_day_units.1000 characters {said}"
        ),
        UnitCeiling("day", "fal", "image", 40 * MILLIONTHS, f"provider.fal.per_day_units.image {said}"),
        UnitCeiling("day", "fal", "second", 120 * MILLIONTHS, f"provider.fal.per_day_units.minute {said}"),
    }
    (tmp_path / "dagcontent.toml").write_text(
        "[budget.provider.fal]\nper_day_units = { image = 50, call = 9 }\nper_run_units = { image = 3 }\n", "utf-8"
    )
    found = settings(tmp_path, "[budget.provider.fal]\nper_day_units = { image = 40 }\n")
    assert {(one.per, one.measure): one.limit // MILLIONTHS for one in found.unit_ceilings} == {
        ("day", "image"): 40, ("day", "call"): 9, ("run", "image"): 3
    }  # fmt: skip
    (warning,) = found.warnings
    assert "does not raise your own budget: 40 images stays" in warning


def test_a_file_beside_a_graph_lowers_budgets_only(tmp_path: Path) -> None:
    """It came with the graph: what it would raise stays, and that is said."""
    (tmp_path / "dagcontent.toml").write_text(
        "confirm_above_usd = 9\n[budget]\nper_run_usd = 10\nper_day_usd = 1\nper_graph_usd = 3\n[budget.provider.fal]\nper_day_usd = 2\n",
        encoding="utf-8",
    )
    found = settings(tmp_path, "confirm_above_usd = 1\n[budget]\nper_run_usd = 5\nper_day_usd = 2\n")
    assert {(one.per, one.provider): one.limit_microusd for one in found.ceilings} == {
        ("run", ""): 5_000_000, ("day", ""): 1_000_000, ("graph", ""): 3_000_000, ("day", "fal"): 2_000_000
    }  # fmt: skip
    assert found.confirm_above_microusd == 1_000_000
    assert [word for word in ("per_run_usd", "confirm_above_usd") if any(word in said for said in found.warnings)] == [
        "per_run_usd",
        "confirm_above_usd",
    ]
    assert len(found.warnings) == 2
    unset = settings(tmp_path, "")
    assert unset.confirm_above_microusd == 0
    (tmp_path / "dagcontent.toml").write_text("confirm_above_usd = 0.25\n", encoding="utf-8")
    assert settings(tmp_path, "confirm_above_usd = 1\n").confirm_above_microusd == 250_000


def test_a_file_beside_a_graph_sets_no_provider_in_any_spelling(tmp_path: Path) -> None:
    """Dotted, quoted, inline: it is one table."""
    for text in (
        'provider.fal.base_url = "https://x.example"\n',
        '["provider".fal]\n',
        "provider = {}\n",
        '"provi\\u0064er".fal = {}\n',
    ):
        (tmp_path / "dagcontent.toml").write_text(text, encoding="utf-8")
        with pytest.raises(GraphError, match="1 mistake"):
            settings(tmp_path, "")


ENV = """\
\ufeff# keys
PLAIN=abc
  SPACED = a b  c   # said
export EXPORTED=x#y
export\tTABBED=1
EMPTY=
HASH=#not a value
SINGLE='a "b" \\n $HOME # c'  # said
DOUBLE="a 'b' \\"c\\" \\\\ \\n\\t\\$ \\q #d"
MANY="one
two"
DOLLAR=$HOME/${PATH}`id`$(id)
EQUALS=a=b==
TWICE=1
TWICE=2
CRLF=x\r
DOTTED.name=1
QUOTES=a"b'c

LAST=end"""


def test_env_files_are_read_as_others_read_them() -> None:
    """Comments, quotes, `export`, a mark at the beginning; nothing is expanded and nothing is run."""
    assert parse_env(ENV.removeprefix("\ufeff")) == {
        "PLAIN": "abc", "SPACED": "a b  c", "EXPORTED": "x#y", "TABBED": "1", "EMPTY": "", "HASH": "", "SINGLE": 'a "b" \\n $HOME # c',
        "DOUBLE": "a 'b' \"c\" \\ \n\t$ \\q #d", "MANY": "one\ntwo", "DOLLAR": "$HOME/${PATH}`id`$(id)", "EQUALS": "a=b==", "TWICE": "2",
        "CRLF": "x", "DOTTED.name": "1", "QUOTES": "a\"b'c", "LAST": "end",
    }  # fmt: skip
    assert parse_env("") == parse_env("\n \n# only\n") == {}


@pytest.mark.parametrize(
    ("text", "line"),
    [("A=1\nsk-canary\n", 2), ("A=1\n\n=canary", 3), ("1A=canary", 1), ("A-B=canary", 1), ("A='canary", 1), ('A=1\nB="canary\nC=2\n', 2), ("A='x' canary", 1),
     ("A=1\nB=\0canary", 2), ("export", 1), ("A: canary", 1), ("A 'canary'", 1)],
)  # fmt: skip
def test_what_is_no_env_file_is_said_with_its_line(text: str, line: int) -> None:
    """Never with what stands there."""
    with pytest.raises(ConfigError) as caught:
        parse_env(text, ".env")
    assert str(caught.value).startswith(f".env:{line}: ")
    assert "canary" not in str(caught.value) + str(caught.value.hint)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z_][A-Z0-9_]{0,9}", fullmatch=True),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30),
    )
)
def test_every_value_can_be_written(values: dict[str, str]) -> None:
    """In double quotes, with escapes, whatever it is."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "$": "\\$"}
    lines = [
        f'{name}="' + "".join(escapes.get(letter, letter) for letter in value) + '"' for name, value in values.items()
    ]
    assert parse_env("\n".join(lines)) == values


@given(st.text(max_size=60))
def test_no_env_file_is_an_error_of_ours(text: str) -> None:
    """It is read, or it is a ConfigError."""
    try:
        parse_env(text)
    except ConfigError:
        return


def test_env_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Too long, no text; a folder of this name is none."""
    (tmp_path / ".env").write_bytes(b"A=" + b"x" * 70_000)
    with pytest.raises(ConfigError, match="longer than 64 KiB"):
        _ = settings(tmp_path, "").providers
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        _ = settings(tmp_path, "").providers
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()
    assert settings(tmp_path, "").providers["fal"].key is None


def test_a_pipe_of_this_name_is_not_waited_for(tmp_path: Path) -> None:
    """A folder from elsewhere must not make a build hang."""
    os.mkfifo(tmp_path / ".env")
    assert settings(tmp_path, "").providers["fal"].key is None


def test_settings_of_a_free_graph_import_no_provider(tmp_path: Path) -> None:
    """An unchanged graph is answered in a blink: keys are looked for when a provider is asked for, and never before."""
    (tmp_path / "dagcontent.toml").write_text('[store]\npath = "s"\n', encoding="utf-8")
    (tmp_path / ".env").write_text("this is no such file", encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from dagcontent.cli.settings import read_settings\n"
        f"read_settings(Path({str(tmp_path)!r}, 'graph.toml'), store=None, environment={{}})\n"
        "print([name for name in sys.modules if 'providers' in name or name.startswith(('httpx', 'anyio', 'asyncio'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_doctor_says_what_providers_lack(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Package, key and address of each, the key never; a missing key of a provider that is configured is a warning."""
    env = config(here / "user.toml", PROVIDERS)
    (here / ".env").write_text("ELEVENLABS_API_KEY=canary-e1e2e3\n", encoding="utf-8")
    found = run("doctor", "graph.toml", "--json", OPENROUTER_API_KEY="canary-r1r2r3", **env)
    assert found.exit_code == 0
    assert "canary" not in found.output
    rows = {row["name"]: row for row in json.loads(found.stdout)["checks"] if row["facts"]}
    assert {name: (row["state"], row["facts"]["key"]) for name, row in rows.items()} == {
        "fal": ("ok", "not needed"), "elevenlabs": ("ok", "set"), "google": ("ok", "not needed"), "openai": ("warning", "missing"), "openrouter": ("ok", "set"),
    }  # fmt: skip
    assert rows["openai"]["facts"] == {
        "provider": "openai", "installed": True, "key": "missing", "variable": "TEAM_KEY", "base_url": "https://gateway.example:8443/openai/v1", "realm": "work",
    }  # fmt: skip
    assert rows["openai"]["hint"] == "export TEAM_KEY=..."
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "fal_client" else find(name))
    shown = run("doctor", FAL_KEY="canary-f1f2f3")
    assert "warning  fal" in shown.stdout
    assert "pip install 'dagcontent[fal]'" in shown.stdout
    assert "unused   elevenlabs" in shown.stdout
    assert "canary" not in shown.output


def test_prices_of_ones_own_are_read(tmp_path: Path) -> None:
    """A row is a price; several rows of one unit are its cases, those of other units are added; credits have a factor."""
    found = settings(
        tmp_path,
        '[price."fal/fal-ai/flux/dev"]\nunit = "image"\nusd = 0.02\ndate = 2026-11-01\n'
        '[price]\n"openai/gpt-9" = [{ unit = "input token", usd = 2 }, { unit = "output token", usd = "8", at_most_usd = 10 }]\n'
        '"fal/x/y" = [{ unit = "second", usd = 0.1 }, { unit = "second", usd = 0.3, when = { resolution = "1080p" } }]\n'
        "credits = { elevenlabs = 0.18 }\n",
    ).market
    assert found is not None
    image, tokens, seconds = (found.own[name] for name in ("fal/fal-ai/flux/dev", "openai/gpt-9", "fal/x/y"))
    assert [(one.unit, one.rates[0].list_nano, one.date.isoformat()) for one in image] == [
        ("image", 20_000_000, "2026-11-01")
    ]
    assert [(one.unit, one.rates[0].list_nano, one.rates[0].bound_nano) for one in tokens] == [
        ("input token", 2_000, 2_000), ("output token", 8_000, 10_000)
    ]  # fmt: skip
    assert [(rate.when, rate.list_nano) for rate in seconds[0].rates] == [
        ({"resolution": ("1080p",)}, 300_000_000), ({}, 100_000_000)
    ]  # fmt: skip
    assert found.credit_nano == {"elevenlabs": 180_000}


def test_mistakes_in_prices_are_all_told(tmp_path: Path, same: Same) -> None:
    """A price that was not understood would be the catalog's again, and nobody would notice."""
    env = config(
        tmp_path / "user.toml",
        '[price."fal/fal-ai/flux/dev"]\nunit = "pixel"\nusd = 0.02\n'
        '[price."fall/x"]\nunit = "image"\nusd = 1\n'
        '[price."fal/a/b"]\nunit = "image"\n'
        '[price."fal/a/c"]\nunit = "image"\nusd = -1\n'
        '[price."fal/a/d"]\nunit = "image"\nusd = 2\nat_most_usd = 1\n'
        '[price."fal/a/e"]\nunit = "image"\nusd = 2\nper = "day"\n'
        '[price."fal/a/f"]\nunit = "image"\nusd = 2\ndate = "yesterday"\n'
        '[price."fal/a/g"]\nunit = "image"\nusd = 2\nwhen = 3\n'
        '[price]\n"fal/a/h" = 3\ncredits = { elevenlab = 1 }\n',
    )
    with pytest.raises(GraphError) as caught:
        read_settings(None, store=None, environment=env)
    shown = "\n\n".join(render(one) for one in caught.value.mistakes).replace(str(tmp_path), "HERE")
    same("settings_prices.txt", shown + "\n")


def test_a_file_beside_a_graph_sets_no_price(tmp_path: Path) -> None:
    """A graph that came with prices near nothing would spend more under the user's budget."""
    (tmp_path / "dagcontent.toml").write_text('[price."fal/a/b"]\nunit = "image"\nusd = 0\n', encoding="utf-8")
    with pytest.raises(GraphError, match="1 mistake"):
        read_settings(tmp_path / "graph.toml", store=None, environment={})
