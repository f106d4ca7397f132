"""tcp_nodelay and tcp_nopush, for each location: the option of the server's socket, and the packets a client gets."""

import ctypes
import os
import socket
import struct

import pytest

from harness import Client, open_files, wait_until
from harness.waiting import WAIT_SECONDS

SYS_PIDFD_OPEN, SYS_PIDFD_GETFD = 434, 438
DATA_SEGMENTS_IN = 152  # in struct tcp_info

# More than is kept in memory. The last packet has room for a head.
BODY_BYTES = 50 * 1448 + 100

libc = ctypes.CDLL(None, use_errno=True)


def descriptor_of(pid, fd):
    """A copy of another process's descriptor, or None when it may not be had."""
    process = libc.syscall(SYS_PIDFD_OPEN, pid, 0)
    if process < 0:
        return None
    copy = libc.syscall(SYS_PIDFD_GETFD, process, fd, 0)
    os.close(process)
    return copy if copy >= 0 else None


def nodelay_of_peer(server, client):
    """TCP_NODELAY of the socket at the server's end of the connection."""
    copies = 0
    for pid in server.workers():
        for fd, path in open_files(pid).items():
            if not path.startswith("socket:"):
                continue
            copy = descriptor_of(pid, fd)
            if copy is None:
                continue
            copies += 1
            with socket.socket(fileno=copy) as peer:
                if peer.family != socket.AF_INET:
                    continue
                try:
                    if peer.getpeername() == client.getsockname():
                        return peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
                except OSError:
                    continue  # a listening one
    if copies == 0:
        pytest.skip("the descriptors of the workers cannot be had here")
    raise AssertionError("no worker holds the connection")


def test_tcp_nodelay_is_that_of_the_location(serve):
    server = serve("location /on { return 200 x; } location /off { tcp_nodelay off; return 200 x; }")
    with server.client() as client:
        for target, want in (("/on", True), ("/off", False), ("/off", False), ("/on", True), ("/off", False)):
            assert client.get(target).text == "x"
            assert nodelay_of_peer(server, client.socket) is want, target


def test_tcp_nodelay_of_the_server_rules_where_the_location_says_nothing(serve):
    server = serve("tcp_nodelay off; location /here { tcp_nodelay on; return 200 x; } location / { return 200 x; }")
    with server.client() as client:
        assert client.get("/").text == "x" and nodelay_of_peer(server, client.socket) is False
        assert client.get("/here").text == "x" and nodelay_of_peer(server, client.socket) is True


def data_segments(client):
    info = client.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 200)
    return struct.unpack_from("I", info, DATA_SEGMENTS_IN)[0]


class SmallSegments(Client):
    """Gets packets of 1460 bytes, or a little less, as from a network."""

    def __init__(self, port):
        self.input = b""
        self.socket = socket.socket()
        self.socket.settimeout(WAIT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)
        self.socket.connect(("127.0.0.1", port))


def test_tcp_nopush_decides_whether_the_head_has_a_packet_of_its_own(serve):
    server = serve("location /on { tcp_nopush on; } location /off { tcp_nopush off; }",
                   files={f"html/{name}/file": "x" * BODY_BYTES for name in ("", "on", "off")})
    with SmallSegments(server.port()) as client:
        def segments(target):
            before = data_segments(client)
            assert len(client.get(target).body) == BODY_BYTES
            return data_segments(client) - before

        # Now and then an acknowledgement sends a packet before it is full: then there is one more than need be.
        fewest = -(-BODY_BYTES // client.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))
        for target in ("/on/file", "/file"):
            wait_until(lambda: segments(target) == fewest, f"{target} in {fewest} packets")
        for _ in range(5):
            assert segments("/off/file") > fewest
