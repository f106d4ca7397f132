"""Which connections stay open after an answer, and how long."""

import time

import pytest

from harness import wait_until

SMALL = {"html/page.txt": "text\n"}


@pytest.fixture
def server(serve):
    return serve(files=SMALL)


def is_kept(client, version="1.1", **fields):
    """Sends a request; whether the answer promises to keep the connection, which is checked against what happens."""
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    answer = client.get("/page.txt", {"Host": "localhost", **headers}, version=version)
    assert (answer.status, answer.version) == (200, "HTTP/1.1")
    promise = answer.header("Connection")
    assert promise in ("keep-alive", "close")
    if promise == "close":
        assert client.is_closed()
    else:
        assert client.get("/page.txt").status == 200
    return promise == "keep-alive"


@pytest.mark.parametrize("version, connection, kept", [
    ("1.1", None, True),
    ("1.1", "keep-alive", True),
    ("1.1", "close", False),
    ("1.1", "Close", False),
    ("1.1", "te, close", False),
    ("1.1", "close, keep-alive", False),
    ("1.1", "keep-alive, close", False),
    ("1.1", "closed", True),
    ("1.1", "", True),
    ("1.0", None, False),
    ("1.0", "keep-alive", True),
    ("1.0", "Keep-Alive", True),
    ("1.0", "te, keep-alive", True),
    ("1.0", "keep-alive, close", False),
    ("1.0", "close", False),
])
def test_connection_and_version_say_what_becomes_of_the_connection(server, version, connection, kept):
    with server.client() as client:
        fields = {} if connection is None else {"Connection": connection}
        assert is_kept(client, version, **fields) is kept


def test_connection_may_be_given_in_several_lines(server):
    with server.client() as client:
        answer = client.get("/page.txt", [("Connection", "keep-alive"), ("Connection", "close")])
        assert answer.header("Connection") == "close"
        assert client.is_closed()


def test_requests_after_close_are_not_answered(server):
    with server.client() as client:
        client.send("GET /page.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                    "GET /page.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.read_response().status == 200
        assert client.is_closed()


def test_an_error_that_leaves_no_doubt_about_the_next_request_keeps_the_connection(server):
    with server.client() as client:
        assert client.get("/missing").header("Connection") == "keep-alive"
        assert client.request("DELETE", "/page.txt").header("Connection") == "keep-alive"
        assert client.get("/page.txt").status == 200


def test_keepalive_requests_limits_the_requests_of_a_connection(serve):
    server = serve("keepalive_requests 3;", files=SMALL)
    with server.client() as client:
        promises = [client.get("/page.txt").header("Connection") for _ in range(3)]
        assert promises == ["keep-alive", "keep-alive", "close"]
        assert client.is_closed()


def test_requests_beyond_the_limit_do_not_destroy_the_last_answer(serve):
    body = bytes(8 << 20)
    server = serve("keepalive_requests 1; lingering_time 1h; lingering_timeout 1h;", files={"html/large": body})
    with server.client() as client:
        client.send_request("GET", "/large")
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
        assert client.read_response().body == body
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
        assert client.is_closed()


def test_keepalive_requests_limits_a_pipeline(serve):
    server = serve("keepalive_requests 3;", files=SMALL)
    with server.client() as client:
        client.send("GET /page.txt HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5)
        assert [client.read_response().header("Connection") for _ in range(3)] == ["keep-alive", "keep-alive", "close"]
        assert client.is_closed()


def test_keepalive_requests_of_a_location_counts_all_requests_of_the_connection(serve):
    server = serve("location /two/ { keepalive_requests 2; }", files={**SMALL, "html/two/page.txt": "text\n"})
    with server.client() as client:
        assert client.get("/page.txt").header("Connection") == "keep-alive"
        assert client.get("/page.txt").header("Connection") == "keep-alive"
        assert client.get("/two/page.txt").header("Connection") == "close"


def test_keepalive_timeout_zero_disables_it(serve):
    server = serve("location /one { keepalive_timeout 0; return 200; }", files=SMALL)
    with server.client() as client:
        assert client.get("/page.txt").header("Connection") == "keep-alive"
        assert client.get("/one").header("Connection") == "close"
        assert client.is_closed()


def test_an_idle_connection_is_closed_after_keepalive_timeout(serve):
    server = serve("keepalive_timeout 100ms;", files=SMALL)
    with server.client() as client:
        assert client.get("/page.txt").header("Connection") == "keep-alive"
        assert client.is_closed()


def test_keepalive_timeout_of_the_location_counts(serve):
    server = serve("location /short { keepalive_timeout 100ms; return 200; }", files=SMALL)
    with server.client() as client:
        assert client.get("/page.txt").status == 200
        assert client.get("/short").status == 200
        assert client.is_closed()


def test_keepalive_timeout_may_tell_the_client(serve):
    server = serve("keepalive_timeout 75 30;", files=SMALL)
    answer = server.get("/page.txt")
    assert (answer.header("Connection"), answer.header("Keep-Alive")) == ("keep-alive", "timeout=30")
    assert server.get("/page.txt", {"Connection": "close"}).header("Keep-Alive") is None


def test_keepalive_time_limits_the_life_of_a_connection(serve):
    server = serve("location /short { keepalive_time 200ms; return 200; }", files=SMALL)
    began = time.monotonic()
    with server.client() as client:
        assert client.get("/page.txt").header("Connection") == "keep-alive"
        wait_until(lambda: client.get("/short").header("Connection") == "close", "the end of the connection")
        assert time.monotonic() - began >= 0.1  # a worker looks at the clock once per turn
        assert client.is_closed()


def test_a_new_connection_may_be_silent_for_client_header_timeout(serve):
    server = serve("client_header_timeout 100ms;", files=SMALL)
    with server.client() as client:
        assert client.take_all() == b""


def test_many_requests_on_one_connection(server):
    with server.client() as client:
        for _ in range(300):
            assert client.get("/page.txt").text == "text\n"


def test_the_connection_ends_gracefully_and_not_by_a_reset(server):
    with server.client() as client:
        client.send_request("GET", "/page.txt", {"Connection": "close"})
        assert client.read_response().status == 200
        assert client.socket.recv(1) == b""
