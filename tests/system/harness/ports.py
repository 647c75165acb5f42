"""Ports of 127.0.0.1 that nobody listens on now, and that no other process of these tests takes.

They are below those that the kernel gives to clients: a port that is free when it is chosen must still be free when Dovecot, some
hundredths of a second later, listens on it.
"""

import functools
import itertools
import socket

_FIRST, _LAST, _BLOCK = 10000, 32000, 200


def free_ports(names):
    """{name: port}, all different."""
    ports = dict(zip(names, filter(_is_free, itertools.islice(_ports(), _BLOCK)), strict=False))
    if len(ports) < len(names):
        raise RuntimeError("no free ports")
    return ports


def free_port():
    return free_ports(["one"])["one"]


@functools.cache
def _ports():
    """The ports of this process, again and again, so that one that was just given out is not given out again."""
    first = _guard().getsockname()[1]
    return itertools.cycle(range(first + 1, first + _BLOCK))


@functools.cache
def _guard():
    """A socket that is bound to the first port of a block: the others of it are this process's as long as it lives."""
    guard = socket.socket()
    for first in range(_FIRST, _LAST, _BLOCK):
        try:
            guard.bind(("127.0.0.1", first))
            return guard
        except OSError:
            continue
    raise RuntimeError(f"all blocks of ports from {_FIRST} to {_LAST} are taken")


def _is_free(port):
    with socket.socket() as one:
        # as Dovecot does: what is left of ended connections is no hindrance
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
