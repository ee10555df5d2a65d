"""The nouns of the broker, frozen: names, exchanges, queues, bindings, users, permissions, arguments, definitions,
commands, errors.

Nothing here reads a clock, a file or a socket; salts and the like are arguments. Every other room may import this one.
"""
