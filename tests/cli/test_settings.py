from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from dagcontent.cli.settings import read_settings
from dagcontent.errors import ConfigError, GraphError

Run = Callable[..., Result]


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
    env = config(tmp_path / "user.toml", '[remote]\nurl = "x"\n[executor]\n[budget.provider.fal]\nunits = 3\n')
    settings = read_settings(None, store=None, environment=env)
    assert len(settings.warnings) == 3
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
