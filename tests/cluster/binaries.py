"""Kubernetes, etcd, CoreDNS and helm from the Go module proxy, built once (8 minutes on 2 cores) and kept in the
user's cache.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

KUBERNETES, ETCD, COREDNS, HELM = "1.35.4", "3.6.8", "1.13.1", "4.3.1"
COMMANDS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubectl", "kube-proxy")
OTHERS = {
    "etcd": (f"go.etcd.io/etcd/server/v3@v{ETCD}", "go.etcd.io/etcd/server/v3"),
    "coredns": (f"github.com/coredns/coredns@v{COREDNS}", "github.com/coredns/coredns"),
    "helm": (f"helm.sh/helm/v4@v{HELM}", "helm.sh/helm/v4/cmd/helm"),
}
OLDEST_GO = (1, 21)  # from here on go fetches the toolchain that a module asks for


class Missing(Exception):
    """What this machine lacks, and how to get it, in one line."""


def folder() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "watership" / f"kubernetes-{KUBERNETES}+etcd-{ETCD}+coredns-{COREDNS}+helm-{HELM}"


def present(*names: str) -> bool:
    return all((folder() / name).exists() for name in names)


def ensure(*names: str) -> Path:
    """The folder with these programs in it, after building those that are missing. Raises Missing."""
    if not present(*names):
        go = find_go()
        folder().mkdir(parents=True, exist_ok=True)
        if not present(*(n for n in names if n in COMMANDS)):
            build_kubernetes(go)
        for name, (module, package) in OTHERS.items():
            if name in names and not present(name):
                build_module(go, name, module, package)
    return folder()


def find_go() -> str:
    go = shutil.which("go")
    if go is None:
        raise Missing("Go is missing: install Go 1.21 or newer (go.dev/dl), or set WATERSHIP_TEST_KUBECONFIG")
    version = subprocess.run([go, "version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"go(\d+)\.(\d+)", version)
    if not found or (int(found[1]), int(found[2])) < OLDEST_GO:
        raise Missing(f"{version.strip()} is too old: install Go 1.21 or newer, or set WATERSHIP_TEST_KUBECONFIG")
    return go


def say(sentence: str) -> None:
    print(f"[cluster] {sentence}", file=sys.stderr, flush=True)


def run(arguments: list[str], work: Path) -> str:
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "auto", "CGO_ENABLED": "0"}
    done = subprocess.run(arguments, cwd=work, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise Missing(f"{' '.join(arguments[:3])} failed: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def install(built: Path) -> None:
    """Puts a program in place in one step, so that a build cut short leaves nothing half done."""
    target = folder() / built.name
    partial = target.with_suffix(".partial")
    shutil.copy2(built, partial)
    partial.rename(target)


def build_kubernetes(go: str) -> None:
    """kubernetes names its own parts by folder; a module that requires it has to name them by version."""
    say(f"building Kubernetes {KUBERNETES} from its Go modules: about five minutes, once")
    minor, patch = KUBERNETES.split(".")[1:]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "go.mod").write_text("module tools\n\ngo 1.25.0\n")
        found = json.loads(run([go, "mod", "download", "-json", f"k8s.io/kubernetes@v{KUBERNETES}"], work))
        own = (Path(found["Dir"]) / "go.mod").read_text()
        staging = re.findall(r"^\t(k8s\.io/[a-z0-9-]+) => \./staging", own, re.MULTILINE)
        tools = "".join(f"  k8s.io/kubernetes/cmd/{command}\n" for command in COMMANDS)
        replaced = "".join(f"  {module} => {module} v0.{minor}.{patch}\n" for module in staging)
        with (work / "go.mod").open("a") as file:
            file.write(f"tool (\n{tools})\nrequire k8s.io/kubernetes v{KUBERNETES}\nreplace (\n{replaced})\n")
        run([go, "mod", "tidy"], work)
        # Without these the server calls itself v0.0.0, and kubelet refuses it.
        v = "k8s.io/component-base/version"
        flags = f"-s -w -X {v}.gitVersion=v{KUBERNETES} -X {v}.gitMajor=1 -X {v}.gitMinor={minor}"
        packages = [f"k8s.io/kubernetes/cmd/{command}" for command in COMMANDS]
        run([go, "build", "-trimpath", "-ldflags", flags, "-o", f"{work}/bin/", *packages], work)
        for command in COMMANDS:
            install(work / "bin" / command)


def build_module(go: str, name: str, module: str, package: str) -> None:
    say(f"building {name} from its Go module, once")
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        (work / "go.mod").write_text("module tools\n\ngo 1.25.0\n")
        run([go, "get", module], work)
        run([go, "build", "-trimpath", "-ldflags", "-s -w", "-o", f"{work}/bin/{name}", package], work)
        install(work / "bin" / name)
