"""An OpenAI picture order into pictures and their tokens. Knows no path and no charge."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.chat import PICTURE_TOKENS, BadInput, tokens

__all__ = ["Order", "order", "pictures", "price_microusd", "usage"]

_TOKENS = {"low": 196, "medium": 439, "high": 1756, "xhigh": 3122, "max": 7024}
_EDGE_MAX, _STEP, _RATIO_MAX = 3840, 16, 3
_USD_A_MILLION = {"text": 5, "image_in": 8, "image_out": 30}


class Order(msgspec.Struct, frozen=True):
    """What to make: `inputs` is how many pictures were given."""

    prompt: str
    width: int
    height: int
    count: int
    quality: str
    form: str
    background: str
    inputs: int = 0


def order(fields: Mapping[str, Any], inputs: list[bytes]) -> Order:
    """Return the order of a request's fields and the pictures it brings. Raises BadInput."""
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise BadInput("Missing required parameter: 'prompt'.", "prompt", "missing_required_parameter")
    if len(prompt) > 32_000:
        raise BadInput("Invalid 'prompt': string too long.", "prompt", "string_above_max_length")
    count = fields.get("n", 1)
    if not str(count).isdigit() or not 1 <= int(count) <= 10:
        raise BadInput("Invalid value for 'n': expected 1 to 10.", "n")
    quality = str(fields.get("quality", "auto"))
    if quality not in (*_TOKENS, "auto"):
        text = f"Invalid value: '{quality}'."
        raise BadInput(text, "quality")
    form = str(fields.get("output_format", "png"))
    if form not in ("png", "jpeg", "webp", "gif"):
        text = f"Invalid value: '{form}'."
        raise BadInput(text, "output_format")
    background = str(fields.get("background", "opaque"))
    if background == "transparent" and form == "jpeg":
        raise BadInput("Transparent background is not supported for jpeg.", "background")
    width, height = _size(str(fields.get("size", "auto")), inputs)
    quality = "high" if quality == "auto" else quality
    return Order(prompt, width, height, int(count), quality, form, background, len(inputs))


def pictures(what: Order, seed: str, spoil: Callable[[bytes], bytes]) -> list[str]:
    """Return the pictures of an order, in base64."""
    clear = what.background == "transparent"
    made = (
        media.picture(what.width, what.height, what.form, f"{seed} {n}", transparent=clear) for n in range(what.count)
    )
    return [base64.b64encode(spoil(data)).decode() for data in made]


def usage(what: Order, factor: float = 1.0) -> dict[str, Any]:
    """Return the tokens of an order, `factor` times."""
    text = round(tokens(what.prompt) * factor)
    given = round(what.inputs * PICTURE_TOKENS * factor)
    out = round(_TOKENS[what.quality] * what.width * what.height / 1_048_576 * what.count * factor)
    return {
        "input_tokens": text + given, "output_tokens": out, "total_tokens": text + given + out,
        "input_tokens_details": {"text_tokens": text, "image_tokens": given},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": out},
    }  # fmt: skip


def price_microusd(what: Order) -> int:
    """Return what an order costs: micro-USD a token are USD a million."""
    used = usage(what)
    details = used["input_tokens_details"]
    return int(
        details["text_tokens"] * _USD_A_MILLION["text"]
        + details["image_tokens"] * _USD_A_MILLION["image_in"]
        + used["output_tokens"] * _USD_A_MILLION["image_out"]
    )


def _size(given: str, inputs: list[bytes]) -> tuple[int, int]:
    for data in inputs:
        try:
            media.picture_size(data)
        except ValueError as error:
            raise BadInput("Invalid image file or mode for image 1.", "image", "invalid_image_file") from error
    if given == "auto":
        return 1024, 1024
    found = re.fullmatch(r"(\d{2,4})x(\d{2,4})", given)
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if not found or width % _STEP or height % _STEP or max(width, height) > _EDGE_MAX:
        text = f"Invalid value: '{given}'. Width and height must be divisible by {_STEP} and at most {_EDGE_MAX}."
        raise BadInput(text, "size")
    if max(width, height) > _RATIO_MAX * min(width, height):
        text = f"Invalid value: '{given}'. The aspect ratio must be at most {_RATIO_MAX}:1."
        raise BadInput(text, "size")
    return width, height
