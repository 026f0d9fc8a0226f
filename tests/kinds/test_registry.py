from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from dagcontent.kinds import asset, audio, control, deciding, document, footage, image, lists, media, text, video
from dagcontent.kinds.declaration import WORKED_OUT, Effect, Kind, Param
from dagcontent.kinds.registry import COMMON_KEYS, KINDS, LATER_KINDS, RESERVED_NAMES
from dagcontent.spec.model import AssetPath, Ref, Template
from dagcontent.values.types import TEXT, Type
from dagcontent.values.value import Blob, Digest

DRAFTS = Path(__file__).parents[2] / "docs" / "drafts.md"

# The table of the kinds that models make, as the language promises it: required with a *, alternatives joined by |.
PRICED = """
text.generate           prompt* system schema returns images audio video temperature max_tokens       text       token
text.translate          text* language* glossary tone context max_seconds                             text       token
image.generate          prompt* negative_prompt aspect size images style background                   image      image
image.edit              image* prompt* mask images strength aspect size                               image      image
image.upscale           image* factor                                                                 image      image
image.remove_background image*                                                                        image      image
image.describe          image|images prompt schema returns                                            text       token
speech.generate         text* voice* language speed stability similarity style previous_text next_text format  audio  character
speech.dialogue         lines* voices* gap                                                            audio      character
speech.convert          audio* voice*                                                                 audio      minute
speech.dub              media* language*                                                              video      minute
audio.transcribe        audio|video language diarize                                                  record     minute
sound.generate          prompt* duration* loop                                                        audio      second
music.generate          prompt* duration* loop instrumental lyrics                                    audio      second
video.generate          prompt|start_image end_image images duration aspect resolution fps sound      video      second
video.edit              video* prompt strength                                                        video      second
video.extend            video* prompt seconds                                                         video      second
video.upscale           video* factor                                                                 video      second
video.avatar            image* audio* prompt                                                          video      second
video.lipsync           video* audio*                                                                 video      second
video.soundtrack        video* prompt                                                                 video      second
video.describe          video* prompt schema returns                                                  text       token
"""
PRICED_ROWS = {row.split()[0]: row.split()[1:] for row in PRICED.strip().splitlines()}
UNITS = {"", "s", "px", "dB", "LUFS", "kbit/s"}
FACTS = {
    "alignment", "channels", "chapters", "characters", "duration", "fps", "height", "label", "media_type", "position",
    "report", "sample_rate", "score", "size_bytes", "width", "words",
}  # fmt: skip
PARAMS = [pytest.param(kind, param, id=f"{kind.name}.{param.name}") for kind in KINDS.values() for param in kind.params]
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
each_param = pytest.mark.parametrize(("kind", "param"), PARAMS)


def fits(value: object, type_: Type) -> bool:
    """Tell whether a TOML value is of a type that a default can have."""
    python = {"text": str, "integer": int, "number": (int, float), "boolean": bool}[type_.name]
    return isinstance(value, python) and isinstance(value, bool) == (type_.name == "boolean")


def test_every_declaration_is_registered_once() -> None:
    """A kind that another of its name hides could never be used."""
    modules = (asset, audio, control, deciding, document, footage, image, lists, media, text, video)
    declared = [kind.name for module in modules for kind in module.KINDS]
    assert sorted(declared) == sorted(KINDS)
    assert all(name == kind.name for name, kind in KINDS.items())


def test_no_kind_is_both_there_and_to_come() -> None:
    """Else it would be refused as not available and offered by the schema."""
    assert not LATER_KINDS & KINDS.keys()


@each_kind
def test_kinds_are_named_medium_and_verb(kind: Kind) -> None:
    """Kinds without a dot are those that control the build, and no others."""
    medium = r"[a-z]+" if kind in (*control.KINDS, *deciding.KINDS) else r"[a-z]+\.[a-z]+(_[a-z]+)*"
    assert re.fullmatch(medium, kind.name)
    assert kind.help.endswith(".")


@each_param
def test_no_parameter_has_a_common_keys_name(kind: Kind, param: Param) -> None:
    """A node holds both in one table: the key could mean either."""
    assert param.name not in COMMON_KEYS
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", param.name)
    assert [p.name for p in kind.params].count(param.name) == 1
    assert kind.param(param.name) is param


def test_common_keys_are_said_once() -> None:
    """They are the words of the language that all kinds share."""
    assert len(set(COMMON_KEYS)) == len(COMMON_KEYS)
    assert {"prev", "next", "params"} <= RESERVED_NAMES


@each_param
def test_defaults_satisfy_their_own_rules(kind: Kind, param: Param) -> None:
    """A default written out is the same as one left out, so it must be allowed where it is written."""
    if param.default is None:
        return
    assert not param.required, f"{kind.name} asks for what it could do without"
    assert fits(param.default, param.type)
    assert not param.choices or param.default in param.choices
    assert param.minimum is None or param.default >= param.minimum
    assert param.maximum is None or param.default <= param.maximum


@each_param
def test_rules_of_parameters_make_sense(kind: Kind, param: Param) -> None:
    """Rules that never hold, or never apply, would be found by the first person who runs into them."""
    assert param.help, kind.name
    assert not param.choices or TEXT in (param.type, *param.also)
    assert len(set(param.choices)) == len(param.choices)
    bounds = [bound for bound in (param.minimum, param.maximum) if bound is not None]
    assert not bounds or param.type.name in {"number", "integer"}
    assert bounds == sorted(set(bounds))
    assert all(math.isfinite(bound) for bound in bounds)
    assert param.unit in UNITS
    assert not param.unit or param.type.name in {"number", "integer"} or (param.name, param.unit) == ("size", "px")
    assert param.unit != "s" or param.minimum is not None or param.name == "offset", "a negative length"


@each_param
def test_fields_of_tables_are_parameters_too(kind: Kind, param: Param) -> None:
    """They are documented, bounded and keyed like those of the node: the same must hold of them."""
    if param.type.name == "list" and param.type.item is not None and param.type.item.name == "record":
        assert [field.name for field in param.type.item.fields] == [field.name for field in param.fields]
    assert len({field.name for field in param.fields}) == len(param.fields)
    for field in param.fields:
        assert not field.fields, "tables in tables are not read"
        test_defaults_satisfy_their_own_rules(kind, field)
        test_rules_of_parameters_make_sense(kind, field)


@each_kind
def test_groups_name_parameters_that_can_be_left_out(kind: Kind) -> None:
    """At least one of a group must be given: a required member would make the group idle."""
    for group in kind.one_of:
        params = [kind.param(name) for name in group]
        assert all(param is not None and not param.required and param.default is None for param in params)


@each_kind
def test_effect_fits_what_is_declared(kind: Kind) -> None:
    """Only what the planner evaluates has a function here; only what a model makes has a price and a stand-in."""
    worked_out = kind.effect in WORKED_OUT and not kind.chooses  # who chooses depends on more than values
    assert (kind.evaluate is not None or bool(kind.lazy)) == worked_out
    assert bool(kind.priced_by) == (kind.effect is Effect.PAID)
    assert kind.by_model == (kind.effect is Effect.PAID)
    assert kind.by_model or not (kind.stand_ins or kind.priced_by)
    known = kind.output_of is not None or kind.chooses or kind.like or kind.passes or kind.lazy
    assert not kind.gives or known or kind.common is not None
    assert (kind.output_like is not None) == bool(kind.like)
    assert kind.version >= 1
    assert all(0 < older < kind.version for older in kind.accepts)


@pytest.mark.parametrize("name", PRICED_ROWS)
def test_what_models_make_takes_what_the_language_promises(name: str) -> None:
    """A parameter that is missing here is one that a graph of the manual is refused for."""
    *params, output, unit = PRICED_ROWS[name]
    kind = KINDS[name]
    groups = [tuple(word.split("|")) for word in params if "|" in word]
    words = [word for group in params for word in group.split("|")]
    assert [f"{param.name}{'*' if param.required else ''}" for param in kind.params] == words
    assert kind.one_of == tuple(groups)
    assert (kind.output.name, kind.priced_by) == (output, unit)
    assert (kind.effect, kind.by_model, kind.version, kind.carries) == (Effect.PAID, True, 1, False)


def test_every_kind_that_costs_is_in_the_table() -> None:
    """A kind that spends and that nobody promised would be a surprise on a bill."""
    assert {kind.name for kind in KINDS.values() if kind.effect is Effect.PAID} == PRICED_ROWS.keys()
    assert {kind.name for kind in KINDS.values() if kind.by_model} == PRICED_ROWS.keys()


@pytest.mark.parametrize("name", ["text.generate", "image.describe", "video.describe"])
def test_an_answer_is_text_unless_a_form_is_asked_for(name: str) -> None:
    """References into it are checked against the form."""
    kind = KINDS[name]
    assert str(kind.output_type({"prompt": "x"})) == "text"
    assert str(kind.output_type({"returns": {"title": "text", "note": "text?"}})) == "record{title: text, note?: text}"
    assert str(kind.output_type({"schema": {"type": "array", "items": {"type": "integer"}}})) == "list<integer>"
    assert str(kind.output_type({"schema": {}})) == "any"


def test_a_transcript_has_sentences_and_words_with_their_times() -> None:
    """Subtitles, and a dimension over the segments, are made of it."""
    assert str(KINDS["audio.transcribe"].output) == (
        "record{text: text, language: text, segments: list<record{id: integer, start: number, end: number, "
        "seconds: number, speaker?: text, text: text}>, words: list<record{text: text, start: number, end: number}>}"
    )


@pytest.mark.parametrize(
    ("media", "type_"),
    [
        (AssetPath("/x.mp3", "audio"), "audio"),
        (AssetPath("/x.mp4", "video"), "video"),
        (Blob(Digest("ab" * 32), "audio", "audio/wav", 5), "audio"),
        (Template((Ref("${film}", "film", (), 0, 7),)), "video"),
        (None, "video"),
    ],
)
def test_a_dub_is_of_the_type_of_what_is_dubbed(media: object, type_: str) -> None:
    """Before it is known it may be taken for either: a video serves where a sound is asked for."""
    assert str(KINDS["speech.dub"].output_type({"media": media})) == type_


@each_kind
def test_facts_are_words_of_the_language(kind: Kind) -> None:
    """A fact that no implementation measures could be asked for and never answered."""
    assert set(kind.facts) <= FACTS
    assert not kind.carries or "alignment" in kind.facts


def test_a_kind_without_such_a_parameter_says_so() -> None:
    """The nearest name is looked for only then."""
    assert KINDS["text.split"].param("nonsense") is None


@pytest.mark.parametrize(
    ("params", "type_"),
    [({}, "list<image>"), ({"type": "audio"}, "list<audio>"), ({"type": "nonsense"}, "list<image>")],
)
def test_listed_files_have_the_type_asked_for(params: dict[str, str], type_: str) -> None:
    """References to the list are checked before a file is read; a wrong `type` is a mistake reported elsewhere."""
    assert str(KINDS["asset.glob"].output_type(params)) == type_


@pytest.mark.skipif(not DRAFTS.is_file(), reason="the documents are not beside these tests")
def test_the_page_on_drafts_names_every_stand_in() -> None:
    """A stand-in that is documented nowhere is found only by those who wonder what they see."""
    rows = [line.split("|") for line in DRAFTS.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    said = {(kind.strip(" `"), row[2].strip(" `")) for row in rows for kind in row[1].split(",")}
    assert said == {(kind.name, f"local/{name}") for kind in KINDS.values() for name in kind.stand_ins}
