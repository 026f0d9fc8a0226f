"""An action of a local kind into a committed-ready record: function called, files kept.

Knows no graph order, no budget and no concrete store: bytes go through `Artifacts`.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from dagcontent.errors import DagcontentError, NodeError, StoreFull
from dagcontent.media.call import Call, Made, NewFile, Registry, Runner
from dagcontent.plan.action import Action
from dagcontent.run.inputs import SUFFIXES, Inputs, Verified
from dagcontent.run.ports import LostBlob
from dagcontent.values.record import Done, Record
from dagcontent.values.value import Blob, Digest, Value

__all__ = ["SUFFIXES", "Artifacts", "CancellableRunner", "LocalExecutor"]

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Artifacts(Verified, Protocol):
    """Where bytes are kept, and new ones are put."""

    def keep(self, path: Path) -> tuple[Digest, int]:
        """Take a file over; return its digest and size in bytes. Raises StoreError."""
        ...

    def new_folder(self) -> Path:
        """Return a new empty folder on the store's file system, for work."""
        ...


class CancellableRunner(Runner, Protocol):
    """A runner of programs that can be stopped for good."""

    def cancel(self) -> None:
        """Kill what runs; refuse what comes."""
        ...


class LocalExecutor:
    """Executes local actions. Safe to use from several threads, one action each."""

    def __init__(
        self,
        registry: Registry,
        artifacts: Artifacts,
        runner: Callable[[Path], CancellableRunner],
        *,
        run: str,
        now_ms: Callable[[], int],
        threads: int = 1,
        crashpoint: Callable[[str], None] = lambda _point: None,
    ) -> None:
        self._registry = registry
        self._artifacts = artifacts
        self._folders = _Folders(artifacts)
        self._runner = runner
        self._run = run
        self._now_ms = now_ms
        self._threads = threads
        self._crashpoint = crashpoint
        self._running: dict[str, CancellableRunner] = {}
        self._lock = threading.Lock()

    def execute(self, action: Action, progress: Callable[[float], None]) -> Record:
        """Make a result. Raises NodeError, LostBlob, StoreError; anything else an implementation raises is ours."""
        model = action.model.removeprefix("local/") if action.model else ""
        implementation = self._registry.find(action.node.kind.name, model)
        if implementation is None:
            what = f"{action.node.kind.name}{f' with {action.model}' if action.model else ''}"
            raise NodeError(f"{what} has no implementation here", hint="dagcontent kinds lists what there is")
        began = self._now_ms()
        folder = self._folders.take()
        runner = self._runner(folder)
        with self._lock:
            self._running[action.key] = runner
        try:
            call = Call(
                kind=action.node.kind.name,
                model=model,
                params=action.params,
                workdir=folder,
                path=Inputs(self._artifacts, folder, action).path,
                run=runner,
                progress=progress,
                seed=action.seed,
                threads=self._threads,
            )
            made = _called(implementation, call)
            self._crashpoint("run.made")
            value = self._kept(made.value)
            self._crashpoint("run.kept")
        finally:
            with self._lock:
                self._running.pop(action.key, None)
            self._folders.give_back(folder)
        return self._record(action, value, made, began)

    def close(self) -> None:
        """Remove the folders of work. Call it when nothing is executed any more."""
        self._folders.close()

    def cancel(self, action: Action) -> None:
        """Kill the programs of an action that is being executed."""
        with self._lock:
            runner = self._running.get(action.key)
        if runner is not None:
            runner.cancel()

    def _kept(self, value: Any) -> Value:
        """Put the files of a value into the CAS."""
        if isinstance(value, NewFile):
            digest, size = self._artifacts.keep(value.path)
            return Blob(digest, value.type, value.media_type, size, dict(value.facts))
        if isinstance(value, list | tuple):
            return [self._kept(item) for item in value]
        if isinstance(value, Mapping):
            return {str(k): self._kept(item) for k, item in value.items()}
        kept: Value = value
        return kept

    def _record(self, action: Action, value: Value, made: Made, began_ms: int) -> Record:
        now = self._now_ms()
        return Record(
            key=action.key,
            manifest=action.manifest,
            outcome=Done(value),
            made_with=dict(made.made_with),
            run=self._run,
            at_ms=now,
            seconds=(now - began_ms) / 1000,
        )


class _Folders:
    """Work folders: one that was left empty serves the next call, for a call that needs none is common."""

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts
        self._free: list[Path] = []

    def take(self) -> Path:
        """Return an empty folder that nobody else uses."""
        try:
            return self._free.pop()
        except IndexError:
            return self._artifacts.new_folder()

    def give_back(self, folder: Path) -> None:
        """Empty a folder for the next call."""
        with os.scandir(folder) as entries:
            used = next(entries, None) is not None
        if used:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            self._free.append(folder)

    def close(self) -> None:
        """Remove what is left."""
        while self._free:
            shutil.rmtree(self._free.pop(), ignore_errors=True)


def _called(implementation: Callable[[Call], Made], call: Call) -> Made:
    """Call an implementation; what it did not expect becomes a NodeError that says where."""
    try:
        return implementation(call)
    except (DagcontentError, LostBlob, MemoryError):
        raise
    except OSError as error:
        if error.errno not in _FULL:
            raise _unforeseen(call, error) from error
        text = f"{call.kind} cannot write {call.workdir}: {error.strerror}"
        raise StoreFull(text, hint="free some space there, or name another store; what is finished is kept") from error
    except Exception as error:
        raise _unforeseen(call, error) from error


def _unforeseen(call: Call, error: Exception) -> NodeError:
    text = f"{call.kind} failed in a way it did not foresee: {type(error).__name__}: {error}"
    return NodeError(text, hint="please report it, with the graph and the input if you can")
