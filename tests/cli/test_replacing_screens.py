from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from click.testing import Result
from PIL import Image

from .conftest import SMALL
from .test_json import valid

Run = Callable[..., Result]
Same = Callable[[str, str], None]


def test_a_file_of_ones_own_on_a_screen(run: Run, small: Path, here: Path, same: Same) -> None:
    """Word for word: a picture is replaced, what follows is made, who made it is said; and wrong input is met with words."""
    Image.new("RGB", (64, 64), (200, 30, 30)).save(here / "red.png")
    (here / "note.txt").write_text("only words", encoding="utf-8")
    screens: list[str] = []

    def see(*args: str) -> None:
        found = run(*args)
        screens.append(f"== {' '.join(args)}\n{found.stdout}{found.stderr}[{found.exit_code}]\n")

    run("build", "small.toml")
    see("replace", "small.toml", "card[dawn]", "red.png")
    see("replace", "small.toml", "card[dawn]", "red.png")
    see("plan", "small.toml")
    run("build", "small.toml")
    see("show", "small.toml", "card[dawn]")
    see("takes", "small.toml", "card[dawn]")
    see("why", "small.toml", "card[dawn]")
    small.write_text(SMALL.replace('size = "64x64"', 'size = "96x64"'), encoding="utf-8")
    see("plan", "small.toml")
    see("show", "small.toml", "card[dawn]")
    see("reroll", "small.toml", "card[dawn]")
    see("pin", "small.toml", "card[dawn]")
    for args in (
        ["card[dawn]", "note.txt"], ["card", "red.png"], ["line[dawn]", "note.txt"], ["no", "red.png"], ["card[dawn]", "none.png"],
        ["card[dawn]"], ["card[dawn]", "red.png", "--undo"], ["card[dawn]", "."],
    ):  # fmt: skip
        see("replace", "small.toml", *args)
    see("replace", "small.toml", "card[dawn]", "red.png", "--store", "elsewhere", "-q")
    see("replace", "--undo", "small.toml", "card[dawn]")
    see("replace", "--undo", "small.toml", "card[dawn]")
    text = re.sub(r"cas/[0-9a-f]{2}/[0-9a-f]{62}", "cas/DIGEST", "\n".join(screens))
    same("replacing.txt", re.sub(r"key      [0-9a-f]{64}", "key      KEY", text))


def test_documents_say_what_a_person_gave(run: Run, small: Path, here: Path) -> None:
    """Programs know it from a result that was made: plan, build, show and takes."""
    Image.new("RGB", (64, 64), (200, 30, 30)).save(here / "red.png")
    run("build", "small.toml")
    done = json.loads(run("replace", "small.toml", "card[dawn]", "red.png", "--json").stdout)
    (node,) = done["nodes"]
    assert (node["node"], node["file"], node["was"], done["changed"]) == ("card[dawn]", "red.png", None, True)
    for _ in range(2):  # the second is answered from a memo
        made = valid("build", json.loads(run("build", "small.toml", "--json").stdout))
        row = next(row for row in made["nodes"] if row["node"] == "card[dawn]")
        assert (row["status"], row["replaced"], row["digest"]) == ("pinned", "red.png", node["replaced"])
        plan = valid("plan", json.loads(run("plan", "small.toml", "--json").stdout))
        row = next(row for row in plan["nodes"] if row["node"] == "card[dawn]")
        assert (row["status"], row["stale"], row["replaced"]) == ("pinned", False, "red.png")
    shown = json.loads(run("show", "small.toml", "card[dawn]", "--json").stdout)["replaced"]
    assert (shown["file"], shown["stale"], shown["instead_of"]) == ("red.png", False, node["instead_of"])
    assert Path(shown["artifacts"][0]["path"]).is_file()
    rows = json.loads(run("takes", "small.toml", "card[dawn]", "--json").stdout)["nodes"][0]["results"]
    assert sorted((row["file"] or "", row["now"]) for row in rows) == [("", False), ("red.png", True)]
