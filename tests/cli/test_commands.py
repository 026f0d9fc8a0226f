from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

import dagcontent
from dagcontent.cli.commands import cli
from dagcontent.cli.overview import LATER, SHORT, help_text

Run = Callable[..., Result]
Process = Callable[..., "subprocess.CompletedProcess[str]"]


def imported_by(*args: str) -> set[str]:
    """Return the names of all modules that a command line brings in."""
    code = f"import sys; sys.argv = ['dagcontent', *{list(args)!r}]\nimport atexit\n"
    code += (
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\nfrom dagcontent.__main__ import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return set(done.stderr.split())


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["--version"]])
def test_help_imports_nothing(args: list[str]) -> None:
    """The first thing that anybody types is answered at once: not even click is needed for it."""
    modules = imported_by(*args)
    assert {"click", "msgspec", "apsw", "rich", "networkx"}.isdisjoint(modules)
    assert {name for name in modules if name.startswith("dagcontent.")} <= {
        "dagcontent.__main__", "dagcontent.cli", "dagcontent.cli.main", "dagcontent.cli.overview"
    }  # fmt: skip


def test_completion_imports_click_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell asks at every press of a key."""
    monkeypatch.setenv("_DAGCONTENT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "dagcontent bu")
    monkeypatch.setenv("COMP_CWORD", "1")
    modules = imported_by()
    assert "click" in modules
    assert {"msgspec", "apsw", "dagcontent.api"}.isdisjoint(modules)


@pytest.mark.parametrize("command", ["build", "plan"])
def test_an_unchanged_graph_is_answered_without_the_language(small: Path, process: Process, command: str) -> None:
    """What repeats most often does not pay for what it does not ask: nothing is read, linked, planned or made."""
    assert process("build", small.name).returncode == 0
    modules = imported_by(command, small.name, "--quiet")
    assert "dagcontent.api.memo" in modules
    heavy = "spec.load graph.link plan.resolver plan.asking kinds.registry media".split()
    assert modules.isdisjoint({*(f"dagcontent.{name}" for name in heavy), "PIL", "av", "rich", "anyio"})


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_there_for_each_shell(process: Process, shell: str) -> None:
    """The help says how to switch it on; that line has to print a script."""
    done = process(_DAGCONTENT_COMPLETE=f"{shell}_source")
    assert done.returncode == 0
    assert "_DAGCONTENT_COMPLETE" in done.stdout


def test_completion_gives_names_of_commands(process: Process) -> None:
    """A name that is begun is finished."""
    done = process(_DAGCONTENT_COMPLETE="bash_complete", COMP_WORDS="dagcontent b", COMP_CWORD="1")
    assert done.stdout.split() == ["plain,build"]


def test_both_ways_to_call_are_the_same(process: Process) -> None:
    """`dagcontent` and `python -m dagcontent` print one text, as wide as the narrowest terminal."""
    assert process("--help").stdout == help_text()
    assert process().returncode == 2
    assert max(map(len, help_text().splitlines())) <= 80
    assert process("--version").stdout == f"dagcontent {dagcontent.__version__}\n"


def test_help_of_the_group_is_the_same(run: Run) -> None:
    """What click prints and what we print before click is there cannot drift apart."""
    assert run("--help").stdout == help_text()
    assert run("--version").stdout == f"dagcontent {dagcontent.__version__}\n"


@pytest.mark.parametrize("name", SHORT)
def test_every_command_has_help(run: Run, name: str) -> None:
    """The overview names modules; each is there, has a command of that name, and says what it does."""
    command = importlib.import_module(f"dagcontent.cli.{name}").command
    assert isinstance(command, click.Command)
    assert command.name == name
    found = run(name, "--help")
    assert found.exit_code == 0
    assert found.stdout.startswith(f"Usage: dagcontent {name}")
    assert run(name, "-h").stdout == found.stdout


def test_unknown_commands_are_met_with_the_nearest(run: Run) -> None:
    """A slip of the finger costs one look, not a page of help."""
    found = run("biuld")
    assert found.exit_code == 2
    assert found.stderr == "error: no command `biuld`; did you mean `build`?\n  dagcontent --help\n"
    assert "did you mean `build graph.toml`?" in run("graph.toml").stderr
    assert "did you mean" not in run("qqqq").stderr


@pytest.mark.parametrize("name", sorted(LATER))
def test_later_commands_are_said_to_be_later(run: Run, name: str) -> None:
    """What the language has and this version has not is never taken for a mistake of the user's."""
    found = run(name, "graph.toml")
    assert found.exit_code == 2
    assert "not available yet in this version" in found.stderr


@pytest.mark.parametrize(
    "args",
    [
        ["store", "stale"], ["new", "d", "--from", "teaser"],
    ],
)  # fmt: skip
def test_later_options_are_said_to_be_later(run: Run, here: Path, args: list[str]) -> None:
    """Silence would be worse than an error: somebody would believe in a budget that nobody keeps."""
    found = run(*args)
    assert found.exit_code == 2
    assert "not available yet in this version" in found.stderr
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["build"], "Missing argument 'GRAPH'"),
        (["build", "missing.toml"], "missing.toml cannot be read"),
        (["build", "small.toml", "crad"], "no node `crad` in small"),
        (["build", "small.toml", "card[noon]"], "noon"),
        (["build", "small.toml", "--jobs", "0"], "0 is not in the range"),
        (["build", "small.toml", "--only"], "--only needs a target"),
        (
            ["build", "small.toml", "sheet", "--only"],
            "is not made yet: card[dusk], card[dawn], titled[dusk] and 1 more",
        ),
        (["build", "small.toml", "-p", "place"], "-p place: a parameter needs a name and a value"),
        (["build", "small.toml", "-p", "plaze=sea"], "plaze"),
        (["build", "small.toml", "--events", "no/such/folder"], "no/such/folder cannot be written"),
        (["build", "small.toml", "--bugdet", "1"], "--bugdet"),
        (["plan", "small.toml", "-o", "no/such/folder"], "no/such/folder cannot be written"),
        (["plan", "small.toml", "--store", "small.toml"], "is not a folder"),
        (["why", "small.toml"], "Missing argument 'NODE'"),
        (["why", "small.toml", "card"], "`card` names 2 instances"),
        (["why", "small.toml", "crad"], "did you mean `card`?"),
        (["show", "small.toml", "sheet"], "sheet has no result yet"),
        (["check", "."], "cannot be read"),
        (["graph", "small.toml", "--format", "pdf"], "'pdf' is not one of"),
        (["graph", "small.toml", "-o", "no/such/folder.svg"], "cannot be written"),
        (["kinds", "image.resise"], "did you mean `image.resize`?"),
        (["kinds", "command"], "not available yet"),
        (["schema", "dif"], "'dif' is not one of"),
        (["store", "vrify"], "did you mean `store verify`?"),
        (["store", "stats", "--store", "small.toml"], "is not a folder"),
        (["new", "small.toml"], "cannot be written"),
    ],
)
def test_wrong_input_is_met_with_words(run: Run, small: Path, args: list[str], words: str) -> None:
    """One clear message on stderr, nothing on stdout, an exit code that says whose fault it is."""
    found = run(*args)
    assert found.exit_code == (1 if words == "is not a folder" else 2)
    assert words in found.stderr
    assert found.stdout == ""
    assert "\x1b" not in found.stderr


def test_faults_of_ours_ask_for_a_report(run: Run, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What we did not foresee is not shown as a page of Python, unless that is asked for."""

    def broken(*_args: object, **_more: object) -> None:
        text = "unforeseen \x1b[31m"
        raise RuntimeError(text)

    monkeypatch.setattr("dagcontent.api.plan", broken)
    found = run("plan", str(small))
    assert found.exit_code == 1
    assert found.stderr.startswith(
        "error: a fault of dagcontent: RuntimeError: unforeseen \\x1b[31m\n  please report this"
    )
    assert "\x1b" not in found.stderr


def test_the_trace_of_a_fault_is_there_with_v(here: Path, small: Path) -> None:
    """Who reports a fault can add where it happened."""
    code = "import dagcontent.api as a, sys\ndef plan(*_, **__): raise RuntimeError('x')\na.plan = plan\n"
    code += "sys.argv = ['dagcontent', 'plan', 'small.toml', '-v']\nfrom dagcontent.__main__ import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_commands_take_no_environment_but_through_two_modules() -> None:
    """Settings come from one place: whoever reads the code knows where to look."""
    for path in Path(cli.main.__code__.co_filename).parent.glob("*.py"):
        names = {node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)}
        if path.name not in {"screen.py", "settings.py"}:
            assert {"environ", "getenv"}.isdisjoint(names), path
