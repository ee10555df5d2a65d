"""What is counted is documented, and what is documented is counted."""

import asyncio
import re
from pathlib import Path

import pytest

from watership.admin.api import AdminError, Unreachable
from watership_operator.cache import Cache
from watership_operator.engine import Engine
from watership_operator.kube import KubeError
from watership_operator.metrics import Metrics, kind_of
from watership_operator.probes import OperatorCollector

DOCUMENT = Path(__file__).parents[3] / "docs" / "operator.md"


async def nothing(_: object) -> None:
    await asyncio.sleep(0)


def test_every_metric_is_in_the_documentation_and_no_other():
    engine = Engine(nothing)  # type: ignore[arg-type]
    engine.metrics.registry.register(OperatorCollector(engine, Cache()))
    kept = {f"{m.name}_total" if m.type == "counter" else m.name for m in engine.metrics.registry.collect()}
    named = set(re.findall(r"^\| `(watership_operator_\w+)", DOCUMENT.read_text(), re.MULTILINE))
    assert {name for name in kept if name.startswith("watership_operator_")} == named


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Unreachable("nothing listens there"), ("broker", "unreachable")),
        (AdminError(400, "bad_request", "no"), ("broker", "refused-400")),
        (KubeError(409, "conflict"), ("kubernetes", "409")),
        (KubeError(0, "away"), ("kubernetes", "unreachable")),
        (KeyError("x"), ("operator", "KeyError")),
    ],
)
def test_errors_are_counted_by_where_they_come_from(error: Exception, expected: tuple[str, str]):
    assert kind_of(error) == expected


def test_failed_call_to_a_broker_is_timed_and_counted():
    metrics = Metrics()
    with pytest.raises(Unreachable), metrics.broker_call("snapshot"):
        raise Unreachable("away")
    value = metrics.registry.get_sample_value
    assert value("watership_operator_broker_call_seconds_count", {"verb": "snapshot"}) == 1
    assert value("watership_operator_errors_total", {"source": "broker", "kind": "unreachable"}) == 1
