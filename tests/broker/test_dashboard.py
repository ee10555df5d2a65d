"""The alerts and the dashboard that the operator makes ask for metrics that a broker has."""

import re
import urllib.request
from pathlib import Path

from tests.broker.process import Broker

from watership_operator.render.monitoring import ALERTS, PANELS

NAME = re.compile(r"rabbitmq_\w+")


def test_alerts_and_panels_ask_for_metrics_that_there_are(tmp_path: Path):
    broker = Broker(tmp_path)
    (port,) = re.findall(r"prometheus.tcp.port = (\d+)", (tmp_path / "rabbitmq.conf").read_text())
    broker.start()
    connection = broker.connect()
    connection.channel().queue_declare("q")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        shown = set(NAME.findall(answer.read().decode()))
    broker.end()
    asked = {name for _, expression, *_ in (*ALERTS, *PANELS) for name in NAME.findall(expression)}
    assert asked - shown == set()
