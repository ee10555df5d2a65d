"""CI's bound: the broker's CPU per message divided by the relay's, in one run, so that a slow machine is no excuse
and no help. A bound is about 1.3 times what was measured when it was set: what makes a message a third dearer breaks
it.
"""

from __future__ import annotations

import statistics
import sys

from .modes import Mode

BOUNDS = {
    "transient, auto-ack, 1 KB": 2.7,
    "confirms + acks, 16 B": 6.5,
    "confirms + acks, 1 KB": 2.9,
    "durable, confirms + acks, 1 KB": 3.6,
}


def judge(rows: dict[Mode, list[dict[str, float]]]) -> int:
    """The exit status; says which mode became too dear. The best round counts: noise only ever adds."""
    worst = 0
    for mode, runs in rows.items():
        bound = BOUNDS.get(mode.name)
        cost = min(run["cpu_us"] / run["relay_cpu_us"] for run in runs)
        middle = statistics.median(run["cpu_us"] / run["relay_cpu_us"] for run in runs)
        if bound is not None and cost > bound:
            worst = 1
            text = f"{mode.name}: {cost:.1f} times the relay's CPU per message (median {middle:.1f}), allowed {bound}"
            print(text, file=sys.stderr)
    return worst
