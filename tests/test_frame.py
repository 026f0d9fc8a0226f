from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import dagcontent
from dagcontent import errors
from dagcontent.graph.link import link
from dagcontent.spec.load import load

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ERRORS = [getattr(errors, name) for name in errors.__all__]


def python(code: str, *, cwd: Path | None = None) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def requirements(*, pins: bool) -> dict[str, Requirement]:
    """Return the pins, or all that pyproject asks for with its extras for development."""
    if pins:
        lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    else:
        project = PROJECT["project"]
        extras = project["optional-dependencies"]
        lines = project["dependencies"] + PROJECT["build-system"]["requires"]
        lines += [line for extra in extras.values() for line in extra if not line.startswith("dagcontent[")]
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {re.sub(r"[-_.]+", "-", one.name).lower(): one for one in found}


# --- public names


def test_public_names_are_all_there() -> None:
    """The list is what we promise: each name in it can be had, and is sorted in where a reader looks for it."""
    assert sorted(dagcontent.__all__) == dagcontent.__all__
    assert len(set(dagcontent.__all__)) == len(dagcontent.__all__)
    assert all(getattr(dagcontent, name) is not None for name in dagcontent.__all__)
    assert set(dagcontent.__all__) <= set(dir(dagcontent))


def test_public_names_are_those_that_type_checkers_see() -> None:
    """The lazy table and the imports for type checkers are two lists of one thing."""
    tree = ast.parse((Path(dagcontent.__file__)).read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = [alias.name for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted([*seen, "__version__"]) == dagcontent.__all__


def test_other_names_are_refused() -> None:
    """A misspelt name must not look like a module that is still to be imported."""
    with pytest.raises(AttributeError, match="biuld"):
        dagcontent.biuld  # noqa: B018


def test_every_error_is_public() -> None:
    """Whoever calls us can catch whatever we raise, from one place."""
    assert set(errors.__all__) <= set(dagcontent.__all__)


def test_functions_are_not_hidden_by_the_layer_of_their_name() -> None:
    """Importing the layer `dagcontent.plan` would set the attribute `plan` to a module."""
    importlib.import_module("dagcontent.plan")
    assert callable(dagcontent.plan)
    code = "import dagcontent.plan, dagcontent; print(callable(dagcontent.plan), dagcontent.plan.__module__)"
    assert python(code) == "True dagcontent.api"


def test_import_costs_nothing() -> None:
    """`--help` has a tenth of a second for everything: the package itself brings in none of its layers."""
    code = "import sys; old = set(sys.modules); import dagcontent; print(*sorted(set(sys.modules) - old))"
    names = python(code).split()
    assert [name for name in names if name.startswith("dagcontent")] == ["dagcontent"]
    assert {"msgspec", "asyncio", "click", "networkx", "rich"}.isdisjoint(names)


# --- errors


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_errors_are_one_tree(error: type[errors.DagcontentError]) -> None:
    """Policy reads the class: each of them is one of ours, drawn in the tree, with an exit code."""
    assert issubclass(error, errors.DagcontentError)
    assert error.__name__ in str(errors.__doc__)
    assert error.exit_code == {
        "UsageError": 2,
        "GraphError": 2,
        "ConfigError": 2,
        "BudgetExceeded": 6,
        "OverBudget": 6,
        "AttemptUnresolved": 4,
        "AttemptDetached": 4,
    }.get(error.__name__, 1)
    if error is errors.DagcontentError:
        with pytest.raises(TypeError, match="abstract"):
            error("never raised itself")
    else:
        assert str(error("what happened")) == "what happened"


def test_errors_carry_what_can_be_done() -> None:
    """The command line and `--json` show message, facts and hint apart from each other."""
    error = errors.NodeError("no voice", facts=[("voice", "x")], hint="choose another", retry=True)
    assert (error.message, error.facts, error.hint, error.retry) == (
        "no voice",
        (("voice", "x"),),
        "choose another",
        True,
    )
    assert errors.GraphError("two mistakes", [1, 2]).mistakes == (1, 2)


# --- versions


def test_version_is_said_once() -> None:
    """The wheel takes its version from the package."""
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "dagcontent/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+", dagcontent.__version__)


def test_pins_satisfy_what_is_asked_for() -> None:
    """A bound that the pins do not meet would fail in the middle of `make`, on somebody else's machine."""
    pins = requirements(pins=True)
    for name, wanted in requirements(pins=False).items():
        (only,) = pins[name].specifier
        assert only.operator == "=="
        assert wanted.specifier.contains(only.version), f"{wanted} is pinned to {only}"


def test_pins_hold_no_address() -> None:
    """A clone sets itself up from whatever mirror its machine is told to use (docs/adr/0001)."""
    text = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--hash" not in text
    assert "--index" not in text


def test_sqlite_is_not_one_that_loses_commits() -> None:
    """SQLite before 3.51.3 can lose a committed transaction when a log in WAL mode starts over."""
    apsw = pytest.importorskip("apsw")
    assert tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) >= (3, 51, 3)


# --- the shape of the sources

MODULES = sorted((ROOT / "dagcontent").rglob("*.py"))


@pytest.mark.skipif(not MODULES, reason="the wheel is tested without its sources")
def test_modules_are_short_and_say_what_they_do() -> None:
    """One idea a module: what is longer holds two."""
    for module in MODULES:
        text = module.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 400, f"{module} is too long"
        assert ast.get_docstring(ast.parse(text)), f"{module} does not say what it does"


def test_every_layer_is_described() -> None:
    """The page on the architecture is true only if nothing is missing from it."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    layers = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    order = " > ".join(re.sub(r"[()]", "", layer) for layer in layers)
    assert order in page
    assert order in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """A page that was renamed leaves its readers behind."""
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), target


def test_commands_of_the_pages_exist() -> None:
    """The two commands of the README are the first thing that anybody tries."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in ("README.md", "CONTRIBUTING.md"):
        for name in re.findall(r"(?:`|    )make ([a-z-]+)", (ROOT / page).read_text(encoding="utf-8")):
            assert re.search(rf"^{name}:", makefile, re.MULTILINE), f"{page}: make {name}"


def test_graphs_of_the_readme_have_no_mistake(tmp_path: Path) -> None:
    """It is the first graph that anybody copies."""
    graphs = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert graphs
    for text in graphs:
        loaded = load(tmp_path / "graph.toml", text=text)
        assert not loaded.mistakes
        assert not link(loaded.pipeline).mistakes


# --- the contracts, tried on a stub

STUB = {
    "__main__": "import dagcontent.cli",
    "cli": "import dagcontent.api",
    "api": "import dagcontent.run.driver, dagcontent.store.db, dagcontent.media.call",
    "report": "",
    "testing": "",
    "run.driver": "import anyio, dagcontent.run.machine",
    "run.machine": "import dagcontent.plan.resolver",
    "plan.resolver": "import dagcontent.graph.model",
    "graph.model": "import dagcontent.spec.model",
    "graph.analysis": "import networkx",
    "spec.model": "import dagcontent.kinds.text",
    "spec.parse": "import tomli, dagcontent.spec.model",
    "store.db": "import apsw",
    "media.call": "import dagcontent.values.value",
    "providers.once": "import dagcontent.catalog.model",
    "catalog.model": "import dagcontent.kinds.text",
    "kinds.text": "import dagcontent.values.value",
    "values.value": "import dagcontent.errors",
    "errors": "",
}
OFFENCES = {
    "a drawer": {"utils": ""},
    "an import upward": {"values.value": "import dagcontent.kinds.text"},
    "an import of a sibling": {"media.call": "import dagcontent.store.db"},
    "an event loop where decisions are made": {"run.machine": "import anyio"},
    "a database where decisions are made, by a detour": {
        "plan.resolver": "import dagcontent.spec.parse",
        "spec.parse": "import sqlite3",
    },
    "the store in the plan": {"plan.resolver": "def late():\n    import dagcontent.store.db"},
    "tools in the language": {"spec.parse": "import dagcontent.media.call"},
    "the network in the catalog": {"catalog.model": "import httpx"},
    "the store in an adapter": {"providers.once": "import dagcontent.store.db"},
    "networkx outside its home": {"graph.model": "import networkx"},
    "a cycle of siblings": {
        "plan.resolver": "import dagcontent.plan.key",
        "plan.key": "import dagcontent.plan.resolver",
    },
}


def contracts(folder: Path, modules: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Write modules as a package of our name beside our contracts, and check them."""
    for name, text in modules.items():
        file = folder.joinpath("dagcontent", *name.split(".")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        for package in [file.parent, folder / "dagcontent"]:
            package.joinpath("__init__.py").touch()
        file.write_text(text, encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(project, encoding="utf-8")
    code = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as main; main()"
    argv = [sys.executable, "-c", code, "--no-cache"]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_contracts_accept_what_is_meant(tmp_path: Path) -> None:
    """Else the offences below would be refused for another reason."""
    pytest.importorskip("importlinter")
    done = contracts(tmp_path, STUB)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("offence", OFFENCES.values(), ids=OFFENCES.keys())
def test_contracts_refuse(offence: dict[str, Any], tmp_path: Path) -> None:
    """A contract that says nothing looks just like one that is kept."""
    pytest.importorskip("importlinter")
    done = contracts(tmp_path, {**STUB, **offence})
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
