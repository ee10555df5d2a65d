"""The authority and identities of a control plane, and kubeconfigs for them."""

import json
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


class Authority:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.ca = trustme.CA(key_type=trustme.KeyType.RSA)
        self.ca.cert_pem.write_to_path(str(folder / "ca.crt"))
        self.ca.private_key_pem.write_to_path(str(folder / "ca.key"))

    def issue(self, name: str, *identities: str, common_name: str, organization: str | None = None) -> None:
        """NAME.crt and NAME.key."""
        made = self.ca.issue_cert(
            *(identities or (name,)),
            common_name=common_name,
            organization_name=organization,
            key_type=trustme.KeyType.RSA,
        )
        (self.folder / f"{name}.crt").write_bytes(b"".join(b.bytes() for b in made.cert_chain_pems))
        made.private_key_pem.write_to_path(str(self.folder / f"{name}.key"))

    def kubeconfig(self, name: str, server: str) -> Path:
        """A kubeconfig that logs in with NAME's certificate."""
        path = self.folder / f"{name}.conf"
        cluster = {"server": server, "certificate-authority": str(self.folder / "ca.crt")}
        user = {
            "client-certificate": str(self.folder / f"{name}.crt"),
            "client-key": str(self.folder / f"{name}.key"),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
        }
        path.write_text(json.dumps(config, indent=1))
        return path

    def service_account_keys(self) -> None:
        """sa.key and sa.pub."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        (self.folder / "sa.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (self.folder / "sa.pub").write_bytes(public)
