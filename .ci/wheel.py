"""Turn the sources into a wheel, and the wheel into a verdict, away from the sources. Knows no network.

The wheel goes into a fresh environment that holds its own base dependencies and nothing else: they are linked from
the environment that runs this, after the metadata of the wheel. So a module left out of the wheel fails here, and so
does an import of something that only developers have. Then the tests' tools are linked beside them, and a part of
the tests runs in a folder where the sources are not.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ("pytest", "pytest-timeout", "pytest-xdist", "hypothesis", "jsonschema")
VENDORS = ("fal", "elevenlabs", "google", "openai")  # extras, which nothing may need to be imported
# Quick, and one of every layer; the folders that are there are taken.
SMOKE = ("values", "kinds", "spec", "graph", "plan", "store", "run", "api", "cli")
# What the tests read beside themselves. Never the package.
BESIDE = ("tests", "examples", "schemas", "pyproject.toml")

GRAPH = """
[graph]
name = "smoke"
[node.card]
kind = "image.generate"
model = "local/card"
prompt = "a lantern"
size = "160x90"
output = "card"
[node.voice]
kind = "speech.generate"
model = "local/espeak"
voice = "en-us"
text = "A lantern."
output = "voice"
"""
IMPORT_ALL = """
import importlib, pkgutil, dagcontent
names = [found.name for found in pkgutil.walk_packages(dagcontent.__path__, "dagcontent.")]
for name in names:
    importlib.import_module(name)
print(dagcontent.__file__, len(names))
"""


def main() -> None:
    """Build, install, try; exit with the first failure."""
    with tempfile.TemporaryDirectory(prefix="dagcontent-wheel-") as folder:
        place = Path(folder)
        wheel = build(place / "dist")
        python = install(wheel, place / "env")
        elsewhere = place / "elsewhere"
        elsewhere.mkdir()
        try_out(python, elsewhere)
        link(python, *TOOLS, *asked(python))
        test(python, elsewhere)
    print(f"{wheel.name}: built, installed and tried away from the sources")


def build(folder: Path) -> Path:
    """Build the wheel with the tools that are here."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run([*pip, "--wheel-dir", str(folder), str(ROOT)], ROOT)
    return next(folder.glob("*.whl"))


def install(wheel: Path, folder: Path) -> Path:
    """Install the wheel into a fresh environment beside links to its dependencies; return its interpreter."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    run([*pip, str(wheel)], folder)
    metadata = PathDistribution(next(site_packages(python).glob("dagcontent-*.dist-info")))
    link(python, *required(metadata))
    return python


def required(dist: Distribution, extra: str = "") -> list[str]:
    """Return the names of what a distribution asks for here, without extras or with one."""
    wanted = [Requirement(line) for line in dist.requires or ()]
    return [one.name for one in wanted if one.marker is None or one.marker.evaluate({"extra": extra})]


def asked(python: Path) -> list[str]:
    """Return the packages that the wheel's extras for vendors ask for."""
    metadata = PathDistribution(next(site_packages(python).glob("dagcontent-*.dist-info")))
    return [name for extra in VENDORS for name in required(metadata, extra)]


def link(python: Path, *names: str) -> None:
    """Link distributions of this environment, and all that they ask for, into another one."""
    target = site_packages(python)
    todo, done = list(names), set[str]()
    while todo:
        dist = distribution(todo.pop())
        name = re.sub(r"[-_.]+", "-", dist.name).lower()
        if name in done:
            continue
        done.add(name)
        todo += required(dist)
        for top in {file.parts[0] for file in dist.files or ()} - {"..", "__pycache__"}:
            if not (target / top).exists():
                (target / top).symlink_to(Path(str(dist.locate_file(top))))


def site_packages(python: Path) -> Path:
    """Return where an environment keeps its packages."""
    return next((python.parent.parent / "lib").glob("python*/site-packages"))


def try_out(python: Path, folder: Path) -> None:
    """Import every module, ask for the version in both ways, and build a graph twice."""
    where = run([str(python), "-c", IMPORT_ALL], folder).split()
    if not where[0].startswith(str(site_packages(python))):
        sys.exit(f"the wheel is not what was imported, but {where[0]}")
    package = Path(where[0]).parent
    for name in (
        "py.typed",
        "schemas/graph.schema.json",
        "catalog/fal.toml",
        "report/gallery.css",
        "report/gallery.js",
    ):
        if not (package / name).is_file():
            sys.exit(f"{name} is not in the wheel")
    command = str(python.parent / "dagcontent")
    if run([command, "--version"], folder) != run([str(python), "-m", "dagcontent", "--version"], folder):
        sys.exit("`dagcontent` and `python -m dagcontent` differ")
    (folder / "graph.toml").write_text(GRAPH, encoding="utf-8")
    store = ["--store", str(folder / "store")]
    for _ in range(2):
        print(run([command, "build", "graph.toml", *store], folder).rstrip())
    if len(list((folder / "out").iterdir())) != GRAPH.count("output ="):
        sys.exit("the graph did not give its outputs")


def test(python: Path, folder: Path) -> None:
    """Run a part of the tests on the wheel."""
    for name in BESIDE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "out"))
        elif source.exists():
            shutil.copy(source, folder)
    chosen = [f"tests/{name}" for name in SMOKE if (folder / "tests" / name).is_dir()]
    quick = ["-q", "-n", "2", "-p", "no:cacheprovider", "--hypothesis-profile=ci", "-m", "not slow and not sweep"]
    print(run([str(python), "-m", "pytest", *quick, *chosen], folder).splitlines()[-1])


def run(argv: list[str], folder: Path) -> str:
    """Run a program in a folder, with nothing that would lead it back to the sources; return what it printed."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "DAGCONTENT_"))}
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(argv)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
