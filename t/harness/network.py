"""A network of a test's own, in which it may change what it likes: addresses, routes.

The thread that enters it, the threads and the processes it starts from then on are in it.
"""

import ctypes
import os
import shutil
import subprocess

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def refusal():
    """Why there is none for us here, or nothing."""
    if not shutil.which("ip"):
        return "no iproute2 here"
    with open("/proc/thread-self/ns/net") as here:
        if libc.unshare(CLONE_NEWNET) != 0:
            return os.strerror(ctypes.get_errno())
        go_back(here)
    return None


def go_back(namespace):
    if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class OwnNetwork:
    """It has a loopback interface, and what is added: `with OwnNetwork(): ip("route add …")`."""

    def __enter__(self):
        self.before = open("/proc/thread-self/ns/net")
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        ip("link set lo up")
        return self

    def __exit__(self, *unused):
        go_back(self.before)
        self.before.close()


def ip(arguments):
    subprocess.run(["ip", *arguments.split()], check=True, capture_output=True)
