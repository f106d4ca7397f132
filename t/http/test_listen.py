"""The words of `listen`: what they do to the socket, and what nginx says of those it cannot use."""

import socket

import pytest

from harness import Client
from harness.ports import FIRST, LAST, claim, claims, release


def claimed(first, count):
    """So many free ports from the first on, or none."""
    ours = []
    for port in range(first, first + count):
        if port in claims or not claim(port):
            for taken in ours:
                release(taken)
            return []
        ours.append(port)
    return ours


OPTIONS = ["backlog=7", "rcvbuf=64k sndbuf=128k", "fastopen=5", "deferred", "so_keepalive=on", "so_keepalive=off",
           "so_keepalive=30m::10", "so_keepalive=:5s:", "bind", "reuseport", "default_server", "default", "ipv6only=on",
           "backlog=1 backlog=2"]


@pytest.mark.parametrize("words", OPTIONS)
def test_each_option_serves(new_server, words):
    server = new_server(http=f"server {{ listen 127.0.0.1:%PORT% {words}; return 200 text; }}").start()
    assert server.get("/").text == "text"


def test_a_socket_of_multipath_tcp_serves_plain_clients(new_server):
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).close()
    except OSError:
        pytest.skip("no MPTCP here")
    server = new_server(http="server { listen 127.0.0.1:%PORT% multipath; root html; }").start()
    assert server.get("/").text == "hello\n"


def test_a_range_of_ports_is_listened_on(new_server):
    ports = next(ports for first in range(FIRST, LAST, 3) if (ports := claimed(first, 3)))
    server = new_server(http=f"server {{ listen 127.0.0.1:{ports[0]}-{ports[-1]}; return 200 $server_port; }}")
    server.start()
    for port in ports:
        with Client(port) as client:
            assert client.get("/").text == str(port)
        release(port)


def test_a_wildcard_serves_both_families(new_server):
    server = new_server(http="server { listen [::]:%PORT% ipv6only=off; return 200 $remote_addr; }").start()
    assert server.get("/").text == "::ffff:127.0.0.1"
    with server.client(host="::1") as client:
        assert client.get("/").text == "::1"


MISTAKES = [
    ("127.0.0.1:8080 backlog=0", 'invalid backlog "backlog=0"'), ("8080 backlog=x", 'invalid backlog "backlog=x"'),
    ("8080 rcvbuf=x", 'invalid rcvbuf "rcvbuf=x"'), ("8080 sndbuf=1q", 'invalid sndbuf "sndbuf=1q"'),
    ("8080 fastopen=-1", 'invalid fastopen "fastopen=-1"'), ("8080 fastopen=x", 'invalid fastopen "fastopen=x"'),
    ("8080 ipv6only=x", 'invalid parameter "ipv6only=x"'), ("8080 setfib=1", 'invalid parameter "setfib=1"'),
    ("8080 deferred=on", 'invalid parameter "deferred=on"'),
    ("8080 proxy_protocol=on", 'invalid parameter "proxy_protocol=on"'),
    ("8080 so_keepalive=x", 'invalid so_keepalive value: "x"'),
    ("8080 so_keepalive=::", 'invalid so_keepalive value: "::"'),
    ("8080 so_keepalive=1:x:", 'invalid so_keepalive value: "1:x:"'),
    ("8080 so_keepalive=::0", 'invalid so_keepalive value: "::0"'),
    ("127.0.0.1:18999-18997", 'invalid port range in "127.0.0.1:18999-18997" of the "listen" directive'),
    ("127.0.0.1:1-x", 'invalid port in "127.0.0.1:1-x" of the "listen" directive'),
    ("127.0.0.1:0-5", 'invalid port in "127.0.0.1:0-5" of the "listen" directive'),
    ("127.0.0.1:18997-", 'invalid port in "127.0.0.1:18997-" of the "listen" directive'),
    ("127.0.0.1:65535-65536", 'invalid port in "127.0.0.1:65535-65536" of the "listen" directive'),
    ("8080; listen 8079-8081", "a duplicate listen 0.0.0.0:8080"),
    ("8080; listen *:8080", "a duplicate listen 0.0.0.0:8080"),
    ("8080 backlog=3; } server { listen *:8080 backlog=3", "duplicate listen options for 0.0.0.0:8080"),
    ("8080 bind; } server { listen 8080 deferred", "duplicate listen options for 0.0.0.0:8080"),
    ("8080 default; } server { listen *:8080 default_server", "a duplicate default server for 0.0.0.0:8080"),
]


@pytest.mark.parametrize("words, sentence", MISTAKES, ids=[words for words, _ in MISTAKES])
def test_mistakes_have_the_words_of_nginx(new_server, words, sentence):
    server = new_server(http=f"server {{ listen {words}; }}")
    server.expect(r"\[emerg\]")
    done = server.run("-t")
    assert done.returncode == 1
    assert f"[emerg] {sentence} in " in done.stderr


def test_filters_of_other_systems_are_warned_of(new_server):
    done = new_server(http="server { listen 127.0.0.1:%PORT% accept_filter=dataready; }").run("-t")
    assert done.returncode == 0
    assert 'accept filters "accept_filter=dataready" are not supported on this platform, ignored' in done.stderr
