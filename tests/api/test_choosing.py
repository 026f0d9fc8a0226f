"""Reroll, pin and unpin, end to end: what is written, what the next build makes of it, and what it costs to go back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dagcontent import api
from dagcontent.errors import ConfigError, UsageError

GRAPH = """
[graph]
name = "lines"
[each]
scene = [{ id = "sun", text = "a hare" }, { id = "moon", text = "an owl" }]
[node.line]
kind = "text.generate"
model = "local/outline"
each = "scene"
takes = 2
prompt = "One sentence about ${scene.text}."
[node.all]
kind = "text.generate"
model = "local/outline"
prompt = "Shorter: ${line}"
output = "all"
[node.plain]
kind = "text.template"
text = "${all}"
"""


class Bench:
    """A graph in a folder, and its store."""

    def __init__(self, folder: Path) -> None:
        self.graph, self.store, self.choices = folder / "g.toml", folder / "store", folder / "g.choices.toml"
        self.write(GRAPH)

    def write(self, text: str) -> None:
        self.graph.write_text(text, encoding="utf-8")

    def made(self, *targets: str) -> list[str]:
        """Build; return what was made."""
        self.result = api.build(self.graph, targets, store=self.store)
        assert self.result.status == "ok"
        return [node.node for node in self.result.nodes if node.status == "ran"]

    def digests(self) -> dict[str, str | None]:
        return {node.node: node.digest for node in self.result.nodes}

    def status(self) -> dict[str, str]:
        return {row.node: row.status for row in api.plan(self.graph, store=self.store).rows}

    def values(self) -> dict[str, Any]:
        names = [*self.status()]
        return {name: api.show(self.graph, name, store=self.store).value for name in names}

    def reroll(self, *names: str, to: int | None = None) -> list[tuple[str, int, bool | None]]:
        found = api.reroll(self.graph, names, to=to, store=self.store)
        return [(row.node, row.now, row.made) for row in found.nodes]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_reroll_makes_one_instance_and_what_follows_and_going_back_is_free(bench: Bench) -> None:
    """The creative loop: another one, please; no, the one before; and the one before that one again."""
    bench.made()
    first = bench.values()
    assert bench.reroll("line[sun,take=1]") == [("line[sun,take=1]", 1, False)]
    assert bench.status() == dict.fromkeys(first, "hit") | {"line[sun,take=1]": "run", "all": "maybe"}
    assert sorted(bench.made()) == ["all", "line[sun,take=1]"]
    second = bench.values()
    changed = {name for name in first if first[name] != second[name]}
    assert changed == {"all", "line[sun,take=1]"}
    assert bench.reroll("line[sun,take=1]", to=0) == [("line[sun,take=1]", 0, True)]
    assert not bench.made()
    assert bench.values() == first
    assert bench.reroll("line[sun,take=1]") == [("line[sun,take=1]", 2, False)], "1 is there already"
    bench.reroll("line[sun,take=1]", to=1)
    assert not bench.made()
    assert bench.values() == second


def test_an_edit_by_hand_is_as_good(bench: Bench) -> None:
    """The file is the truth, whoever writes it: taking an entry out goes back."""
    bench.made()
    bench.reroll("all")
    assert bench.made() == ["all"]
    bench.choices.write_text("[node.all]\nreroll = 5\n", encoding="utf-8")
    assert bench.made() == ["all"]
    bench.choices.unlink()
    assert not bench.made()


def test_several_are_chosen_by_brackets_and_never_by_a_bare_name(bench: Bench) -> None:
    """A slip of the pen must not have a whole fan-out made anew."""
    bench.made()
    with pytest.raises(ConfigError, match="has 4 instances"):
        bench.reroll("line")
    assert [name for name, _, _ in bench.reroll("line[moon]", "all")] == [
        "line[moon,take=0]",
        "line[moon,take=1]",
        "all",
    ]
    assert [name for name, _, _ in bench.reroll("line[take=1]")] == ["line[sun,take=1]", "line[moon,take=1]"]
    with pytest.raises(ConfigError, match=r"no instance `line\[mars\]`"):
        bench.reroll("line[mars]")
    with pytest.raises(UsageError, match="gives the same every time"):
        bench.reroll("plain")


def test_a_choice_goes_along_with_a_label_and_stays_behind_with_what_it_was_about(bench: Bench) -> None:
    """A new name for a scene must not buy it again; what was decided about another text is not about this one."""
    bench.made()
    bench.reroll("line[sun,take=0]")
    bench.made()
    bench.write(GRAPH.replace('"sun"', '"dawn"'))
    assert not bench.made()
    assert bench.result.warnings == (
        "g.choices.toml:3: line[sun,take=0] is line[dawn,take=0] now: what was decided about it went along",
    )
    bench.reroll("line[moon,take=0]", to=0)
    assert list(_entries(bench)) == ["line[dawn,take=0]"], "whoever writes gives it its name of today"
    bench.write(GRAPH.replace('"sun"', '"dawn"').replace("a hare", "a fox"))
    assert bench.status()["line[dawn,take=0]"] == "run"
    plan = api.plan(bench.graph, store=bench.store)
    assert plan.warnings == (
        "g.choices.toml:3: what was decided about line[dawn,take=0] was about something else: it is not applied",
    )
    bench.made()
    bench.reroll("line[dawn,take=0]")
    assert _entries(bench)["line[dawn,take=0]"]["reroll"] == 1
    assert not api.plan(bench.graph, store=bench.store).warnings


def test_labels_that_change_places_take_their_choices_with_them(bench: Bench) -> None:
    """The hardest of renames: each entry names an instance that exists, and neither fits it."""
    bench.made()
    bench.reroll("line[sun,take=0]", to=3)
    bench.reroll("line[moon,take=0]", to=4)
    bench.made()
    before = {name: entry["for"] for name, entry in _entries(bench).items()}
    bench.write(GRAPH.replace('"sun"', '"x"').replace('"moon"', '"sun"').replace('"x"', '"moon"'))
    assert not bench.made()
    bench.reroll("all", to=0)
    after = _entries(bench)
    assert {name: entry["reroll"] for name, entry in after.items()} == {"line[sun,take=0]": 4, "line[moon,take=0]": 3}
    assert after["line[sun,take=0]"]["for"] == before["line[moon,take=0]"]
    assert not bench.made()


def test_what_is_pinned_is_never_made_and_says_when_its_inputs_have_moved(bench: Bench) -> None:
    """The picture that the client has seen stays, whatever becomes of the text; free again, it is what it was before."""
    bench.made()
    first = bench.values()
    with pytest.raises(UsageError, match="nothing to decide"):
        api.pin(bench.graph, ["plain"], store=bench.store)
    api.pin(bench.graph, ["all"], store=bench.store)
    assert bench.status()["all"] == "pinned"
    assert not bench.made()
    edited = GRAPH.replace("a hare", "a fox")
    bench.write(edited)
    assert bench.made() == ["line[sun,take=0]", "line[sun,take=1]"]
    assert bench.values()["all"] == first["all"]
    for _ in range(2):  # the second time by the memo
        rows = {row.node: row for row in api.plan(bench.graph, store=bench.store).rows}
        assert (rows["all"].status, rows["all"].stale, rows["all"].key is not None) == ("pinned", True, True)
        assert [diff.field for diff in rows["all"].why] in (["params.prompt"], [])  # a memo keeps no differences
        assert not bench.made()
        assert bench.result.counts["pinned"] == 1
        assert [(n.node, n.stale) for n in bench.result.nodes if n.status == "pinned"] == [("all", True)]
    with pytest.raises(UsageError, match="all is pinned"):
        bench.reroll("all")
    api.unpin(bench.graph, ["all"], store=bench.store)
    assert bench.made() == ["all"]
    bench.write(GRAPH)
    assert not bench.made()
    assert bench.values() == first


def test_inputs_of_what_is_pinned_are_not_asked_for(bench: Bench) -> None:
    """Whoever asks for the film alone does not pay for clips that it will not use."""
    bench.made()
    api.pin(bench.graph, ["all"], store=bench.store)
    bench.write(GRAPH.replace("sentence", "word"))
    assert not bench.made("all")
    row = next(row for row in api.plan(bench.graph, ["all"], store=bench.store).rows if row.node == "all")
    assert (row.status, row.stale) == ("pinned", None)


def test_what_the_last_build_made_can_be_pinned_after_an_edit(bench: Bench) -> None:
    """One sees that it was better when it is about to change."""
    bench.made()
    first = bench.values()["all"]
    bench.write(GRAPH.replace("Shorter", "Longer"))
    found = api.pin(bench.graph, ["all"], store=bench.store)
    assert [(row.node, row.old) for row in found.nodes] == [("all", True)]
    assert not bench.made()
    assert bench.values()["all"] == first


def test_a_pin_to_what_is_not_there_fails_and_makes_nothing(bench: Bench, tmp_path: Path) -> None:
    """Another store has not the result: making another one would be the thing that the pin forbids."""
    bench.made()
    api.pin(bench.graph, ["all"], store=bench.store)
    result = api.build(bench.graph, store=tmp_path / "other")
    assert result.status == "failed"
    (failed,) = result.failed
    assert (failed.node, failed.error) == ("all", "the result that it is pinned to is not in this store")
    with pytest.raises(UsageError, match="no result yet"):
        api.pin(bench.graph, ["line[sun,take=0]"], store=tmp_path / "empty")


def test_a_pin_to_what_another_kind_made_fails(bench: Bench) -> None:
    """A picture cannot stand where there is a clip now."""
    bench.made()
    api.pin(bench.graph, ["all"], store=bench.store)
    cut = GRAPH[: GRAPH.index("[node.plain]")]
    bench.write(
        cut.replace(
            '[node.all]\nkind = "text.generate"\nmodel = "local/outline"',
            '[node.all]\nkind = "image.generate"\nmodel = "local/card"',
        )
    )
    assert [node.error for node in api.build(bench.graph, store=bench.store).failed] == [
        "it is pinned to what text.generate made, and is image.generate now"
    ]


def test_takes_lists_what_there_ever_was(bench: Bench) -> None:
    """To go back one has to know where one has been: each sample, each edit of the text, what is used now and what is kept.
    What is free is written down nowhere: another node's results are not taken for this one's.
    """
    text = '[node.all]\nkind = "text.generate"\nmodel = "local/outline"\nprompt = "Shorter, please."\n'
    bench.write(text)
    bench.made()
    bench.reroll("all")
    bench.made()
    bench.write(text.replace("Shorter", "Longer"))
    bench.made()
    (found,) = api.takes(bench.graph, "all", store=bench.store)
    assert found.node == "all"
    rows = [(row.reroll, row.now, row.there, [(d.field, d.old) for d in row.differs]) for row in found.rows]
    shorter = [("params.prompt", "Shorter, please.")]
    assert rows == [(1, True, True, []), (1, False, True, shorter), (0, False, True, shorter)]
    assert found.rows[1].differs[0].lines == ((str(bench.graph), 4),)
    api.pin(bench.graph, ["all"], store=bench.store)
    assert [row.pinned for row in api.takes(bench.graph, "all", store=bench.store)[0].rows] == [True, False, False]
    bench.write(GRAPH)
    bench.choices.unlink()
    bench.made()
    names = [one.node for one in api.takes(bench.graph, "line[sun]", store=bench.store)]
    assert names == ["line[sun,take=0]", "line[sun,take=1]"]
    assert [len(one.rows) for one in api.takes(bench.graph, "line", store=bench.store)] == [1, 1, 1, 1]
    assert [len(one.rows) for one in api.takes(bench.graph, "all", store=bench.store)] == [1]
    with pytest.raises(UsageError, match="plain has no results"):
        api.takes(bench.graph, "plain", store=bench.store)


def test_entries_of_what_is_gone_are_told_of(bench: Bench) -> None:
    """Nobody cleans up what is never mentioned."""
    bench.choices.write_text('[node."line[mars,take=0]"]\nreroll = 1\n[node.lime]\nreroll = 1\n', encoding="utf-8")
    bench.made()
    assert bench.result.warnings[0].endswith("there is no node `lime`: what was decided about it is not applied")
    assert bench.result.warnings[1:] == (
        "g.choices.toml:1: there is no line[mars,take=0] any more: what was decided about it is not applied",
    )


WRITER = """
import sys
from dagcontent.api.choices_file import write_choices
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
for number in range(count):
    write_choices(path, "g.toml", [(("node", f"{name}[{number}]"), lambda entry: {**entry, "reroll": number + 1})])
"""


@pytest.mark.slow
def test_two_who_decide_at_one_moment_lose_nothing(tmp_path: Path) -> None:
    """Two windows on one graph: each reads what the other wrote a moment before."""
    path = tmp_path / "g.choices.toml"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, name, "12"]) for name in ("a", "b", "c")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    import tomli

    node = tomli.loads(path.read_text(encoding="utf-8"))["node"]
    assert node == {f"{name}[{n}]": {"reroll": n + 1} for name in "abc" for n in range(12)}
    assert list(node) == sorted(node)
    assert [p.name for p in tmp_path.iterdir()] == ["g.choices.toml"]


def _entries(bench: Bench) -> dict[str, dict[str, Any]]:
    import tomli

    found: dict[str, dict[str, Any]] = tomli.loads(bench.choices.read_text(encoding="utf-8")).get("node", {})
    return found


def test_what_is_written_is_the_same_whoever_writes_it(bench: Bench, golden: bool) -> None:
    """The file is committed: it is an interface to people and to their tools."""
    bench.made()
    bench.reroll("line[moon,take=1]", to=2)
    api.pin(bench.graph, ["all"], store=bench.store)
    bench.choices.write_text(bench.choices.read_text().replace("reroll = 2", "reroll = 2  # the owl looks at us"))
    bench.reroll("line[moon]")
    expected = Path(__file__).with_name("golden.choices.toml")
    text = bench.choices.read_text(encoding="utf-8")
    if golden:
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    jsonschema = pytest.importorskip("jsonschema")
    from dagcontent.spec.choices_schema import choices_schema

    jsonschema.validate(json.loads(json.dumps(__import__("tomli").loads(text))), choices_schema())


def test_ends_of_lines_and_a_mark_at_the_beginning_stay(bench: Bench) -> None:
    """Editors of other systems write them, and a difference in every line is no difference that one can read."""
    bench.choices.write_bytes(b"\xef\xbb\xbf# ours\r\n[node.all]\r\nreroll = 1\r\n")
    bench.choices.chmod(0o664)
    bench.reroll("all", to=2)
    assert bench.choices.read_bytes() == b"\xef\xbb\xbf# ours\r\n[node.all]\r\nreroll = 2\r\n"
    assert bench.choices.stat().st_mode & 0o777 == 0o664
