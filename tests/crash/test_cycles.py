"""Crashes at every point, under publishing and consuming clients: see cycles.py. Sixty of them here."""

from __future__ import annotations

from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from tests.crash.cycles import CYCLES, Life
from tests.crash.faults import Faults
from tests.crash.ledger import Ledger

SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_confirmed_survives_crashes_at_any_point(
    tmp_path: Path, faults: Faults, context: ForkServerContext, seed: int
):
    life = Life(tmp_path, faults, context, seed)
    life.live(CYCLES)
    assert life.messages > 100 * CYCLES, "too few messages were there to prove anything"


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (["p 2", "p 3"], "1 confirmed messages are lost, p 1 first"),
        (["p 1", "p 3", "p 2"], "changed their order"),
        (["p 1", "p 2", "p 2", "p 3"], "are there twice"),
        (["p 1", "p 2", "p 3", "p 9"], "were invented or came back"),
        (["p 0", "p 1", "p 2", "p 3"], "came back that were acknowledged"),
    ],
)
def test_the_ledger_notices(found: list[str], problem: str):
    ledger = Ledger("q", attempted={"p 0", "p 1", "p 2", "p 3", "p 4"}, confirmed={"p 0", "p 1", "p 2", "p 3"})
    ledger.acked, ledger.settled = {"p 0"}, {"p 0"}
    ledger.recovered(found)
    assert len(ledger.problems) == 1
    assert problem in ledger.problems[0]
