"""`python -m benchmarks.sizes [SCENARIO ...]`: the operator on a real API server; figures to benchmarks/results/."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from . import many, thousand
from .report import Rows, table, write
from .stack import Stack

RESULTS = Path(__file__).parents[1] / "results"
PREFACE = """\
On one machine with the API server, etcd, controllers and broker; everything as shipped, leader election on. API
writes are counted by the API server's audit log, without the Lease's own renewal; broker requests by the operator's
/metrics. The last column is RabbitMQ's messaging-topology-operator on a like machine of 2 cores."""


def scenarios() -> dict[str, dict[str, Callable[[Stack], thousand.Row]]]:
    """Two groups, each on a stack of its own; a scenario builds on those before it."""
    first = (
        thousand.create,
        thousand.idle_minute,
        thousand.drift,
        thousand.restart,
        thousand.delete,
        thousand.secret_first,
        thousand.namespace_deleted,
        thousand.broker_away,
    )
    second = (many.create_many, many.restart_many, many.restart_applied_at_once, many.change_among_many)
    return {
        "thousand": {f.__name__: f for f in first},
        "many": {f.__name__: f for f in second} | {"idle_many": thousand.idle_minute},
    }


def main() -> None:
    groups = scenarios()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizes", description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(groups)} (default: all)")
    parser.add_argument("--only", action="append", default=[], help="run these scenarios of the group, in its order")
    parser.add_argument(
        "--keep", action="store_true", help="write the figures to benchmarks/results/operator.{md,json}"
    )
    options = parser.parse_args()
    rows: Rows = {}
    for group in options.groups or groups:
        with tempfile.TemporaryDirectory(prefix="watership-bench-") as folder, Stack(Path(folder)) as stack:
            stack.until("the operator", lambda stack=stack: "read" in stack.processes.log("operator", 1000))
            for name, scenario in groups[group].items():
                if not options.only or name in options.only:
                    started = time.monotonic()
                    rows[name] = scenario(stack)
                    print(f"{name} ({time.monotonic() - started:.0f} s): {rows[name]}", flush=True)
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    heading = f"# The operator, {stamp}\n\n{machine}.\n{PREFACE}"
    print(write(RESULTS, rows, heading) if options.keep else table(rows))


if __name__ == "__main__":
    main()
