"""A BrokerCluster as manifests, and its configuration as text.

credentials    the default user
configuration  the files of conf.d
manifests      Services, StatefulSet, and the rest
"""

from .configuration import configuration
from .credentials import Credentials, credentials
from .manifests import children

__all__ = ["Credentials", "children", "configuration", "credentials"]
