"""`python -m benchmarks [--rounds N] [--quick] [MODE ...]`: broker and relay in turn, medians and ratios of one run."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from datetime import UTC, datetime
from pathlib import Path

from .modes import MODES, Mode
from .programs import HERE, broker, measured, scratch

RELAY_MEBIBYTES = 2048


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("modes", nargs="*", help="only the modes whose name contains one of these words")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; every round runs every mode once (default 3)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages")
    options = parser.parse_args()
    chosen = [m for m in MODES if not options.modes or any(word in m.name for word in options.modes)]
    with scratch() as folder, broker(folder) as (port, pid):
        rows = {mode: [run(mode, port, pid, quick=options.quick) for _ in range(options.rounds)] for mode in chosen}
    table = render(rows)
    print(table)
    write(rows, table)


def run(mode: Mode, port: int, pid: int, *, quick: bool) -> dict[str, float]:
    """One round of one mode: the relay, then the broker, so that both see the same minute of the machine."""
    relay = measured("relay", str(mode.wire), str(RELAY_MEBIBYTES // (10 if quick else 1)))
    count = mode.count // (10 if quick else 1)
    ours = measured(
        "loadgen",
        "--port",
        str(port),
        "--pid",
        str(pid),
        "--size",
        str(mode.size),
        "--count",
        str(count),
        *mode.options,
    )
    print(f"{mode.name}: {ours['rate']:,.0f} msg/s, {ours['cpu_us']:.2f} us of CPU each", flush=True)
    return {**ours, "relay_rate": relay["rate"], "relay_cpu_us": relay["cpu_us"]}


def median(runs: list[dict[str, float]], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def render(rows: dict[Mode, list[dict[str, float]]]) -> str:
    """A Markdown table; ratios are taken round by round, then their median."""
    lines = [
        "| mode | msg/s | CPU per message | relay's limit msg/s | share of it | CPU against relay's | p50 / p99 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for mode, runs in rows.items():
        share = statistics.median(r["rate"] / r["relay_rate"] for r in runs)
        cpu = statistics.median(r["cpu_us"] / r["relay_cpu_us"] for r in runs)
        latency = f"{median(runs, 'p50_us'):.0f} / {median(runs, 'p99_us'):.0f} us" if "p50_us" in runs[0] else ""
        lines.append(
            f"| {mode.name} | {median(runs, 'rate'):,.0f} | {median(runs, 'cpu_us'):.2f} us "
            f"| {median(runs, 'relay_rate'):,.0f} | {share:.1%} | {cpu:.1f}x | {latency} |"
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
