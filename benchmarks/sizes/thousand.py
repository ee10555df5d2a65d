"""1,000 Queues: made, left alone, restarted over, drifted from, deleted; and what must not get stuck."""

from __future__ import annotations

import json
import time
from typing import Any

from .audit import writes
from .measured import Meter
from .stack import API, Stack, connection, namespace, resource
from .watching import Watch

COUNT = 1000
Row = dict[str, Any]


def create(stack: Stack) -> Row:
    """`kubectl apply` of one file -> all Ready."""
    with namespace(stack, "thousand") as where:
        queues = [resource("Queue", where, f"queue-{n}") for n in range(COUNT)]
        file = stack.folder / "queues.json"
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": queues}))
        watch, meter = Watch(stack.api, "queues", where), Meter(stack)
        applied = time.monotonic()
        done = stack.plane.kubectl("apply", "-f", str(file))
        assert done.returncode == 0, done.stderr
        apply = time.monotonic() - applied
        stack.until("all Ready", lambda: len(watch.ready) == COUNT)
        ready = max(watch.ready.values()) - applied
        p50, p99 = watch.latencies()
        stack.quiet()
        watch.close()
        figures = meter.read()
    return {
        "apply_s": apply,
        "ready_after_apply_s": ready - apply,
        "seen_to_ready_p50_s": p50,
        "seen_to_ready_p99_s": p99,
        "writes_per_queue": sum(writes(meter.api).values()) / COUNT,
        "broker_requests_per_queue": sum(meter.broker.values()) / COUNT,
        **figures,
    }


def idle_minute(stack: Stack) -> Row:
    """Nothing happens for 60 s; the broker is still compared."""
    meter = Meter(stack)
    time.sleep(60)
    return meter.read()


def restart(stack: Stack) -> Row:
    """SIGTERM and start, as an upgrade does, with leader election on; one new Queue applied 3 s later."""
    return restart_over(stack, "thousand")


def restart_over(stack: Stack, where: str) -> Row:
    stack.processes.stop("operator")
    meter = Meter(stack)
    stack.start_operator()
    time.sleep(3)
    name = f"after-restart-{stack.starts}"
    started = time.monotonic()
    stack.api.create([resource("Queue", where, name)])
    path = f"{API}/namespaces/{where}/queues/{name}"
    stack.until("the new Queue", lambda: is_ready(stack.api.call("GET", path)))
    ready = time.monotonic() - started
    stack.quiet()
    figures = meter.read()
    written = sum(writes(meter.api).values())
    return {"new_one_ready_s": ready, "writes_but_those_of_the_new_one": written - 2, **figures}


def is_ready(item: dict[str, Any]) -> bool:
    conditions = item.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def drift(stack: Stack) -> Row:
    """A queue deleted directly in the broker."""
    assert stack.broker("queues/%2F/queue-7", "DELETE")
    seconds = stack.until("the queue is back", lambda: stack.broker("queues/%2F/queue-7"), seconds=120)
    stack.until("an Event names it", lambda: drift_events(stack), seconds=10)
    return {"repaired_s": seconds}


def drift_events(stack: Stack) -> list[Row]:
    events = stack.api.call("GET", "/api/v1/namespaces/thousand/events")["items"]
    return [e for e in events if e["reason"] == "DriftRepaired" and "queue-7" in e["message"]]


def delete(stack: Stack) -> Row:
    """`kubectl delete queues --all --wait=false` -> all gone. (To wait, kubectl itself asks for one after another.)"""
    watch, meter = Watch(stack.api, "queues", "thousand"), Meter(stack)
    count = len(watch.seen)
    started = time.monotonic()
    done = stack.plane.kubectl("delete", "queues.watership.dev", "--all", "--wait=false", "-n", "thousand")
    kubectl = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    stack.until("all gone", lambda: len(watch.gone) == count)
    gone = max(watch.gone.values()) - started
    stack.quiet()
    watch.close()
    assert not [q for q in stack.broker("queues") if q["name"].startswith("queue-")]
    figures = meter.read()
    return {
        "kubectl_s": kubectl,
        "gone_s": gone,
        "writes_per_queue": sum(writes(meter.api).values()) / count,
        "broker_requests_per_queue": sum(meter.broker.values()) / count,
        **figures,
    }


def secret_first(stack: Stack) -> Row:
    """The connection Secret is deleted, then the Queue."""
    with namespace(stack, "secret-first") as where:
        made(stack, where, 1)
        stack.api.call("DELETE", f"/api/v1/namespaces/{where}/secrets/broker")
        path = f"{API}/namespaces/{where}/queues/q0"
        stack.api.call("DELETE", path)
        return {"gone_s": stack.until("the Queue is gone", lambda: stack.api.call("GET", path) is None)}


def namespace_deleted(stack: Stack) -> Row:
    """A namespace with its Secret and 20 Queues in it is deleted."""
    with namespace(stack, "goes") as where:
        made(stack, where, 20)
        path = f"/api/v1/namespaces/{where}"
        stack.api.call("DELETE", path)
        return {"gone_s": stack.until("the namespace is gone", lambda: stack.api.call("GET", path) is None)}


def made(stack: Stack, where: str, count: int) -> None:
    watch = Watch(stack.api, "queues", where)
    stack.api.create([resource("Queue", where, f"q{n}", name=f"{where}-{n}") for n in range(count)])
    stack.until("the Queues are ready", lambda: len(watch.ready) == count)
    watch.close()


def broker_away(stack: Stack) -> Row:
    """The broker is stopped for 60 s; one Queue is deleted and one made meanwhile."""
    with namespace(stack, "away") as where:
        made(stack, where, 2)
        stack.processes.stop("broker")
        stopped = time.monotonic()
        gone, new = (f"{API}/namespaces/{where}/queues/{name}" for name in ("q0", "late"))
        stack.api.call("DELETE", gone)
        stack.api.create([resource("Queue", where, "late")])
        time.sleep(5)
        said = [c["message"] for c in stack.api.call("GET", new)["status"]["conditions"] if c["type"] == "Ready"]
        time.sleep(max(0.0, 60 - (time.monotonic() - stopped)))
        stack.start_broker()
        back = time.monotonic()
        right = lambda: is_ready(stack.api.call("GET", new)) and stack.api.call("GET", gone) is None  # noqa: E731
        stack.until("both are right", right)
        seconds = time.monotonic() - back
        assert stack.broker(f"queues/%2F/{where}-0") is None
        assert connection(stack, where)
        return {"right_after_s": seconds, "said_meanwhile": said[0]}
