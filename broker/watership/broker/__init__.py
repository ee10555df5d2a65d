"""The heart: what AMQP and the admin API mean by declare, bind, route, consume, in one place, with permissions
checked here.

metadata   the deterministic state machine of everything that is declared
access     who may do what; logins
vhost      one virtual host, live: its exchanges, queues and bindings
broker     the whole: opens the store, applies commands, logs the durable ones
"""

from .access import Actor
from .broker import Broker
from .vhost import VirtualHost

__all__ = ["Actor", "Broker", "VirtualHost"]
