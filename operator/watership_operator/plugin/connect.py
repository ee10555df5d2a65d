"""forward a cluster's ports to this machine and print how to log in."""

from __future__ import annotations

import argparse
import signal
from urllib.parse import quote

from watership_operator.kinds import parse

from .broker import forwarded
from .objects import Problem, Target, name_of

EXAMPLES = (
    "kubectl watership connect hello         # until Ctrl-C",
    "kubectl watership connect hello --print # only the credentials",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cluster", nargs="?", help="BrokerCluster (default: the only one of the namespace)")
    parser.add_argument(
        "--print", action="store_true", dest="only_print", help="print the credentials, forward nothing"
    )
    parser.add_argument("--amqp-port", default="", help="local port for AMQP (default: a free one)")
    parser.add_argument("--management-port", default="", help="local port for the management API (default: a free one)")


def run(target: Target, options: argparse.Namespace) -> int:
    cluster = target.cluster(options.cluster)
    name = name_of(cluster)
    secret = target.secret(f"{name}-default-user")
    if "password" not in secret:
        raise Problem(f"there is no Secret {target.namespace}/{name}-default-user yet")
    login = f"{quote(secret['username'], safe='')}:{quote(secret['password'], safe='')}"
    only_tls = bool((cluster["spec"].get("tls") or {}).get("disableNonTLSListeners"))
    given = parse(cluster).spec.listeners
    amqp, management = (given.amqps, given.management_tls) if only_tls else (given.amqp, given.management)
    print(f"username:   {secret['username']}\npassword:   {secret['password']}")
    if options.only_print:
        print(f"inside:     {secret.get('connection_string', '')}")
        return 0
    locals_ = (f"{options.amqp_port}:{amqp}", f"{options.management_port}:{management}")
    with forwarded(target, name, *locals_) as ports:
        s = "s" if only_tls else ""
        print(f"AMQP:       amqp{s}://{login}@127.0.0.1:{ports[amqp]}/")
        print(f"management: http{s}://127.0.0.1:{ports[management]}/")
        print("Both are there until this command ends (Ctrl-C).", flush=True)
        ends = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        signal.sigwait(ends)
    return 0
