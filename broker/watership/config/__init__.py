"""rabbitmq.conf: text to one frozen Config.

keys     one declared row (key) per key: name, type, default, reloadable, doc
values   the types: how a value is written and what is legal
parser   lines to settings; errors name file, line and the nearest match
tls      the rows of one TLS listener, and what they say together
config   what the rooms read: listeners, TLS, limits
"""

from .config import Address, Config
from .errors import ConfigError
from .key import Key
from .keys import KEYS
from .parser import Setting, load, parse
from .tls import Tls

__all__ = ["KEYS", "Address", "Config", "ConfigError", "Key", "Setting", "Tls", "load", "parse"]
