"""Changes as server-sent events (the HTML standard's text/event-stream): an id, the event's name, its fields as JSON.

Nothing is kept for a watcher beyond what its socket takes: while it does not read, it falls back in the broker's ring.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from aiohttp import web

from .api import Json
from .conventions import as_json

ALIVE = 15.0  # seconds between two signs of life
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


async def serve(request: web.Request, changes: AsyncIterator[Json]) -> web.StreamResponse:
    """Returns when the watcher is gone, or there is no more to tell it."""
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    upcoming: asyncio.Future[Json] | None = None
    with contextlib.suppress(ConnectionError):
        while True:
            upcoming = upcoming or asyncio.ensure_future(anext(changes))
            done, _ = await asyncio.wait([upcoming], timeout=ALIVE)
            if done and isinstance(upcoming.exception(), StopAsyncIteration):
                await response.write_eof()
                return response
            await response.write(written(upcoming.result()) if done else b": alive\n\n")
            upcoming = None if done else upcoming
    if upcoming is not None:
        upcoming.cancel()
    return response


def written(change: Json) -> bytes:
    text = json.dumps(change, default=as_json, separators=(",", ":"))
    return f"id: {change['id']}\nevent: {change['event']}\ndata: {text}\n\n".encode()
