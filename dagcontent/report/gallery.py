"""What a gallery shows, as values: a build with its money, and a card for every instance. Knows no form and no store."""

from __future__ import annotations

import msgspec

from dagcontent.report.picture import Picture

__all__ = [
    "Candidate", "Card", "Code", "Command", "Earlier", "Fact", "Gallery", "Media", "MoneyRow", "Part", "Run", "Score", "Section", "Table", "Thumb", "Words",
]  # fmt: skip


class Thumb(msgspec.Struct, frozen=True):
    """A small picture in WebP, and its size in pixels."""

    data: bytes
    width: int
    height: int


class Media(msgspec.Struct, frozen=True):
    """An artifact. `href` is the file beside the page, None where its bytes are gone. `facts` are words on it: "5.2 s".

    `thumb` shows a picture or a clip, `peaks` (0 to 100) a sound, `text` subtitles.
    """

    digest: str
    type: str
    media_type: str
    href: str | None
    facts: tuple[str, ...] = ()
    width: int | None = None
    height: int | None = None
    thumb: Thumb | None = None
    peaks: tuple[int, ...] = ()
    text: str = ""


class Words(msgspec.Struct, frozen=True):
    """A text. `href` is where the rest of it is, if it was cut, and `more` how many characters that has."""

    text: str
    href: str | None = None
    more: int = 0


class Code(Words, frozen=True):
    """A value as JSON."""


class Table(msgspec.Struct, frozen=True):
    """A table of texts: name and text."""

    rows: tuple[tuple[str, str], ...]


Part = Media | Words | Code | Table


class Fact(msgspec.Struct, frozen=True):
    """A name, and what it says: a text, or instances that it leads to."""

    name: str
    text: str = ""
    instances: tuple[str, ...] = ()


class Command(msgspec.Struct, frozen=True):
    """A command that can be copied, and what it is for."""

    line: str
    what: str = ""


class Score(msgspec.Struct, frozen=True):
    """What a selection, `by`, was told of one of its candidates: a number as it is written, and why."""

    by: str
    score: str
    reasons: tuple[str, ...] = ()


class Candidate(msgspec.Struct, frozen=True):
    """One of those that a selection chooses among, or of what a gate shows. `command` picks it, where that is open.

    `part` is empty where its own card shows it. `chosen` says that it was: "chosen", or its place if several were.
    """

    name: str
    part: Part | None = None
    command: Command | None = None
    instance: str = ""
    score: str = ""
    reasons: tuple[str, ...] = ()
    chosen: str = ""


class Earlier(msgspec.Struct, frozen=True):
    """Another result that an instance had. `words` say when, what it cost and what differs; `command` goes back to it, where that is one."""

    name: str
    words: str
    part: Part | None = None
    command: Command | None = None


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One instance: what it is today, and its result if there is one.

    `status` is that of a plan; `stale`: what is shown is of an earlier build. `reason` says why it stands so. `group` is the
    instance without its take, where it is one of several. `said` are the texts that it was asked with. `inputs` are the instances
    that it was made of, `uses` those that are made of it. `marks` are words on what a person decided; `chosen_by` are the
    selections that took it. `scores` are what it was judged by. `candidates` are what a selection chose from or is to choose from,
    or what a gate shows; `question` is how the gate puts it, `answers` the commands that settle it. `served_by` is the instance that
    a fallback is, `passed` those that came to nothing before it; `instead` says which model made it in whose place.
    """

    name: str
    node: str
    kind: str
    model: str
    status: str
    stale: bool = False
    reason: str = ""
    output: bool = False
    files: tuple[str, ...] = ()
    group: str = ""
    parts: tuple[Part, ...] = ()
    hidden: int = 0
    """Parts that are not shown, there being too many."""
    said: tuple[tuple[str, str], ...] = ()
    params: tuple[Fact, ...] = ()
    facts: tuple[Fact, ...] = ()
    inputs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    chosen_by: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()
    question: str = ""
    answers: tuple[Command, ...] = ()
    served_by: str = ""
    passed: tuple[str, ...] = ()
    instead: str = ""
    candidates: tuple[Candidate, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    commands: tuple[Command, ...] = ()
    cost_microusd: int = 0
    expected_microusd: int | None = 0
    """What it would still cost; None: nobody knows."""
    seconds: float | None = None


class Section(msgspec.Struct, frozen=True):
    """The instances of one node."""

    name: str
    kind: str
    model: str
    family: str
    output: bool
    value: bool
    cards: tuple[Card, ...]


class Run(msgspec.Struct, frozen=True):
    """The last build of the graph: its short id, how it ended, when it began, how long it took, what it spent."""

    id: str
    status: str
    began: str
    seconds: float | None
    spent_microusd: int


class MoneyRow(msgspec.Struct, frozen=True):
    """What was paid for a node or a model in this graph, failures and other samples too; `reserved` and `expected` are still open.

    `shown` is what the results on the page cost. `unpriced` are requests whose cost nobody knows.
    """

    name: str
    requests: int = 0
    spent: int = 0
    failed: int = 0
    reserved: int = 0
    shown: int = 0
    expected: int = 0
    unpriced: int = 0


class Gallery(msgspec.Struct, frozen=True, kw_only=True):
    """One build of one graph."""

    graph: str
    description: str
    file: str
    profile: str | None
    made: str
    version: str
    picture: Picture
    sections: tuple[Section, ...]
    run: Run | None = None
    by_node: tuple[MoneyRow, ...] = ()
    by_model: tuple[MoneyRow, ...] = ()
    total: MoneyRow = MoneyRow("total")
    ceilings: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    next: tuple[Command, ...] = ()

    @property
    def cards(self) -> list[Card]:
        """All cards, section by section."""
        return [card for section in self.sections for card in section.cards]
