"""10,000 mixed objects: made, restarted over, changed, left alone."""

from __future__ import annotations

import time
from typing import Any

from .audit import writes
from .measured import Meter
from .stack import API, Stack, namespace, resource
from .thousand import Row, is_ready, restart_over
from .watching import Watch

WHERE = "many"
COUNTS = {"queues": 5000, "exchanges": 1500, "bindings": 3400, "users": 100}


def objects() -> list[dict[str, Any]]:
    queues, exchanges = COUNTS["queues"], COUNTS["exchanges"]
    rights = [{"vhost": "/", "configure": "", "write": ".*", "read": ".*"}]
    return [
        *(resource("Exchange", WHERE, f"many-x{n}", type="topic") for n in range(exchanges)),
        *(resource("Queue", WHERE, f"many-q{n}") for n in range(queues)),
        *(
            resource(
                "Binding", WHERE, f"b{n}", source=f"many-x{n % exchanges}", destination=f"many-q{n}", routingKey="k"
            )
            for n in range(COUNTS["bindings"])
        ),
        *(resource("User", WHERE, f"many-u{n}", permissions=rights) for n in range(COUNTS["users"])),
    ]


def create_many(stack: Stack) -> Row:
    """All of them by eight clients side by side, as fast as the API server takes them."""
    with namespace(stack, WHERE):
        watches = [Watch(stack.api, plural, WHERE) for plural in COUNTS]
        meter = Meter(stack)
        started = time.monotonic()
        stack.api.create(objects())
        created = time.monotonic() - started
        total = sum(COUNTS.values())
        stack.until("all Ready", lambda: sum(len(w.ready) for w in watches) == total, seconds=900)
        ready = time.monotonic() - started
        stack.quiet()
        for watch in watches:
            watch.close()
        figures = meter.read()
    return {
        "created_s": created,
        "ready_after_created_s": ready - created,
        "writes_per_object": sum(writes(meter.api).values()) / total,
        "broker_requests_per_object": sum(meter.broker.values()) / total,
        **figures,
    }


def restart_many(stack: Stack) -> Row:
    """SIGTERM and start with 10,000 objects; one new Queue applied 3 s later."""
    return restart_over(stack, WHERE)


def restart_applied_at_once(stack: Stack) -> Row:
    """The same with the new Queue applied while no operator runs: from the start to Ready."""
    stack.processes.stop("operator")
    name = f"while-away-{stack.starts}"
    stack.api.create([resource("Queue", WHERE, name)])
    started = time.monotonic()
    stack.start_operator()
    path = f"{API}/namespaces/{WHERE}/queues/{name}"
    stack.until("the new Queue", lambda: is_ready(stack.api.call("GET", path)))
    seconds = time.monotonic() - started
    stack.quiet()
    return {"new_one_ready_s": seconds, "resident_mib": round(stack.resident())}


def change_among_many(stack: Stack) -> Row:
    """One Queue more beside 10,000, with nothing else to do."""
    found = []
    for n in range(5):
        name = f"one-more-{n}"
        started = time.monotonic()
        stack.api.create([resource("Queue", WHERE, name)])
        path = f"{API}/namespaces/{WHERE}/queues/{name}"
        stack.until("the new Queue", lambda path=path: is_ready(stack.api.call("GET", path)))
        found.append(time.monotonic() - started)
        time.sleep(1)
    return {"median_s": sorted(found)[2], "slowest_s": max(found)}
