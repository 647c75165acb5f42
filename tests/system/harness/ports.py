"""Ports of 127.0.0.1 that nobody listens on now."""

import contextlib
import socket


def free_ports(names):
    """{name: port}, all different."""
    with contextlib.ExitStack() as stack:
        sockets = {name: stack.enter_context(socket.socket()) for name in names}
        for one in sockets.values():
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in sockets.items()}


def free_port():
    return free_ports(["one"])["one"]
