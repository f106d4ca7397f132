"""Origins that are too slow: how long they are waited for, and what is said of it."""

import socket
import threading

import pytest

from harness import wait_until
from harness.backend import response

SHORT = "proxy_read_timeout 100ms;"


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_an_origin_that_does_not_answer_is_a_timeout(proxied, begun):
    def answer(connection, request):
        connection.send(begun)
    server, origin = proxied(answer, SHORT)
    with server.client() as client:
        client.send_request("GET", "/")
        answer = client.read_final_response()
        assert answer.status == 504
    server.wait_for_log(r"upstream timed out \(110: Connection timed out\) while reading response header from upstream")
    wait_until(lambda: origin.connections[0].closed, "the connection to be closed")


@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("begun", [b"Content-Length: 10\r\n\r\nhello",
                                   b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"])
def test_an_origin_that_stops_is_cut_off(proxied, begun, buffering):
    def answer(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\n" + begun)
    server, origin = proxied(answer, f"{SHORT} proxy_buffering {buffering};")
    with server.client() as client:
        client.send_request("GET", "/")
        data = client.take_all()
    assert b"hello" in data
    assert not data.endswith(b"0\r\n\r\n")
    server.wait_for_log(r"upstream timed out \(110: Connection timed out\) while reading upstream")
    wait_until(lambda: origin.connections[0].closed, "the connection to be closed")


def test_the_time_is_between_two_reads(proxied):
    """Each byte begins it anew: a slow origin is no dead one."""
    def answer(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n")
        for _ in range(60):
            connection.send_slowly(b"x")
            never.wait(0.05)  # slower than anything a server might mistake for one read
    never = threading.Event()
    server, _ = proxied(answer, "proxy_read_timeout 2s;")
    assert server.get("/").text == "x" * 60


def test_an_origin_that_does_not_read_is_a_timeout(proxied):
    server, origin = proxied(None, "proxy_send_timeout 100ms; client_max_body_size 0;")
    with server.client() as client:
        client.send_request("PUT", "/", body=b"x" * 20_000_000)
        origin.accept()
        assert client.read_response().status == 504
    server.wait_for_log(r"upstream timed out \(110: Connection timed out\) while sending request to upstream")


def test_an_origin_that_can_not_be_reached_is_a_timeout(serve, backend):
    """Its queue is full, so connects are not answered."""
    origin = backend()
    origin.listener.listen(0)
    waiting = []
    for _ in range(3):
        waiting.append(socket.socket())
        waiting[-1].setblocking(False)
        waiting[-1].connect_ex(("127.0.0.1", origin.port))
    server = serve(f"location / {{ proxy_pass http://{origin.address}; proxy_connect_timeout 100ms; }}")
    assert server.get("/").status == 504
    server.wait_for_log(r"upstream timed out \(110: Connection timed out\) while connecting to upstream")
    for one in waiting:
        one.close()


def test_the_time_of_one_location_is_not_that_of_another(proxied):
    server, origin = proxied(None, server="""
        location / { proxy_pass http://%BACKEND%; }
        location /short { proxy_pass http://%BACKEND%; proxy_read_timeout 50ms; }""")
    with server.client() as patient, server.client() as hasty:
        patient.send_request("GET", "/")
        peer = origin.accept()
        peer.read_request()
        hasty.send_request("GET", "/short")
        assert hasty.read_response().status == 504
        peer.send(response("hello"))
        assert patient.read_response().text == "hello"


def test_a_client_that_does_not_read_is_a_timeout(proxied):
    body = b"x" * 20_000_000
    server, origin = proxied(response(body), "send_timeout 100ms; proxy_max_temp_file_size 0;")
    with server.client(room=4096) as client:
        client.send_request("GET", "/")
        server.wait_for_log(r"client timed out \(110: Connection timed out\) while sending to client")
        wait_until(lambda: origin.connections[0].closed, "the origin to be free")
