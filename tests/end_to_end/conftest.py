"""A real node, the real image, the chart installed by the real helm. One of each per session."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster import image
from tests.cluster.binaries import Missing
from tests.cluster.found import given_kubeconfig
from tests.cluster.node import Node
from tests.kubernetes.conftest import PATIENCE, Cluster, pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]
ROOT = Path(__file__).parents[2]
IMAGE = os.environ.get("WATERSHIP_TEST_IMAGE", "localhost/watership:test")
SYSTEM = "watership-system"


class Machine(Cluster):
    """A cluster with pods. prefix: what starts a command where Services can be reached."""

    prefix: tuple[str, ...] = ()
    helm = "helm"

    def run(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [*self.prefix, self.program, "--kubeconfig", str(self.kubeconfig), "-n", self.namespace, *arguments]
        return subprocess.run(command, capture_output=True, text=True, input=text, timeout=PATIENCE)

    def in_namespace(self, namespace: str) -> "Machine":
        made = Machine(self.kubeconfig, self.program, namespace)
        made.prefix, made.helm = self.prefix, self.helm
        return made

    def report(self) -> str:
        parts = [super().report(), self.run("get", "pods,pvc,statefulsets", "-o", "wide").stdout]
        parts.append(self.run("describe", "pods").stdout[-4000:])
        parts.append(self.run("logs", "-l", "app.kubernetes.io/part-of=watership", "--tail=60").stdout)
        operator = self.in_namespace(SYSTEM)
        parts.append(operator.run("logs", "-l", "app.kubernetes.io/name=watership-operator", "--tail=80").stdout)
        return "\n".join(parts)


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    work = tmp_path_factory.mktemp("node")
    found = given_kubeconfig(work)
    try:
        if found is not None:
            made = Machine(found, "kubectl")
            prepare_found(work)
            install(made)
            yield made
            uninstall(made)
            return
        with Node(work) as node:
            made = Machine(node.kubeconfig, f"{node.bin}/kubectl")
            made.prefix, made.helm = node.prefix, f"{node.bin}/helm"
            node.load(image.build(IMAGE, work))
            install(made)
            yield made
    except Missing as missing:
        pytest.skip(str(missing))


def prepare_found(work: Path) -> None:
    """Puts the image into a kind cluster; a cluster that somebody named reaches WATERSHIP_TEST_IMAGE already."""
    if shutil.which("helm") is None:
        raise Missing("helm is missing: install it (helm.sh), the chart is installed with it")
    if "WATERSHIP_TEST_KUBECONFIG" in os.environ:
        return
    docker = shutil.which("docker")
    if docker is None:
        raise Missing("docker is missing: install it, a kind cluster takes the image from it")
    subprocess.run([docker, "build", "--tag", IMAGE, str(ROOT)], check=True, cwd=work)
    subprocess.run(["kind", "load", "docker-image", IMAGE, "--name", "watership-test"], check=True)


def helm(machine: Machine, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*machine.prefix, machine.helm, "--kubeconfig", str(machine.kubeconfig), "--namespace", SYSTEM]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=PATIENCE)


def install(machine: Machine) -> None:
    """helm install with default values, but for the image's name, into a namespace that enforces `restricted`."""
    machine.kubectl("create", "namespace", SYSTEM)
    restricted(machine, SYSTEM)
    repository, _, tag = IMAGE.rpartition(":")
    image = (f"--set=image.repository={repository}", f"--set-string=image.tag={tag}")
    # The custom resource definitions may be there already, from the kubernetes tier on the same cluster.
    options = ("--take-ownership", "--wait", "--timeout=120s")
    done = helm(machine, "install", "watership", str(ROOT / "charts" / "watership"), *image, *options)
    assert done.returncode == 0, f"{done.stderr}\n{machine.in_namespace(SYSTEM).report()}"


def uninstall(machine: Machine) -> None:
    """Leaves a cluster that goes on as it was found, so that no second operator works beside the next tier's."""
    names = machine.kubectl("get", "namespaces", "-l", "watership.dev/test", "-o", "name").split()
    for name in set(names) - {f"namespace/{SYSTEM}"}:  # while the operator is there to release finalizers
        machine.run("delete", name, "--ignore-not-found", "--timeout=120s")
    done = helm(machine, "uninstall", "watership", "--wait", "--timeout=120s")
    assert done.returncode == 0, done.stderr
    machine.kubectl("delete", "namespace", SYSTEM, "--timeout=120s")


def restricted(machine: Machine, namespace: str) -> None:
    labels = ("pod-security.kubernetes.io/enforce=restricted", f"watership.dev/test={namespace}")
    machine.kubectl("label", "namespace", namespace, *labels)


@pytest.fixture
def cluster(machine: Machine, request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A namespace of its own, restricted. When the test fails, logs and status are shown."""
    name = f"e2e-{request.node.name.replace('_', '-')[5:40].strip('-')}"
    machine.kubectl("create", "namespace", name)
    restricted(machine, name)
    made = machine.in_namespace(name)
    yield made
    if getattr(request.node, "failed", False):
        print(made.report())
    machine.run("delete", "namespace", name, "--wait=false")
