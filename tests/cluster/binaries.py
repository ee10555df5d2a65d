"""Kubernetes, etcd, CoreDNS and helm from the Go module proxy, built once (8 minutes on 2 cores) and kept in the
user's cache. Each program is put there when it is whole, so that a build cut short goes on where it was.
"""

import fcntl
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

KUBERNETES, ETCD, COREDNS, HELM = "1.35.4", "3.6.8", "1.13.1", "4.3.1"
COMMANDS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubectl", "kube-proxy")
OTHERS = {
    "etcd": (f"go.etcd.io/etcd/server/v3@v{ETCD}", "go.etcd.io/etcd/server/v3"),
    "coredns": (f"github.com/coredns/coredns@v{COREDNS}", "github.com/coredns/coredns"),
    "helm": (f"helm.sh/helm/v4@v{HELM}", "helm.sh/helm/v4/cmd/helm"),
}
GLUA, KSTATUS = "glua-1.1.1", "kstatus-0.37.2"
OTHERS[GLUA] = ("github.com/yuin/gopher-lua@v1.1.1", "github.com/yuin/gopher-lua/cmd/glua")  # Argo CD's Lua
OWN = {KSTATUS: ("sigs.k8s.io/cli-utils@v0.37.2", "kstatus.go")}  # programs of a few lines, beside this file
OLDEST_GO = (1, 21)  # from here on go itself fetches the toolchain that a module asks for
TOOLCHAIN = "1.26.8"  # what an older go fetches: the toolchains are modules too


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
        with alone(folder().parent / "build.lock", "another session builds Kubernetes"):
            go = find_go()
            folder().mkdir(parents=True, exist_ok=True)
            build_kubernetes(go, [n for n in names if n in COMMANDS and not present(n)])
            for name in [n for n in names if n in OTHERS and not present(n)]:
                build_module(go, name, *OTHERS[name])
            for name in [n for n in names if n in OWN and not present(n)]:
                build_own(go, name, *OWN[name])
    return folder()


@contextmanager
def alone(path: Path, otherwise: str) -> Iterator[None]:
    """Holds a lock that dies with this process; says `otherwise` when it has to wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{otherwise}; waits for it to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def find_go() -> str:
    """A go that builds what asks for a new one: that of this machine, or one that it fetches. Raises Missing."""
    go = shutil.which("go")
    if go is None:
        raise Missing("Go is missing: install Go (apt-get install golang-go), or set WATERSHIP_TEST_KUBECONFIG")
    version = subprocess.run([go, "version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"go(\d+)\.(\d+)", version)
    old = found is not None and (int(found[1]), int(found[2])) < OLDEST_GO
    return fetch_go(go) if old else go


def fetch_go(old: str) -> str:
    """Go's toolchain module, made runnable as go 1.21 and newer do it by themselves."""
    target = folder().parent / f"go-{TOOLCHAIN}"
    if not target.exists():
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        say(f"fetching Go {TOOLCHAIN}, once")
        with tempfile.TemporaryDirectory() as name:
            (Path(name) / "go.mod").write_text("module tools\n")
            module = f"golang.org/toolchain@v0.0.1-go{TOOLCHAIN}.linux-{machine}"
            source = Path(json.loads(run([old, "mod", "download", "-json", module], Path(name)))["Dir"])
        partial = target.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial, copy_function=shutil.copyfile)
        for path in (partial, *partial.rglob("*")):
            runs = path.is_dir() or path.parent == partial / "bin" or partial / "pkg" / "tool" in path.parents
            path.chmod(0o755 if runs else 0o644)
        for path in [*partial.rglob("_go.mod")]:
            path.rename(path.with_name("go.mod"))
        partial.rename(target)
    return f"{target}/bin/go"


def print_progress(sentence: str) -> None:
    print(f"[cluster] {sentence}", file=sys.stderr, flush=True)


announce: Callable[[str], None] = print_progress  # pytest's configuration puts one here that gets past its capturing


def say(sentence: str) -> None:
    announce(sentence)


def run(arguments: list[str], work: Path) -> str:
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "auto", "CGO_ENABLED": "0"}
    done = subprocess.run(arguments, cwd=work, env=environment, capture_output=True, text=True)
    if done.returncode:
        last = "".join((done.stderr or done.stdout).strip().splitlines()[-1:])
        raise Missing(f"Kubernetes cannot be built, {' '.join(arguments[:3])} failed: {last}")
    return done.stdout


def install(built: Path) -> None:
    """Puts a program in place in one step, so that a build cut short leaves nothing half done."""
    target = folder() / built.name
    partial = target.with_suffix(".partial")
    shutil.copy2(built, partial)
    partial.rename(target)


def build_kubernetes(go: str, commands: list[str]) -> None:
    """kubernetes names its own parts by folder; a module that requires it has to name them by version."""
    if not commands:
        return
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
        for command in commands:
            say(f"building {command}")
            package = f"k8s.io/kubernetes/cmd/{command}"
            run([go, "build", "-trimpath", "-ldflags", flags, "-o", f"{work}/bin/{command}", package], work)
            install(work / "bin" / command)


def build_module(go: str, name: str, module: str, package: str) -> None:
    say(f"building {name} from its Go module, once")
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        (work / "go.mod").write_text("module tools\n\ngo 1.25.0\n")
        run([go, "get", module], work)
        run([go, "build", "-trimpath", "-ldflags", "-s -w", "-o", f"{work}/bin/{name}", package], work)
        install(work / "bin" / name)


def build_own(go: str, name: str, module: str, source: str) -> None:
    say(f"building {name}, once")
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        (work / "go.mod").write_text("module tools\n\ngo 1.25.0\n")
        shutil.copy(Path(__file__).parent / source, work / "main.go")
        run([go, "get", module], work)
        run([go, "mod", "tidy"], work)
        run([go, "build", "-trimpath", "-ldflags", "-s -w", "-o", f"{work}/bin/{name}", "."], work)
        install(work / "bin" / name)
