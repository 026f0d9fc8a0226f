"""Turn a PDF into pictures of its pages, or their texts. Knows no other kind of document.

PDFium, an optional package, reads it in a child (`pdf_child.py`): what a foreign file does to it is done there.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any, Final

from dagcontent.errors import NodeError
from dagcontent.media import picture, probe
from dagcontent.media.arguments import PIXELS_MAX, required_blob, whole_of
from dagcontent.media.call import Call, Made, NewFile

__all__ = ["pages", "text"]

_PACKAGE: Final = "pypdfium2"
_PAGES_MAX: Final = 1_000
_DPI: Final = 150


def pages(call: Call) -> Made:
    """Return a picture of each page."""
    made: list[NewFile] = []

    def add(said: dict[str, Any]) -> None:
        path = call.workdir / f"{said['page']}.png"
        made.append(NewFile(path, "image", "image/png", probe.measure(path, "image", "image/png")))

    version = _read(call, "pages", add)
    return Made(made, {"pdfium": version, **picture.made_with()})


def text(call: Call) -> Made:
    """Return the text of each page; that of a page which is a picture is empty."""
    made: list[str] = []
    version = _read(call, "text", lambda said: made.append(_plain(said["text"])))
    return Made(made, {"pdfium": version})


def _plain(said: str) -> str:
    # PDFium marks a hyphen at the end of a line with U+FFFE.
    lines = said.replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe\n", "").replace("\ufffe", "").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def _read(call: Call, do: str, add: Any) -> str:
    """Have the document read, page by page; return the version of what read it. Raises NodeError naming the file."""
    path = call.path(required_blob(call, "document"))
    probe.check_input(path, "document")
    if importlib.util.find_spec(_PACKAGE) is None:
        message = f"{call.kind} needs the package {_PACKAGE}, which is not installed"
        raise NodeError(message, hint="pip install 'dagcontent[pdf]'")
    dpi = whole_of(call, "dpi") or _DPI
    order = {
        "do": do, "document": str(path.absolute()), "folder": str(call.workdir.absolute()), "dpi": dpi,
        "pages_max": _PAGES_MAX, "pixels_max": PIXELS_MAX,
    }  # fmt: skip
    seen: dict[str, Any] = {"done": 0}

    def heard(line: str) -> None:
        said = json.loads(line)
        if "error" in said:
            raise _wrong(path.name, said, dpi)
        if "version" in said:
            seen.update(said)
            return
        add(said)
        seen["done"] += 1
        call.progress(seen["done"] / seen["pages"])

    argv = [sys.executable, "-I", "-B", str(Path(__file__).with_name("pdf_child.py"))]
    # Not line by line as it comes: what is wrong with the document is raised here, not in a reader's thread.
    for line in call.run(argv, stdin=json.dumps(order).encode(), timeout_s=1800).decode().splitlines():
        heard(line)
    return str(seen.get("version", ""))


def _wrong(name: str, said: dict[str, Any], dpi: int) -> NodeError:
    error, page = said["error"], said.get("page", 0) + 1
    if error == "password":
        return NodeError(f"{name} needs a password", hint="save it without one")
    if error == "count":
        return NodeError(f"{name} has {said['pages']:,} pages", hint=f"one to {_PAGES_MAX:,} can be read")
    if error == "size":
        width, height = said["size"]
        message = f"page {page} of {name} would be {width}x{height} px at {dpi} dpi"
        return NodeError(message, hint=f"lower `dpi`: at most {PIXELS_MAX // 1_000_000} megapixels")
    if error == "page":
        return NodeError(f"page {page} of {name} cannot be read", hint="open it, and save it anew")
    return NodeError(f"{name} is damaged, or no whole PDF", hint="a PDF file is expected")
