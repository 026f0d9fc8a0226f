"""A card into HTML: its media with their players, what it was asked with, what it cost, where it comes from. Knows no page around it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from dagcontent.report.gallery import Candidate, Card, Code, Command, Fact, Media, Part, Score, Table, Thumb
from dagcontent.report.markup import Child, Html, element, joined
from dagcontent.report.quantities import counted, dollars, seconds

__all__ = ["Anchors", "card_html", "command_html", "link", "status_html"]

_TAKEN: Final = frozenset({"the-results", "the-filter", "the-graph", "the-money", "still-to-come", "view-title"})
"""Places that a page has itself."""
_WAVE_TALL: Final = 48
_ALT: Final = 160
_NOTICED_S: Final = 0.05
_MOST_LINKS: Final = 24
_NAMES: Final = {"negative_prompt": "without"}
_FAMILIES: Final = {"image": "picture", "video": "clip", "audio": "sound", "subtitles": "subtitles"}


class Anchors:
    """Names of instances and nodes into ids of a page: without blanks, and each once."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], str] = {}
        self._taken = set(_TAKEN)

    def add(self, kind: str, name: str, wanted: str) -> str:
        """Return the id of a thing, made when it is first asked for."""
        if (kind, name) not in self._of:
            plain = "".join("_" if char.isspace() or not char.isprintable() else char for char in wanted) or "_"
            made, number = plain, 2
            while made in self._taken:
                made, number = f"{plain}~{number}", number + 1
            self._taken.add(made)
            self._of[kind, name] = made
        return self._of[kind, name]

    def card(self, name: str) -> str | None:
        """Return the id of an instance's card, if it has one."""
        return self._of.get(("card", name))


def card_html(card: Card, anchors: Anchors, *, alone: bool = False) -> Html:
    """Return one card; one that stands `alone` has room for its details."""
    made = [
        element(
            "header",
            element("h3", element("a", element("bdi", card.name), href=f"#{anchors.card(card.name)}"), class_="card-name"),
            status_html(card.status),
            class_="card-head",
        ),
        element("p", card.question, class_="question", dir="auto") if card.question else None,
        element("p", card.reason, class_="reason", dir="auto") if card.reason else None,
        element("p", card.instead, class_="reason", dir="auto") if card.instead else None,
        *(_part(part, card) for part in card.parts),
        element("p", f"and {counted(card.hidden, 'part')} more", class_="gone") if card.hidden else None,
        _marks(card, anchors),
        _scores(card.scores, anchors),
        _candidates(card, anchors),
        *(_said(name, text) for name, text in card.said),
        _line(card),
        *(command_html(command) for command in card.answers),
        _earlier(card),
        _details(card, anchors, opened=alone),
    ]  # fmt: skip
    return element(
        "article", *made, class_="card is-chosen" if card.chosen_by else "card", id=anchors.card(card.name), tabindex=-1,
        data_node=card.node, data_kind=card.kind, data_status=card.status, data_output="yes" if card.output else None,
    )  # fmt: skip


def status_html(status: str, count: int | None = None) -> Html:
    """Return a status as a word with its colour beside it."""
    said = status.replace("_", " ")
    words = said if count is None else f"{count:,} {said}"
    return element("span", words, class_="status", data_is=status)


def command_html(command: Command) -> Html:
    """Return a command that can be copied."""
    what = element("span", command.what, class_="what") if command.what else None
    return element("p", element("code", command.line), what, class_="command")


def link(name: str, anchors: Anchors) -> Html:
    """Return an instance's name, as a link if it has a card."""
    anchor = anchors.card(name)
    return element("bdi", name) if anchor is None else element("a", element("bdi", name), href=f"#{anchor}")


# --- the head


def _marks(card: Card, anchors: Anchors) -> Html | None:
    marks: list[Html] = []
    if card.output:
        marks.append(element("span", "output", class_="mark"))
    if card.chosen_by:
        names = joined((link(name, anchors) for name in card.chosen_by[:_MOST_LINKS]), ", ")
        marks.append(element("span", "chosen by ", names, class_="mark strong"))
    if card.served_by:
        marks.append(element("span", "served by ", link(card.served_by, anchors), class_="mark strong"))
    if card.passed:
        names = joined((link(name, anchors) for name in card.passed[:_MOST_LINKS]), ", ")
        marks.append(element("span", "passed over: ", names, class_="mark"))
    if card.stale:
        marks.append(element("span", "of an earlier build", class_="mark"))
    marks += [element("span", mark, class_="mark") for mark in card.marks]
    return element("p", joined(marks, " "), class_="marks") if marks else None


def _line(card: Card) -> Html | None:
    words = [card.model or card.kind]
    if card.cost_microusd:
        words.append(dollars(card.cost_microusd))
    if card.expected_microusd is None:
        words.append("nobody knows what it costs")
    elif card.expected_microusd:
        words.append(f"about {dollars(card.expected_microusd)} to make")
    if card.seconds is not None and card.seconds >= _NOTICED_S:
        words.append(f"in {seconds(card.seconds)}")
    if words == [card.kind]:
        return None  # its section says so
    return element("p", joined((element("span", word) for word in words), " · "), class_="line")


def _said(name: str, text: str) -> Html:
    return element(
        "div", element("h4", _NAMES.get(name, name)), element("p", text, class_="prose", dir="auto"), class_="said"
    )


def _scores(scores: Sequence[Score], anchors: Anchors) -> Html | None:
    if not scores:
        return None
    rows = [
        element(
            "li",
            element("p", element("strong", one.score, class_="score") if one.score else None, " by ", link(one.by, anchors)),
            _reasons(one.reasons),
        )
        for one in scores
    ]  # fmt: skip
    return element("ul", *rows, class_="scores", aria_label="what it was judged by")


def _reasons(reasons: Sequence[str]) -> Html:
    return joined(element("p", reason, class_="why", dir="auto") for reason in reasons if reason)


# --- parts


def _part(part: Part, card: Card) -> Html:
    if isinstance(part, Media):
        return _media(part, card.name, next((text for name, text in card.said if name in {"prompt", "text"}), ""))
    if isinstance(part, Table):
        return element("dl", *(cell for name, text in part.rows for cell in _pair(name, text)), class_="value")
    rest = None
    if part.href is not None:
        rest = element("p", element("a", f"all of it, {part.more:,} characters more", href=part.href), class_="rest")
    box = element("pre", part.text, class_="value code" if isinstance(part, Code) else "value", dir="auto")
    return joined([box, rest])


def _media(media: Media, name: str, text: str) -> Html:
    what = _FAMILIES.get(media.type, media.type)
    if media.href is None:
        return element("p", f"{what}: its bytes are not in the store any more", class_="gone")
    said = f"{name}: {' '.join(text.split())[:_ALT]}" if text else f"{name}, {what}"
    caption = element(
        "figcaption",
        element("span", joined((element("span", fact) for fact in media.facts), " · ")),
        _enlarge(media, said),
    )
    return element("figure", *_shown(media, media.href, said), caption, class_=f"media {media.type}")


def _shown(media: Media, href: str, said: str) -> list[Child]:
    thumb = media.thumb
    if media.type == "image":
        if thumb is None:
            return [element("p", "it cannot be shown small", class_="gone")]
        picture = element(
            "img", src=_data(thumb), alt=said, width=thumb.width, height=thumb.height, loading="lazy", decoding="async"
        )
        return [element("a", picture, class_="zoom", href=href, data_type="image")]
    if media.type == "video":
        wide, tall = (thumb.width, thumb.height) if thumb is not None else (media.width, media.height)
        poster = None if thumb is None else _data(thumb)
        return [
            element(
                "video", src=href, poster=poster, width=wide, height=tall, aria_label=said, controls=True, preload="none", playsinline=True
            )
        ]  # fmt: skip
    if media.type == "audio":
        sound = element("audio", src=href, aria_label=said, controls=True, preload="none")
        return [_wave(media.peaks), sound]
    if media.type == "subtitles":
        return [element("pre", media.text, class_="value", dir="auto")]
    return []


def _enlarge(media: Media, said: str) -> Html:
    if media.type in {"video", "audio"}:
        return element(
            "a", "enlarge", class_="zoom", href=media.href, data_type=media.type, aria_label=f"enlarge {said}"
        )
    word = "full size" if media.type == "image" else "open"
    return element("a", word, href=media.href, aria_label=f"{word}: {said}")


def _data(thumb: Thumb) -> str:
    return f"data:image/webp;base64,{base64.b64encode(thumb.data).decode()}"


def _wave(peaks: Sequence[int]) -> Html | None:
    """Return a sound as bars around a line: the loudest one fills the height."""
    if not peaks:
        return None
    loudest = max(*peaks, 1) if len(peaks) > 1 else max(peaks[0], 1)
    middle = _WAVE_TALL / 2
    halves = [max(0.6, peak / loudest * (middle - 2)) for peak in peaks]
    bars = "".join(f"M{i * 3 + 1.5:g} {middle - half:.1f}v{half * 2:.1f}" for i, half in enumerate(halves))
    box = f"0 0 {len(peaks) * 3} {_WAVE_TALL}"
    drawn = element("path", d=bars)
    return element("svg", drawn, class_="wave", viewBox=box, preserveAspectRatio="none", aria_hidden="true")


# --- what a person is to choose


def _candidates(card: Card, anchors: Anchors) -> Html | None:
    """Return what is to be looked at, side by side; what was chosen from, where each has a card of its own, as a list."""
    if not card.candidates:
        return None
    gate = not any(one.name for one in card.candidates)
    looks = any(one.part is not None for one in card.candidates)
    shape = "candidates shows" if gate else "candidates" if looks else "ranking"
    rows = [_candidate(one, card, anchors) for one in card.candidates]
    return element("ol", *rows, class_=shape, aria_label="what it shows" if gate else "candidates")


def _candidate(one: Candidate, card: Card, anchors: Anchors) -> Html:
    head: list[Child] = [element("strong", one.score, class_="score") if one.score else None]
    head += [element("span", one.name, class_="place") if one.name else None]
    head += [link(one.instance, anchors) if one.instance else None]
    head += [element("span", one.chosen, class_="mark strong") if one.chosen else None]
    return element(
        "li",
        element("p", joined((part for part in head if isinstance(part, Html)), " "), class_="candidate"),
        None if one.part is None else _part(one.part, card),
        _reasons(one.reasons),
        None if one.command is None else command_html(one.command),
        class_="is-chosen" if one.chosen else None,
    )


def _earlier(card: Card) -> Html | None:
    if not card.earlier:
        return None
    rows = [
        element(
            "li",
            element("p", element("strong", one.name), " ", one.words),
            None if one.part is None else _part(one.part, card),
            None if one.command is None else command_html(one.command),
        )
        for one in card.earlier
    ]
    head = element("summary", counted(len(rows), "other result"))
    return element("details", head, element("ol", *rows, class_="candidates"), class_="details")


# --- details


def _details(card: Card, anchors: Anchors, *, opened: bool) -> Html:
    rows: list[Html] = []
    for path in card.files:
        rows += _pair("file", path)
    for fact in card.params:
        rows += _fact(fact, anchors)
    if card.inputs:
        rows += _pair("made of", _names(card.inputs, anchors))
    if card.uses:
        rows += _pair("used by", _names(card.uses, anchors))
    for fact in card.facts:
        rows += _fact(fact, anchors)
    for part in card.parts:
        if isinstance(part, Media):
            rows += [*_pair("type", part.media_type), *_pair("sha256", part.digest)]
    commands = [command_html(one) for one in card.commands]
    rows = [*_pair("kind", card.kind), *rows]
    return element(
        "details",
        element("summary", "Details"),
        element("dl", *rows, class_="facts"),
        *commands,
        class_="details",
        open=opened,
    )


def _fact(fact: Fact, anchors: Anchors) -> list[Html]:
    return _pair(fact.name, _names(fact.instances, anchors) if fact.instances else fact.text)


def _pair(name: str, text: Child) -> list[Html]:
    return [element("dt", name), element("dd", text, dir="auto")]


def _names(names: Sequence[str], anchors: Anchors) -> Html:
    shown = joined(_each(names[:_MOST_LINKS], lambda name: link(name, anchors)), ", ")
    more = f" and {len(names) - _MOST_LINKS:,} more" if len(names) > _MOST_LINKS else None
    return joined([shown, more])


def _each(names: Iterable[str], make: Callable[[str], Html]) -> list[Html]:
    return [make(name) for name in names]
