"""kubectl-watership where pods matter: it forwards ports, restarts pods, collects their logs."""

import os
import re
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from .conftest import Machine
from .test_hello import HELLO, apply_hello, python

pytestmark = pytest.mark.end_to_end
WHOAMI = """
import base64, sys, urllib.request
request = urllib.request.Request(sys.argv[1] + "api/whoami")
request.add_header("Authorization", "Basic " + base64.b64encode(":".join(sys.argv[2:]).encode()).decode())
print(urllib.request.urlopen(request, timeout=10).read().decode())
"""


def command(cluster: Machine, *arguments: str) -> tuple[list[str], dict[str, str]]:
    environment = {
        **os.environ,
        "KUBECONFIG": str(cluster.kubeconfig),
        "PATH": f"{Path(cluster.program).parent}:{os.environ['PATH']}",
    }
    plugin = [sys.executable, "-m", "watership_operator.plugin", "-n", cluster.namespace]
    return [*cluster.prefix, *plugin, *arguments], environment


def plugin(cluster: Machine, *arguments: str) -> str:
    line, environment = command(cluster, *arguments)
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_plugin_looks_into_a_running_cluster(cluster: Machine, tmp_path: Path):
    apply_hello(cluster)
    text = plugin(cluster, "status", "hello")
    assert re.search(r"hello-server-0 +ready +Running +0 +\S+", text), text
    assert re.search(r"persistence-hello-server-0 +Bound +\d+Gi", text), text
    assert "1 queues" in text, text
    assert "alarms:    none" in text, text

    assert "nothing would change" in plugin(cluster, "diff", "-f", str(HELLO))

    line, environment = command(cluster, "connect", "hello")
    process = subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        said = [process.stdout.readline() for _ in range(5)]
        words = dict(row.split(maxsplit=1) for row in said[:4])
        login = (words["username:"].strip(), words["password:"].strip())
        answer = python(cluster, "-c", WHOAMI, words["management:"].strip(), *login)
        assert login[0] in answer.stdout, answer.stderr
        amqp = "import pika, sys; pika.BlockingConnection(pika.URLParameters(sys.argv[1])); print('open')"
        assert python(cluster, "-c", amqp, words["AMQP:"].strip()).stdout == "open\n"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        process.stdout.close()

    before = cluster.get("pod", "hello-server-0")["metadata"]["uid"]
    plugin(cluster, "restart", "hello")
    cluster.kubectl("rollout", "status", "statefulset/hello-server", "--timeout=120s")
    assert cluster.get("pod", "hello-server-0")["metadata"]["uid"] != before
    cluster.kubectl("wait", "--for=condition=Ready", "brokercluster/hello", "--timeout=60s")

    bundle = tmp_path / "report.tar.gz"
    plugin(cluster, "report", "hello", "-o", str(bundle))
    with tarfile.open(bundle) as archive:
        texts = {m.name: archive.extractfile(m).read().decode() for m in archive}
    assert [n for n in texts if re.fullmatch(r"watership-report/hello/hello-server-0\.\w+\.log", n)]
    assert [n for n in texts if n.startswith("watership-report/operator/")]
    assert login[1] not in "\n".join(texts.values())
