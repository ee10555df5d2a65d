"""Every example is made of objects that the operator reads; every sample of RabbitMQ's two operators is among them."""

from pathlib import Path

import pytest
import yaml

from watership_operator.kinds import GROUP, parse

EXAMPLES = Path(__file__).parents[3] / "examples"
CLUSTER_SAMPLES = """
additional-ports community-plugins custom-configuration default-security-context external-admin-secret-credentials
hello-world import-definitions import-https-url-definition import-multiple-definition-files ipv6 json-log mtls
mtls-inter-node multiple-disks network-policies plugins pod-anti-affinity priority-class production-ready
resource-limits set-login-password-username sidecar tls tolerations vault-default-user vault-tls
"""
TOPOLOGY_SAMPLES = """
bindings exchanges federations non-operator-managed-rabbitmq operator-policies permissions policies queues
schema-replication shovels singleactiveconsumer superstream topic-exchanges users vhosts
"""


@pytest.mark.parametrize(("folder", "names"), [("cluster", CLUSTER_SAMPLES), ("topology", TOPOLOGY_SAMPLES)])
def test_every_sample_has_its_counterpart(folder: str, names: str):
    assert set(names.split()) - {path.stem for path in (EXAMPLES / folder).glob("*.yaml")} == set()


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_example_is_read(path: Path):
    for manifest in yaml.safe_load_all(path.read_text()):
        if manifest["apiVersion"].startswith(GROUP):
            parse(manifest)
