"""Clients that are slow: every wait for them has an end."""

import contextlib
import os
import select
import time

import pytest

from harness import wait_until

SIZE = 64 << 20  # more than all socket buffers between server and client


def sparse_file(server, name="html/large", size=SIZE):
    with open(server.path(name), "wb") as file:
        file.truncate(size)


def readable(client, seconds=0.0):
    return bool(select.select([client.socket], [], [], seconds)[0])


def is_answered_to(client, data):
    """Whether there are bytes or an end to be read; if not, sends some."""
    if not readable(client):
        with contextlib.suppress(ConnectionError):  # it has ended just now
            client.send(data)
    return readable(client)


@pytest.mark.parametrize("sent", ["G", "GET /", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\n"])
def test_a_head_that_does_not_come_is_408(serve, sent):
    server = serve("client_header_timeout 100ms;")
    with server.client_that_sent(sent) as client:
        answer = client.read_response()
        assert (answer.status, answer.reason, answer.header("Connection")) == (408, "Request Time-out", "close")
        assert client.is_closed()
    server.wait_for_log(r"\[info\] .*client timed out \(110: Connection timed out\).*, client: 127\.0\.0\.1")


def test_bytes_that_trickle_do_not_extend_the_time_of_a_head(serve):
    server = serve("client_header_timeout 200ms;")
    with server.client_that_sent("GET / HTTP/1.1\r\nHost: localhost\r\nName: ") as client:
        wait_until(lambda: is_answered_to(client, "a"), "an answer")
        assert client.read_response().status == 408


def test_the_head_of_a_later_request_has_the_same_time(serve):
    server = serve("client_header_timeout 100ms;")
    with server.client_that_sent("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") as client:
        assert client.read_response().status == 200
        client.send("GET / HTTP/1.1\r\n")
        assert client.read_response().status == 408


def test_what_came_while_the_server_was_stopped_is_not_late(serve):
    server = serve("keepalive_timeout 3s;", workers=1)
    with server.client() as client:
        assert client.get("/").status == 200
        with server.paused():
            client.send_request("GET", "/")
            late = time.monotonic() + 3
            wait_until(lambda: time.monotonic() > late, "the time to pass")
        assert client.read_response().text == "hello\n"


def test_408_is_in_the_access_log(serve):
    server = serve("client_header_timeout 50ms;")
    with server.client_that_sent("GET / HTTP/1.1\r\n") as client:
        assert client.read_response().status == 408
    server.wait_for_log(r'"GET / HTTP/1\.1" 408 ', "logs/access.log")


def test_a_slow_head_does_not_hold_back_others(serve):
    server = serve()
    slow = [server.client() for _ in range(100)]
    for client in slow:
        client.send("GET / HTTP/1.1\r\nHost: ")
    assert server.get("/").text == "hello\n"
    for client in slow:
        client.send("localhost\r\n\r\n")
    for client in slow:
        assert client.read_response().text == "hello\n"
        client.close()


def test_a_body_that_does_not_come_ends_the_connection(serve):
    server = serve("client_body_timeout 100ms; location / { return 200 ok; }")
    with server.client() as client:
        client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhello")
        assert client.read_response().text == "ok"
        assert client.is_closed()


def test_a_body_that_comes_in_time_keeps_the_connection(serve):
    server = serve("client_body_timeout 1h; client_header_timeout 100ms; location / { return 200 ok; }")
    head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
    with server.client_that_sent(head + "hello") as client:
        assert client.read_response().text == "ok"
        assert not readable(client, 0.2), "client_header_timeout does not count for bodies"
        client.send("world")
        assert client.get("/").text == "ok"


def test_a_body_that_trickles_ends_after_lingering_time(serve):
    server = serve("lingering_time 200ms; location / { return 200 ok; }")
    with server.client() as client:
        client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
        assert client.read_response().text == "ok"
        wait_until(lambda: is_answered_to(client, "a"), "the end of the connection")
        assert client.is_closed()


def test_a_client_that_does_not_read_is_given_up(new_server):
    server = new_server(server="send_timeout 200ms;")
    sparse_file(server)
    server.start()
    with server.client() as client:
        client.send_request("GET", "/large")
        server.wait_for_log(r"\[info\] .*client timed out \(110: Connection timed out\).*/large")
        assert len(client.take_all()) < SIZE
    sent = server.wait_for_log(r'"GET /large HTTP/1\.1" 200 (\d+) ', "logs/access.log")[0].group(1)
    assert 0 < int(sent) < SIZE


def test_a_client_that_does_not_read_does_not_hold_back_others(new_server):
    server = new_server(server="send_timeout 60s;")
    sparse_file(server)
    server.start()
    deaf = [server.client() for _ in range(20)]
    for client in deaf:
        client.send_request("GET", "/large")
    assert server.get("/").text == "hello\n"
    for client in deaf:
        client.close()


def test_a_client_that_reads_again_gets_the_rest(new_server):
    server = new_server(files={"html/large": os.urandom(8 << 20)})
    server.start()
    with server.client() as client:
        client.send_request("GET", "/large")
        wait_until(lambda: readable(client), "the beginning of the answer")
        with open(server.path("html/large"), "rb") as file:
            assert client.read_response().body == file.read()
        assert client.get("/").text == "hello\n"


def test_reset_timedout_connection_resets(new_server):
    server = new_server(server="send_timeout 200ms; reset_timedout_connection on;")
    sparse_file(server)
    server.start()
    with server.client() as client:
        client.send_request("GET", "/large")
        server.wait_for_log(r"client timed out")
        with pytest.raises(ConnectionResetError):
            while client.socket.recv(1 << 20):
                pass
