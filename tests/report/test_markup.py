from __future__ import annotations

import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import InternalError
from dagcontent.report.markup import element, joined, prose

DIGEST = "0123456789abcdef" * 4


class Seen(HTMLParser):
    """What a parser finds: tags in order, attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(), st.text())
def test_any_text_is_data(text: str, value: str) -> None:
    """Prompts, names and answers come from models and strangers: none of them may become markup, in text or in an attribute."""
    seen = Seen(element("p", text, element("b", text), title=value).text)
    assert seen.tags == ["p", "b", "/b", "/p"]
    assert seen.attributes == [("title", prose(value))]
    assert seen.text == prose(text) * 2


@given(st.text())
def test_what_is_shown_cannot_steer(text: str) -> None:
    """Control characters, marks that turn the direction of reading and halves of characters are spelt out; lines stay lines."""
    shown = prose(text)
    shown.encode("utf-8")
    steers = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert all(char in "\n\u200c\u200d" or unicodedata.category(char) not in steers for char in shown)
    assert shown.count("\n") == text.replace("\r\n", "\n").replace("\r", "\n").count("\n")


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "JAVASCRIPT:alert(1)", "https://example.org/", "//example.org/x", "media/../secret", "media/x.png",
        f"media/{DIGEST}.png?x", f"media/{DIGEST}.png\n", "data:text/html,<script>", "data:image/svg+xml;base64,AAAA", "file:///etc/passwd",
        "", " #x", f"media/{DIGEST}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["href", "src", "poster"])
def test_no_address_leads_away(name: str, address: str) -> None:
    """A page of a gallery asks nobody for anything: that is not left to whoever writes the next element."""
    with pytest.raises(InternalError):
        element("a", "x", **{name: address})


@pytest.mark.parametrize("address", ["#still[intro]", f"media/{DIGEST}.mp4", "data:image/webp;base64,UklGRg=="])
def test_addresses_of_the_page_itself(address: str) -> None:
    """A place on it, a file beside it, a picture in it."""
    assert ("href", address) in Seen(element("a", "x", href=address).text).attributes


def test_attributes_that_say_nothing_are_left_out() -> None:
    """`hidden=False` is not hidden, and a flag has no value."""
    assert element("video", controls=True, poster=None, hidden=False, data_is="x").text == (
        '<video controls data-is="x"></video>'
    )
    assert element("br").text == "<br>"
    assert joined([element("i", "a"), None, "<"], " & ").text == "<i>a</i> &amp;  &amp; &lt;"
