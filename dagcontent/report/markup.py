"""Text, attributes and elements into HTML in which no markup stands but ours. Knows no page.

Whatever is a `str` is data, and is escaped where it is put in; only `Html`, which `element` makes, is taken as it is. Addresses are
those that the page itself is made of: a place on it, a file beside it, a picture inside it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from dagcontent.errors import InternalError
from dagcontent.spec.source import visible

__all__ = ["Child", "Html", "element", "joined", "prose", "trusted"]

_VOID: Final = frozenset({"br", "hr", "img", "input", "link", "meta", "source"})
_ADDRESSES: Final = frozenset({"href", "src", "poster"})
_BESIDE: Final = re.compile(r"media/[0-9a-f]{64}\.[a-z0-9]{1,5}")
_INSIDE: Final = re.compile(r"data:image/webp;base64,[A-Za-z0-9+/]*={0,2}")


class Html:
    """Markup of ours. Made by `element`, `prose`, `joined` and `trusted`."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


Child: TypeAlias = "str | Html | None"


def element(tag: str, *children: Child, **attributes: str | int | bool | None) -> Html:
    """Return `<tag attributes>children</tag>`.

    In names of attributes `_` stands for `-`, and one at the end is dropped (`class_`). True is an attribute without a value;
    None and False leave it out. Raises InternalError for an address that leads away from the page.
    """
    made = [f"<{tag}"]
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        called = name.rstrip("_").replace("_", "-")
        if value is True:
            made.append(f" {called}")
            continue
        text = str(value)
        if called in _ADDRESSES and not _leads_nowhere_else(text):
            said = f"{called} of a page would lead to {text[:80]!r}"
            raise InternalError(said)
        made.append(f' {called}="{_escaped(text)}"')
    made.append(">")
    if tag in _VOID:
        return Html("".join(made))
    made += [_of(child) for child in children]
    made.append(f"</{tag}>")
    return Html("".join(made))


def joined(parts: Iterable[Child], between: str = "") -> Html:
    """Return parts one after another."""
    return Html(_escaped(between).join(_of(part) for part in parts))


def prose(text: str) -> str:
    """Return text of somebody else's as it can be shown: its lines are kept, what steers a screen or turns its direction is spelt out."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return plain if plain.isprintable() else "\n".join(visible(line) for line in plain.split("\n"))


def trusted(text: str) -> Html:
    """Return markup that was made elsewhere in this package, as it is."""
    return Html(text)


def _of(child: Child) -> str:
    if child is None:
        return ""
    return child.text if isinstance(child, Html) else _escaped(child)


def _escaped(text: str) -> str:
    return html.escape(prose(text), quote=True)


def _leads_nowhere_else(text: str) -> bool:
    return text.startswith("#") or bool(_BESIDE.fullmatch(text) or _INSIDE.fullmatch(text))
