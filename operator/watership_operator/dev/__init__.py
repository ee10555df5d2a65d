"""`watership dev DIR`: the operator's plans without Kubernetes.

folder    YAML files to objects, and what is wrong with them
memory    what has to outlive this process: objects that were declared, Secrets that were made
process   the broker as a child process
session   desired, observed, plan, steps: until Ctrl-C
display   the status table
"""

from .session import main

__all__ = ["main"]
