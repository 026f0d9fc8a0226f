"""Turn the events of a build into plain lines, one a node that was finished. Knows no result."""

from __future__ import annotations

from dagcontent.cli.progress import ends_words, stopping_words
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import seconds
from dagcontent.run.events import AWAITS, BuildStarted, BuildStopping, Event, NodeFinished, NodeStage, NodeStarted

__all__ = ["PlainView"]


class PlainView:
    """For a pipe, a log, a file. Call it with every event."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._by: dict[str, str] = {}
        self._awaited: dict[str, None] = {}

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, BuildStarted) and event.run:
            self._screen.say(f"{safe(event.graph)}: building, run {event.run}")
        elif isinstance(event, NodeStarted):
            self._by[event.node] = event.model or event.kind
            if self._screen.verbose:
                again = f"   attempt {event.attempt}" if event.attempt > 1 else ""
                self._screen.say(f"  started    {safe(event.node)}   {safe(event.model or event.kind)}{again}")
        elif isinstance(event, NodeStage):
            self._stage(event)
        elif isinstance(event, BuildStopping):
            self._screen.say(f"  stopping: {safe(stopping_words(list(self._awaited)))}")
        elif isinstance(event, NodeFinished):
            self._awaited.pop(event.node, None)
            text = f"  {ends_words(event.status):<10} {safe(event.node)}   {safe(self._by.pop(event.node, ''))}"
            text += f"   {seconds(event.seconds)}"
            if event.cost_microusd:
                from dagcontent.cli.money import dollars  # noqa: PLC0415 - most builds are free

                text += f"   {dollars(event.cost_microusd)}"
            self._screen.say(text + (f"   {safe(event.error)}" if event.error else ""))

    def _stage(self, event: NodeStage) -> None:
        if event.stage == AWAITS:
            self._awaited[event.node] = None
        else:
            self._awaited.pop(event.node, None)
        if self._screen.verbose:
            at = f", position {event.position}" if event.position is not None else ""
            self._screen.say(f"  {'':<10} {safe(event.node)}   {safe(event.stage)}{at}")
