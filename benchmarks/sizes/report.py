"""One table: what was measured, what must hold, and what RabbitMQ's operators need for the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Line:
    """One figure. most: what it may be. theirs: the same of RabbitMQ's messaging-topology-operator, as measured."""

    what: str
    scenario: str
    key: str
    most: float | None
    theirs: str
    unit: str = "s"


LINES = (
    Line("1,000 Queues: Ready after the end of `kubectl apply`", "create", "ready_after_apply_s", 2, "9.7-21"),
    Line("`kubectl apply` itself", "create", "apply_s", None, "10.8-17.6"),
    Line("seen to Ready, median", "create", "seen_to_ready_p50_s", None, "6.1-11.7"),
    Line("seen to Ready, 99th percentile", "create", "seen_to_ready_p99_s", None, "9.7-17.4"),
    Line("API writes per new Queue", "create", "writes_per_queue", 2.01, "5", ""),
    Line("broker requests per new Queue, snapshots included", "create", "broker_requests_per_queue", 1.1, "2", ""),
    Line("operator CPU", "create", "operator_cpu_s", 10, "6.3-6.9"),
    Line("whole stack CPU", "create", "stack_cpu_s", 25, "35-41"),
    Line("resident with 1,000 Queues", "create", "resident_mib", 150, "69-74", "MiB"),
    Line("idle minute at 1,000: operator CPU", "idle_minute", "operator_cpu_s", None, "0.05-0.14, no drift seen"),
    Line("drift repaired", "drift", "repaired_s", 60, "not within 600"),
    Line("restart over 1,000: a new Queue is Ready", "restart", "new_one_ready_s", 5, "19.8-26.9"),
    Line("writes of the restart", "restart", "writes_but_those_of_the_new_one", 0, "2,012", ""),
    Line("1,000 Queues deleted", "delete", "gone_s", None, "18.8-28.9"),
    Line("API writes per deleted Queue", "delete", "writes_per_queue", 1.01, "2", ""),
    Line("Secret deleted first, Queue gone", "secret_first", "gone_s", 30, "stuck"),
    Line("namespace deleted with Secret and 20 Queues", "namespace_deleted", "gone_s", 60, "stuck"),
    Line("broker away for 60 s: all right after its return", "broker_away", "right_after_s", 5, "64"),
    Line("10,000 objects: Ready after the last was made", "create_many", "ready_after_created_s", None, "103 at 5,000"),
    Line("API writes per object", "create_many", "writes_per_object", 2.1, "5", ""),
    Line("broker requests per object", "create_many", "broker_requests_per_object", 1.2, "2", ""),
    Line("operator CPU for 10,000", "create_many", "operator_cpu_s", None, "40 at 5,000"),
    Line("whole stack CPU for 10,000", "create_many", "stack_cpu_s", None, "216 at 5,000"),
    Line("resident with 10,000 objects", "idle_many", "resident_mib", 150, "110 at 5,000", "MiB"),
    Line("peak with 10,000 objects", "idle_many", "peak_mib", None, "110 at 5,000", "MiB"),
    Line("idle minute at 10,000: operator CPU", "idle_many", "operator_cpu_s", None, "0.08 at 5,000, no drift seen"),
    Line("restart over 10,000: a new Queue is Ready", "restart_many", "new_one_ready_s", 5, "0.43-62 at 5,000"),
    Line(
        "from start to Ready of one made meanwhile", "restart_applied_at_once", "new_one_ready_s", None, "62 at 5,000"
    ),
    Line("writes of the restart", "restart_many", "writes_but_those_of_the_new_one", 0, "10,000 at 5,000", ""),
    Line("one more Queue beside 10,000, median", "change_among_many", "median_s", None, ""),
)


def table(rows: Rows) -> str:
    lines = ["| what | Watership | must be | RabbitMQ's |", "| --- | ---: | ---: | ---: |"]
    for line in LINES:
        value = rows.get(line.scenario, {}).get(line.key)
        if value is not None:
            most = "" if line.most is None else f"<= {line.most:g}{' ' + line.unit if line.unit else ''}"
            mark = " **missed**" if missed(line, value) else ""
            lines.append(f"| {line.what} | {figure(value)} {line.unit}{mark} | {most} | {line.theirs} |")
    return "\n".join(lines)


def missed(line: Line, value: float) -> bool:
    return line.most is not None and value > line.most


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"


def write(folder: Path, rows: Rows, heading: str) -> str:
    """operator.json keeps every scenario's newest figures, also of those that did not run this time."""
    file = folder / "operator.json"
    known: Rows = json.loads(file.read_text()) if file.exists() else {}
    known |= rows
    file.write_text(json.dumps(known, indent=1, default=rounded) + "\n")
    text = table(known)
    (folder / "operator.md").write_text(f"{heading}\n\n{text}\n")
    return text


rounded: Callable[[Any], Any] = str
