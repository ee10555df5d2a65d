"""`python -m benchmarks [--rounds N] [--quick] [MODE ...]`: broker, RabbitMQ and relay in turn, medians and ratios of
one run.

RabbitMQ is Debian's package in a chroot (root and debootstrap); without it the table has no ratios to it. --gate is
CI's short form: it fails when a message costs the broker more CPU, measured in the relay's, than the bounds allow.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import sys
from datetime import UTC, datetime
from pathlib import Path

from .gate import BOUNDS, judge
from .modes import MODES, Mode
from .programs import HERE, broker, measured, scratch
from .rabbitmq import Unavailable, rabbitmq

RELAY_MEBIBYTES = 2048
Node = tuple[int, int]  # AMQP port, process id


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("modes", nargs="*", help="only the modes whose name contains one of these words")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; every round runs every mode once (default 3)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages")
    parser.add_argument("--alone", action="store_true", help="without RabbitMQ")
    parser.add_argument("--gate", action="store_true", help="CI's short form: only what has a bound, alone")
    options = parser.parse_args()
    chosen = [m for m in MODES if not options.modes or any(word in m.name for word in options.modes)]
    if options.gate:
        chosen = [m for m in MODES if m.name in BOUNDS]
    with scratch() as folder, broker(folder) as ours, contextlib.ExitStack() as stack:
        theirs = None if options.alone or options.gate else compared(stack, folder)
        rows = {mode: [run(mode, ours, theirs, quick=options.quick) for _ in range(options.rounds)] for mode in chosen}
    table = render(rows)
    print(table)
    if options.gate:
        sys.exit(judge(rows))
    write(rows, table)


def compared(stack: contextlib.ExitStack, folder: Path) -> Node | None:
    try:
        return stack.enter_context(rabbitmq(folder))
    except Unavailable as why:
        print(f"no RabbitMQ: {why}", file=sys.stderr)
        return None


def run(mode: Mode, ours: Node, theirs: Node | None, *, quick: bool) -> dict[str, float]:
    """One round of one mode: the relay, RabbitMQ, the broker, so that all see the same minute of the machine."""
    part = 10 if quick else 1
    relay = measured("relay", str(mode.wire), str(RELAY_MEBIBYTES // part))
    figures = {"relay_rate": relay["rate"], "relay_cpu_us": relay["cpu_us"]}
    if theirs is not None:
        other = load(mode, theirs, mode.rabbitmq // part)
        figures |= {"rabbitmq_rate": other["rate"], "rabbitmq_cpu_us": other["cpu_us"]}
    own = load(mode, ours, mode.count // part)
    print(f"{mode.name}: {own['rate']:,.0f} msg/s, {own['cpu_us']:.2f} us of CPU each", flush=True)
    return {**figures, **own}


def load(mode: Mode, node: Node, count: int) -> dict[str, float]:
    port, pid = node
    where = ("--port", str(port), "--pid", str(pid))
    return measured("loadgen", *where, "--size", str(mode.size), "--count", str(count), *mode.options)


def median(runs: list[dict[str, float]], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def ratio(runs: list[dict[str, float]], over: str, under: str) -> float | None:
    """The median of the ratios of each round; None: one of them was not measured."""
    return statistics.median(r[over] / r[under] for r in runs) if over in runs[0] and under in runs[0] else None


def times(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:.{digits}f}x"


def render(rows: dict[Mode, list[dict[str, float]]]) -> str:
    """A Markdown table; ratios are taken round by round, then their median."""
    lines = [
        "| mode | msg/s | CPU per message | RabbitMQ msg/s | ours against it | must be | its CPU against ours "
        "| share of the relay's limit | CPU against relay's | p50 / p99 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for mode, runs in rows.items():
        latency = f"{median(runs, 'p50_us'):.0f} / {median(runs, 'p99_us'):.0f} us" if "p50_us" in runs[0] else ""
        theirs = f"{median(runs, 'rabbitmq_rate'):,.0f}" if "rabbitmq_rate" in runs[0] else ""
        share = ratio(runs, "rate", "relay_rate") or 0
        lines.append(
            f"| {mode.name} | {median(runs, 'rate'):,.0f} | {median(runs, 'cpu_us'):.2f} us | {theirs} "
            f"| {times(ratio(runs, 'rate', 'rabbitmq_rate'))} | {mode.must:g}x "
            f"| {times(ratio(runs, 'rabbitmq_cpu_us', 'cpu_us'))} | {share:.1%} "
            f"| {times(ratio(runs, 'cpu_us', 'relay_cpu_us'))} | {latency} |"
        )
    return "\n".join(lines)


def write(rows: dict[Mode, list[dict[str, float]]], table: str) -> None:
    """benchmarks/results/LATEST.{md,json}: the newest run on this machine; commit it when it should be kept."""
    results: Path = HERE / "results"
    results.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    python = platform.python_version()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}, Python {python}"
    rounds = len(next(iter(rows.values())))
    (results / "latest.md").write_text(f"# {stamp}\n\n{machine}; medians of {rounds} rounds.\n\n{table}\n")
    figures = {"when": stamp, "machine": machine, "modes": {mode.name: runs for mode, runs in rows.items()}}
    (results / "latest.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
