"""Turn a PDF into pictures of its pages or their texts, in a process of its own. Knows nothing of dagcontent.

A PDF is a program of somebody else's, so PDFium reads it here only, under the limits of a child. One JSON object on
standard input; on standard output one JSON object a line.

    in   {do: "pages" | "text", document, folder, dpi, pages_max, pixels_max}
    out  {version, pages}, then {page, text?} each; the pictures are folder/0.png, ...; or {error, page?, size?}
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ["main", "read"]


def read(order: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what is to be said of a document, page by page."""
    import pypdfium2  # noqa: PLC0415 - an extra, which nothing may need to be imported

    try:
        document = pypdfium2.PdfDocument(order["document"])
    except pypdfium2.PdfiumError as error:
        yield {"error": "password" if "password" in str(error).lower() else "damaged"}
        return
    count = len(document)
    if count > order["pages_max"] or not count:
        yield {"error": "count", "pages": count}
        return
    yield {"version": str(pypdfium2.PDFIUM_INFO), "pages": count}
    for number in range(count):
        try:
            page = document[number]
            if order["do"] == "text":
                yield {"page": number, "text": page.get_textpage().get_text_bounded()}
                continue
            scale = order["dpi"] / 72
            width, height = (math.ceil(side * scale) for side in page.get_size())
            if width * height > order["pixels_max"]:
                yield {"error": "size", "page": number, "size": [width, height]}
                return
            image = page.render(scale=scale).to_pil().convert("RGB")
            image.info = {}
            image.save(f"{order['folder']}/{number}.png", format="PNG", compress_level=3)
        except pypdfium2.PdfiumError:
            yield {"error": "page", "page": number}
            return
        yield {"page": number}
        page.close()


def main() -> None:
    """Do what standard input says."""
    for said in read(json.loads(sys.stdin.buffer.read())):
        print(json.dumps(said), flush=True)  # noqa: T201 - how a child speaks


if __name__ == "__main__":
    main()
