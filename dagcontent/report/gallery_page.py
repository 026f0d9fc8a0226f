"""A Gallery into one HTML page that holds all but its media. Knows no store.

Nothing is loaded from anywhere but the folder `media` beside it, and a policy in the page says so to the browser. The only script and
the only styles are ours, known to the policy by their digests. Without scripts all is there but filters and the large view.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Final

from dagcontent.report.gallery import Card, Gallery, MoneyRow, Section
from dagcontent.report.gallery_card import Anchors, card_html, command_html, link, status_html
from dagcontent.report.markup import Child, Html, element, joined, trusted
from dagcontent.report.quantities import counted, digits_of, dollars, seconds
from dagcontent.report.svg import style_of, svg

__all__ = ["MARK", "page"]

MARK: Final = '<meta name="generator" content="dagcontent gallery">'
"""What tells a page of ours from any other."""
_DONE: Final = frozenset({"hit", "value", "pinned", "skipped"})
_SPARE: Final = frozenset({"passed_over", "unneeded"})
"""What is not made, and is not missed: another alternative serves."""
_MOST_OPEN: Final = 40
_MOST_ALIKE: Final = 8
_MOST_GATES: Final = 3
_NARROW: Final = 3  # layers of a picture that need not be made smaller
_WIDE: Final = 6  # layers that can be made as small as the page is wide, and still be read


def page(gallery: Gallery) -> str:
    """Return the page."""
    anchors = Anchors()
    for section in gallery.sections:
        for card in section.cards:
            anchors.add("card", card.name, card.name)
    for section in gallery.sections:
        anchors.add("node", section.name, f"node-{section.name}")
    body = element(
        "body",
        element("a", "Skip to the results", class_="skip", href="#the-results"),
        _header(gallery),
        element(
            "div",
            _nav(gallery, anchors),
            element(
                "main",
                _open(gallery, anchors),
                _picture(gallery, anchors),
                _money(gallery),
                _filter(gallery),
                element("div", *(_section(one, anchors) for one in gallery.sections), id="the-results", tabindex=-1),
            ),
            class_="columns",
        ),
        _footer(gallery),
        element("script", trusted(_file("gallery.js"))),
    )
    title = gallery.graph if gallery.profile is None else f"{gallery.graph} ({gallery.profile})"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(gallery)),
        trusted(MARK),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{title}: gallery"),
        element("style", trusted(_file("gallery.css"))),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en').text}\n"


@cache
def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(gallery: Gallery) -> str:
    # A page that is opened from a disk has no origin that 'self' could stand for in every browser: hence `file:`.
    styles = f"{_hash(_file('gallery.css'))} {_hash(style_of(gallery.picture))}"
    return (
        f"default-src 'none'; img-src 'self' file: data:; media-src 'self' file:; style-src {styles}; "
        f"script-src {_hash(_file('gallery.js'))}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# --- what stands above


def _header(gallery: Gallery) -> Html:
    words: list[Child] = [element("bdi", gallery.file)]
    if gallery.profile is not None:
        words.append(joined(["profile ", element("bdi", gallery.profile)]))
    if gallery.run is not None:
        run = gallery.run
        took = "" if run.seconds is None else f", took {seconds(run.seconds)}"
        words.append(joined(["built ", run.began, took]))
        words.append(joined(["run ", run.id, " ", element("strong", run.status)]))
    return element(
        "header",
        element("h1", element("bdi", gallery.graph)),
        element("p", gallery.description, class_="description", dir="auto") if gallery.description else None,
        element("p", joined((element("span", word) for word in words), " "), class_="about"),
        element("dl", *_tiles(gallery), class_="tiles"),
        class_="top",
    )


def _tiles(gallery: Gallery) -> Iterator[Html]:
    cards = gallery.cards
    done = sum(card.status in _DONE for card in cards)
    media = {part.digest for card in cards for part in card.parts if hasattr(part, "digest")}
    total = gallery.total
    tiles = [
        ("made", f"{done:,} of {sum(card.status not in _SPARE for card in cards):,}"),
        ("artifacts", f"{len(media):,}"),
        ("spent on it", _usd(total.spent)),
    ]
    if total.shown:
        tiles.append(("not spent again", _usd(total.shown)))
    if gallery.run is not None and gallery.run.spent_microusd:
        tiles.append(("in the last build", _usd(gallery.run.spent_microusd)))
    if total.reserved:
        tiles.append(("reserved", _usd(total.reserved)))
    if total.expected or total.unpriced:
        tiles.append(("still to pay", _usd(total.expected) + (" and more" if total.unpriced else "")))
    for name, text in tiles:
        yield element("div", element("dt", name), element("dd", text))


def _usd(amount: int) -> str:
    return dollars(amount) if amount else "$0"


def _nav(gallery: Gallery, anchors: Anchors) -> Html:
    rows = [
        element(
            "li",
            element("a", element("bdi", one.name), href=f"#{anchors.add('node', one.name, '')}"),
            element("span", f"{len(one.cards):,}", class_="count"),
            class_=f"family-{one.family}",
        )
        for one in gallery.sections
    ]
    return element("nav", element("h2", "Nodes"), element("ul", *rows), aria_label="Nodes", class_="nodes")


def _open(gallery: Gallery, anchors: Anchors) -> Html | None:
    """Return what is not made, and how to go on."""
    cards = [card for card in gallery.cards if card.status not in _DONE | _SPARE]
    warnings = [element("p", warning, class_="warning", dir="auto") for warning in gallery.warnings]
    if not cards:
        return element("section", *warnings, class_="open", aria_label="Warnings") if warnings else None
    order = {"waiting": 0, "failed": 1, "unresolved": 2, "repay": 3, "blocked": 4}
    cards.sort(key=lambda card: order.get(card.status, 9))
    lines = [tuple(found) for _, found in groupby(cards, lambda card: (card.status, card.node, _why(card)))]
    rows = [
        element(
            "li", status_html(alike[0].status), " ", joined((link(card.name, anchors) for card in alike[:_MOST_ALIKE]), ", "),
            f" and {len(alike) - _MOST_ALIKE:,} more" if len(alike) > _MOST_ALIKE else None, " ",
            element("span", _why(alike[0]), class_="why", dir="auto"),
        )
        for alike in lines[:_MOST_OPEN]
    ]  # fmt: skip
    left = sum(len(alike) for alike in lines[_MOST_OPEN:])
    more = element("p", f"and {left:,} more") if left else None
    head = element("h2", f"{counted(len(cards), 'result')} still to come", id="still-to-come")
    commands = [command_html(one) for card in cards[:_MOST_GATES] for one in card.answers]
    commands += [command_html(one) for one in gallery.next]
    return element(
        "section",
        head,
        *warnings,
        element("ul", *rows),
        more,
        *commands,
        class_="open",
        aria_labelledby="still-to-come",
    )


def _why(card: Card) -> str:
    """Return why a result is not there, with the question while it is put to a person."""
    question = card.question if card.status == "waiting" else ""
    return ": ".join(words for words in (card.reason, question) if words)


def _picture(gallery: Gallery, anchors: Anchors) -> Html:
    there = {one.name for one in gallery.sections}
    links = {box.name: anchors.add("node", box.name, "") for box in gallery.picture.boxes if box.name in there}
    layers = len(gallery.picture.layers)
    wide = "scroll" if layers <= _NARROW else "scroll wide" if layers <= _WIDE else "scroll long"
    drawn = element(
        "div", trusted(svg(gallery.picture, links)), class_=wide, tabindex=0, role="region",
        aria_label="The graph",
    )  # fmt: skip
    return element(
        "section", element("h2", "The graph", id="the-graph"), drawn, class_="picture", aria_labelledby="the-graph"
    )


# --- money

_COLUMNS: Final = (
    ("requests", "requests"), ("spent", "spent"), ("failed", "of it failed"), ("reserved", "reserved"), ("shown", "these results"),
    ("expected", "still to pay"),
)  # fmt: skip


def _money(gallery: Gallery) -> Html | None:
    rows = [*gallery.by_node, *gallery.by_model]
    if not rows and not gallery.ceilings:
        return None
    columns = [(name, title) for name, title in _COLUMNS if any(getattr(row, name) for row in rows)]
    tables = [
        element("div", _table("by node", gallery.by_node, gallery.total, columns), class_="scroll"),
        element("div", _table("by model", gallery.by_model, gallery.total, columns), class_="scroll"),
    ]
    ceilings = [element("p", said, ": ", left, class_="ceiling") for said, left in gallery.ceilings]
    note = None
    if gallery.total.unpriced:
        note = element(
            "p",
            f"of {counted(gallery.total.unpriced, 'request')} nobody knows the cost: no sum has it",
            class_="ceiling",
        )
    head = element("h2", "Money", id="the-money")
    return element(
        "section",
        head,
        element("div", *tables, class_="tables"),
        *ceilings,
        note,
        class_="money",
        aria_labelledby="the-money",
    )


def _table(title: str, rows: Sequence[MoneyRow], total: MoneyRow, columns: Sequence[tuple[str, str]]) -> Html:
    head = element("tr", element("th", "", scope="col"), *(element("th", words, scope="col") for _, words in columns))
    digits = digits_of([getattr(row, name) for row in rows for name, _ in columns if name != "requests"])
    lines = [_money_line(row, columns, digits) for row in rows]
    foot = element("tfoot", _money_line(total, columns, digits))
    return element("table", element("caption", title), element("thead", head), element("tbody", *lines), foot)


def _money_line(row: MoneyRow, columns: Sequence[tuple[str, str]], digits: int) -> Html:
    cells = [element("th", element("bdi", row.name or "-"), scope="row")]
    for name, _ in columns:
        amount = getattr(row, name)
        cells.append(element("td", f"{amount:,}" if name == "requests" else dollars(amount, digits) if amount else ""))
    return element("tr", *cells)


# --- filters and sections


def _filter(gallery: Gallery) -> Html:
    cards = gallery.cards

    def choice(name: str, title: str, values: Sequence[str]) -> Html:
        options = [
            element("option", value.replace("_", " ") if name == "status" else value, value=value)
            for value in dict.fromkeys(values)
        ]
        return element("label", title, element("select", element("option", "all", value=""), *options, name=name))

    search = element(
        "label", "search", element("input", type="search", name="text", autocomplete="off", spellcheck="false")
    )
    outputs = element("label", element("input", type="checkbox", name="output"), " only outputs", class_="check")
    return element(
        "form",
        search,
        choice("node", "node", [card.node for card in cards]),
        choice("kind", "kind", sorted(card.kind for card in cards)),
        choice("status", "status", sorted(card.status for card in cards)),
        outputs if any(card.output for card in cards) else None,
        element("button", "clear", type="reset"),
        element("output", counted(len(cards), "result"), aria_live="polite"),
        id="the-filter", class_="filter", role="search", aria_label="Filter the results", hidden=True,
    )  # fmt: skip


def _section(section: Section, anchors: Anchors) -> Html:
    anchor = anchors.add("node", section.name, "")
    counts: dict[str, int] = {}
    for card in section.cards:
        counts[card.status] = counts.get(card.status, 0) + 1
    cost = sum(card.cost_microusd for card in section.cards)
    about = [element("span", section.kind), element("span", section.model) if section.model else None]
    about += [status_html(status, count) for status, count in counts.items()]
    about += [element("span", dollars(cost)) if cost else None]
    head = element(
        "header",
        element("h2", element("a", element("bdi", section.name), href=f"#{anchor}")),
        element("p", joined(about, " "), class_="about"),
    )
    classes = ["node", f"family-{section.family}"] + (["is-output"] if section.output else [])
    return element(
        "section", head, *_groups(section.cards, anchors), class_=" ".join(classes), id=anchor, aria_label=section.name
    )


def _groups(cards: Sequence[Card], anchors: Anchors) -> Iterator[Html]:
    """Yield the cards of a node: takes of one instance side by side, all others in one grid."""
    for group, found in groupby(cards, lambda card: card.group):
        mine = [card_html(card, anchors, alone=len(cards) == 1 and card.output) for card in found]
        if not group:
            yield element("div", *mine, class_="cards")
            continue
        name = element("p", element("bdi", group), f"  {counted(len(mine), 'take')}", class_="takes-name")
        said = f"{counted(len(mine), 'take')} of {group}"
        yield element(
            "div", name, element("div", *mine, class_="cards row"), class_="takes", role="group", aria_label=said
        )


def _footer(gallery: Gallery) -> Html:
    made = f", {gallery.made}" if gallery.made else ""
    keys = element(
        "p",
        "Keys: ", element("kbd", "/"), " search, ", element("kbd", "j"), " and ", element("kbd", "k"), " next and previous result, ",
        element("kbd", "Enter"), " large view; there ", element("kbd", "←"), element("kbd", "→"), " and ", element("kbd", "Esc"), ".",
        class_="keys", hidden=True,
    )  # fmt: skip
    return element("footer", element("p", f"dagcontent {gallery.version}{made}"), keys)
