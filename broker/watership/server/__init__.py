"""asyncio's side: listeners, TLS, and what a connection and its channels do with the methods they get.

listeners    sockets and TLS contexts
connection   one client: handshake, channels, errors, the end
handshake    what is said before a connection is open
channel      one method of a channel to one call of the broker
description  a connection as the management API shows it
heartbeat    silence in both directions
"""

from .listeners import Listeners

__all__ = ["Listeners"]
