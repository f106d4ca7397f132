"""How connections end: lingering, half-closed clients, clients that leave in the midst."""

import os
import signal
import socket

import pytest

from harness import Client, open_files, wait_until

LARGE = os.urandom(8 << 20)
UNREAD = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\nConnection: close\r\n\r\n"


def refuses_bytes(client):
    """Whether the server has closed so that bytes for it find nobody; sends some to learn that."""
    try:
        client.send(b"a" * 1000)
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


def files_of_the_site(server):
    site = server.path("html")
    return [path for pid in server.workers() for path in open_files(pid).values() if path.startswith(site)]


def check_serves(server):
    assert server.get("/").text == "hello\n"
    assert len(server.workers()) == 2


# --- lingering


def test_bytes_are_read_for_a_while_after_the_answer(serve):
    server = serve("client_max_body_size 0; location / { return 200 ok; }")
    with server.client() as client:
        client.send(UNREAD)
        for _ in range(100):
            client.send(bytes(100_000))
        assert client.read_response().text == "ok"
        assert client.is_closed()
        client.send(bytes(100_000))


def test_lingering_ends_when_nothing_comes(serve):
    server = serve("lingering_timeout 50ms; lingering_time 1h; client_max_body_size 0; location / { return 200 ok; }")
    with server.client() as client:
        client.send(UNREAD)
        assert client.read_response().text == "ok"
        assert client.is_closed()
        wait_until(lambda: server.connections() == 0, "the end of lingering")


def test_lingering_ends_after_lingering_time(serve):
    server = serve("lingering_time 100ms; client_max_body_size 0; location / { return 200 ok; }")
    with server.client() as client:
        client.send(UNREAD)
        assert client.read_response().text == "ok"
        wait_until(lambda: refuses_bytes(client), "the end of lingering")


def test_lingering_may_be_switched_off(serve):
    server = serve("lingering_close off; lingering_time 1h; lingering_timeout 1h; client_max_body_size 0; "
                   "location / { return 200 ok; }")
    with server.client() as client:
        client.send(UNREAD)
        assert client.read_response().text == "ok"
        wait_until(lambda: refuses_bytes(client), "the end of the connection")


def test_the_lingering_rules_of_the_location_count(serve):
    server = serve("lingering_time 1h; lingering_timeout 1h; client_max_body_size 0; "
                   "location / { lingering_close off; return 200 ok; }")
    with server.client() as client:
        client.send(UNREAD)
        assert client.read_response().text == "ok"
        wait_until(lambda: refuses_bytes(client), "the end of the connection")


def test_lingering_connections_end_with_the_server(serve):
    server = serve("lingering_timeout 1h; lingering_time 1h; client_max_body_size 0; location / { return 200 ok; }")
    with server.client() as client:
        client.send(UNREAD)
        assert client.read_response().text == "ok"
        assert client.is_closed()
        assert server.stop(signal.SIGTERM) == 0


def test_pipelined_bytes_after_the_last_answer_do_not_destroy_it(serve):
    server = serve("lingering_time 1h;", files={"html/large": LARGE})
    with server.client() as client:
        client.send_request("GET", "/large", {"Connection": "close"})
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 10_000)
        assert client.read_response().body == LARGE
        assert client.is_closed()


def test_lingering_may_be_asked_for_always(serve):
    server = serve("lingering_close always; lingering_time 1h; lingering_timeout 1h;")
    with server.client() as client:
        assert client.get("/", {"Connection": "close"}).text == "hello\n"
        assert client.is_closed()
        for _ in range(10):
            assert not refuses_bytes(client)


# --- clients that have finished sending


def test_a_half_closed_client_gets_its_answer(serve):
    server = serve(files={"html/large": LARGE})
    with server.client() as client:
        client.send_request("GET", "/large")
        client.finish()
        assert client.read_response().body == LARGE
        assert client.is_closed()


def test_a_client_that_finishes_while_it_is_sent_a_file_gets_the_rest(serve):
    server = serve(files={"html/large": LARGE})
    with server.client() as client:
        client.send_request("GET", "/large")
        client.input = client.take(1000) + client.input
        client.finish()
        assert client.read_response().body == LARGE
        assert client.is_closed()


def test_a_head_that_ends_in_the_midst_gets_no_answer(serve):
    server = serve()
    with server.client() as client:
        client.send("GET / HTTP/1.1\r\nHost: local")
        client.finish()
        assert client.take_all() == b""
    server.wait_for_log(r"\[info\] .*client prematurely closed connection")


def test_a_body_that_ends_in_the_midst_ends_the_connection(serve):
    server = serve("location / { return 200 ok; }")
    with server.client() as client:
        client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhello")
        client.finish()
        assert client.read_response().text == "ok"
        assert client.is_closed()


def test_a_client_that_says_nothing_is_let_go(serve):
    server = serve()
    with server.client() as client:
        client.finish()
        assert client.take_all() == b""


# --- clients that leave


LEAVE = {
    "without a word": b"",
    "in a head": b"GET / HTTP/1.1\r\nHost: ",
    "after a request": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "after a request for a large file": b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "in a pipeline": b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20,
    "in a body": b"POST /returned HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhello",
    "in a chunk": b"POST /returned HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhello",
    "after a bad request": b"GET /\r\n\r\n",
}


@pytest.mark.parametrize("leave", [Client.close, Client.reset], ids=["close", "reset"])
def test_clients_may_leave_at_any_time(serve, leave):
    server = serve("location /returned { return 200 ok; }", files={"html/large": LARGE})
    for data in LEAVE.values():
        for _ in range(5):
            client = server.client()
            client.send(data)
            leave(client)
    check_serves(server)


@pytest.mark.parametrize("leave", [Client.close, Client.reset], ids=["close", "reset"])
def test_clients_may_leave_while_they_are_sent_a_file(serve, leave):
    server = serve(files={"html/large": LARGE})
    for _ in range(10):
        client = server.client()
        client.send_request("GET", "/large")
        client.take(1000)
        leave(client)
    check_serves(server)
    server.wait_for_log(r'"GET /large HTTP/1\.1" 200 ', "logs/access.log", 10)


def test_an_answer_that_could_not_be_sent_is_logged_with_what_was_sent(serve):
    server = serve(files={"html/large": bytes(64 << 20)})
    with server.client() as client:
        client.send_request("GET", "/large")
        client.take(1000)
        client.reset()
    sent = server.wait_for_log(r'"GET /large HTTP/1\.1" 200 (\d+) ', "logs/access.log")[0].group(1)
    assert 0 < int(sent) < 64 << 20


def test_the_server_may_leave_while_answers_to_earlier_requests_wait_for_room(serve):
    """Nobody waits for the client then, so there is no wait that keepalive_min_timeout could shorten."""
    server = serve("listen 127.0.0.1:%PORT2% sndbuf=4k; keepalive_min_timeout 100ms;"
                   f"location /text {{ return 200 {'x' * 2000}; }}")
    with server.client(2, room=4096) as slow, server.client(2) as idle:
        assert idle.get("/text").status == 200
        assert slow.get("/text").status == 200
        slow.send("GET /text HTTP/1.1\r\nHost: a\r\n\r\n" * 28)  # few enough to be answered in one send
        assert slow.socket.recv(1, socket.MSG_PEEK) == b"H"
        server.send_signal(signal.SIGQUIT)
        assert idle.take_all() == b""  # its wait was shortened, and has ended
        assert [len(slow.read_response().body) for _ in range(28)] == [2000] * 28
        assert slow.is_closed()
    assert server.stop() == 0


def test_all_descriptors_come_back(serve):
    server = serve("location /returned { return 200 ok; }", files={"html/large": LARGE})
    clients = [server.client() for _ in range(5) for _ in LEAVE]
    for client, data in zip(clients, list(LEAVE.values()) * 5):
        client.send(data)
    for client in clients:
        client.close()
    wait_until(lambda: server.connections() == 0 and not files_of_the_site(server), "the descriptors to be closed")
