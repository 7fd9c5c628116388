"""`python -m tests.cluster build | up | down`: the test cluster by hand."""

from __future__ import annotations

import argparse
import sys

from tests.cluster import binaries, registry
from tests.cluster.node import start_cluster
from tests.cluster.process import ClusterError


def _up(options: argparse.Namespace) -> None:
    cluster = start_cluster(
        control_plane_only=options.control_plane_only,
        pods_memory=options.pods_memory,
        apiserver_flags=options.apiserver_flag,
        detached=True,
    )
    print(f"export KUBECONFIG={cluster.kubeconfig()}")
    print(f"export PATH={binaries.directory()}:$PATH")
    if cluster.prometheus_url:
        print(f"export PROMETHEUS_URL={cluster.prometheus_url}")
    print(f"# other users: ls {cluster.kubeconfigs}    logs: {cluster.state / 'log'}")


def _down(*, abandoned_only: bool) -> None:
    """Clean up what died, and unless told otherwise stop what was left running on purpose; tests in progress go on."""
    with registry.locked():
        for record in registry.records():
            if record.abandoned() or (record.owner_pid is None and not abandoned_only):
                registry.clean(record)
            else:
                print(f"left alone: {record.state} (process {record.owner_pid or 'none: up'})", file=sys.stderr)


def main() -> int:
    """Exit code of the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="build what is missing")
    build.add_argument("extra", nargs="*", help="krew, validate-krew-manifest, kwok")
    up = commands.add_parser("up", help="start a node and leave it running")
    up.add_argument("--control-plane-only", action="store_true")
    up.add_argument("--pods-memory", type=int, metavar="MI", help="what all pods share")
    up.add_argument("--apiserver-flag", action="append", default=[], metavar="--FLAG=VALUE")
    down = commands.add_parser("down", help="stop it and remove every trace")
    down.add_argument("--abandoned-only", action="store_true", help="clean up after killed test runs only")
    options = parser.parse_args()
    try:
        if options.command == "build":
            binaries.build(*options.extra)
        elif options.command == "up":
            _up(options)
        else:
            _down(abandoned_only=options.abandoned_only)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
