"""The only room that talks to Kubernetes: JSON over the client library's connection, no models.

client   get, list, server-side apply, status, finalizers
follow   one kind, read once and then told of every change
lease    leader election, released on exit
events   one Event per transition
"""

from .client import Kube, KubeError, connect

__all__ = ["Kube", "KubeError", "connect"]
