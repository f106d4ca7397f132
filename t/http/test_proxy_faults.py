"""Origins that misbehave: the client gets an error or an answer that is visibly cut off, and nobody gets what was meant
for another."""

import pytest

from harness import wait_until
from harness.backend import Answer, chunks, response

KEPT = "upstream app { server %BACKEND% max_fails=0; keepalive 8; }"
TO_KEPT = "location / { proxy_pass http://app; %OWN% }"
NEXT = response("next")


def head(*fields, status="200 OK", version="HTTP/1.1"):
    return "\r\n".join([f"{version} {status}", *fields, "", ""]).encode("latin-1")


@pytest.fixture
def kept(proxied):
    """A server that keeps connections to its origin, in one worker."""
    def start(answer, directives=""):
        return proxied(answer, http=KEPT, server=TO_KEPT.replace("%OWN%", directives), workers=1)
    return start


def check_next_has_a_connection_of_its_own(server, origin):
    """The one that a fault was seen on is closed, and the next request is answered over another."""
    origin.answer = NEXT
    assert server.get("/next").text == "next"
    assert origin.connections[-1].requests[0].target == "/next"
    wait_until(lambda: origin.connections[0].closed, "the first connection to be closed")


# --- heads that are none

BAD_HEADS = {
    "nothing": b"",
    "half a line": b"HTTP/1.",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "a head without end": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
    "garbage": b"\x16\x03\x01garbage\r\n\r\n",
    "a body only": b"<html>hello</html>",
    "binary": bytes(range(256)),
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2": b"HTTP/2.0 200 OK\r\n\r\n",
    "no version": b"HTTP/ 200 OK\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a short status": b"HTTP/1.1 20 OK\r\n\r\n",
    "a long status": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a status of zero": b"HTTP/1.1 000 OK\r\n\r\n",
    "a status with a sign": b"HTTP/1.1 +20 OK\r\n\r\n",
    "a NUL": head("Content-Length: 5", "X-A: \0b") + b"hello",
    "a NUL in a name": head("Content-Length: 5", "X\0A: b") + b"hello",
    "no colon": head("Content-Length: 5", "nonsense") + b"hello",
    "no name": head("Content-Length: 5", ": nonsense") + b"hello",
    "a space in a name": head("Content-Length: 5", "X A: b") + b"hello",
    "a space before the colon": head("Content-Length : 5") + b"hello",
    "a folded line": head("Content-Length: 5", "X-A: b", " folded") + b"hello",
    "two lengths": head("Content-Length: 5", "Content-Length: 6") + b"hello",
    "a list of lengths": head("Content-Length: 5, 5") + b"hello",
    "a length with a sign": head("Content-Length: +5") + b"hello",
    "a length below zero": head("Content-Length: -5") + b"hello",
    "a length that is no number": head("Content-Length: 5x") + b"hello",
    "an empty length": head("Content-Length:") + b"hello",
    "a length beyond all": head("Content-Length: 99999999999999999999") + b"hello",
    "two framings": head("Content-Length: 5", "Transfer-Encoding: chunked") + chunks(b"hello"),
    "two codings": head("Transfer-Encoding: gzip, chunked") + chunks(b"hello"),
    "two fields of codings": head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + chunks(b"hello"),
    "another coding": head("Transfer-Encoding: gzip") + chunks(b"hello"),
    "a coding and more": head("Transfer-Encoding: chunkedx") + chunks(b"hello"),
    "a coding in HTTP/1.0": head("Transfer-Encoding: chunked", version="HTTP/1.0") + chunks(b"hello"),
    "a protocol nobody asked for": head("Connection: Upgrade", "Upgrade: websocket", status="101 Switching Protocols"),
    "a giant line": head("X-A: " + "a" * 100_000) + b"hello",
    "a giant status line": head("Content-Length: 5", status="200 " + "a" * 100_000) + b"hello",
    "a giant head": head(*[f"X-{number}: {'a' * 100}" for number in range(2000)]) + b"hello",
    "too many fields": head(*["A:" for _ in range(50_000)]),
    "interim responses without end": head(status="100 Continue") * 10_000,
    "an interim response and no other": head(status="103 Early Hints"),
}


@pytest.mark.parametrize("name", BAD_HEADS)
def test_a_head_that_is_none_is_a_bad_gateway(kept, name):
    server, origin = kept(Answer(BAD_HEADS[name], "finish"))
    with server.client() as client:
        client.send_request("GET", "/")
        answer = client.read_final_response()
        assert answer.status == 502
        assert b"hello" not in answer.body
    check_next_has_a_connection_of_its_own(server, origin)


@pytest.mark.parametrize("name", ["a space before the colon", "two framings", "a status of zero", "a NUL", "garbage"])
def test_a_bad_head_may_come_byte_by_byte(kept, name):
    server, origin = kept(Answer(BAD_HEADS[name], "finish", step=1))
    assert server.get("/").status == 502
    check_next_has_a_connection_of_its_own(server, origin)


def test_a_head_may_be_as_large_as_its_buffer(kept):
    for size in (1000, 16000):
        server, _ = kept(response("hello", "X-A: " + "a" * size), "proxy_buffer_size 32k; proxy_buffers 8 32k;")
        answer = server.get("/")
        assert (answer.text, len(answer.header("X-A"))) == ("hello", size)


def test_a_head_larger_than_its_buffer_is_told_of(kept):
    server, _ = kept(response("hello", "X-A: " + "a" * 5000), "proxy_buffer_size 1k;")
    assert server.get("/").status == 502
    server.wait_for_log("upstream sent too big header while reading response header from upstream")


@pytest.mark.parametrize("then", ["close", "reset"])
def test_who_hangs_up_is_told_of(kept, then):
    server, origin = kept(Answer(b"", then))
    assert server.get("/").status == 502
    server.wait_for_log("upstream prematurely closed connection while reading response header from upstream"
                        if then == "close" else r"recv\(\) failed \(104: Connection reset by peer\) while reading")


def test_who_hangs_up_at_once_is_told_of(kept):
    server, origin = kept(Answer(b"", "reset", when="made"))
    assert server.get("/").status == 502
    check_next_has_a_connection_of_its_own(server, origin)


def test_who_is_not_there_is_told_of(kept):
    server, origin = kept(NEXT)
    origin.refuse()
    assert server.get("/").status == 502
    server.wait_for_log(r"connect\(\) failed \(111: Connection refused\) while connecting to upstream")
    origin.listen()
    assert server.get("/").text == "next"


# --- bodies that are cut off

CUT_OFF = {
    "a length": head("Content-Length: 10") + b"hello",
    "a length, at once": head("Content-Length: 10"),
    "a chunk": head("Transfer-Encoding: chunked") + b"a\r\nhello",
    "after a chunk": head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n",
    "within a size": head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n5",
    "within the last chunk": head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n",
    "within trailers": head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\nA: b\r\n",
    "no chunk at all": head("Transfer-Encoding: chunked"),
    "a size that is none": head("Transfer-Encoding: chunked") + b"5\r\nhello\r\nx\r\n",
    "a size with a sign": head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n+5\r\nhello\r\n0\r\n\r\n",
    "a size beyond all": head("Transfer-Encoding: chunked") + b"5\r\nhello\r\nfffffffffffffffff\r\n",
    "a chunk that is longer": head("Transfer-Encoding: chunked") + b"5\r\nhello!\r\n0\r\n\r\n",
}


def is_cut_off(data):
    """Whether whoever reads these bytes up to the end of the stream knows that there should have been more."""
    top, end, body = data.partition(b"\r\n\r\n")
    if b"Transfer-Encoding: chunked" in top:
        return end and not body.endswith(b"0\r\n\r\n")
    return end and b"Content-Length: 10" in top and len(body) < 10


@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("then", ["finish", "reset"])
@pytest.mark.parametrize("name", CUT_OFF)
def test_a_body_that_is_cut_off_is_cut_off_for_the_client(kept, name, then, buffering):
    server, origin = kept(Answer(CUT_OFF[name], then), f"proxy_buffering {buffering};")
    with server.client() as client:
        client.send_request("GET", "/")
        data = client.take_all()
    assert not data or data.startswith(b"HTTP/1.1 502 ") or is_cut_off(data), data
    check_next_has_a_connection_of_its_own(server, origin)


@pytest.mark.parametrize("name", ["a length", "after a chunk"])
def test_a_body_that_is_cut_off_is_told_of(kept, name):
    server, _ = kept(Answer(CUT_OFF[name], "finish"))
    with server.client() as client:
        client.send_request("GET", "/")
        client.take_all()
    server.wait_for_log("upstream prematurely closed connection while reading upstream")


@pytest.mark.parametrize("name", ["a length", "after a chunk"])
def test_http_1_0_sees_a_body_that_is_cut_off(kept, name):
    """Only a reset tells a client that has no chunks and no length."""
    server, _ = kept(Answer(CUT_OFF[name], "finish"))
    with server.client() as client:
        client.send_request("GET", "/", version="1.0")
        try:
            while data := client.socket.recv(65536):
                client.input += data
        except ConnectionResetError:
            return
    assert b"Content-Length: 10" in client.input or name == "after a chunk"


# --- more than there should be

SURPLUS = {
    "after a length": response("hello") + b"surplus",
    "a whole response": response("hello") + response("for another"),
    "after chunks": response("hello", framing="chunked") + b"surplus",
    "after a 204": response(status=204, framing="none") + b"surplus",
    "a body of a 304": head("Content-Length: 7", status="304 Not Modified") + b"surplus",
    "after no body": response("") + b"surplus",
}


@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("name", SURPLUS)
def test_what_is_too_much_reaches_nobody(kept, name, buffering):
    server, origin = kept(SURPLUS[name], f"proxy_buffering {buffering};")
    with server.client() as client:
        answer = client.get("/")
        assert answer.text in ("hello", "")
        assert answer.status in (200, 204, 304)
        origin.answer = NEXT
        assert client.get("/next").text == "next"
    check_next_has_a_connection_of_its_own(server, origin)


def test_a_body_nobody_asked_for_reaches_nobody(kept):
    server, origin = kept(response("for another"))
    with server.client() as client:
        assert client.request("HEAD", "/").header("Content-Length") == "11"
        origin.answer = NEXT
        assert client.get("/next").text == "next"
    check_next_has_a_connection_of_its_own(server, origin)


def test_what_is_said_while_nobody_asks_reaches_nobody(kept):
    server, origin = kept(response("hello"))
    assert server.get("/").text == "hello"
    origin.connections[0].send(response("for another"))
    wait_until(lambda: origin.connections[0].closed, "the connection to be closed")
    origin.answer = NEXT
    assert server.get("/next").text == "next"


def test_a_response_before_any_request_reaches_nobody(kept):
    server, origin = kept(Answer(response("nobody asked"), "finish", when="made"))
    answer = server.get("/")
    assert (answer.status, answer.text) == (200, "nobody asked") or answer.status == 502
    check_next_has_a_connection_of_its_own(server, origin)


def test_a_worker_survives_all_of_it(kept):
    server, origin = kept(NEXT)
    workers = server.workers()
    for data in [*BAD_HEADS.values(), *CUT_OFF.values(), *SURPLUS.values()]:
        for then in ("finish", "reset"):
            origin.answer = Answer(data, then)
            with server.client() as client:
                client.send_request("GET", "/", {"Connection": "close"})
                client.take_all()
    origin.answer = NEXT
    assert server.get("/").text == "next"
    assert server.workers() == workers
