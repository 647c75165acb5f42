"""Make targets, build, and start a server by hand: python3 -m harness prepare|build|serve."""

import argparse
import sys

from harness.machines import build, targets
from harness.dovecot.config import FORMATS, Config
from harness.dovecot.server import Server


def main():
    parser = argparse.ArgumentParser(prog="harness", description=__doc__)
    parser.add_argument("action", choices=("prepare", "build", "serve"))
    parser.add_argument("--target", default=targets.NATIVE, help="native or the codename of a chroot")
    parser.add_argument("--variant", default="gcc", choices=sorted(build.VARIANTS))
    parser.add_argument("--format", default="maildir", choices=FORMATS)
    parser.add_argument("--plugin", default="ours", choices=("ours", "shipped", "none"))
    arguments = parser.parse_args()
    try:
        target = targets.get(arguments.target)
        print(target)
        if arguments.action == "build":
            print(build.build(target, arguments.variant, print))
        elif arguments.action == "serve":
            _serve(target, arguments)
    except RuntimeError as error:
        sys.exit(str(error))


def _serve(target, arguments):
    server = Server(target, Config(format=arguments.format, plugin=arguments.plugin), arguments.variant).start()
    try:
        user = server.user()
        user.deliver()
        print(f"ports {server.ports}, user {user} with password pass, logs in {server.root}")
        print("doveadm:", " ".join(map(str, server.sandbox.command(server.doveadm_command()))))
        input("Enter stops it. ")
    finally:
        server.discard()


main()
