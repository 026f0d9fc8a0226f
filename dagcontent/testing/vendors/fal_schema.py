"""An endpoint of fal into the schema of its queue, as fal publishes one. Knows no job."""

from __future__ import annotations

from typing import Any

from dagcontent.testing.vendors.fal_results import asked
from dagcontent.testing.vendors.listed import taken

__all__ = ["queue_schema"]

_FILE = {
    "type": "object",
    "properties": {
        "url": {"type": "string"}, "content_type": {"type": "string"}, "file_name": {"type": "string"},
        "file_size": {"type": "integer"},
    },
    "required": ["url"],
}  # fmt: skip
_OUTPUTS = {
    "images": {"images": {"type": "array", "items": _FILE}, "seed": {"type": "integer"}},
    "image": {"image": _FILE},
    "video": {"video": _FILE, "seed": {"type": "integer"}},
    "videos": {"video": {"type": "array", "items": _FILE}},
    "audio": {"audio": _FILE},
    "audio_file": {"audio_file": _FILE},
    "transcript": {"text": {"type": "string"}, "chunks": {"type": "array", "items": {"type": "object"}}},
    "text": {"output": {"type": "string"}},
}
_INPUTS: dict[str, dict[str, Any]] = {
    "images": {
        "image_size": {"type": "string"}, "num_images": {"type": "integer", "default": 1},
        "output_format": {"type": "string", "enum": ["jpeg", "png", "webp"]},
    },
    "image": {"image_url": {"type": "string"}},
    "video": {"image_url": {"type": "string"}, "duration": {"type": "string"}, "resolution": {"type": "string"}},
    "videos": {"video_url": {"type": "string"}},
    "audio": {"text": {"type": "string"}, "voice": {"type": "string"}},
    "audio_file": {"duration": {"type": "integer"}},
    "transcript": {"audio_url": {"type": "string"}},
    "text": {"model": {"type": "string"}},
}  # fmt: skip


def queue_schema(endpoint: str) -> dict[str, Any]:
    """Return an OpenAPI document with an endpoint's input and output."""
    makes = asked(endpoint, {}).makes
    given = {"prompt": {"type": "string"}, **_INPUTS[makes], "seed": {"type": "integer"}}
    given |= {field: {} for field in taken(f"fal/{endpoint}") if field not in given}
    schemas = {
        "Input": {"title": "Input", "type": "object", "properties": given, "x-fal-order-properties": list(given)},
        "Output": {"title": "Output", "type": "object", "properties": _OUTPUTS[makes]},
    }

    def content(name: str) -> dict[str, Any]:
        return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}

    submit = {"requestBody": {"required": True, **content("Input")}, "responses": {"200": {"description": "Accepted."}}}
    fetch = {"responses": {"200": {"description": "The result.", **content("Output")}}}
    return {
        "openapi": "3.0.4",
        "info": {
            "title": f"Queue OpenAPI for {endpoint}",
            "version": "1.0.0",
            "x-fal-metadata": {"endpointId": endpoint},
        },
        "components": {"schemas": schemas},
        "paths": {f"/{endpoint}": {"post": submit}, f"/{endpoint}/requests/{{request_id}}": {"get": fetch}},
    }
