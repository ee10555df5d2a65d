"""Changes as server-sent events (the HTML standard's text/event-stream): an id, the event's name, its fields as JSON.

Nothing is kept for a watcher beyond what its socket takes: while it does not read, it falls back in the broker's ring.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator

from aiohttp import web

from .api import Json
from .conventions import as_json

HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


async def serve(request: web.Request, batches: AsyncIterator[list[Json]]) -> web.StreamResponse:
    """Returns when the watcher is gone, or there is no more to tell it."""
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        async for changes in batches:
            await response.write(b"".join(map(written, changes)) or b": alive\n\n")
        await response.write_eof()
    return response


def written(change: Json) -> bytes:
    text = json.dumps(change, default=as_json, separators=(",", ":"))
    return f"id: {change['id']}\nevent: {change['event']}\ndata: {text}\n\n".encode()
