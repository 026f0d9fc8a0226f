from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from dagcontent import api
from dagcontent.cli.starter import FILES

Run = Callable[..., Result]


def damage(store: Path) -> Path:
    """Change one byte of one blob."""
    blob = next(path for path in sorted((store / "cas").rglob("*")) if path.is_file())
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.chmod(0o600)
    blob.write_bytes(data)
    return blob


def test_damage_is_found_named_and_mended(run: Run, small: Path, here: Path) -> None:
    """Exit code 1 while something is wrong; nothing is changed unless that is asked for; the next build mends the rest."""
    assert run("build", "small.toml", "-q").exit_code == 0
    assert run("store", "verify").exit_code == 0
    blob = damage(here / "store")
    found = run("store", "verify")
    assert found.exit_code == 1
    assert "1 problem" in found.stderr
    assert found.stderr.splitlines()[-1] == "dagcontent store verify --repair"
    assert blob.exists()
    document = json.loads(run("store", "verify", "--json").stdout)
    assert (document["ok"], len(document["problems"])) == (False, 1)
    assert run("store", "verify", "--repair").exit_code == 0
    assert run("store", "verify").exit_code == 0
    assert run("build", "small.toml").exit_code == 0


def test_a_store_that_is_not_there_is_empty(run: Run, here: Path) -> None:
    """Asking makes nothing."""
    assert "not there yet" in run("store", "stats").stdout
    assert run("store", "verify").exit_code == 0
    assert run("store", "path").stdout == f"{here / 'store'}\n"
    assert not (here / "store").exists()


def test_stats_count(run: Run, small: Path) -> None:
    """Results by kind, files, bytes."""
    run("build", "small.toml", "-q")
    lines = [line.split() for line in run("store", "stats").stdout.splitlines()]
    assert ["results", "5"] in lines
    assert ["image.caption", "2"] in lines


def test_doctor_says_what_is_missing(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without ffmpeg is told so, with what to do; the exit code says that it is not ready."""
    assert run("doctor").exit_code == 0
    monkeypatch.setattr("dagcontent.media.ffmpeg.executable", lambda: str(here / "no-ffmpeg"))
    monkeypatch.setattr("dagcontent.media.ffmpeg._versions", {})
    found = run("doctor")
    assert found.exit_code == 1
    assert "not ready: ffmpeg" in found.stderr


UPKEEP = """[node.clip]
kind = "video.generate"
model = "fal/fal-ai/veo3"
prompt = "x"
duration = 9
[node.short]
kind = "video.generate"
model = "fal/fal-ai/veo3"
prompt = "x"
duration = 6
"""


def test_doctor_names_what_comes_after_a_model(run: Run, here: Path) -> None:
    """With its line, what the node costs there, and what it cannot take; as a warning, for the machine is well."""
    (here / "old.toml").write_text(UPKEEP, encoding="utf-8")
    found = run("doctor", "old.toml", COLUMNS="80")
    assert found.exit_code == 0
    told = found.stdout.partition("fal/fal-ai/veo3\n")[2]
    assert told.startswith(
        "  was retired on 2026-08-02; after it: fal/fal-ai/veo3.1\n"
        "  clip (old.toml:3): 1 request, nobody knows at what price\n"
        "    there it does not work as it is: `duration` is 9 s, and fal/fal-ai/veo3.1\n"
        "      takes 4, 6, 8 s\n"
        "  short (old.toml:8): 1 request, likely $? -> $2.400, at most $? -> $3.600\n"
        '  -> write model = "fal/fal-ai/veo3.1"\n'
    )
    document = json.loads(run("doctor", "old.toml", "--json").stdout)
    assert document["ok"] is True
    assert document["catalog"].keys() == {"models", "ending", "ended", "stale"}
    (model,) = document["models"]
    assert (model["gone"], model["successor"], [one["line"] for one in model["changes"]]) == (
        True,
        "fal/fal-ai/veo3.1",
        [3, 8],
    )
    assert model["changes"][1]["then_usd"] == {"low": "2.4", "expected": "2.4", "high": "3.6"}
    assert run("doctor", "--json").stdout.count('"models": null') == 1


def test_doctor_says_that_a_graph_cannot_be_read(run: Run, here: Path) -> None:
    """A machine on which that graph can be built is asked for: it is not, and `check` says why."""
    (here / "wrong.toml").write_text('[node.a]\nkind = "image.generat"\n', encoding="utf-8")
    found = run("doctor", "wrong.toml")
    assert found.exit_code == 1
    assert "dagcontent check wrong.toml" in found.stdout
    assert "not ready: graph" in found.stderr


def test_the_starter_has_no_mistake(run: Run, here: Path) -> None:
    """What `new` writes can be built at once, and nobody's file is ever replaced by it."""
    found = run("new", "My Film")
    assert found.stdout.splitlines()[-1] == "dagcontent build 'My Film/graph.toml'"
    assert {path.name for path in (here / "My Film").iterdir()} == set(FILES)
    assert api.load(here / "My Film" / "graph.toml").name == "my-film"
    (here / "My Film" / "graph.toml").write_text("mine", encoding="utf-8")
    again = run("new", "My Film")
    assert again.exit_code == 2
    assert "graph.toml, README.md, .gitignore already" in again.stderr
    assert (here / "My Film" / "graph.toml").read_text("utf-8") == "mine"


def test_new_writes_nothing_over_a_link(run: Run, here: Path) -> None:
    """Not even over one that leads nowhere."""
    (here / "d").mkdir()
    (here / "d" / "README.md").symlink_to(here / "elsewhere")
    assert run("new", "d").exit_code == 2
    assert not (here / "elsewhere").exists()
    assert not (here / "d" / "graph.toml").exists()


def test_parameters_come_from_words_and_files(run: Run, small: Path, here: Path) -> None:
    """`-p k=v` may hold `=`; `k=@FILE` takes a file; the last of a name wins."""
    (here / "place.txt").write_text("fjord", encoding="utf-8")
    for given, text in (("a=b", "a=b"), ("@place.txt", "fjord")):
        plan = json.loads(run("plan", "small.toml", "--json", "-p", "place=x", "-p", f"place={given}").stdout)
        assert f"A lantern on a {text} at dusk" in str(plan)


def test_pictures_go_to_files_and_need_no_store(run: Run, small: Path, here: Path) -> None:
    """The form follows the file's ending; without statuses nothing is looked up."""
    for name, start in (
        ("g.svg", "<svg"),
        ("g.mmd", "flowchart"),
        ("g.dot", "digraph"),
        ("g.json", "{"),
        ("g.txt", "line"),
    ):
        assert run("graph", "small.toml", "-o", name).exit_code == 0
        assert (here / name).read_text("utf-8").startswith(start)
    (here / "dagcontent.toml").write_text("wrong = 1\n", encoding="utf-8")
    assert run("graph", "small.toml", "--no-status", "--format", "mermaid").exit_code == 0
    assert run("graph", "small.toml", "--format", "mermaid").exit_code == 2


def test_an_old_result_is_shown_as_old(run: Run, small: Path) -> None:
    """After an edit the last result is still there to look at, and is not taken for today's."""
    assert run("show", "small.toml", "sheet").exit_code == 2
    run("build", "small.toml", "-q")
    assert "earlier" not in run("show", "small.toml", "sheet").stdout
    found = run("show", "small.toml", "sheet", "-p", "place=cliff")
    assert "of an earlier build; it would be made anew" in found.stdout
    assert found.stdout.splitlines()[-1] == "dagcontent why small.toml sheet -p place=cliff"
    assert "The sun goes down." in run("show", "small.toml", "line[dusk]").stdout
    assert json.loads(run("show", "small.toml", "sheet", "--json").stdout)["outputs"]


def test_only_makes_the_targets_alone(run: Run, small: Path) -> None:
    """With what it needs in the store, a target is made by itself."""
    assert run("build", "small.toml", "card", "--only", "-q").exit_code == 0
    found = json.loads(run("build", "small.toml", "titled[dusk]", "--only", "--json").stdout)
    assert (found["counts"]["ran"], found["counts"]["hit"]) == (1, 1)


def test_edited_outputs_are_kept_unless_told(run: Run, small: Path, here: Path) -> None:
    """What a person changed by hand is theirs."""
    run("build", "small.toml", "-q")
    (here / "out" / "sheet.png").write_bytes(b"mine")
    found = run("build", "small.toml")
    assert found.exit_code == 1
    assert "--overwrite-outputs" in found.stdout
    assert (here / "out" / "sheet.png").read_bytes() == b"mine"
    assert run("build", "small.toml", "--overwrite-outputs").exit_code == 0
    assert (here / "out" / "sheet.png").read_bytes() != b"mine"
