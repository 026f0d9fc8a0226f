from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image

from dagcontent import api

WAITS = """\
[graph]
name = "waits for/you"

[each]
scene = ["a"]

[node.still]
kind = "image.generate"
each = "scene"
model = "local/card"
prompt = "A hill"
size = "64x64"
takes = 2

[node.best]
kind = "select"
each = "scene"
from = "${still[scene]}"
by = "human"

[node.framed]
kind = "image.resize"
each = "scene"
image = "${best[scene]}"
width = 32
"""

SETTLED = """\
[graph]
name = "settled"

[node.wide]
kind = "image.generate"
model = "local/card"
prompt = "A hill"
size = "64x48"

[node.check]
kind = "assert"
value = "${wide.width}"
equals = 5

[node.one]
kind = "image.generate"
model = "local/card"
prompt = "One"
size = "64x48"
needs = "check"

[node.two]
kind = "image.generate"
model = "local/card"
prompt = "Two"
size = "64x48"

[node.three]
kind = "image.generate"
model = "local/card"
prompt = "Three"
size = "64x48"

[node.taken]
kind = "fallback"
of = ["${one}", "${two}", "${three}"]

[node.ok]
kind = "gate"
title = "Is this the one?"
show = "${taken}"

[node.framed]
kind = "image.resize"
image = "${ok}"
width = 32
"""


def inside(folder: Path) -> dict[str, tuple[int, int]]:
    """What stands below a folder, with sizes and times."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix != ".db-shm"
        and "side" not in path.relative_to(folder).parts  # may be thrown away
    }


def test_a_page_and_its_media(small: Path, run: Callable[..., Result]) -> None:
    """The page is there, its media beside it; the store is as it was."""
    assert run("build", str(small)).exit_code == 0
    before = inside(small.parent / "store")
    found = run("gallery", "small.toml")
    assert found.exit_code == 0
    assert found.stdout.startswith("out/gallery/small.html   ")
    assert "7 results, 5 artifacts" in found.stdout
    assert "5 files added" in found.stdout
    assert inside(small.parent / "store") == before
    media = list((small.parent / "out" / "gallery" / "media").iterdir())
    assert len(media) == 5
    page = (small.parent / "out" / "gallery" / "small.html").read_text(encoding="utf-8")
    assert all(f"media/{one.name}" in page for one in media)
    assert str(small.parent) not in page  # it is shown to others
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((small.parent / "out" / "gallery" / "small.html").stat().st_mode) == 0o666 & ~umask


def test_media_are_copies(small: Path, run: Callable[..., Result]) -> None:
    """Whoever crops a picture beside the page must not have cropped the store's."""
    run("build", str(small))
    run("gallery", str(small))
    for path in (small.parent / "out" / "gallery" / "media").iterdir():
        assert path.stat().st_nlink == 1
        path.write_bytes(b"cropped")
    assert run("store", "verify").exit_code == 0
    again = json.loads(run("gallery", str(small), "--json").stdout)
    assert again["files"]["added"] == 5  # they are put right


def test_a_second_page_adds_what_is_new(small: Path, run: Callable[..., Result]) -> None:
    """A gallery of gigabytes is brought up to date in a moment."""
    run("build", str(small))
    first = json.loads(run("gallery", str(small), "--json").stdout)
    assert (first["files"]["added"], first["files"]["all"], first["files"]["gone"]) == (5, 5, 0)
    media = inside(Path(first["media"]))
    assert json.loads(run("gallery", str(small), "--json").stdout)["files"]["added"] == 0
    assert inside(Path(first["media"])) == media
    small.write_text(small.read_text(encoding="utf-8").replace("calm sea", "wild sea"), encoding="utf-8")
    run("build", str(small))
    assert json.loads(run("gallery", str(small), "--json").stdout)["files"]["added"] == 3


def test_before_anything_is_built(small: Path, run: Callable[..., Result]) -> None:
    """No store, no run: the page says what is to come, and how."""
    found = json.loads(run("gallery", str(small), "--json").stdout)
    assert (found["results"], found["artifacts"], found["run"]) == (7, 0, None)
    page = Path(found["page"]).read_text(encoding="utf-8")
    assert "5 results still to come" in page
    assert f"dagcontent build {small}" in page
    assert not (small.parent / "store").exists()


def test_an_edit_shows_what_was_made_before(small: Path, run: Callable[..., Result]) -> None:
    """Between an edit and the next build there is something to look at: the last results, said to be so."""
    run("build", str(small))
    small.write_text(small.read_text(encoding="utf-8").replace("calm sea", "wild sea"), encoding="utf-8")
    page = Path(json.loads(run("gallery", str(small), "--json").stdout)["page"]).read_text(encoding="utf-8")
    assert page.count("of an earlier build") == 3
    assert "A calm sea at dawn" in page
    assert "picture edited" in page or "prompt edited" in page
    assert f"dagcontent why {small}" in page


def test_bytes_that_are_gone(small: Path, run: Callable[..., Result]) -> None:
    """The page is made all the same, and says what is missing."""
    run("build", str(small))
    sheet = json.loads(run("show", str(small), "sheet", "--json").stdout)["artifacts"][0]
    Path(sheet["path"]).unlink()
    found = run("gallery", str(small))
    assert found.exit_code == 0
    assert "1 artifact shown without content" in found.stderr
    page = (small.parent / "out" / "gallery" / "small.html").read_text(encoding="utf-8")
    assert "its bytes are not in the store any more" in page


def test_what_waits_for_a_person(here: Path, run: Callable[..., Result]) -> None:
    """A page is how one looks at candidates: each stands there with the command that takes it."""
    graph = here / "waits.toml"
    graph.write_text(WAITS, encoding="utf-8")
    assert run("build", str(graph)).exit_code == 5
    found = json.loads(run("gallery", "waits.toml", "--json").stdout)
    assert found["page"].endswith("/out/gallery/waits-for-you.html")
    page = Path(found["page"]).read_text(encoding="utf-8")
    for position in (0, 1):
        assert f"dagcontent pick waits.toml best[a] #{position}" in page.replace("&#x27;", "")
    run("pick", str(graph), "best[a]", "#1")
    run("build", str(graph))
    page = Path(json.loads(run("gallery", "waits.toml", "--json").stdout)["page"]).read_text(encoding="utf-8")
    assert page.count('class="card is-chosen"') == 1
    assert "picked by a person" in page
    assert "still to come" not in page


def test_what_a_person_made(small: Path, here: Path, run: Callable[..., Result]) -> None:
    """Nobody is to take a retouched picture for a model's: the page says whose it is, and how to go back."""
    Image.new("RGB", (64, 64), (200, 30, 30)).save(here / "red <i>.png")
    assert run("build", str(small)).exit_code == 0
    assert run("replace", "small.toml", "card[dawn]", "red <i>.png").exit_code == 0
    for _ in ("planned", "built"):
        page = Path(json.loads(run("gallery", "small.toml", "--json").stdout)["page"]).read_text(encoding="utf-8")
        card = page.partition('id="card[dawn]"')[2].partition("</article>")[0]
        assert "made by a person: red &lt;i&gt;.png" in card
        assert "dagcontent replace small.toml --undo" in card
        assert "dagcontent reroll" not in card
        assert "local/card" not in card.partition("<h4")[0]
        assert run("build", "small.toml").exit_code == 0


def test_what_a_person_settled_and_who_serves(here: Path, run: Callable[..., Result]) -> None:
    """A gate says what was said of it and why; a fallback who serves, and nobody misses what was passed over for it."""
    graph = here / "settled.toml"
    graph.write_text(SETTLED, encoding="utf-8")

    def page() -> str:
        found = json.loads(run("gallery", "settled.toml", "--json").stdout)
        return re.sub(r"<[^>]*>", "", Path(found["page"]).read_text(encoding="utf-8").partition("<body>")[2])

    assert run("build", str(graph)).exit_code == 5
    text = page()
    assert "a person is to approve: Is this the one?" in text
    assert text.count("dagcontent approve settled.toml ok") == 2  # at the gate, and on top
    assert text.count("dagcontent reject settled.toml ok --note WHY") == 2
    assert "goes on, once that is decided" in text
    assert "2 results still to come" in text
    assert "served by two passed over: one" in text
    assert "another alternative serves" in text
    run("reject", str(graph), "ok", "--note", "Too dark")
    text = page()
    assert "rejected by a person" in text
    assert "a person rejected what it shows: Too dark" in text
    assert "lets it through after all" in text
    run("approve", str(graph), "ok")
    assert run("build", str(graph)).exit_code == 0
    text = page()
    assert "approved by a person" in text
    assert "still to come" not in text
    assert "dagcontent approve" not in text


def test_profiles_have_pages_of_their_own(small: Path, run: Callable[..., Result]) -> None:
    """A draft beside the real one; their media are one folder."""
    run("build", str(small), "--draft")
    found = json.loads(run("gallery", str(small), "--draft", "--json").stdout)
    assert found["page"].endswith("/small.draft.html")
    assert found["profile"] == "draft"


@pytest.mark.parametrize("place", ["site", "site/index.html", "a/b/c"])
def test_another_place(small: Path, run: Callable[..., Result], place: str) -> None:
    """A folder, or the page itself."""
    run("build", str(small))
    found = json.loads(run("gallery", str(small), "-o", place, "--json").stdout)
    wanted = small.parent / place
    assert Path(found["page"]) == (wanted if wanted.suffix else wanted / "small.html")
    assert len(list(Path(found["page"]).parent.joinpath("media").iterdir())) == 5


def test_a_page_of_somebody_else_is_not_replaced(small: Path, run: Callable[..., Result]) -> None:
    """`-o site/index.html` is a slip away from the front page of a site."""
    page = small.parent / "index.html"
    page.write_text("<h1>Mine</h1>", encoding="utf-8")
    found = run("gallery", str(small), "-o", "index.html")
    assert found.exit_code == 2
    assert "is no gallery" in found.stderr
    assert page.read_text(encoding="utf-8") == "<h1>Mine</h1>"
    assert not (small.parent / "media").exists()


def test_a_place_that_cannot_be_written(small: Path, run: Callable[..., Result]) -> None:
    """Said in words, with what to do."""
    (small.parent / "site").write_text("a file", encoding="utf-8")
    run("build", str(small))
    found = run("gallery", str(small), "-o", "site")
    assert found.exit_code == 2
    assert "-o" in found.stderr


def test_a_long_text_is_cut_and_all_of_it_is_there(here: Path, run: Callable[..., Result]) -> None:
    """A novel in a page would choke it; it is a click away."""
    graph = here / "long.toml"
    text = "lantern " * 5_000
    graph.write_text(
        f'[graph]\nname = "long"\n[node.words]\nkind = "text.template"\ntext = "{text}"\n', encoding="utf-8"
    )
    found = json.loads(run("gallery", str(graph), "--json").stdout)
    (file,) = Path(found["media"]).iterdir()
    assert file.read_text(encoding="utf-8") == text
    assert found["size_bytes"] < 60_000


def test_a_program_needs_no_words(small: Path, here: Path) -> None:
    """The same from Python, without a terminal's words."""
    api.build(small, store=here / "store")
    made = api.write_gallery(small, here / "page", store=here / "store")
    assert made.artifacts == 5
    assert Path(made.page) == here / "page" / "small.html"


def test_no_viewer_is_no_failure(small: Path, run: Callable[..., Result]) -> None:
    """On a server `--open` makes the page, and says why nobody sees it."""
    found = run("gallery", str(small), "--open", DISPLAY="", WAYLAND_DISPLAY="")
    assert found.exit_code == 0
    assert "was not opened: there is no" in found.stderr
