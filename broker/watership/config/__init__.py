"""rabbitmq.conf: text to one frozen Config.

keys     one declared row per key: name, type, default, reloadable, doc
values   the types: how a value is written and what is legal
parser   lines to settings; errors name file, line and the nearest match
config   what the rooms read: listeners, TLS, limits
"""

from .config import Address, Config, Tls
from .errors import ConfigError
from .keys import KEYS, Key
from .parser import Setting, load, parse

__all__ = ["KEYS", "Address", "Config", "ConfigError", "Key", "Setting", "Tls", "load", "parse"]
