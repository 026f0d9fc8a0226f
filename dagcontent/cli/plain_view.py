"""Turn the events of a build into plain lines, one a node that was finished. Knows no result."""

from __future__ import annotations

from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import seconds
from dagcontent.run.events import BuildStarted, Event, NodeFinished, NodeStarted

__all__ = ["PlainView"]

_WORDS = {"ran": "made", "hit": "found"}


class PlainView:
    """For a pipe, a log, a file. Call it with every event."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._by: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, BuildStarted) and event.run:
            self._screen.say(f"{safe(event.graph)}: building, run {event.run}")
        elif isinstance(event, NodeStarted):
            self._by[event.node] = event.model or event.kind
            if self._screen.verbose:
                again = f"   attempt {event.attempt}" if event.attempt > 1 else ""
                self._screen.say(f"  started    {safe(event.node)}   {safe(event.model or event.kind)}{again}")
        elif isinstance(event, NodeFinished):
            word = _WORDS.get(event.status, event.status)
            text = f"  {word:<9}  {safe(event.node)}   {safe(self._by.pop(event.node, ''))}   {seconds(event.seconds)}"
            self._screen.say(text + (f"   {safe(event.error)}" if event.error else ""))
