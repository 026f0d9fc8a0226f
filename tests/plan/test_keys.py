"""Keys of linked nodes, frozen: a key that changes makes everybody's results anew, and later buys them again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from oracle import values as oracle
from oracle.little import Little

from dagcontent.plan.action import Action
from dagcontent.values.record import Done
from dagcontent.values.value import Blob, Digest

GOLDEN = Path(__file__).with_name("golden_node_keys.json")
PRELUDE = '[params]\nword = "lantern"\n[each]\nscene = [{ id = "a", text = "one" }, { id = "b", text = "two" }]\n'
NODES = {
    "literal": 'kind = "test.echo"\ntext = "a lantern"',
    "joined from a parameter": 'kind = "test.echo"\ntext = "a ${params.word}"',
    "a default written out": 'kind = "test.echo"\ntext = "a lantern"\ntimes = 1',
    "another than the default": 'kind = "test.echo"\ntext = "a lantern"\ntimes = 2',
    "everything that is in no key": 'kind = "test.echo"\ntext = "a lantern"\ntimeout = "3m"\nretries = 9\noutput = "x"\ntags = { act = "one" }\non_error = "skip"\noptional = ["extra"]\nneeds = "other"\nwhen = true',
    "a seed": 'kind = "test.echo"\ntext = "a lantern"\nseed = 7',
    "options": 'kind = "test.echo"\ntext = "a lantern"\noptions = { steps = 4 }',
    "fresh in every run": 'kind = "test.echo"\ntext = "a lantern"\ncache = "run"',
    "the first of several": 'kind = "test.echo"\ntext = "a lantern"\ntakes = 1',
    "text by a model": 'kind = "text.generate"\nmodel = "local/outline"\nprompt = "a lantern"',
    "text in a form": 'kind = "text.generate"\nmodel = "local/outline"\nprompt = "a lantern"\nreturns = { title = "text", "note" = "text?" }',
    "the form as a schema": 'kind = "text.generate"\nmodel = "local/outline"\nprompt = "a lantern"\nschema = SCHEMA',
    "a picture": 'kind = "image.generate"\nmodel = "local/card"\nprompt = "a lantern"\naspect = "9:16"',
    "speech": 'kind = "speech.generate"\nmodel = "local/espeak"\ntext = "a lantern"\nvoice = "en"',
    "a number for a number": 'kind = "test.listen"\nsounds = []\nseconds = 2',
    "the same as a fraction": 'kind = "test.listen"\nsounds = []\nseconds = 2.0',
    "a list": 'kind = "test.join"\nparts = ["a", "${params.word}"]',
    "a list of one as a text": 'kind = "test.join"\nparts = "a"',
    "a list of one": 'kind = "test.join"\nparts = ["a"]',
    "layers": 'kind = "image.compose"\nwidth = 3\nheight = 3\nlayers = [{ color = "#fff", opacity = 1 }, { text = "a ${params.word}", box = [0, 0, 3, 3] }]',
    "layers with defaults written out": 'kind = "image.compose"\nwidth = 3\nheight = 3\nlayers = [{ color = "#fff", opacity = 1.0, position = "center", fit = "contain" }, { text = "a lantern", box = [0, 0, 3, 3] }]',
    "layers with defaults left out": 'kind = "image.compose"\nwidth = 3\nheight = 3\nlayers = [{ color = "#fff" }, { text = "a lantern", box = [0, 0, 3, 3] }]',
    "a layer alone": 'kind = "image.compose"\nwidth = 3\nheight = 3\nlayers = { color = "#fff" }',
    "a list of one layer": 'kind = "image.compose"\nwidth = 3\nheight = 3\nlayers = [{ color = "#fff" }]',
    "a layer half seen": 'kind = "image.compose"\nwidth = 3\nheight = 3\nlayers = [{ color = "#fff", opacity = 0.5 }]',
}  # fmt: skip
SAME = [
    ("literal", "joined from a parameter"),
    ("literal", "a default written out"),
    ("literal", "the first of several"),
    ("literal", "everything that is in no key"),
    ("text in a form", "the form as a schema"),
    ("a number for a number", "the same as a fraction"),
    ("a list of one as a text", "a list of one"),
    ("layers", "layers with defaults written out"),
    ("layers", "layers with defaults left out"),
    ("a layer alone", "a list of one layer"),
]
SCHEMA = (
    '{ type = "object", properties = { title = { type = "string" }, note = { type = "string" } }, '
    'required = ["title"], additionalProperties = false }'
)


def action_of(text: str, name: str = "it", epoch: str = "epoch-1") -> Action:
    actions = Little(text).resolver(epoch=epoch).take()
    return next(a for a in actions if a.node.name == name)


def action(name: str) -> Action:
    other = '[node.other]\nkind = "text.template"\ntext = "x"\n'
    return action_of(PRELUDE + other + f"[node.it]\n{NODES[name].replace('SCHEMA', SCHEMA)}\n")


def test_keys_of_linked_nodes_are_frozen(golden: bool) -> None:
    """From the text of a file to its key: parsing, linking, coercion, elided defaults and encoding together."""
    made = {name: action(name).key for name in NODES}
    if golden:
        GOLDEN.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    assert made == json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NODES)
def test_the_second_encoder_agrees(name: str) -> None:
    """The manifest alone decides the key, by the description of the bytes."""
    made = action(name)
    assert oracle.key(made.manifest) == made.key


@pytest.mark.parametrize(("one", "other"), SAME)
def test_ways_of_writing_the_same_thing_share_a_key(one: str, other: str) -> None:
    """Nobody pays for a way of writing."""
    assert action(one).key == action(other).key


def test_different_things_have_different_keys() -> None:
    """All others differ from each other."""
    same = {other for _, other in SAME}
    keys = [action(name).key for name in NODES if name not in same]
    assert len(set(keys)) == len(keys)


def test_the_epoch_is_in_the_key_of_what_is_fresh_in_every_run_and_in_no_other() -> None:
    """Another run: another key for `cache = "run"`, the same for the rest."""
    text = "[node.it]\n" + NODES["fresh in every run"] + "\n[node.plain]\n" + NODES["literal"] + "\n"
    assert action_of(text, epoch="one").key != action_of(text, epoch="two").key
    assert action_of(text, "plain", epoch="one").key == action_of(text, "plain", epoch="two").key


def test_names_labels_order_and_places_are_in_no_key() -> None:
    """The same elements in another order, under other names, in a dimension of another name."""
    text = '[each]\nNAME = LIST\n[node.NODE]\nkind = "test.echo"\neach = "NAME"\ntext = "${NAME.text}"\n'
    one = (
        text.replace("NAME", "scene")
        .replace("NODE", "it")
        .replace("LIST", '[{ id = "a", text = "x" }, { id = "b", text = "y" }]')
    )
    two = (
        text.replace("NAME", "shot")
        .replace("NODE", "other")
        .replace("LIST", '[{ id = "q", text = "y" }, { id = "p", text = "x" }]')
    )
    keys = [sorted(a.key for a in Little(t).resolver().take()) for t in (one, two)]
    assert keys[0] == keys[1]


@pytest.mark.parametrize(("kind", "carries"), [("audio.concat", True), ("test.listen", False)])
def test_carried_facts_are_in_the_key_of_kinds_that_carry_them_only(kind: str, carries: bool) -> None:
    """Equal bytes with another alignment: other captions, the same picture of the sound."""
    from dagcontent.kinds.registry import KINDS

    assert KINDS[kind].carries == carries, "the declaration decides"
    listed = {"audio.concat": "clips", "test.listen": "sounds"}[kind]
    text = f'[node.s]\nkind = "test.sound"\ntext = "x"\n[node.it]\nkind = "{kind}"\n{listed} = "${{s}}"\n'
    keys = set()
    for alignment in ([{"text": "a", "start": 0.0, "end": 1.0}], [{"text": "a", "start": 0.5, "end": 1.0}]):
        little = Little(text)
        resolver = little.resolver()
        (sound,) = resolver.take()
        blob = Blob(Digest("ab" * 32), "audio", "audio/wav", 5, {"duration_ms": 500, "alignment": alignment})
        record = little.memory.make(sound)
        resolver.settled(
            sound.unit,
            type(record)(**{f: getattr(record, f) for f in record.__struct_fields__} | {"outcome": Done(blob)}),
        )
        keys.add(resolver.take()[0].key)
    assert len(keys) == (2 if carries else 1)


TAKES = '[node.it]\nkind = "test.echo"\ntext = "a lantern"\ntakes = 3\nseed = 7\n'


def test_takes_are_samples_of_one_request() -> None:
    """Adding takes later keeps what there is: the first has the key of the node without takes, each the same parameters."""
    takes = Little(TAKES).resolver().take()
    alone = action("a seed")
    assert [a.manifest.take for a in takes] == [0, 1, 2]
    assert takes[0].key == alone.key
    assert all(a.manifest.params == alone.manifest.params for a in takes)
    more = Little(TAKES.replace("3", "5")).resolver().take()
    assert [a.key for a in more[:3]] == [a.key for a in takes]
    assert len({a.key for a in more}) == 5
    assert all(oracle.key(a.manifest) == a.key for a in more)


def test_the_seed_that_is_sent_is_made_of_the_seed_and_the_sample() -> None:
    """The first is as it is written, others differ and stay what they are: a vendor that obeys seeds gives other results."""
    sent = [a.seed for a in Little(TAKES).resolver().take()]
    assert sent == [7, 1_726_206_725, 535_020_905]
    unseeded = [a.seed for a in Little(TAKES.replace("seed = 7\n", "")).resolver().take()]
    assert unseeded[0] is None
    assert len({*sent, *unseeded}) == 6
    assert all(0 <= seed < 2**31 for seed in (*sent, *unseeded[1:]) if seed is not None)
