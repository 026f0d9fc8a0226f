from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagcontent.report.gallery import (
    Candidate,
    Card,
    Code,
    Command,
    Earlier,
    Fact,
    Gallery,
    Media,
    MoneyRow,
    Run,
    Score,
    Section,
    Table,
    Thumb,
    Words,
)
from dagcontent.report.gallery_page import MARK, page
from dagcontent.report.markup import prose
from dagcontent.report.picture import Box, Picture

HOSTILE: Final = [
    "</script><img src=x onerror=alert(1)>", '"><svg onload=alert(1)>', "' onfocus=alert(1) autofocus='", "</style><script>alert(1)</script>",
    "<!--", "]]>", "&lt;b&gt;", "\u202etxt.exe\u2066", "a\0b", "\ud800", "javascript:alert(1)", "\r\n\t\x1b[31m", "</title><base href=//x>",
    "{{7*7}}${x}", "<plaintext>", "x" * 5_000,
]  # fmt: skip
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source"})


class Page(HTMLParser):
    """A page as a parser reads it. `skeleton`: tags with the names of their attributes. Refuses what is not balanced."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.skeleton: list[str] = []
        self.text = ""
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.skeleton.append(f"{tag} {' '.join(name for name, _ in attrs)}")
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "poster"}]
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # of SVG, as <rect/>
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self.skeleton.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.text += data


def media(kind: str = "image", digest: str = "a", **more: Any) -> Media:
    """An artifact that is there."""
    whole = digest * 64
    defaults: dict[str, Any] = {
        "href": f"media/{whole}.png", "facts": ("5.2 s",), "thumb": Thumb(b"RIFF", 4, 3) if kind in {"image", "video"} else None,
    }  # fmt: skip
    return Media(whole, kind, f"{kind}/x", **{**defaults, **more})


def gallery_of(text: str) -> Gallery:
    """A gallery in which every word of others is `text`, and everything there is to show is shown."""
    first, second = f"{text}[1]", f"{text}[2]"
    part = [
        media(), media("video", "b"), media("audio", "c", peaks=(1, 50, 100)), media("subtitles", "d", text=text),
        media("document", "e"), media(digest="f", href=None), Words(text, f"media/{'0' * 64}.txt", 3), Code(text), Table(((text, text),)),
    ]  # fmt: skip
    cards = (
        Card(
            name=first, node=text, kind=text, model=text, status="hit", stale=True, reason=text, output=True, files=(text,), group="",
            parts=tuple(part), said=(("prompt", text), (text, text)), params=(Fact(text, text), Fact(text, instances=(second,))),
            facts=(Fact("key", text),), inputs=(second, f"{text}[3]"), uses=(second,), marks=(text,), chosen_by=(second,),
            scores=(Score(second, text, (text,)),), served_by=second, passed=(second,), instead=text, earlier=(Earlier(text, text, media(), Command(text)), Earlier(text, text)), commands=(Command(text, text),), cost_microusd=25_000, seconds=3.0,
        ),
        Card(
            name=second, node=text, kind=text, model="", status="waiting", group=f"{text}[2]", expected_microusd=None,
            candidates=(Candidate(text, media(), Command(text), first, text, (text,), text), Candidate(text)), question=text, answers=(Command(text, text),),
        ),
    )  # fmt: skip
    row = MoneyRow(text, 2, 1_000_000, 5, 6, 7, 8, 1)
    return Gallery(
        graph=text, description=text, file=text, profile=text, made=text, version="1", run=Run(text, text, text, 3.0, 5),
        picture=Picture(text, text, ((Box(text, text, "image", text, text, statuses=(("hit", 1),)),),), ()),
        sections=(Section(text, text, text, "image", output=True, value=False, cards=cards),),
        by_node=(row,), by_model=(row,), total=row, ceilings=((text, text),), warnings=(text,), next=(Command(text, text),),
    )  # fmt: skip


PLAIN = Page(page(gallery_of("x")))


@settings(max_examples=60)
@given(st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=60)))
def test_words_of_others_change_no_markup(text: str) -> None:
    """Whatever a model, a vendor or a file says, the page has the tags and attributes that it has with a harmless word."""
    found = Page(page(gallery_of(text)))
    assert found.skeleton == PLAIN.skeleton
    assert len(found.ids) == len(set(found.ids))
    assert prose(text) in found.text


@pytest.mark.parametrize("name", ["the-results", "the-filter", "view-title", "node-x", "still[a b]"])
def test_a_result_cannot_take_a_place_of_the_page(name: str) -> None:
    """`id`s are what links and scripts go by: two of a kind would lead to the wrong one."""
    plain = gallery_of("x")
    cards = [Card(name=one, node="x", kind="k", model="", status="hit") for one in (name, name.replace(" ", "_"), "x")]
    section = msgspec.structs.replace(plain.sections[0], cards=tuple(cards[:2] if " " in name else cards[::2]))
    found = Page(page(msgspec.structs.replace(plain, sections=(section,))))
    assert len(found.ids) == len(set(found.ids))
    assert not any(" " in one for one in found.ids)


def test_every_place_that_is_led_to_is_there() -> None:
    """A link to a card that is not on the page would be a dead end; names without a card are no links."""
    assert {one[1:] for one in PLAIN.addresses if one.startswith("#")} <= set(PLAIN.ids)
    assert "x[3]" in PLAIN.text
    assert "#x[3]" not in PLAIN.addresses


def test_the_policy_allows_what_is_ours_by_its_digest() -> None:
    """A script that got into the page in spite of all would still not be run."""
    text = page(gallery_of("x"))
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[0].replace("&#x27;", "'")
    for tag in ("style", "script"):
        bodies = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert len(bodies) == (2 if tag == "style" else 1)
        for body in bodies:
            assert base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert text.index("Content-Security-Policy") < text.index("<style>")
    assert MARK in text


def test_money_has_only_columns_that_say_something() -> None:
    """A free graph has no table of zeros."""
    free = msgspec.structs.replace(gallery_of("x"), by_node=(), by_model=(), ceilings=(), total=MoneyRow("total"))
    assert "Money" not in Page(page(free)).text
    some = msgspec.structs.replace(free, by_node=(MoneyRow("a", 3, 2_500_000),), total=MoneyRow("total", 3, 2_500_000))
    text = Page(page(some)).text
    assert "$2.500" in text
    assert "reserved" not in text


def test_an_empty_graph_has_a_page() -> None:
    """Nothing was built yet: that is the moment when somebody tries it out."""
    empty = Gallery(
        graph="x", description="", file="x.toml", profile=None, made="", version="1", picture=Picture("x", "", (), ()), sections=()
    )  # fmt: skip
    assert "0 of 0" in Page(page(empty)).text
