"""A kind and its implementation into the reasons why the engine may not rely on them. Knows no store and no graph.

What is asked of an implementation is what caching needs: the same call gives the same bytes, whatever folder it is in;
inputs are never written to; the value is of the declared type; the declared facts are there.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagcontent.errors import NodeError
from dagcontent.kinds.declaration import WORKED_OUT, Kind
from dagcontent.kinds.registry import COMMON_KEYS, KINDS
from dagcontent.media.call import Call, Implementation, NewFile
from dagcontent.media.process import ProcessRunner
from dagcontent.values.canonical import Encoder
from dagcontent.values.types import Type
from dagcontent.values.value import ABSENT, Blob, Digest, Value, blobs_in, fact_of

__all__ = ["check_declaration", "check_implementation"]


def check_declaration(kind: Kind) -> None:
    """Raise AssertionError where a declaration contradicts itself or the language."""
    names = [param.name for param in kind.params]
    own = KINDS.get(kind.name) is kind  # those of the language itself, as `select`, have no medium
    _that(kind.name == kind.name.lower() and ("." in kind.name or own), f"{kind.name}: a kind is named medium.verb")
    _that(len(set(names)) == len(names), f"{kind.name}: a parameter is declared twice")
    _that(not set(names) & set(COMMON_KEYS), f"{kind.name}: {set(names) & set(COMMON_KEYS)} are keys of every node")
    _that(kind.version >= 1 and kind.version not in kind.accepts, f"{kind.name}: accepts are older versions")
    _that(
        (kind.effect in WORKED_OUT) == (kind.evaluate is not None or bool(kind.lazy or kind.chooses)),
        f"{kind.name}: value kinds evaluate",
    )
    _that(not kind.lazy or kind.param(kind.lazy) is not None, f"{kind.name}: `lazy` names a parameter")
    _that(not kind.passes or kind.param(kind.passes) is not None, f"{kind.name}: `passes` names a parameter")
    for param in kind.params:
        _that(
            not (param.required and param.default is not None), f"{kind.name}.{param.name}: required and with a default"
        )
        _that(
            param.default is None or not param.choices or param.default in param.choices,
            f"{kind.name}.{param.name}: default is no choice",
        )
        Encoder().encode(param.default)


def check_implementation(
    kind: Kind,
    implementation: Implementation,
    params: Mapping[str, Value],
    *,
    model: str = "",
    files: Mapping[str, Path] | None = None,
) -> Value:
    """Call an implementation twice, in two folders, and return its value. Raises AssertionError with what does not hold.

    `params` are given without defaults; artifacts in them as `Blob`s whose bytes are in `files`, by digest.
    """
    paths = dict(files or {})
    full = {p.name: p.default for p in kind.params if p.default is not None} | dict(params)
    before = {digest: _digest(path) for digest, path in paths.items()}
    first, second = (_called(kind, implementation, full, model, paths) for _ in range(2))
    _that(Encoder().encode(first) == Encoder().encode(second), f"{kind.name}: two calls gave two results")
    _that({d: _digest(p) for d, p in paths.items()} == before, f"{kind.name}: an input was written to")
    _that(
        _is(first, kind.output_type(full)), f"{kind.name}: declared as {kind.output_type(full)}, and made {first!r:.80}"
    )
    for blob in blobs_in(first):
        missing = [name for name in kind.facts if fact_of(blob, name) is ABSENT]
        _that(not missing, f"{kind.name}: facts that were not measured: {missing}")
    return first


def _called(
    kind: Kind, implementation: Implementation, params: Mapping[str, Any], model: str, paths: Mapping[str, Path]
) -> Value:
    with tempfile.TemporaryDirectory(prefix="conformance-") as name:
        folder = Path(name)
        seen: list[float] = []
        call = Call(
            kind=kind.name, model=model.removeprefix("local/"), params=dict(params), workdir=folder,
            path=lambda blob: paths[blob.digest], run=ProcessRunner(folder), progress=seen.append,
        )  # fmt: skip
        try:
            made = implementation(call)
        except NodeError as error:
            _that(bool(error.hint), f"{kind.name}: an error without a hint: {error.message}")
            raise
        _that(seen == sorted(seen) and all(0 <= x <= 1 for x in seen), f"{kind.name}: progress goes from 0 to 1")
        _that(
            all(isinstance(v, str) for v in made.made_with.values()), f"{kind.name}: made_with holds versions as text"
        )
        return _kept(made.value, folder)


def _kept(value: Any, folder: Path) -> Value:
    if isinstance(value, NewFile):
        _that(value.path.resolve().is_relative_to(folder.resolve()), f"{value.path} is outside the call's folder")
        return Blob(Digest(_digest(value.path)), value.type, value.media_type, value.path.stat().st_size, value.facts)
    if isinstance(value, list | tuple):
        return [_kept(item, folder) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _kept(item, folder) for name, item in value.items()}
    kept: Value = value
    return kept


def _is(value: Value, declared: Type) -> bool:
    if isinstance(value, Blob):
        return declared.name in {value.type, "any"}
    if isinstance(value, list):
        return declared.name in {"json", "any"} or (
            declared.name == "list" and all(_is(v, declared.item or declared) for v in value)
        )
    plain = {"text": str, "integer": int, "number": int | float, "boolean": bool}.get(declared.name)
    return declared.name in {"json", "any", "record"} if plain is None else isinstance(value, plain)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _that(holds: bool, text: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise AssertionError(text)
