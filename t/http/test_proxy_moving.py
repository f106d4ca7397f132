"""Large bodies from upstream go from socket to socket by a pipe, and nobody can tell."""

import gzip
import signal
import threading
from errno import EINVAL, ENOSYS, EPERM

import pytest

from harness import open_files, wait_until
from harness.backend import Answer, answered_with, begin, response
from harness.seccomp import SPLICE, forbid

LARGE = bytes(range(256)) * 4096  # 1 MiB
NO_FILE = "proxy_max_temp_file_size 0;"
KEPT = "location / { proxy_pass http://kept; proxy_http_version 1.1; proxy_set_header Connection ''; }"
UPSTREAM = "upstream kept { server %BACKEND%; keepalive 16; }"


def pipes(server):
    return [name for pid in server.workers() for name in open_files(pid).values() if name.startswith("pipe:")]


def begun(client, origin, size):
    """The origin's end of a connection whose client has so many bytes of the body."""
    peer = answered_with(client, origin, begin(len(LARGE)) + LARGE[:size])
    client.take_through(b"\r\n\r\n")
    assert client.take(size) == LARGE[:size]
    return peer


def moves(server, before):
    return len(pipes(server)) > len(before)


@pytest.mark.parametrize("directives, is_moved", [
    ("", True), ("proxy_buffering off;", True), (NO_FILE, True), ("sendfile off;", False), ("limit_rate 100m;", False),
    ("proxy_limit_rate 100m;", False)])
def test_a_large_body_needs_no_memory(proxied, directives, is_moved):
    server, _ = proxied(Answer(response(LARGE)), directives, workers=1)
    before = pipes(server)
    assert server.get("/").body == LARGE
    assert moves(server, before) == is_moved


def test_what_a_filter_changes_is_copied(proxied):
    server, _ = proxied(Answer(response(LARGE, "Content-Type: text/plain")),
                        "gzip on; gzip_types *; gzip_proxied any;", workers=1)
    before = pipes(server)
    assert gzip.decompress(server.get("/", headers={"Accept-Encoding": "gzip"}).body) == LARGE
    assert not moves(server, before)


@pytest.mark.parametrize("framing, size, is_moved", [
    ("chunked", len(LARGE), False), ("none", len(LARGE), False), ("length", 60000, False), ("length", 80000, True)])
def test_what_is_not_bare_or_not_large_is_copied(proxied, framing, size, is_moved):
    server, _ = proxied(Answer(response(LARGE[:size], framing=framing), "finish"), workers=1)
    before = pipes(server)
    assert server.get("/").body == LARGE[:size]
    assert moves(server, before) == is_moved


@pytest.mark.parametrize("error", [EINVAL, EPERM, ENOSYS])
def test_where_splice_is_refused_bodies_are_copied(new_server, backend, error):
    if SPLICE is None:
        pytest.skip("the number of the call is not known here")
    origin = backend(Answer(response(LARGE)))
    server = new_server(server=KEPT, http=UPSTREAM.replace("%BACKEND%", origin.address), workers=1)
    server.start(preexec_fn=lambda: forbid(SPLICE, error))
    with server.client() as client:
        assert client.get("/").body == LARGE
        assert client.get("/").body == LARGE
    assert [len(connection.requests) for connection in origin.connections] == [2]
    assert server.error_log.count("[error]") == 0


def test_many_bodies_on_many_connections(proxied):
    """Once, every few hundred of them, one did not end."""
    server, _ = proxied(Answer(response(LARGE)), workers=1, server=KEPT, http=UPSTREAM)
    wrong = []

    def ask():
        with server.client() as client:
            wrong.extend(number for number in range(60) if client.get("/").body != LARGE)

    clients = [threading.Thread(target=ask) for _ in range(6)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert wrong == []


def test_the_connection_to_the_server_is_used_again(proxied):
    server, origin = proxied(Answer(response(LARGE)), workers=1, server=KEPT, http=UPSTREAM)
    with server.client() as client:
        for _ in range(5):
            assert client.get("/").body == LARGE
    assert [len(connection.requests) for connection in origin.connections] == [5]


def test_sockets_of_paths_are_moved_between_too(proxied):
    server, _ = proxied(Answer(response(LARGE)), workers=1, unix=True)
    before = pipes(server)
    assert server.get("/").body == LARGE
    assert moves(server, before)


def test_the_server_is_free_before_a_client_has_all(proxied):
    server, origin = proxied(Answer(response(LARGE), "finish"), NO_FILE)
    with server.client(room=65536) as client:
        client.send_request("GET", "/")
        wait_until(lambda: origin.connections and origin.connections[0].closed, "the origin to be free")
        assert client.read_response().body == LARGE


def test_bytes_are_counted(proxied):
    server, _ = proxied(Answer(response(LARGE)), workers=1, http="""
        log_format counted '$body_bytes_sent $upstream_bytes_received $upstream_response_length '
                           '$request_completion';""",
                        server="""access_log logs/counted.log counted;
                            location / { proxy_pass http://%BACKEND%; }""")
    assert server.get("/").body == LARGE
    received = len(response(LARGE))
    server.wait_for_log(f"{len(LARGE)} {received} {len(LARGE)} OK", "logs/counted.log")


def test_a_body_that_comes_in_parts(proxied):
    server, origin = proxied(None)
    with server.client() as client:
        peer = begun(client, origin, 10)
        at = 10
        for size in (1, 4095, 4096, 4097, 70000, 300000, 5, len(LARGE)):
            part = LARGE[at:at + size]
            peer.send(part)
            assert client.take(len(part)) == part
            at += len(part)


@pytest.mark.parametrize("sent", [10, 5000, 200000, len(LARGE) - 1])
@pytest.mark.parametrize("end", ["finish", "reset"])
def test_a_body_that_breaks_off(proxied, end, sent):
    server, origin = proxied(None)
    server.expect(r"prematurely closed|reset by peer")
    with server.client() as client:
        peer = begun(client, origin, sent)
        peer.finish() if end == "finish" else peer.reset()
        assert client.is_closed()
    what = "upstream prematurely closed connection" if end == "finish" else r"recv\(\) failed"
    server.wait_for_log(what)


def test_a_server_that_says_nothing_more(proxied):
    server, origin = proxied(None, "proxy_read_timeout 300ms;")
    server.expect("upstream timed out")
    with server.client() as client:
        begun(client, origin, 200000)
        assert client.is_closed()


def test_more_bytes_than_were_announced_are_nobodys(proxied):
    server, origin = proxied(Answer(response(LARGE) + b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!"), workers=1,
                             server=KEPT, http=UPSTREAM)
    server.expect("upstream sent more data")
    with server.client() as client:
        for _ in range(3):
            assert client.get("/").body == LARGE
    assert [len(connection.requests) for connection in origin.connections] == [1, 1, 1]


def test_a_reload_and_a_leaving_server_in_the_midst_of_a_body(proxied):
    server, origin = proxied(None)
    with server.client() as client:
        peer = begun(client, origin, 300000)
        server.reload()
        peer.send(LARGE[300000:600000])
        assert client.take(300000) == LARGE[300000:600000]
        server.send_signal(signal.SIGQUIT)
        server.wait_for_log("gracefully shutting down")
        peer.send(LARGE[600000:])
        assert client.take(len(LARGE) - 600000) == LARGE[600000:]
        assert client.is_closed()
    assert server.stop() == 0


def test_clients_that_leave_and_clients_that_wait(proxied):
    """More of them than there are pipes; whoever stays gets what is his."""
    large = LARGE * 6
    server, _ = proxied(Answer(response(large)), NO_FILE, workers=1)
    before = pipes(server)
    waiting = [server.client(room=4096) for _ in range(40)]
    for client in waiting:
        client.send_request("GET", "/")
        client.take_through(b"\r\n\r\n")
    for client in waiting[::2]:
        client.close()
    for client in waiting[1::2]:
        assert client.take(len(large)) == large
        client.close()
    assert server.get("/").body == large
    assert len(pipes(server)) - len(before) <= 2 * 32
