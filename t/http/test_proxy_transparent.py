"""Connections to origins from addresses that are not this machine's, and the one right that workers need for them."""

import os

import pytest

from harness import network, wait_until
from harness.backend import response

NET_RAW = 1 << 13
OK = response("hello")
NOBODY = "192.0.2.7"  # a client's address that is not this machine's


def effective(server):
    """The capabilities of the workers."""
    found = []
    for pid in server.workers():
        with open(f"/proc/{pid}/status") as file:
            found.append({line.split(":")[0]: int(line.split()[1], 16) for line in file if line.startswith("Cap")})
    return [each["CapEff"] for each in found], [each["CapPrm"] | each["CapInh"] | each["CapBnd"] for each in found]


@pytest.fixture
def own_network():
    """Where an origin's answers to NOBODY come back to this machine, though the address is none of it."""
    if os.geteuid() != 0:
        pytest.skip("not root")
    refusal = network.refusal()
    if refusal:
        pytest.skip(f"no network of our own here: {refusal}")
    with network.OwnNetwork():
        network.ip("rule add from 127.0.0.1 lookup 100")
        network.ip("route add local 0.0.0.0/0 dev lo table 100")
        yield


def seen(origin):
    return [connection.socket.getpeername()[0] for connection in origin.connections]


def test_an_address_of_somebody_else_is_refused(own_network, proxied):
    server, origin = proxied(OK, f"proxy_bind {NOBODY};")
    server.expect(r"\[crit\]|\[error\]|\[alert\]")
    assert server.get("/").status in (500, 502)
    server.wait_for_log(r"bind.*\(99: ")
    assert origin.connections == []


@pytest.mark.parametrize("text", [NOBODY, "$arg_from"])
def test_origins_see_the_address_of_somebody_else(own_network, proxied, text):
    server, origin = proxied(OK, f"proxy_bind {text} transparent;")
    for _ in range(3):
        assert server.get(f"/?from={NOBODY}").text == "hello"
    assert set(seen(origin)) == {NOBODY}


@pytest.mark.skipif(os.geteuid() != 0, reason="not root")
def test_workers_keep_one_right_where_it_is_needed_and_none_elsewhere(serve):
    plain = "location / { proxy_pass http://127.0.0.1:1; }"
    transparent = "location / { proxy_pass http://127.0.0.1:1; proxy_bind $remote_addr transparent; }"
    server = serve(plain)
    assert effective(server) == ([0, 0], [0, 0])
    for text, right in ((transparent, NET_RAW), (plain, 0)):
        server.configure(server=text)
        server.reload()
        wait_until(lambda: len(server.workers()) == 2, "the workers before to be gone")
        assert effective(server) == ([right] * 2, [right] * 2)


@pytest.mark.skipif(os.geteuid() != 0, reason="not root")
def test_root_keeps_what_it_has(serve):
    server = serve("location / { proxy_pass http://127.0.0.1:1; proxy_bind 127.0.0.1 transparent; }",
                   main="user root;")
    assert all(rights & NET_RAW for rights in effective(server)[0])
