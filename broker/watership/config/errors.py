"""What can be wrong with a configuration."""


class ConfigError(Exception):
    """A sentence; it begins with file and line where there is one."""
