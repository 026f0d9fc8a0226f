from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pictures import encoded, noise
from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.kinds.registry import KINDS
from dagcontent.media import pdf
from dagcontent.media.picture import open_picture
from dagcontent.testing.conformance import check_implementation
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio

pytest.importorskip("pypdfium2", reason="the extra `pdf` is not installed")


def written(*texts: str, size: tuple[int, int] = (200, 100), trailer: str = "") -> bytes:
    """Return a PDF with these texts, one a page; sides in points, of which 72 are an inch."""
    fonts = "/Resources << /Font << /F1 3 0 R >> >>"
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(texts)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(texts)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, text in enumerate(texts):
        stream = f"BT /F1 18 Tf 20 50 Td ({text}) Tj ET"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] /Contents {5 + 2 * n} 0 R {fonts} >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    data, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n"
    rows = "".join(f"{place:010d} 00000 n \n" for place in places)
    xref = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}"
    return f"{data}{xref}trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer}>>\nstartxref\n{len(data)}\n%%EOF\n".encode()


def put(studio: Studio, data: bytes) -> Blob:
    """Give the studio a document."""
    return studio.put("deck.pdf", data, "document", "application/pdf")


def test_pages_are_pictures_of_their_size(studio: Studio) -> None:
    """In the order of the document, as large as the resolution says, with what is on them."""
    document = put(studio, written("One light", "Two lights"))
    for dpi, size in ((72, (200, 100)), (150, (417, 209))):
        made = studio.make("document.pages", document=document, dpi=dpi)
        assert [(page.facts["width"], page.facts["height"]) for page in made] == [size, size]
        images = [open_picture(studio.path(page)) for page in made]
        assert all(image.convert("L").getextrema() == (0, 255) for image in images)
        assert images[0].tobytes() != images[1].tobytes()


def test_texts_are_those_of_the_pages(studio: Studio) -> None:
    """Every page has one, so that pages and texts go together; a scan's is empty."""
    assert studio.make("document.text", document=put(studio, written("One light.", "Two"))) == ["One light.", "Two"]
    scan = encoded(noise((20, 20)), "PDF")
    assert studio.make("document.text", document=put(studio, scan)) == [""]


def test_the_engine_can_rely_on_them(studio: Studio) -> None:
    """Equal bytes in another folder, declared types and facts."""
    document = put(studio, written("One", "Two"))
    files = {document.digest: studio.path(document)}
    check_implementation(KINDS["document.pages"], pdf.pages, {"document": document, "dpi": 40}, files=files)
    check_implementation(KINDS["document.text"], pdf.text, {"document": document}, files=files)


@pytest.mark.parametrize("kind", ["document.pages", "document.text"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "deck.pdf is empty"),
        (b"words", "deck.pdf is not a document: its content is of no type that is read here"),
        (encoded(Image.new("RGB", (4, 4))), "deck.pdf is not a document: its content is image (image/png)"),
        (b"%PDF-1.7\nnothing", "deck.pdf is damaged, or no whole PDF"),
        (written("x", trailer="/Encrypt << /Filter /Standard /V 1 /R 2 /O (" + "a" * 32 + ") /U (" + "b" * 32 + ") /P -4 >> "), "deck.pdf needs a password"),
    ],
)  # fmt: skip
def test_what_is_no_readable_document_is_said(kind: str, data: bytes, message: str, studio: Studio) -> None:
    """By the name of the file, with what would be right."""
    with pytest.raises(NodeError) as caught:
        studio.make(kind, document=put(studio, data))
    assert caught.value.message == message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "params", "message"),
    [
        (written("x", size=(14400, 14400)), {"dpi": 144}, "page 1 of deck.pdf would be 28800x28800 px at 144 dpi"),
        (written(*["x"] * 1001), {}, "deck.pdf has 1,001 pages"),
    ],
)
def test_too_much_is_refused(data: bytes, params: dict[str, Any], message: str, studio: Studio) -> None:
    """A page of five metres, or a thousand of them, would fill memory or the disk."""
    with pytest.raises(NodeError) as caught:
        studio.make("document.pages", document=put(studio, data), **params)
    assert caught.value.message == message
    assert caught.value.hint
