"""Connections that leave HTTP: what is agreed on with 101 is a tunnel, and nothing else is."""

import os
import re
import signal
import time

import pytest

from harness import wait_until
from harness.backend import Answer, response

ASK = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "x", "Sec-WebSocket-Version": "13"}
DIRECTIVES = "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; "
AGREED = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Accept: y\r\n\r\n")


class Tunnel:
    """A client and an origin that have agreed on another protocol."""

    def __init__(self, server, origin, behind=b"", target="/chat"):
        self.client = server.client()
        self.client.send_request("GET", target, ASK)
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


# --- what lasts longer than its request

FORMAT = ('log_format tunnel "$remote_addr $request_method $uri $status $sent_http_upgrade $http_sec_websocket_key '
          'up=$upstream_bytes_sent down=$upstream_bytes_received sent=$bytes_sent body=$body_bytes_sent '
          'took=$request_time its=$upstream_response_time at=$upstream_addr id=$request_id [$time_local] $mapped"; '
          'map $arg_a $mapped { default none; x mapped; } ')


@pytest.fixture
def logged(proxied):
    """A tunnel through a location with a log of its own."""
    def start(server="", http="", target="/chat?a=x", **configuration):
        access = "access_log logs/tunnel.log tunnel;"
        running, origin = proxied(None, http=FORMAT + http, workers=1, **configuration, server=f"""
            location / {{ proxy_pass http://%BACKEND%; {access} {DIRECTIVES} {server} }}""")
        return running, origin, Tunnel(running, origin, target=target)
    return start


def of_log(server, name="logs/tunnel.log"):
    line = server.wait_for_log(r"^127\.0\.0\.1 .*\n", name)[0].group()
    return line, dict(re.findall(r"(\w+)=(\S+)", line))


def test_the_line_of_a_tunnel_has_what_is_known_at_its_end(logged):
    server, origin, both = logged()
    both.check(b"u" * 1000, b"d" * 3000)
    assert server.read("logs/tunnel.log") == ""
    since = time.monotonic()
    wait_until(lambda: time.monotonic() > since + 0.3, "the tunnel to have lasted")
    both.client.close()
    line, values = of_log(server)
    assert line.startswith("127.0.0.1 GET /chat 101 websocket x ")
    assert line.endswith("] mapped\n")
    assert int(values["body"]) == 3000
    assert int(values["sent"]) == 3000 + len(both.answer.head + b"\r\n\r\n")
    assert int(values["up"]) == len(both.peer.received)
    assert int(values["down"]) == 3000 + len(AGREED)
    assert float(values["took"]) >= 0.3
    assert float(values["its"]) >= 0.3
    assert values["at"] == origin.address
    assert re.fullmatch("[0-9a-f]{32}", values["id"])


def test_the_line_of_a_tunnel_is_that_of_the_configuration_it_began_in(logged):
    server, _, both = logged()
    server.configure(server="location / { return 204; access_log logs/tunnel.log new; }",
                     http="log_format new 'another line';", workers=1)
    for _ in range(3):
        server.reload()
    both.check()
    assert server.get("/").status == 204
    both.client.close()
    server.wait_for_log(r"^127\.0\.0\.1 GET /chat 101 .* mapped$", "logs/tunnel.log")
    assert server.read("logs/tunnel.log").startswith("another line\n")


@pytest.mark.parametrize("condition, count", [("$mapped", 1), ("$arg_b", 0)])
def test_a_condition_of_the_log_is_asked_when_a_tunnel_begins(proxied, condition, count):
    server, origin = proxied(None, http=FORMAT, workers=1, server=f"""
        access_log logs/all.log;
        location / {{ proxy_pass http://%BACKEND%; {DIRECTIVES}
                      access_log logs/all.log; access_log logs/tunnel.log tunnel if={condition}; }}""")
    both = Tunnel(server, origin, target="/chat?a=x")
    server.reload()
    both.client.close()
    server.wait_for_log("GET /chat", "logs/all.log")
    assert server.read("logs/tunnel.log").count("\n") == count


def test_a_tunnel_is_logged_where_variables_say(proxied):
    server, origin = proxied(None, http=FORMAT, server=f"""
        location / {{ proxy_pass http://%BACKEND%; {DIRECTIVES} access_log logs/$arg_a.log tunnel; }}""")
    os.chmod(server.path("logs"), 0o777)  # the worker opens it
    both = Tunnel(server, origin, target="/chat?a=x")
    both.check(b"up", b"down")
    server.reload()
    both.client.close()
    _, values = of_log(server, "logs/x.log")
    assert values["body"] == "4"


def test_a_line_goes_to_the_file_that_was_rotated_in(logged):
    server, _, both = logged()
    os.rename(server.path("logs/tunnel.log"), server.path("logs/tunnel.1"))
    assert server.run("-s", "reopen").returncode == 0
    wait_until(lambda: os.path.exists(server.path("logs/tunnel.log")), "the new log")
    both.client.close()
    of_log(server)
    assert server.read("logs/tunnel.1") == ""


def holds_zone(server, name):
    """Whether a generation that names it is there in a worker."""
    pid, = server.workers()
    with open(f"/proc/{pid}/maps") as file:
        return f":{name} (deleted)" in file.read()


def test_a_generation_does_not_live_as_long_as_its_tunnels(logged):
    """What only the first generation names is gone with it, while its tunnel is open."""
    server, origin, both = logged("limit_req zone=of_the_first;",
                                  http="limit_req_zone $uri zone=of_the_first:64k rate=1000r/s;")
    first = server.read("conf/server.conf")
    assert holds_zone(server, "of_the_first")
    server.write("conf/server.conf", first.replace("of_the_first", "of_the_next"))
    server.reload()
    wait_until(lambda: not holds_zone(server, "of_the_first"), "the first generation to be gone")
    assert holds_zone(server, "of_the_next")
    both.check()
    both.peer.reset()
    of_log(server)
    server.wait_for_log(r'\[info\] .*reset by peer\) while proxying upgraded connection, .*"GET /chat')


def test_tunnels_of_many_generations_survive(proxied):
    server, origin = proxied(None, DIRECTIVES, workers=1)
    tunnels = []
    for number in range(20):
        tunnels.append(Tunnel(server, origin))
        server.reload()
    for number, both in enumerate(tunnels):
        both.check(b"up %d" % number, b"down %d" % number)
        both.client.close()
        assert both.peer.is_closed()
    server.wait_for_log("GET /chat", "logs/access.log", count=20)


def check_one_at_a_time(server, origin, refusal):
    """There is room for one tunnel, also after reloads, and again when it has ended."""
    both = Tunnel(server, origin)
    for _ in range(2):
        assert server.get("/chat", ASK).status == refusal
        server.reload()
    both.check()
    both.client.close()
    assert both.peer.is_closed()
    wait_until(lambda: server.connections() == 0, "the tunnel to be gone")
    Tunnel(server, origin).client.close()


def test_a_limit_of_connections_counts_open_tunnels(proxied):
    zone = "limit_conn_zone $binary_remote_addr zone=some:64k; "
    server, origin = proxied(None, http=zone, workers=1, server=f"""
        location / {{ proxy_pass http://%BACKEND%; limit_conn some 1; {DIRECTIVES} }}
        location /elsewhere {{ return 204; }}""")
    check_one_at_a_time(server, origin, 503)


def test_a_tunnel_counts_as_a_connection_of_its_server(proxied):
    server, origin = proxied(None, http="upstream app { server %BACKEND% max_conns=1; }", workers=1,
                             server=f"location / {{ proxy_pass http://app; {DIRECTIVES} }}")
    check_one_at_a_time(server, origin, 502)


def test_a_tunnel_goes_on_while_the_server_leaves(proxied):
    server, origin = proxied(None, DIRECTIVES, workers=1)
    both = Tunnel(server, origin)
    server.send_signal(signal.SIGQUIT)
    wait_until(lambda: not server.accepts(server.port()), "the server to leave")
    both.check()
    both.client.close()
    assert server.process.wait(30) == 0
    assert "GET /chat" in server.access_log


def test_a_server_that_leaves_ends_tunnels_in_time(proxied):
    server, origin = proxied(None, DIRECTIVES, workers=1, main="worker_shutdown_timeout 200ms;")
    both = Tunnel(server, origin)
    both.check()
    server.send_signal(signal.SIGQUIT)
    assert server.process.wait(30) == 0
    assert both.client.is_closed()
    assert both.peer.is_closed()
    assert "GET /chat" in server.access_log


def test_why_a_tunnel_ended_is_said(tunnel):
    server, both = tunnel("proxy_read_timeout 200ms;")
    server.reload()
    assert both.client.is_closed()
    server.wait_for_log(r'\[info\] .* upstream timed out \(110: .*\) while proxying upgraded connection, '
                        r'client: 127\.0\.0\.1, server: localhost, request: "GET /chat HTTP/1\.1", '
                        r'upstream: "http://127\.0\.0\.1:\d+/chat", host: "')
