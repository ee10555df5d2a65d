"""The one table of commands behind `watership ctl` and the rabbitmq* tools; one module per noun.

An action gets the admin client and the parsed options, and gives rows (a listing), an object, lines, or nothing.
"""

from . import checks, members, node, plugins, topology, users, vhosts
from .command import PLUGINS, Command, Failure

COMMANDS: dict[str, Command] = {}
for module in (node, checks, users, vhosts, topology, members, plugins):
    COMMANDS.update(module.COMMANDS)


def commands_of(tool: str) -> dict[str, Command]:
    """Those that a tool takes. Names of rabbitmq-plugins' are its own; everything else all others take too, as scripts
    call one for the other."""
    own = tool == PLUGINS
    return {name: command for name, command in COMMANDS.items() if (PLUGINS in command.tools) == own}


__all__ = ["COMMANDS", "Command", "Failure", "commands_of"]
