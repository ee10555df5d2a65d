"""docs/scenarios.md maps each scenario of the catalogue to the tests that carry its id, or says why it waits."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IDS = [f"C{n}" for n in range(1, 19)] + [f"T{n}" for n in range(1, 25)]
ROW = re.compile(r"^\| ([CT]\d+) \|[^|]*\| ([^|]*) \|$", re.MULTILINE)
ROWS = dict(ROW.findall((ROOT / "docs" / "scenarios.md").read_text()))
ID = re.compile(r"def test_((?:[ct]\d+_)+)|\"(T\d+)\"")  # in a test's name, or as the id of a parameter


def ids_of(path: Path) -> set[str]:
    found = ID.findall(path.read_text())
    return {i.upper() for names, parameter in found for i in (*names.rstrip("_").split("_"), parameter) if i}


def test_every_scenario_has_a_row():
    assert list(ROWS) == IDS


@pytest.mark.parametrize("scenario", IDS)
def test_row_names_the_tests_or_says_why_not(scenario: str):
    places = re.findall(r"`(tests/[^`]*)`", ROWS[scenario])
    assert places or ROWS[scenario].startswith("waits: ")
    assert {p for p in places if scenario not in ids_of(ROOT / p)} == set()


def test_no_test_carries_an_id_that_the_table_does_not_send_there():
    wrong = set()
    for tier in ("kubernetes", "end_to_end"):
        for path in (ROOT / "tests" / tier).glob("test_*.py"):
            place = f"tests/{tier}/{path.name}"
            wrong |= {f"{i} in {place}" for i in ids_of(path) if place not in ROWS.get(i, "")}
    assert wrong == set()
