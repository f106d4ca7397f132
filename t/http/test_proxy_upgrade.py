"""Connections that leave HTTP: what is agreed on with 101 is a tunnel, and nothing else is."""

import pytest

from harness import wait_until
from harness.backend import Answer, response

ASK = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "x", "Sec-WebSocket-Version": "13"}
DIRECTIVES = "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; "
AGREED = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Accept: y\r\n\r\n")


class Tunnel:
    """A client and an origin that have agreed on another protocol."""

    def __init__(self, server, origin, behind=b""):
        self.client = server.client()
        self.client.send_request("GET", "/chat", ASK)
        self.peer = origin.accept()
        self.request = self.peer.read_request()
        self.peer.send(AGREED + behind)
        self.answer = self.client.read_response()

    def check(self, up=b"up", down=b"down"):
        self.client.send(up)
        assert self.peer.take(len(up)) == up
        self.peer.send(down)
        assert self.client.take(len(down)) == down


@pytest.fixture
def tunnel(proxied):
    opened = []

    def start(directives="", **how):
        server, origin = proxied(None, DIRECTIVES + directives)
        opened.append(Tunnel(server, origin, **how))
        return server, opened[-1]

    yield start
    for one in opened:
        one.client.close()


def test_what_both_agree_on_is_a_tunnel(tunnel):
    _, both = tunnel()
    assert both.request.header("Upgrade") == "websocket"
    assert both.request.header("Connection") == "upgrade"
    assert both.request.header("Sec-WebSocket-Key") == "x"
    assert both.answer.status == 101
    assert both.answer.header("Upgrade") == "websocket"
    assert both.answer.header("Connection").lower() == "upgrade"
    assert both.answer.header("Sec-WebSocket-Accept") == "y"
    for _ in range(3):
        both.check()


def test_what_comes_with_the_agreement_is_passed(tunnel):
    _, both = tunnel(behind=b"first words")
    assert both.client.take(11) == b"first words"
    both.check()


def test_what_a_client_says_before_is_passed_after(proxied):
    server, origin = proxied(None, DIRECTIVES)
    with server.client() as client:
        lines = "".join(f"{name}: {value}\r\n" for name, value in ASK.items())
        client.send(f"GET /chat HTTP/1.1\r\nHost: a\r\n{lines}\r\nearly words")
        peer = origin.accept()
        peer.take_through(b"\r\n\r\n")
        peer.send(AGREED)
        assert client.read_response().status == 101
        assert peer.take(11) == b"early words"


def test_any_bytes_are_passed(tunnel):
    _, both = tunnel()
    both.check(bytes(range(256)) * 10, b"HTTP/1.1 200 OK\r\n\r\n\0")


def test_much_is_passed(tunnel):
    _, both = tunnel()
    for _ in range(20):
        both.check(b"u" * 100_000, b"d" * 100_000)


def test_who_does_not_read_holds_nobody_else_up(tunnel):
    _, both = tunnel()
    both.peer.socket.setblocking(False)
    try:
        while True:
            both.peer.socket.send(b"d" * 65536)
    except BlockingIOError:
        pass
    both.peer.socket.settimeout(30)
    both.client.send(b"up")
    assert both.peer.take(2) == b"up"


@pytest.mark.parametrize("who, other", [("client", "peer"), ("peer", "client")])
def test_who_leaves_is_seen_by_the_other(tunnel, who, other):
    _, both = tunnel()
    both.check()
    getattr(both, who).close()
    assert getattr(both, other).is_closed()


@pytest.mark.parametrize("who, other", [("client", "peer"), ("peer", "client")])
def test_last_words_are_passed(tunnel, who, other):
    _, both = tunnel()
    getattr(both, who).send(b"goodbye" * 1000)
    getattr(both, who).finish()
    assert getattr(both, other).take_all() == b"goodbye" * 1000


def test_a_tunnel_survives_reloads(tunnel):
    server, both = tunnel()
    for _ in range(5):
        server.reload()
        both.check()


def test_a_tunnel_where_nobody_speaks_ends_in_time(tunnel):
    _, both = tunnel("proxy_read_timeout 200ms;")
    assert both.client.is_closed()
    assert both.peer.is_closed()


def test_a_tunnel_is_logged_when_it_ends(tunnel):
    server, both = tunnel()
    both.check()
    both.client.close()
    server.wait_for_log(r'"GET /chat HTTP/1.1" 101 ', "logs/access.log")


def test_a_connection_that_was_a_tunnel_is_not_used_again(proxied):
    server, origin = proxied(None, http="upstream app { server %BACKEND%; keepalive 4; }", workers=1,
                             server=f"location / {{ proxy_pass http://app; {DIRECTIVES} }}")
    both = Tunnel(server, origin)
    both.check()
    both.client.close()
    assert both.peer.has_ended()
    with server.client() as client:
        client.send_request("GET", "/")
        peer = origin.accept()
        assert peer.read_request().target == "/"
        peer.send(response("hello"))
        assert client.read_response().text == "hello"


# --- what is no tunnel

def test_without_directives_nobody_is_asked_to_upgrade(proxied):
    server, origin = proxied(response("hello"))
    answer = server.get("/", ASK)
    assert (answer.status, answer.text) == (200, "hello")
    assert origin.last.header("Upgrade") is None
    assert origin.last.header("Connection") is None


def test_an_upgrade_nobody_asked_for_is_a_bad_gateway(proxied):
    server, origin = proxied(Answer(AGREED + b"words", "finish"))
    assert server.get("/").status == 502


def test_a_client_that_asks_for_nothing_gets_no_tunnel(proxied):
    server, origin = proxied(Answer(AGREED + b"words", "finish"), DIRECTIVES)
    with server.client() as client:
        client.send_request("GET", "/")
        assert client.read_response().status == 502


@pytest.mark.parametrize("data", [response("hello"), response("no", status=400), response("no", status=426)])
def test_an_origin_that_declines_has_answered(proxied, data):
    server, origin = proxied(data, DIRECTIVES)
    with server.client() as client:
        for _ in range(2):
            answer = client.get("/chat", ASK)
            assert (answer.status, answer.body) == (int(data[9:12]), data.partition(b"\r\n\r\n")[2])
    for request in origin.requests:
        assert request.target == "/chat"


def test_what_follows_a_declined_upgrade_is_a_request(proxied):
    """A client that believes it is in a tunnel must not make us pass on what it says as it is."""
    server, origin = proxied(response("no", status=426), DIRECTIVES)
    with server.client() as client:
        client.send_request("GET", "/chat", ASK)
        client.send_request("GET", "/internal")
        assert [client.read_response().status for _ in range(2)] == [426, 426]
    assert [request.target for request in origin.requests] == ["/chat", "/internal"]


def test_a_200_is_no_tunnel(proxied):
    server, origin = proxied(response("hello", "Upgrade: websocket", "Connection: upgrade"), DIRECTIVES)
    with server.client() as client:
        assert client.get("/chat", ASK).text == "hello"
        client.send_request("GET", "/next")
        assert client.read_response().text == "hello"
    assert [request.target for request in origin.requests] == ["/chat", "/next"]


def test_many_tunnels_are_open_at_once(proxied):
    server, origin = proxied(None, DIRECTIVES)
    tunnels = [Tunnel(server, origin) for _ in range(50)]
    for number, both in enumerate(tunnels):
        both.check(b"%d" % number, b"%d" % -number)
    for both in tunnels:
        both.client.close()
        assert both.peer.is_closed()
    wait_until(lambda: server.connections() == 0, "no connection to be left")


def test_who_wants_another_protocol_may_say_which(proxied):
    server, _ = proxied(response("no", "Upgrade: websocket", "Connection: upgrade", status=426), DIRECTIVES)
    answer = server.get("/")
    assert (answer.status, answer.header("Upgrade"), answer.text) == (426, "websocket", "no")
