"""The chart as people use it: tested by `helm test`, changed by `helm upgrade`, and samples running under it."""

import pytest

from .conftest import IMAGE, ROOT, SYSTEM, Machine, helm

pytestmark = pytest.mark.end_to_end
SAMPLES = ("custom-configuration", "additional-volumes", "import-multiple-definition-files", "tls")
CHART = str(ROOT / "charts" / "watership")


def upgrade(machine: Machine, *options: str) -> None:
    repository, _, tag = IMAGE.rpartition(":")
    image = (f"--set=image.repository={repository}", f"--set-string=image.tag={tag}")
    done = helm(machine, "upgrade", "watership", CHART, *image, *options, "--wait", "--timeout=120s")
    assert done.returncode == 0, done.stderr


def test_helm_test_asks_an_operator(machine: Machine):
    done = helm(machine, "test", "watership", "--timeout=90s")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{machine.in_namespace(SYSTEM).report()}"
    assert "Succeeded" in done.stdout


def test_samples_run_under_an_operator_of_one_namespace(machine: Machine, cluster: Machine):
    upgrade(machine, f"--set=watchNamespaces={{{cluster.namespace}}}")
    try:
        assert cluster.run("get", "clusterrole", "watership-operator").returncode != 0
        for sample in SAMPLES:
            cluster.kubectl("apply", "-f", str(ROOT / "examples" / "cluster" / f"{sample}.yaml"))
        for sample in SAMPLES:
            cluster.kubectl("wait", "--for=condition=Ready", f"brokercluster/{sample}", "--timeout=180s")
        users = cluster.kubectl(
            "exec", "import-multiple-definition-files-server-0", "--", "rabbitmqctl", "list_permissions"
        )
        assert "clerk" in users
        cluster.kubectl("delete", "brokerclusters", "--all", "--timeout=120s")
    finally:
        upgrade(machine)
