"""A one-node Kubernetes that runs real pods, inside a network namespace of its own. Needs root and Debian's packages.

One at a time on a machine: a second session waits. What a former session left behind after a crash is cleared away
first: the network namespace tells which processes were its, the lock's file which folder.
"""

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import yaml

from . import binaries
from .binaries import Missing
from .certificates import Authority
from .control_plane import apiserver_options, controller_options
from .processes import Processes, wait_for

NAMESPACE = "watership-node"
ADDRESS = "10.250.0.1"
SERVICES, PODS = "10.96.0.0/16", "10.244.0.0/16"
PROGRAMS = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "debootstrap": "debootstrap",
    "buildah": "buildah",
}
PLUGINS = Path("/usr/lib/cni")
LOCK = Path("/run/lock/watership-node")  # held while a node is up; its text is the node's folder


def check() -> None:
    """Raises Missing."""
    if os.geteuid() != 0:
        raise Missing("a node that runs pods needs root: sudo make test, or set WATERSHIP_TEST_KUBECONFIG")
    lacking = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    lacking += [] if PLUGINS.is_dir() else ["containernetworking-plugins"]
    if lacking:
        raise Missing(f"a node that runs pods needs packages: apt-get install {' '.join(lacking)}")


class Node:
    """Use it as a context. `prefix` starts a command inside the node's network."""

    prefix = ("nsenter", f"--net=/run/netns/{NAMESPACE}")

    def __init__(self, work: Path) -> None:
        check()
        self.work = work
        self.bin = binaries.ensure("etcd", "coredns", "helm", *binaries.COMMANDS)
        self.processes = Processes(work / "log", self.prefix)
        self.socket = work / "containerd" / "containerd.sock"
        self.locked = ExitStack()

    def __enter__(self) -> "Node":
        self.locked.enter_context(binaries.alone(LOCK, "another session uses the node"))
        clear(Path(LOCK.read_text() or self.work))
        LOCK.write_text(str(self.work))
        try:
            self.network()
            self.control_plane()
            self.runtime()
            self.kubelet()
            self.volumes()
            self.kubectl("wait", "--for=condition=Ready", "node/node0", "--timeout=90s")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("kubelet", "proxy"):
            self.processes.stop(name)
        pods = networks(inhabitants())
        self.end_containers()
        self.processes.stop_all()
        clear(self.work, pods)
        LOCK.write_text("")
        self.locked.close()

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        command = [*self.prefix, f"{self.bin}/kubectl", "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, input=text)
        if done.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    # One part after the other

    def network(self) -> None:
        def ip(*arguments: str, inside: bool = True) -> None:
            # nsenter, not `ip -n`: the latter remounts /sys, which a root folder that is no mount (a chroot) refuses.
            done = subprocess.run([*(self.prefix * inside), "ip", *arguments], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")

        ip("netns", "add", NAMESPACE, inside=False)
        ip("link", "set", "lo", "up")
        ip("link", "add", "node0", "type", "veth", "peer", "name", "node0p")
        for link in ("node0p", "node0"):
            ip("link", "set", link, "up")
        ip("addr", "add", f"{ADDRESS}/24", "dev", "node0")
        ip("route", "add", "default", "dev", "node0")

    def control_plane(self) -> None:
        server = f"https://{ADDRESS}:6443"
        authority = self.authority = Authority(self.work / "pki")
        pki = authority.folder
        names = ("kubernetes.default.svc", "localhost", "127.0.0.1", "10.96.0.1", ADDRESS)
        authority.issue("apiserver", *names, common_name="kube-apiserver")
        authority.issue("admin", common_name="admin", organization="system:masters")
        authority.issue("kubelet", "node0", ADDRESS, common_name="system:node:node0", organization="system:nodes")
        for name, user in (
            ("controllers", "kube-controller-manager"),
            ("scheduler", "kube-scheduler"),
            ("proxy", "kube-proxy"),
        ):
            authority.issue(name, common_name=f"system:{user}")
        authority.service_account_keys()
        configs = {
            n: authority.kubeconfig(n, server) for n in ("admin", "kubelet", "controllers", "scheduler", "proxy")
        }
        self.kubeconfig, self.configs = configs["admin"], configs
        start = self.processes.start
        urls = [f"--{kind}-client-urls=http://127.0.0.1:2379" for kind in ("listen", "advertise")]
        peers = "--listen-peer-urls=http://127.0.0.1:2380"
        start("etcd", f"{self.bin}/etcd", f"--data-dir={self.work}/etcd", *urls, peers, "--unsafe-no-fsync")
        start(
            "apiserver",
            f"{self.bin}/kube-apiserver",
            "--etcd-servers=http://127.0.0.1:2379",
            f"--service-cluster-ip-range={SERVICES}",
            "--bind-address=0.0.0.0",
            f"--advertise-address={ADDRESS}",
            "--secure-port=6443",
            "--allow-privileged=true",
            f"--kubelet-client-certificate={pki}/admin.crt",
            f"--kubelet-client-key={pki}/admin.key",
            "--kubelet-preferred-address-types=InternalIP",
            *apiserver_options(pki),
        )
        wait_for("kube-apiserver", self.answers, log=lambda: self.processes.log("apiserver"))
        cidrs = ("--allocate-node-cidrs", f"--cluster-cidr={PODS}", f"--service-cluster-ip-range={SERVICES}")
        options = controller_options(pki, configs["controllers"])
        start("controllers", f"{self.bin}/kube-controller-manager", *options, *cidrs)
        start("scheduler", f"{self.bin}/kube-scheduler", f"--kubeconfig={configs['scheduler']}", "--leader-elect=false")

    def answers(self) -> bool:
        try:
            return bool(self.kubectl("get", "--raw", "/readyz"))
        except RuntimeError:
            return False

    def runtime(self) -> None:
        """containerd, and the pause image that holds each pod's namespaces."""
        (self.work / "cni").mkdir()
        (self.work / "cni" / "10-bridge.conflist").write_text(json.dumps(bridge(self.work)))
        folder = self.work / "containerd"
        folder.mkdir()
        (folder / "config.toml").write_text(CONTAINERD.format(folder=folder, cni=self.work / "cni", plugins=PLUGINS))
        self.processes.start("containerd", "containerd", "-c", f"{folder}/config.toml")
        wait_for("containerd", lambda: self.ctr("version") is not None, log=lambda: self.processes.log("containerd"))
        self.load(pause_image(self.work))

    def ctr(self, *arguments: str) -> str | None:
        done = subprocess.run(
            ["ctr", "-a", str(self.socket), "-n", "k8s.io", *arguments], capture_output=True, text=True
        )
        return done.stdout if done.returncode == 0 else None

    def load(self, archive: Path) -> None:
        """Makes a docker archive's images known to the node."""
        assert self.ctr("images", "import", str(archive)) is not None, f"{archive} cannot be imported"

    def kubelet(self) -> None:
        path = self.work / "kubelet.yaml"
        path.write_text(yaml.safe_dump(kubelet_configuration(self.authority.folder, self.socket)))
        self.processes.start(
            "kubelet",
            f"{self.bin}/kubelet",
            f"--config={path}",
            f"--kubeconfig={self.configs['kubelet']}",
            "--hostname-override=node0",
            f"--root-dir={self.work}/kubelet",
            f"--node-ip={ADDRESS}",
        )
        self.kubectl(
            "create", "clusterrolebinding", "proxy", "--clusterrole=system:node-proxier", "--user=system:kube-proxy"
        )
        self.processes.start(
            "proxy",
            f"{self.bin}/kube-proxy",
            f"--kubeconfig={self.configs['proxy']}",
            "--hostname-override=node0",
            f"--cluster-cidr={PODS}",
            "--proxy-mode=iptables",
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
        )
        (self.work / "Corefile").write_text(COREFILE % (ADDRESS, self.kubeconfig, "test"))
        self.processes.start("coredns", f"{self.bin}/coredns", "-conf", f"{self.work}/Corefile")
        wait_for("the node", lambda: "node0" in self.kubectl("get", "nodes"), log=lambda: self.processes.log("kubelet"))

    def volumes(self) -> None:
        """Local volumes, because kubelet applies fsGroup to them and not to hostPath."""
        manifests: list[dict] = [STORAGE_CLASS]
        for number in range(12):
            folder = self.work / "volumes" / str(number)
            folder.mkdir(parents=True)
            manifests.append(volume(number, folder))
        self.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(manifests))

    def end_containers(self) -> None:
        for task in (self.ctr("tasks", "ls", "-q") or "").split():
            self.ctr("tasks", "kill", "-s", "KILL", task)
        time.sleep(0.5)
        for container in (self.ctr("containers", "ls", "-q") or "").split():
            self.ctr("tasks", "rm", "-f", container)
            self.ctr("containers", "rm", container)


def clear(work: Path, pods: set[int] = frozenset()) -> None:
    """Ends what runs in the node's network namespace and its pods, unmounts what is below work, removes the namespaces.

    pods: the network namespaces, as inode numbers, of pods that have ended already.
    """
    found = inhabitants()
    pods = pods | networks(found)
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    for mount in reversed(mounts_below(work)):
        subprocess.run(["umount", "--lazy", mount], capture_output=True)
    for path in Path("/run/netns").glob("*"):
        if path.name == NAMESPACE or (path.name.startswith("cni-") and path.stat().st_ino in pods):
            subprocess.run(["ip", "netns", "del", path.name], capture_output=True)
    if not mounts_below(work):  # logs and certificates stay, for whoever looks for a cause
        for part in ("containerd", "kubelet", "etcd"):
            shutil.rmtree(work / part, ignore_errors=True)


def mounts_below(folder: Path) -> list[str]:
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return sorted(point for point in points if point.startswith(f"{folder}/"))


def inhabitants() -> set[int]:
    """The processes in the node's network namespace and their descendants: containerd's shims and what runs in pods."""
    listed = subprocess.run(["ip", "netns", "pids", NAMESPACE], capture_output=True, text=True).stdout
    found = {int(pid) for pid in listed.split()}
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def networks(pids: set[int]) -> set[int]:
    """The network namespaces that these processes are in, but for this process's own, as inode numbers."""
    found = set()
    for pid in pids:
        with suppress(OSError):
            found.add(Path(f"/proc/{pid}/ns/net").stat().st_ino)
    return found - {Path("/proc/self/ns/net").stat().st_ino}


def pause_image(work: Path) -> Path:
    """A static program that does nothing, as an image of one layer."""
    (work / "pause.c").write_text("#include <unistd.h>\nint main(void) { for (;;) pause(); }\n")
    subprocess.run(["gcc", "-static", "-Os", "-o", f"{work}/pause", f"{work}/pause.c"], check=True)
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.add(work / "pause", "pause")
    data = layer.getvalue()
    config = {
        "architecture": "amd64" if os.uname().machine == "x86_64" else "arm64",
        "os": "linux",
        "config": {"Cmd": ["/pause"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(data).hexdigest()]},
    }
    manifest = [{"Config": "config.json", "RepoTags": ["localhost/pause:1"], "Layers": ["layer.tar"]}]
    target = work / "pause.tar"
    with tarfile.open(target, "w") as archive:
        files = {
            "config.json": json.dumps(config).encode(),
            "layer.tar": data,
            "manifest.json": json.dumps(manifest).encode(),
        }
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target


def kubelet_configuration(pki: Path, socket: Path) -> dict:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{pki}/kubelet.crt",
        "tlsPrivateKeyFile": f"{pki}/kubelet.key",
        "containerRuntimeEndpoint": f"unix://{socket}",
        "clusterDomain": "cluster.local",
        "clusterDNS": [ADDRESS],
        "resolvConf": "",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "localStorageCapacityIsolation": False,
        "evictionHard": dict.fromkeys(
            ("memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available"), "0%"
        ),
        "imageGCHighThresholdPercent": 100,
    }


def volume(number: int, folder: Path) -> dict:
    here = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node0"]}]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"local-{number}"},
        "spec": {
            "capacity": {"storage": "100Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [here]}},
        },
    }


def bridge(work: Path) -> dict:
    """The network of the pods; who has which address is kept in work, not on the machine."""
    addresses = {
        "type": "host-local",
        "dataDir": str(work / "cni" / "addresses"),
        "ranges": [[{"subnet": PODS.replace("/16", "/24")}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "kubernetes.io/no-provisioner",
    "volumeBindingMode": "WaitForFirstConsumer",
}
# restrict_oom_score_adj: a sandbox asks for -998, which needs a capability that containers and small machines lack
CONTAINERD = """version = 2
root = "{folder}/root"
state = "{folder}/state"
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{cni}"
"""
COREFILE = """.:53 {
  bind %s
  errors
  kubernetes cluster.local {
    kubeconfig %s %s
    ttl 5
  }
  cache 5
}
"""
