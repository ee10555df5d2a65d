"""What the environment says: $(NAME) inside values, and the variables that RabbitMQ's image is configured by."""

from __future__ import annotations

import re
from collections.abc import Mapping

# They come after the files and win over them, as in RabbitMQ.
VARIABLES = {
    "RABBITMQ_NODENAME": "nodename",
    "RABBITMQ_DEFAULT_USER": "default_user",
    "RABBITMQ_DEFAULT_PASS": "default_pass",
    "RABBITMQ_DEFAULT_VHOST": "default_vhost",
}
NAME = re.compile(r"\$\((\w+)\)")


def substituted(value: str, environment: Mapping[str, str]) -> str:
    """With $(NAME) replaced. Raises ValueError for a variable that is not set: an empty password would be worse."""

    def of(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise ValueError(f"the environment variable {match[1]} to be set")
        return environment[match[1]]

    return NAME.sub(of, value)
