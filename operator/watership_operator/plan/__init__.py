"""Decisions, pure: what is desired and what was observed go in; steps and verdicts, each with a sentence, come out.

step        one thing to do, to the broker or to Kubernetes
topology    all objects of one broker
wanted      one object of a kind as the broker would show it, and how it differs
rules       the same for vhosts, permissions and policies
users       whose password comes from where
admission   which namespaces' objects a cluster takes
deletion    when an object's finalizer may go
cluster     a BrokerCluster and its children
standing    how far the children are
rollout     why pods restart, and what they take while they run
volumes     the growth of volumes
certificates  what Secrets hold, and the cluster's own authority
conditions  verdicts as status

Planning twice without a change in between gives no steps the second time. Nothing here reads a clock, calls anyone,
or makes up a password: time and tokens are arguments.
"""

from .step import Plan, Step, Verdict

__all__ = ["Plan", "Step", "Verdict"]
