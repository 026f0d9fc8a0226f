"""The choices file: what it says, what is wrong with it, and edits that leave everything else of it alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.spec.choices_text import edited
from dagcontent.spec.load import load
from dagcontent.spec.source import locate_all, render

GRAPH = '[graph]\nname = "g"\n[node.film]\nkind = "text.generate"\nmodel = "local/outline"\nprompt = "x"\n'
D = {letter: f"sha256:{letter * 64}" for letter in "abcdef"}
GOLDEN = Path(__file__).with_name("choices.txt")
WRONG = f"""\
nodes = 1

[node]
other = 3

[node.film]
for = "{D["a"]}"
reroll = -1
pinn = "{D["a"]}"

[node."Film"]
reroll = true

[node."film[a]"]
pin = "abc"
approved = "{D["a"]}"
rejected = 3
note = 4

[profile.fast]
film = 1

[profile.fast.node.film]
reroll = "2"
"""


def loaded(folder: Path, choices: str) -> Any:
    """Load a graph with choices beside it."""
    (folder / "g.toml").write_text(GRAPH, encoding="utf-8")
    (folder / "g.choices.toml").write_text(choices, encoding="utf-8")
    return load(folder / "g.toml")


def test_entries_are_read_as_they_are_written(tmp_path: Path) -> None:
    """A decision that is not read is a decision lost; those of a profile hold in that profile alone."""
    text = f'[node.film]\nreroll = 2\n[node."film[a]"]\nfor = "{D["a"]}"\npin = "{D["b"]}"\npick = "{D["c"]}"\n[profile.p.node.film]\nreroll = 9\n'
    found = loaded(tmp_path, text)
    assert found.ok
    assert [(c.instance, c.node, c.about, c.reroll, c.pin, c.pick) for c in found.pipeline.choices] == [
        ("film", "film", None, 2, None, None),
        ("film[a]", "film", D["a"], 0, "b" * 64, "c" * 64),
    ]
    assert found.files[-1][0] == str(tmp_path / "g.choices.toml")


def test_what_is_wrong_is_said_at_its_line(tmp_path: Path, golden: bool) -> None:
    """People edit this file and merge it: all that is wrong with it comes in one pass, as in a graph."""
    found = loaded(tmp_path, WRONG)
    blocks = [render(located) for located in locate_all(found.sources, found.mistakes)]
    text = ("\n\n".join(blocks) + "\n").replace(f"{tmp_path}/", "")
    if golden:
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_a_file_that_cannot_be_parsed_or_read_is_a_mistake(tmp_path: Path) -> None:
    """A build without the decisions it is owed would buy what nobody wants."""
    assert not loaded(tmp_path, "[node.film\n").ok
    (tmp_path / "g.choices.toml").unlink()
    (tmp_path / "g.choices.toml").mkdir()
    found = load(tmp_path / "g.toml")
    assert [m.message for m in found.mistakes] == ["g.choices.toml cannot be read: not a file"]


# --- edits

COMMENTED = f"""\
# Ours. Ask before you change it.

# the first look
[node."still[intro]"]   # chosen in May
for = "{D["a"]}"
reroll = 1              # better hands
# better light too

# the night
[node."still[night]"]
reroll = 2
"""


@pytest.mark.parametrize(
    ("name", "entry", "expected"),
    [
        ("still[intro]", {"for": D["a"], "reroll": 12}, COMMENTED.replace("reroll = 1 ", "reroll = 12 ")),
        (
            "still[intro]",
            {"for": D["a"], "reroll": 1, "pin": D["b"]},
            COMMENTED.replace("better hands\n", f'better hands\npin = "{D["b"]}"\n'),
        ),
        ("still[intro]", {"for": D["a"]}, COMMENTED.replace("reroll = 1              # better hands\n", "")),
        (
            "still[day]",
            {"reroll": 3},
            COMMENTED.replace("# the first look", '[node."still[day]"]\nreroll = 3\n\n# the first look'),
        ),
        (
            "still[late]",
            {"reroll": 3},
            COMMENTED.replace("# the night", '[node."still[late]"]\nreroll = 3\n\n# the night'),
        ),
        ("zoom", {"pin": D["b"]}, COMMENTED + f'\n[node.zoom]\npin = "{D["b"]}"\n'),
        ("still[night]", {}, COMMENTED.replace('[node."still[night]"]\nreroll = 2\n', "")),
    ],
)
def test_an_edit_touches_its_own_lines_alone(name: str, entry: dict[str, Any], expected: str) -> None:
    """A comment is why somebody decided; and a small difference is one that two branches can merge."""
    assert edited(COMMENTED, ("node", name), entry) == expected


@pytest.mark.parametrize(
    "text",
    [
        '[node]\nfilm = { reroll = 1, pin = "x" } # short\nother.reroll = 2\n',
        "node.film.reroll = 1 # dotted\nnode.other.reroll = 2\n",
        "[node.film]\nreroll = 1",
        "[node.film]",
        "[node.other]\nreroll = 2\n[node.film]\n# nothing yet\n",
        "[profile.p.node.film]\nreroll = 1\n",
        "",
    ],
)
@pytest.mark.parametrize("entry", [{}, {"reroll": 7}, {"for": D["c"], "reroll": 2, "pin": D["d"]}])
def test_other_ways_of_writing_are_edited_as_well(text: str, entry: dict[str, Any]) -> None:
    """TOML has several forms of a table, and people write them all."""
    made = edited(text, ("node", "film"), entry)
    node = tomli.loads(made).get("node", {})
    assert node.get("film", {}) == entry
    assert node.get("other") == tomli.loads(text).get("node", {}).get("other")
    assert all(comment in made for comment in ("# dotted", "# nothing yet") if comment in text and entry)


NAMES = st.sampled_from(
    ["film", "still[a]", "still[b,take=0]", "still[b,take=10]", "clip['a b']", 'x["é"]', "a\\b", "voice"]
)
ENTRIES = st.fixed_dictionaries(
    {}, optional={"for": st.sampled_from(list(D.values())), "reroll": st.integers(1, 99), "pin": st.sampled_from(list(D.values()))}
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from([None, "p"]), NAMES, ENTRIES), max_size=12))
def test_any_edits_leave_the_last_word_on_each_entry(steps: list[tuple[str | None, str, dict[str, Any]]]) -> None:
    """However often people decide, the file says what was decided last, and every comment is still there."""
    text = "# head\n\n[node.film] # kept\nreroll = 1 # once\n\n# about q\n[node.q]\nreroll = 5\n"
    said: dict[tuple[str | None, str], dict[str, Any]] = {(None, "film"): {"reroll": 1}, (None, "q"): {"reroll": 5}}
    for profile, name, entry in steps:
        text = edited(text, ("node", name) if profile is None else ("profile", profile, "node", name), entry)
        said[profile, name] = entry
        document = tomli.loads(text)
        for (where, which), wanted in said.items():
            table = document if where is None else document.get("profile", {}).get(where, {})
            assert table.get("node", {}).get(which, {}) == wanted
        assert text.startswith("# head\n")
        assert "# about q\n[node.q]\nreroll = 5\n" in text
    order = [name for name in tomli.loads(text)["node"] if name != "film"]  # which stood where it stands before
    assert order == sorted(order)


@given(st.permutations(["a", "b", "c", "d"]), st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_decisions_does_not_show(one: list[str], other: list[str]) -> None:
    """Two branches that decide the same have the same file: there is nothing to merge."""
    texts = []
    for names in (one, other):
        text = ""
        for name in names:
            text = edited(text, ("node", f"still[{name}]"), {"reroll": ord(name)})
        texts.append(text)
    assert texts[0] == texts[1]


GRAPH = """
[graph]
name = "g"
[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
prompt = "x"
takes = 2
[profile.wide]
inherit = "draft"
"""
PIN = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("profile", "expected"), [(None, [(1, "0" * 64)]), ("draft", [(2, None)]), ("wide", [(3, None)])]
)
def test_each_profile_has_its_own_choices(
    tmp_path: Path, profile: str | None, expected: list[tuple[int, str | None]]
) -> None:
    """What was decided about the dear pictures says nothing of a draft's; and a draft keeps no pins."""
    graph = tmp_path / "g.toml"
    graph.write_text(GRAPH, encoding="utf-8")
    tables = [f'[{table}node."still[take=0]"]\nreroll = {n}\npin = "{PIN}"\n' for n, table in
              ((1, ""), (2, "profile.draft."), (3, "profile.wide."))]  # fmt: skip
    graph.with_name("g.choices.toml").write_text("\n".join(tables), encoding="utf-8")
    read = load(graph, profile=profile)
    assert not read.mistakes
    assert [(choice.reroll, choice.pin) for choice in read.pipeline.choices] == expected
