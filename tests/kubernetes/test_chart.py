"""The chart by the real helm: linted, templated, and every object taken by a real API server."""

import subprocess
from pathlib import Path

import pytest
import yaml
from tests.cluster import binaries

from .conftest import ROOT, Cluster

pytestmark = pytest.mark.kubernetes
CHART = ROOT / "charts" / "watership"


@pytest.fixture(scope="module")
def helm() -> str:
    try:
        return f"{binaries.ensure('helm')}/helm"
    except binaries.Missing as missing:
        pytest.skip(str(missing))


def run(helm: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm, *arguments], capture_output=True, text=True, timeout=60)


def objects(helm: str, namespace: str, *options: str) -> list[dict]:
    done = run(helm, "template", "watership", str(CHART), "--namespace", namespace, *options)
    assert done.returncode == 0, done.stderr
    return [m for m in yaml.safe_load_all(done.stdout) if m]


def test_helm_lint_finds_nothing(helm: str):
    done = run(helm, "lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize(
    "options", [(), ("--set=watchNamespaces={NAMESPACE}",), ("--set=replicas=1,crds.install=false",)]
)
def test_every_object_is_taken_by_the_api_server(helm: str, cluster: Cluster, tmp_path: Path, options: tuple[str, ...]):
    chosen = [o.replace("NAMESPACE", cluster.namespace) for o in options]
    made = [m for m in objects(helm, cluster.namespace, *chosen) if m["kind"] != "CustomResourceDefinition"]
    cluster.kubectl("wait", "--for=create", "--timeout=60s", "serviceaccount/default")  # of the test's pod
    cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", text=yaml.safe_dump_all(made))


def test_namespaced_install_needs_nothing_of_the_whole_cluster(helm: str):
    made = objects(helm, "system", "--set=watchNamespaces={a,b}")
    assert not [m for m in made if m["kind"] in ("ClusterRole", "ClusterRoleBinding")]
    roles = {(m["metadata"]["namespace"], m["metadata"]["name"]) for m in made if m["kind"] == "Role"}
    assert {namespace for namespace, _ in roles} == {"a", "b", "system"}
    (deployment,) = (m for m in made if m["kind"] == "Deployment")
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert {"--namespace=a", "--namespace=b"} <= set(arguments)


def test_definitions_stay_when_the_release_goes(helm: str):
    made = [m for m in objects(helm, "system") if m["kind"] == "CustomResourceDefinition"]
    assert len(made) >= 5
    assert {m["metadata"]["annotations"]["helm.sh/resource-policy"] for m in made} == {"keep"}


def test_values_are_checked_before_anything_is_made(helm: str):
    done = run(helm, "template", "watership", str(CHART), "--set=operator.logLevel=loud")
    assert done.returncode != 0
    assert "logLevel" in done.stderr
    done = run(helm, "template", "watership", str(CHART), "--set=replica=1")
    assert "replica" in done.stderr
