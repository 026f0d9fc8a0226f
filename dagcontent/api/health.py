"""This machine into what is ready for builds, what is missing, and what to do about it. Changes nothing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dagcontent import __version__
from dagcontent.errors import DagcontentError

if TYPE_CHECKING:
    from dagcontent.providers.config import ProviderConfig
    from dagcontent.providers.registry import Vendor

__all__ = ["Check", "examine"]

_LEAST_SQLITE: Final = (3, 51, 3)
_LEAST_FREE_BYTES: Final = 2 * 10**9
_PACKAGES: Final = ("anyio", "apsw", "av", "click", "diskcache", "msgspec", "networkx", "pillow", "rich", "tomli")
_FILTERS: Final = (
    "acrossfade", "adelay", "alimiter", "aloop", "amix", "apad", "ass", "atempo", "blackdetect", "concat", "ebur128", "freezedetect",
    "scale", "sidechaincompress", "tpad", "trim", "xfade",
)  # fmt: skip
_ENCODERS: Final = ("libx264", "aac", "flac", "libmp3lame", "libopus", "pcm_s16le")
_LOOK_S: Final = 20.0


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at. `state`: ok, warning (builds work, some may not), failed, or unused (a provider).

    `facts` say the same of a provider as data: `provider`, `installed`, `key` ("set", "missing", "not needed"),
    `variable` (where the key is, or goes), `base_url` and `realm`. No key is ever in them.
    """

    name: str
    state: str
    found: str
    hint: str | None = None
    facts: Mapping[str, Any] = {}


def examine(store: Path, providers: Callable[[], Mapping[str, ProviderConfig]] | None = None) -> Iterator[Check]:
    """Yield what was found, one after the other. `providers` gives them as configured, or raises what is wrong with that."""
    yield Check("dagcontent", "ok", f"{__version__}, Python {platform.python_version()} ({sys.executable})")
    looks: dict[str, Callable[[], Check]] = {
        "packages": _packages, "sqlite": _sqlite, "ffmpeg": _ffmpeg, "espeak": _espeak, "temporary": _temporary,
        "store": lambda: _store(store),
    }  # fmt: skip
    for name, look in looks.items():
        try:
            yield look()
        except DagcontentError as error:
            yield Check(name, "failed", error.message, error.hint)
        except (OSError, ImportError) as error:
            yield Check(name, "failed", str(error), "install dagcontent again")
    if providers is not None:
        try:
            yield from _providers(providers())
        except DagcontentError as error:
            yield Check("providers", "failed", error.message, error.hint)


def _providers(configs: Mapping[str, ProviderConfig]) -> Iterator[Check]:
    from dagcontent.providers.registry import VENDORS, installed, missing  # noqa: PLC0415 - as late as all else here

    for name, config in configs.items():
        vendor = VENDORS[name]
        lacks = {problem.lack: problem.hint for problem in missing(configs, [name])}
        key = "not needed" if config.keyless else "missing" if "key" in lacks else "set"
        variable = config.key.name if config.key else config.variable or vendor.keys[0]
        facts = {
            "provider": name, "installed": installed(vendor), "key": key, "variable": variable,
            "base_url": config.base_url, "realm": config.realm,
        }  # fmt: skip
        found = f"no {vendor.package}" if "extra" in lacks else f"{vendor.package} {_version(vendor)}".rstrip()
        found += {
            "set": f", key in {variable}",
            "missing": f", no key in {config.variable or ' or '.join(vendor.keys)}",
        }.get(key, ", needs no key")
        found += f", at {config.base_url}" if config.base_url else ""
        found += f", realm {config.realm}" if config.realm else ""
        # Nobody needs all of them: one for which nothing was set is not in use.
        wanted = bool(config.key or config.base_url or config.keyless or config.variable)
        state = "ok" if not lacks else "warning" if wanted else "unused"
        yield Check(name, state, found, "; ".join(lacks.values()) or None, facts)


def _version(vendor: Vendor) -> str:
    try:
        return metadata.version(vendor.package.replace("_", "-").replace(".", "-"))
    except metadata.PackageNotFoundError:
        return ""


def _packages() -> Check:
    found, missing = [], []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check(
            "packages", "failed", f"missing: {', '.join(missing)}", "install dagcontent again: pip install dagcontent"
        )
    return Check("packages", "ok", ", ".join(found))


def _sqlite() -> Check:
    import apsw  # noqa: PLC0415 - a look, not a need

    said = apsw.sqlite_lib_version()
    if tuple(int(part) for part in said.split(".")) < _LEAST_SQLITE:
        least = ".".join(map(str, _LEAST_SQLITE))
        return Check(
            "sqlite",
            "failed",
            f"{said} can lose committed results",
            f"{least} or later comes with apsw: pip install -U apsw",
        )
    return Check("sqlite", "ok", said)


def _ffmpeg() -> Check:
    from dagcontent.media import ffmpeg  # noqa: PLC0415 - as above
    from dagcontent.media.process import ProcessRunner  # noqa: PLC0415

    run = ProcessRunner()
    program = ffmpeg.executable()
    version = ffmpeg.version(run)
    ffmpeg.require(run, program, _FILTERS)
    said = run([program, "-hide_banner", "-encoders"], timeout_s=_LOOK_S).decode("utf-8", "replace")
    have = {words[1] for line in said.splitlines() if len(words := line.split()) > 1}
    missing = [name for name in _ENCODERS if name not in have]
    if missing:
        hint = "install the package imageio-ffmpeg, whose ffmpeg has them"
        return Check("ffmpeg", "failed", f"{version} misses {', '.join(missing)}: {program}", hint)
    return Check("ffmpeg", "ok", f"{version} with all filters and encoders that are used ({program})")


def _espeak() -> Check:
    from dagcontent.media.packaged import folders_of  # noqa: PLC0415 - as above
    from dagcontent.media.voices import languages  # noqa: PLC0415 - as above

    for folder in folders_of("espeakng_loader"):
        data = folder / "espeak-ng-data"
        if data.is_dir() and any(folder.glob("*espeak-ng.*")):
            version = metadata.version("espeakng-loader")
            return Check("espeak", "ok", f"espeakng-loader {version}, {len(languages(data))} languages")
    hint = "install the package espeakng-loader; without it local/espeak cannot speak"
    return Check("espeak", "failed", "there is no eSpeak NG", hint)


def _temporary() -> Check:
    place = tempfile.gettempdir()
    free = shutil.disk_usage(place).free
    if not os.access(place, os.W_OK) or free < _LEAST_FREE_BYTES // 10:
        return Check(
            "temporary", "failed", f"{place} cannot be used: {free // 10**6} MB free", "free some space, or set TMPDIR"
        )
    return Check("temporary", "ok", f"{place}, {free / 1e9:.1f} GB free")


def _store(store: Path) -> Check:
    from dagcontent.api.keeping import store_stats  # noqa: PLC0415 - as above

    stats = store_stats(store)
    free = f"{stats.free_bytes / 1e9:.1f} GB free"
    if not Path(stats.path).exists():
        return Check("store", "ok", f"{stats.path}, made by the first build; {free}")
    records = sum(stats.records.values())
    found = f"{stats.path}: {records:,} results, {stats.blobs:,} files, {stats.blob_bytes / 1e6:.1f} MB; {free}"
    if stats.quarantined:
        return Check(
            "store",
            "warning",
            f"{found}; {stats.quarantined} files were found damaged and set aside",
            "dagcontent store verify",
        )
    if stats.free_bytes < _LEAST_FREE_BYTES:
        return Check("store", "warning", found, "the disk is nearly full: name another place with --store")
    return Check("store", "ok", found)
