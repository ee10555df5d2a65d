"""A Kubernetes that is there already: WATERSHIP_TEST_KUBECONFIG, or kind."""

import os
import shutil
import subprocess
from pathlib import Path

from .binaries import say

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
        say(f"making the kind cluster {KIND_CLUSTER}; it stays for the next run")
        command = [kind, "create", "cluster", "--name", KIND_CLUSTER, "--wait", "180s"]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode:
            say(f"kind cannot make a cluster: {''.join(made.stderr.strip().splitlines()[-1:])}")
            return None
    config = subprocess.run([kind, "get", "kubeconfig", "--name", KIND_CLUSTER], capture_output=True, check=True)
    path.write_bytes(config.stdout)
    return path
