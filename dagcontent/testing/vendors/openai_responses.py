"""OpenAI's responses: an order into a job, and the job into the object that is asked for again. Knows no charge and no path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from dagcontent.testing.vendors import openai_images as images
from dagcontent.testing.vendors.chat import BadInput, data_of_url, prompt_of, said, tokens
from dagcontent.testing.vendors.jobs import Job
from dagcontent.testing.vendors.rates import by_tokens

__all__ = ["Order", "Output", "made", "order", "response"]

_STAGES = {"queued": "queued", "running": "in_progress", "done": "completed", "cancelled": "cancelled"}
_REFUSAL = "I'm sorry, but I can't help with that."


class Order(msgspec.Struct, frozen=True):
    """What a response is to hold: words, and a picture if the tool for it was given."""

    body: Mapping[str, Any]
    prompt: str
    input_tokens: int
    text: str
    picture: images.Order | None

    def microusd(self, at_ms: int) -> int:
        """Return what it costs at that moment: its words, at 2 and 10 USD a million where no list says more, and the picture."""
        wrote = tokens(self.text)
        found = by_tokens(str(self.body.get("model")), self.input_tokens, wrote, at_ms)
        words = 2 * self.input_tokens + 10 * wrote if found is None else found
        return words + (images.price_microusd(self.picture) if self.picture is not None else 0)


class Output(msgspec.Struct, frozen=True):
    """What came of it."""

    order: Order
    pictures: list[str]
    factor: float


def order(body: Mapping[str, Any]) -> Order:
    """Return what a request orders. Raises BadInput."""
    given = body.get("input")
    messages = [{"role": "user", "content": given}] if isinstance(given, str) and given else given
    prompt, given_tokens = prompt_of(messages)
    if body.get("background") and body.get("store") is False:
        raise BadInput("Background mode requires 'store' to be true.", "store")
    tool = next((tool for tool in body.get("tools", ()) if tool.get("type") == "image_generation"), None)
    form = body.get("text", {}).get("format")
    picture = None
    if tool is not None:
        fields = {name: value for name, value in tool.items() if name not in ("type", "model")}
        picture = images.order({**fields, "prompt": prompt, "n": 1}, _given_pictures(messages))
    return Order(body, prompt, given_tokens, said(prompt, form), picture)


def made(what: Order, seed: str, factor: float, spoil: Callable[[bytes], bytes]) -> Output:
    """Return what an order becomes."""
    return Output(what, images.pictures(what.picture, seed, spoil) if what.picture is not None else [], factor)


def response(job: Job) -> dict[str, Any]:
    """Return a job's response object as it is now."""
    body, stage = job.payload, job.stage
    answer: dict[str, Any] = {
        "id": job.id, "object": "response", "created_at": job.at_ms // 1000, "status": _STAGES[stage], "error": None,
        "background": bool(body.get("background")), "incomplete_details": None, "instructions": body.get("instructions"),
        "metadata": body.get("metadata") or {}, "model": job.model, "output": [], "parallel_tool_calls": True,
        "store": body.get("store", True) is not False, "temperature": 1.0, "top_p": 1.0,
        "tool_choice": body.get("tool_choice", "auto"), "tools": list(body.get("tools", ())), "usage": None,
        "text": body.get("text", {"format": {"type": "text"}}), "service_tier": "default", "truncation": "disabled",
    }  # fmt: skip
    if stage != "done":
        return answer
    if job.failure is not None:
        return {**answer, "status": "failed", "error": job.failure}
    output: Output = job.result
    what, factor = output.order, output.factor
    given, out = round(what.input_tokens * factor), round(tokens(what.text) * factor)
    answer["output"] = [*_calls(job.id, output), _message(job)]
    answer["usage"] = {
        "input_tokens": given, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": out,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": given + out,
    }  # fmt: skip
    if what.picture is not None:
        answer["tool_usage"] = {"image_gen": images.usage(what.picture, factor)}
    return answer


def _calls(job_id: str, output: Output) -> list[dict[str, Any]]:
    what = output.order.picture
    if what is None:
        return []
    about = {
        "type": "image_generation_call", "status": "completed", "action": "edit" if what.inputs else "generate",
        "background": what.background, "output_format": what.form, "quality": what.quality,
        "size": f"{what.width}x{what.height}", "revised_prompt": what.prompt,
    }  # fmt: skip
    return [{"id": f"ig_{job_id[5:]}{n}", "result": data, **about} for n, data in enumerate(output.pictures)]


def _message(job: Job) -> dict[str, Any]:
    output: Output = job.result
    part = {"type": "output_text", "text": output.order.text, "annotations": [], "logprobs": []}
    if job.about.get("refused"):
        part = {"type": "refusal", "refusal": _REFUSAL}
    head = {"id": f"msg_{job.id[5:]}", "type": "message", "role": "assistant", "status": "completed"}
    return {**head, "content": [part]}


def _given_pictures(messages: Any) -> list[bytes]:
    parts = [part for message in messages if isinstance(message.get("content"), list) for part in message["content"]]
    urls = [str(part.get("image_url")) for part in parts if part.get("type") == "input_image"]
    return [data_of_url(url) for url in urls if url.startswith("data:")]
