"""The verbs over a broker in this process, done in the name of one user. One module per noun of the table."""

from .backup import BackupVerbs
from .base import Asked
from .bindings import BindingVerbs
from .cluster import ClusterVerbs
from .connections import ConnectionVerbs
from .definitions import DefinitionVerbs
from .exchanges import ExchangeVerbs
from .features import FeatureVerbs
from .health import HealthVerbs
from .limits import LimitVerbs
from .logins import LoginVerbs
from .maintenance import MaintenanceVerbs
from .messages import MessageVerbs
from .permissions import PermissionVerbs
from .policies import PolicyVerbs
from .queues import QueueVerbs
from .quorum import QuorumVerbs
from .topic_permissions import TopicPermissionVerbs
from .users import UserVerbs
from .vhosts import VhostVerbs
from .watching import WatchVerbs


class LocalAdmin(
    BackupVerbs,
    ClusterVerbs,
    DefinitionVerbs,
    VhostVerbs,
    UserVerbs,
    PermissionVerbs,
    TopicPermissionVerbs,
    PolicyVerbs,
    LimitVerbs,
    ExchangeVerbs,
    QueueVerbs,
    MessageVerbs,
    BindingVerbs,
    ConnectionVerbs,
    QuorumVerbs,
    FeatureVerbs,
    LoginVerbs,
    HealthVerbs,
    MaintenanceVerbs,
    WatchVerbs,
):
    """Every verb of the table as a method. Verbs that write return when what they did is durable. Raises AdminError."""


__all__ = ["Asked", "LocalAdmin"]
