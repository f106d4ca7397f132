"""Free TCP and UDP ports, unique among all test processes of the machine.

Each port is claimed by an abstract Unix socket of its name, which the kernel gives to one process only and takes back
when that process ends. Ports lie below the range the kernel picks client ports from, so that no client gets in the way.
"""

import os
import socket

FIRST, LAST = 16000, 31999
claims = {}


def free_port():
    at = FIRST + os.getpid() * 97 % (LAST - FIRST)
    for step in range(LAST - FIRST):
        port = FIRST + (at - FIRST + step) % (LAST - FIRST)
        if port not in claims and claim(port):
            return port
    raise AssertionError("no free port")


def claim(port):
    mark = socket.socket(socket.AF_UNIX)
    try:
        mark.bind(f"\0ringx-test-port-{port}")
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                if kind == socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("0.0.0.0", port))
    except OSError:
        mark.close()
        return False
    claims[port] = mark
    return True


def release(port):
    claims.pop(port).close()
