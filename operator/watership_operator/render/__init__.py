"""A BrokerCluster as manifests, and its configuration as text.

credentials    the default user
configuration  the files of conf.d
head           names, labels, owner, ports
services       Services, NetworkPolicy, PodDisruptionBudget
pod            the pod of a node
monitoring     PodMonitor, PrometheusRule, dashboard
overlay        what users lay over it, and what is refused
manifests      all children in their order
"""

from .configuration import configuration
from .credentials import Credentials, credentials
from .manifests import Given, children

__all__ = ["Credentials", "Given", "children", "configuration", "credentials"]
