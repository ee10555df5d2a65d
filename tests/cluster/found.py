"""A Kubernetes that is there already: WATERSHIP_TEST_KUBECONFIG, or kind."""

import os
import shutil
import subprocess
from pathlib import Path

KIND_CLUSTER = "watership-test"


def given_kubeconfig(work: Path) -> Path | None:
    """The kubeconfig of a cluster that somebody named, or of a kind cluster made here. None: there is neither."""
    named = os.environ.get("WATERSHIP_TEST_KUBECONFIG")
    if named:
        return Path(named)
    kind = shutil.which("kind")
    if kind is None or subprocess.run([kind, "get", "clusters"], capture_output=True).returncode:
        return None
    path = work / "kind.conf"
    clusters = subprocess.run([kind, "get", "clusters"], capture_output=True, text=True).stdout.split()
    if KIND_CLUSTER not in clusters:
        made = subprocess.run(
            [kind, "create", "cluster", "--name", KIND_CLUSTER, "--wait", "180s"], capture_output=True
        )
        if made.returncode:
            return None
    config = subprocess.run([kind, "get", "kubeconfig", "--name", KIND_CLUSTER], capture_output=True, check=True)
    path.write_bytes(config.stdout)
    return path
