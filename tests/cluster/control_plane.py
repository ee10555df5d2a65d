"""etcd, kube-apiserver and kube-controller-manager on loopback, on free ports: everything but pods."""

import socket
import subprocess
from pathlib import Path

from . import binaries
from .certificates import Authority
from .processes import Processes, wait_for


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class ControlPlane:
    """Use it as a context; `kubeconfig` is an administrator's. audit: a policy, whose log is audit.log in `work`."""

    def __init__(self, work: Path, *, audit: str = "") -> None:
        self.work = work
        self.audit = audit
        self.bin = binaries.ensure("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
        self.processes = Processes(work / "log")
        self.server = f"https://127.0.0.1:{free_port()}"

    def __enter__(self) -> "ControlPlane":
        authority = Authority(self.work / "pki")
        names = ("localhost", "127.0.0.1", "kubernetes.default.svc", "10.96.0.1")
        authority.issue("apiserver", *names, common_name="kube-apiserver")
        authority.issue("admin", common_name="admin", organization="system:masters")
        authority.issue("controllers", common_name="system:kube-controller-manager")
        authority.service_account_keys()
        self.kubeconfig = authority.kubeconfig("admin", self.server)
        try:
            self.start(authority)
        except BaseException:
            self.processes.stop_all()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.processes.stop_all()

    def start(self, authority: Authority) -> None:
        self.authority = authority
        self.etcd, peers = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
        self.processes.start(
            "etcd",
            f"{self.bin}/etcd",
            f"--data-dir={self.work}/etcd",
            f"--listen-client-urls={self.etcd}",
            f"--advertise-client-urls={self.etcd}",
            f"--listen-peer-urls={peers}",
            "--unsafe-no-fsync",
        )
        self.start_api_server()
        pki = authority.folder
        controllers = authority.kubeconfig("controllers", self.server)
        self.processes.start(
            "controllers", f"{self.bin}/kube-controller-manager", *controller_options(pki, controllers)
        )

    def start_api_server(self) -> None:
        self.processes.start(
            "apiserver",
            f"{self.bin}/kube-apiserver",
            f"--etcd-servers={self.etcd}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.server.rpartition(':')[2]}",
            *apiserver_options(self.authority.folder),
            *self.audit_options(),
        )
        wait_for("kube-apiserver", self.ready, log=lambda: self.processes.log("apiserver"))

    def restart_api_server(self) -> None:
        """Every watch ends; what was written stays."""
        self.processes.stop("apiserver")
        self.start_api_server()

    def audit_options(self) -> list[str]:
        if not self.audit:
            return []
        policy = self.work / "audit.yaml"
        policy.write_text(self.audit)
        return [f"--audit-policy-file={policy}", f"--audit-log-path={self.work}/audit.log"]

    def ready(self) -> bool:
        return self.kubectl("get", "--raw", "/readyz").returncode == 0

    def kubectl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [f"{self.bin}/kubectl", "--kubeconfig", str(self.kubeconfig), *arguments]
        return subprocess.run(command, capture_output=True, text=True)


def apiserver_options(pki: Path) -> list[str]:
    return [
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        f"--service-account-key-file={pki}/sa.pub",
        f"--service-account-signing-key-file={pki}/sa.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
    ]


def controller_options(pki: Path, kubeconfig: Path) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={pki}/sa.key",
        f"--root-ca-file={pki}/ca.crt",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        "--leader-elect=false",
        "--secure-port=0",
    ]
