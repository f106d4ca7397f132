"""Connections to origins are used again when that is safe, and only then."""

import pytest

from harness import wait_until
from harness.backend import Answer, response
from harness.server import ESTABLISHED

OK = response("hello")
LOCATION = "location / { proxy_pass http://app; }"


@pytest.fixture
def kept(proxied):
    """A server of one worker, whose group has these directives."""
    def start(answer, group="", location=LOCATION, of_server="", workers=1, **how):
        return proxied(answer, http=f"upstream app {{ server %BACKEND% max_fails=0 {of_server}; {group} }}",
                       server=location, workers=workers, **how)
    return start


def spread(origin):
    """How many requests came over each connection."""
    return [len(connection.requests) for connection in origin.connections]


def served_together(server, origin, count):
    """So many clients whose requests were under way at the same time, and the origin's end of what each came over."""
    clients, peers = [server.client() for _ in range(count)], []
    for client in clients:
        client.send_request("GET", "/")
        peers.append(origin.accept())
        assert peers[-1].read_request()
    for client, peer in zip(clients, peers):
        peer.send(OK)
        assert client.read_response().text == "hello"
    return clients, peers


def test_a_connection_is_used_again(kept):
    server, origin = kept(OK)
    for _ in range(5):
        assert server.get("/").text == "hello"
    assert spread(origin) == [5]


@pytest.mark.parametrize("data", [response("hello", framing="chunked"), response(status=204, framing="none"),
                                  response(status=304, framing="none"), response("")])
def test_every_response_that_has_an_end_leaves_its_connection(kept, data):
    server, origin = kept(data)
    with server.client() as client:
        for _ in range(3):
            assert client.get("/").status in (200, 204, 304)
    assert spread(origin) == [3]


def test_a_connection_is_used_again_after_head(kept):
    server, origin = kept(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
    for _ in range(3):
        assert server.request("HEAD", "/").status == 200
    assert spread(origin) == [3]


def test_a_connection_is_used_again_after_a_body(kept):
    server, origin = kept(OK)
    for body in (b"a", b"b" * 100_000, b"c"):
        assert server.request("POST", "/", body=body).text == "hello"
    assert spread(origin) == [3]


@pytest.mark.parametrize("status", [404, 500, 503])
def test_an_error_of_the_application_is_none_of_the_connection(kept, status):
    server, origin = kept(response("no", status=status))
    for _ in range(3):
        assert server.get("/").status == status
    assert spread(origin) == [3]


@pytest.mark.parametrize("data", [response("hello", "Connection: close"), response("hello", "Connection: foo, CLOSE"),
                                  response("hello", version="1.0")])
def test_a_connection_that_shall_end_is_closed(kept, data):
    server, origin = kept(data)
    for _ in range(3):
        assert server.get("/").text == "hello"
    assert spread(origin) == [1, 1, 1]
    wait_until(lambda: all(connection.closed for connection in origin.connections), "all connections to be closed")


def test_a_body_that_ends_with_the_connection_ends_it(kept):
    server, origin = kept(Answer(response("hello", framing="none"), "finish"))
    for _ in range(2):
        assert server.get("/").text == "hello"
    assert spread(origin) == [1, 1]


def test_requests_at_a_time_have_a_connection_each(kept):
    server, origin = kept(None)
    for client in served_together(server, origin, 3)[0]:
        client.close()
    assert origin.is_alone()


def test_no_more_are_kept_than_may_be(kept):
    server, origin = kept(None, "keepalive 1;")
    clients, peers = served_together(server, origin, 2)
    assert peers[0].has_ended()  # the older one had to go
    clients[0].send_request("GET", "/")
    assert peers[1].read_request()
    peers[1].send(OK)
    assert clients[0].read_response().text == "hello"


def test_none_may_be_kept(kept):
    server, origin = kept(OK, "keepalive 0;")
    for _ in range(3):
        assert server.get("/").text == "hello"
    assert spread(origin) == [1, 1, 1]
    wait_until(lambda: all(connection.closed for connection in origin.connections), "all connections to be closed")


def test_none_is_kept_where_close_is_said(kept):
    server, origin = kept(response("hello", "Connection: close"),
                          location="location / { proxy_pass http://app; proxy_set_header Connection close; }")
    for _ in range(2):
        assert server.get("/").text == "hello"
    assert spread(origin) == [1, 1]


def test_a_connection_serves_so_many_requests(kept):
    server, origin = kept(OK, "keepalive 4; keepalive_requests 2;")
    for _ in range(5):
        assert server.get("/").text == "hello"
    assert spread(origin) == [2, 2, 1]


def test_an_idle_connection_is_closed_in_time(kept):
    server, origin = kept(OK, "keepalive 4; keepalive_timeout 50ms;")
    assert server.get("/").text == "hello"
    wait_until(lambda: origin.connections[0].closed, "the connection to be closed")
    assert server.get("/").text == "hello"
    assert spread(origin) == [1, 1]


def test_an_old_connection_is_closed_after_its_request(kept):
    server, origin = kept(OK, "keepalive 4; keepalive_time 1ms;")

    def was_closed():
        assert server.get("/").text == "hello"
        return origin.connections[0].closed
    wait_until(was_closed, "the connection to be too old")


def test_who_closed_is_never_asked_again(kept):
    server, origin = kept(None)
    for _ in range(20):
        with server.client() as client:
            client.send_request("POST", "/", body=b"abc")  # which may not be repeated
            peer = origin.accept()
            assert peer.read_request().body == b"abc"
            peer.send(OK)
            assert client.read_response().text == "hello"
            peer.finish()
            assert peer.has_ended()
    assert all(connection.received.count(b"POST") == 1 for connection in origin.connections)


def test_who_resets_is_never_asked_again(kept):
    server, origin = kept(None)
    with server.client() as client:
        for _ in range(5):
            client.send_request("POST", "/", body=b"abc")
            peer = origin.accept()
            assert peer.read_request().body == b"abc"
            peer.send(OK)
            assert client.read_response().text == "hello"
            with server.paused():  # what it finds when it looks again is the reset
                peer.reset()


def test_a_request_that_met_a_closing_connection_is_sent_again(kept):
    """The origin's close crosses the request: nothing was answered, so it is repeated over a new connection."""
    server, origin = kept(None)
    with server.client() as client:
        client.send_request("GET", "/one")
        first = origin.accept()
        assert first.read_request().target == "/one"
        first.send(OK)
        assert client.read_response().text == "hello"
        client.send_request("GET", "/two")
        assert first.read_request().target == "/two"
        first.reset()
        second = origin.accept()
        assert second.read_request().target == "/two"
        second.send(OK)
        assert client.read_response().text == "hello"


def test_what_is_not_idempotent_is_not_sent_again(kept):
    server, origin = kept(None)
    with server.client() as client:
        client.send_request("GET", "/one")
        first = origin.accept()
        assert first.read_request()
        first.send(OK)
        assert client.read_response().text == "hello"
        client.send_request("POST", "/two", body=b"abc")
        assert first.read_request().target == "/two"
        first.reset()
        assert client.read_response().status == 502
        assert origin.is_alone()


def test_the_newest_connection_is_used_first(kept):
    server, origin = kept(None)
    clients, peers = served_together(server, origin, 2)
    clients[0].send_request("GET", "/last")
    assert peers[1].read_request().target == "/last"
    peers[1].send(OK)
    assert clients[0].read_response().text == "hello"


PLACES = "location /a { proxy_pass http://app; } location /b { proxy_pass http://app; }"


@pytest.mark.parametrize("group, wanted", [("keepalive 8;", [4]), ("keepalive 8 local;", [2, 2]), ("", [2, 2])])
def test_a_location_may_have_its_own(kept, group, wanted):
    server, origin = kept(OK, group, location=PLACES)
    for path in "/a", "/b", "/a", "/b":
        assert server.get(path).text == "hello"
    assert spread(origin) == wanted


def test_those_of_all_locations_are_counted_together(kept):
    server, origin = kept(OK, "keepalive 1 local;", location=PLACES)
    for path in "/a", "/b", "/b", "/a":
        assert server.get(path).text == "hello"
    assert spread(origin) == [1, 2, 1]


def test_a_unix_socket_is_kept(kept):
    server, origin = kept(OK, unix=True)
    for _ in range(3):
        assert server.get("/").text == "hello"
    assert spread(origin) == [3]


def test_connections_outlive_reloads(kept):
    server, origin = kept(OK)
    assert server.get("/").text == "hello"
    for _ in range(3):
        server.reload()
        assert server.get("/").text == "hello"
    assert sum(spread(origin)) == 4
    assert spread(origin) == [4]


def test_connections_nobody_wants_any_more_are_closed_by_a_reload(kept):
    server, origin = kept(OK)
    assert server.get("/").text == "hello"
    server.configure(server="location / { return 200 returned; }", workers=1)
    server.reload()
    assert server.get("/").text == "returned"
    wait_until(lambda: origin.connections[0].closed, "the connection to be closed")


def test_nothing_is_left_at_the_end(kept):
    server, origin = kept(OK)
    assert server.get("/").text == "hello"
    assert server.stop() == 0
    wait_until(lambda: origin.connections[0].closed, "the connection to be closed")


# --- the system's probes

NO_TIMER, PROBES = "00", "02"  # in /proc/net/tcp


def timer_towards(port):
    """What the system waits for on the connection to this port, when nothing is on its way; None: there is none."""
    with open("/proc/net/tcp") as table:
        for _, _, remote, state, _, timer, *_ in map(str.split, table):
            if remote.endswith(f":{port:04X}") and state == ESTABLISHED:
                return timer[:2]
    return None


@pytest.mark.parametrize("directives, timer", [("", NO_TIMER), ("proxy_socket_keepalive on;", PROBES),
                                               ("proxy_socket_keepalive off;", NO_TIMER)])
def test_the_system_probes_idle_connections_where_that_is_said(kept, directives, timer):
    server, origin = kept(OK, location=f"location / {{ proxy_pass http://app; {directives} }}")
    assert server.get("/").text == "hello"
    wait_until(lambda: timer_towards(origin.port) == timer, "the system to have its timers in order")
