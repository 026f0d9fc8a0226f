"""Events into effects: what to claim, start, wait for and give up. Knows no I/O, no clock and no threads.

One task stands for one action key, however many instances share it. Its states, and the only ways between them:

    CLAIMING ──won──────────► QUEUED ──slot──► RUNNING ──done/failed──► OVER
        │──held by a run────► FOREIGN ──its record──► OVER     │──lost input──► OVER (its units wait again)
        │──record is there──► OVER       └─its run died──► CLAIMING
                                         RUNNING ──may be tried again──► BACKOFF ──time──► QUEUED
                                         RUNNING ──no money now──► PARKED ──a settlement──► QUEUED
                                                                     └─nothing left to settle──► OVER

Order: longest remaining path first, ties by a seed. Local tasks share one set of slots, the tasks of each provider
another. A build that stops starts nothing more; what runs is cancelled by the driver, what is finished stays.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from enum import Enum

from dagcontent.errors import InternalError, NodeError, OverBudget
from dagcontent.plan.action import Action
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Status, Unit
from dagcontent.run.effects import (
    Await,
    Claim,
    Claimed,
    Completed,
    Effect,
    Failed,
    Finish,
    ForeignEnded,
    Lost,
    MachineEvent,
    PassOver,
    Release,
    Start,
    Stop,
    Tick,
    Wake,
)
from dagcontent.values.record import Record
from dagcontent.values.value import ActionKey, blobs_in

__all__ = [
    "TRANSITIONS", "Await", "Claim", "Claimed", "Completed", "Effect", "Failed", "Finish", "ForeignEnded", "Lost",
    "Machine", "MachineEvent", "PassOver", "Release", "Start", "Stop", "Task", "TaskState", "Tick", "Wake",
]  # fmt: skip

BACKOFF_S = 0.5
"""Wait before the second attempt; doubled before each further one."""
PAID_SLOTS = 8
"""Tasks of one provider at once, where nothing else is said."""


class TaskState(Enum):
    """See the module's picture."""

    CLAIMING = "claiming"
    QUEUED = "queued"
    RUNNING = "running"
    FOREIGN = "foreign"
    BACKOFF = "backoff"
    PARKED = "parked"
    OVER = "over"


TRANSITIONS: dict[TaskState, frozenset[TaskState]] = {
    TaskState.CLAIMING: frozenset({TaskState.QUEUED, TaskState.FOREIGN, TaskState.OVER}),
    TaskState.QUEUED: frozenset({TaskState.RUNNING}),
    TaskState.RUNNING: frozenset({TaskState.OVER, TaskState.BACKOFF, TaskState.PARKED}),
    TaskState.FOREIGN: frozenset({TaskState.OVER, TaskState.CLAIMING}),
    TaskState.BACKOFF: frozenset({TaskState.QUEUED}),
    TaskState.PARKED: frozenset({TaskState.QUEUED, TaskState.OVER}),
    TaskState.OVER: frozenset(),
}


class Task:
    """One action key and the instances that share it."""

    __slots__ = ("action", "attempt", "pool", "priority", "refused", "state", "units")

    def __init__(self, action: Action, priority: float) -> None:
        self.action = action
        self.pool = action.provider
        self.refused: OverBudget | None = None
        self.units = [action.unit]
        self.attempt = 0
        self.priority = priority
        self.state = TaskState.CLAIMING

    def enter(self, state: TaskState) -> None:
        """Change state. Raises InternalError for a way that is not in the table."""
        if state not in TRANSITIONS[self.state]:
            text = f"a task went from {self.state.value} to {state.value}"
            raise InternalError(text)
        self.state = state


_HAPPENS_TO: dict[type, TaskState] = {
    Claimed: TaskState.CLAIMING,
    Completed: TaskState.RUNNING,
    Failed: TaskState.RUNNING,
    Lost: TaskState.RUNNING,
    ForeignEnded: TaskState.FOREIGN,
}


class Machine:
    """Drives a resolver. `begin` once, then `on` for every event; each returns the effects to carry out, in order.

    `slots` bounds how many local tasks run at once, `paid_slots` those of each provider; `remaining_s` estimates the
    longest path from a node to the end.
    """

    def __init__(
        self, resolver: Resolver, *, slots: int, remaining_s: Callable[[int], float], seed: int = 0,
        fail_fast: bool = False, paid_slots: Callable[[str], int] = lambda _provider: PAID_SLOTS,
    ) -> None:  # fmt: skip
        self.resolver = resolver
        self.stopped = False
        self.now = 0.0
        self._slots = slots
        self._paid_slots = paid_slots
        self._remaining_s = remaining_s
        self._random = random.Random(seed)  # noqa: S311 - an order, not a secret
        self._fail_fast = fail_fast
        self._tasks: dict[ActionKey, Task] = {}
        self._queues: dict[str, list[tuple[float, float, ActionKey]]] = {}
        self._later: list[tuple[float, ActionKey]] = []
        self._parked: list[Task] = []
        self._running: dict[str, int] = {}
        self._makers: dict[str, Unit] | None = None
        self._failed: dict[ActionKey, NodeError] = {}

    @property
    def running(self) -> int:
        """How many tasks run now."""
        return sum(self._running.values())

    @property
    def queued(self) -> int:
        """How many tasks wait for a slot."""
        return sum(map(len, self._queues.values()))

    def begin(self) -> list[Effect]:
        """Return the first effects."""
        return self._next([])

    def on(self, event: MachineEvent) -> list[Effect]:
        """Take an event in; return what follows from it."""
        effects: list[Effect] = []
        if isinstance(event, Stop):
            self.stopped = True
        elif isinstance(event, Tick):
            self.now = event.now
            self._wake()
        elif isinstance(event, Claimed):
            self._claimed(event, effects)
        else:
            self._ended(event, effects)
        return self._next(effects)

    def gives_way(self, task: Task, error: NodeError) -> bool:
        """Whether another model, or sample, will be asked in the place of a task that failed so."""
        if self.stopped or self._again(task, error):
            return False
        graph, gives_way = self.resolver.graph, self.resolver.asking.gives_way
        return any(gives_way(unit, graph.nodes[unit.node], error) for unit in task.units)

    # -- events -------------------------------------------------------------------------------------------------

    def _task(self, event: Claimed | Completed | Failed | Lost | ForeignEnded) -> Task:
        """Return the task that an event is about. Raises InternalError if it is not one to which that can happen."""
        task = self._tasks.get(event.key)
        if task is None or task.state is not _HAPPENS_TO[type(event)]:
            text = f"{type(event).__name__} came for a task that is {'unknown' if task is None else task.state.value}"
            raise InternalError(text)
        return task

    def _claimed(self, event: Claimed, effects: list[Effect]) -> None:
        task = self._task(event)
        if event.record is not None:
            self._settle(task, event.record, foreign=True)
        elif event.won:
            task.enter(TaskState.QUEUED)
            self._push(task)
        elif event.holder:
            task.enter(TaskState.FOREIGN)
            effects.append(Await(event.key, event.holder))
        else:
            # Recorded a moment ago, but its blobs are gone: the record must be replaced, so the key is ours to make.
            task.enter(TaskState.QUEUED)
            self._push(task)

    def _ended(self, event: Completed | Failed | Lost | ForeignEnded, effects: list[Effect]) -> None:
        task = self._task(event)
        if isinstance(event, ForeignEnded):
            if event.record is not None:
                self._settle(task, event.record, foreign=True)
            elif (refused := self.resolver.asking.refused_elsewhere(event.key)) and self.gives_way(task, refused):
                self._fail(task, refused, effects)
            else:
                task.enter(TaskState.CLAIMING)
                effects.append(Claim((event.key,)))
            return
        self._running[task.pool] -= 1
        if isinstance(event, Completed):
            self._settle(task, event.record, foreign=False)
        elif isinstance(event, Lost):
            self._lost(task, event.digest, effects)
        elif isinstance(event.error, OverBudget) and not self.stopped:
            task.enter(TaskState.PARKED)
            task.refused = event.error
            self._parked.append(task)
        elif self._again(task, event.error):
            task.enter(TaskState.BACKOFF)
            at = self.now + BACKOFF_S * 2 ** (task.attempt - 1)
            heapq.heappush(self._later, (at, event.key))
            effects.append(Wake(at))
        else:
            self._fail(task, event.error, effects)
        if task.pool:
            self._unpark(task, effects)

    def _again(self, task: Task, error: NodeError) -> bool:
        """Whether what failed is tried again."""
        return error.retry and task.attempt <= task.action.node.spec.retries and not self.stopped

    def _unpark(self, ended: Task, effects: list[Effect]) -> None:
        """Let those that had no money try again when a reservation was settled; give them up when none is left to be."""
        if ended.state is not TaskState.PARKED:
            self._requeue_parked()
        elif not any(running for pool, running in self._running.items() if pool):
            parked, self._parked = self._parked, []
            for task in parked:
                assert task.refused is not None
                self._fail(task, task.refused, effects)

    def _requeue_parked(self) -> None:
        parked, self._parked = self._parked, []
        for task in parked:
            task.enter(TaskState.QUEUED)
            self._push(task)

    def _fail(self, task: Task, error: NodeError, effects: list[Effect]) -> None:
        self._over(task)
        self._failed[task.action.key] = error
        effects.append(Release((task.action.key,)))
        made = [self.resolver.settled(unit, error, last=self.stopped) for unit in task.units]
        self._pass_over([unit for unit in task.units if unit.status is not None], effects)
        if self._fail_fast and not all(made):
            self.stopped = True

    @staticmethod
    def _pass_over(units: Iterable[Unit], effects: list[Effect]) -> None:
        """Have it written down who was passed over, before who stands in their place is asked."""
        new = [
            (unit, tuple(p for p in unit.passed if not p.recorded))
            for unit in units
            if unit.status is not Status.FAILED
        ]
        effects += [PassOver(unit, passed) for unit, passed in new if passed]

    def _lost(self, task: Task, digest: str, effects: list[Effect]) -> None:
        """Have the maker of a lost artifact run again, and this task's instances wait for it."""
        maker = self._maker(digest)
        if maker is None:
            text = f"an input's bytes are gone from the store ({digest[:16]}), and nothing here makes it"
            self._fail(task, NodeError(text, hint="restore the file, or change the graph to make it again"), effects)
            return
        self._over(task)
        effects.append(Release((task.action.key,)))
        for unit in task.units:
            self.resolver.reopen(maker, unit)

    def _maker(self, digest: str) -> Unit | None:
        if self._makers is None:
            self._makers = {}
        if digest not in self._makers:
            for unit in self.resolver.fanout.all_units():
                if unit.status in {Status.HIT, Status.RAN}:
                    for blob in blobs_in(unit.value):
                        self._makers.setdefault(blob.digest, unit)
        return self._makers.get(digest)

    def _settle(self, task: Task, record: Record, *, foreign: bool) -> None:
        self._over(task)
        for unit in task.units:
            self.resolver.settled(unit, record, foreign=foreign)

    def _over(self, task: Task) -> None:
        task.enter(TaskState.OVER)
        del self._tasks[task.action.key]

    # -- what follows -------------------------------------------------------------------------------------------

    def _next(self, effects: list[Effect]) -> list[Effect]:
        if self.stopped:
            if self.running == 0:
                waiting = {TaskState.QUEUED, TaskState.BACKOFF, TaskState.PARKED}
                held = tuple(k for k, t in self._tasks.items() if t.state in waiting)
                if held:
                    effects.append(Release(held))
                effects.append(Finish())
            return effects
        self._admit(effects)
        for pool, queue in self._queues.items():
            slots = self._paid_slots(pool) if pool else self._slots
            while queue and self._running.get(pool, 0) < slots:
                _, _, key = heapq.heappop(queue)
                task = self._tasks[key]
                task.enter(TaskState.RUNNING)
                task.attempt += 1
                self._running[pool] = self._running.get(pool, 0) + 1
                effects.append(Start(task))
        if not self._tasks:
            effects.append(Finish())
        return effects

    def _admit(self, effects: list[Effect]) -> None:
        new: list[ActionKey] = []
        while actions := self.resolver.take():
            for action in actions:
                failed = self._failed.get(action.key)
                known = self._tasks.get(action.key)
                self._pass_over((action.unit,), effects)
                if failed is not None:  # the same call would fail again: once in a build is enough
                    self.resolver.settled(action.unit, failed)
                elif known is not None:
                    known.units.append(action.unit)
                else:
                    self._tasks[action.key] = Task(action, self._remaining_s(action.node.index))
                    new.append(action.key)
        if new:
            effects.append(Claim(tuple(new)))

    def _push(self, task: Task) -> None:
        queue = self._queues.setdefault(task.pool, [])
        heapq.heappush(queue, (-task.priority, self._random.random(), task.action.key))

    def _wake(self) -> None:
        while self._later and self._later[0][0] <= self.now:
            _, key = heapq.heappop(self._later)
            task = self._tasks[key]
            task.enter(TaskState.QUEUED)
            self._push(task)
