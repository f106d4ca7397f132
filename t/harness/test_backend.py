"""The origin server that tests speak to and the parser that judges what reaches it: what they promise."""

import pytest

from harness import Client, strict
from harness.backend import Answer, chunks, response

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(b"ab", b"c")


@pytest.mark.parametrize("data", [GET, POST, CHUNKED, CHUNKED.replace(b"\r\n\r\n", b"\r\n\r\n", 1)])
def test_a_request_ends_at_its_end_and_nowhere_else(data):
    for size in range(len(data)):
        assert strict.read_request(data[:size]) is None
    request, rest = strict.read_request(data + GET)
    assert (request.raw, rest, request.target) == (data, GET, "/a")
    assert request.body == (b"" if data == GET else b"abc")


def test_trailers_are_kept():
    request, rest = strict.read_request(CHUNKED[:-2] + b"A: b\r\n\r\n" + GET)
    assert (request.trailers, rest) == ([("A", "b")], GET)


AMBIGUOUS = {
    "a bare LF": GET.replace(b"\r\n", b"\n"),
    "a bare LF in a field": GET.replace(b"Host: a", b"Host: a\nB: c"),
    "a bare CR": GET.replace(b"Host: a", b"Host: a\rB: c"),
    "a NUL": GET.replace(b"Host: a", b"Host: a\0"),
    "a space before a colon": GET.replace(b"Host:", b"Host :"),
    "a folded line": GET.replace(b"\r\n\r\n", b"\r\n folded\r\n\r\n"),
    "an empty name": GET.replace(b"\r\n\r\n", b"\r\n: b\r\n\r\n"),
    "two spaces": GET.replace(b" /a", b"  /a"),
    "a target with a space": GET.replace(b"/a", b"/a b"),
    "no version": GET.replace(b" HTTP/1.1", b""),
    "no host": GET.replace(b"Host", b"Hose"),
    "two hosts": GET.replace(b"\r\n\r\n", b"\r\nHost: b\r\n\r\n"),
    "two lengths": POST.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n"),
    "a list of lengths": POST.replace(b"3", b"3, 3"),
    "a length with a sign": POST.replace(b" 3", b" +3"),
    "two framings": CHUNKED.replace(b"Host", b"Content-Length: 3\r\nHost"),
    "two codings": CHUNKED.replace(b"chunked", b"gzip, chunked"),
    "another coding": CHUNKED.replace(b"chunked", b"xchunked"),
    "a coding in HTTP/1.0": CHUNKED.replace(b"/1.1", b"/1.0"),
    "a chunk with an extension": CHUNKED.replace(b"2\r\n", b"2;a\r\n"),
    "a chunk with a sign": CHUNKED.replace(b"2\r\n", b"+2\r\n"),
    "a chunk that is longer": CHUNKED.replace(b"ab\r\n", b"abc\r\n"),
    "a trailer that is none": CHUNKED[:-2] + b"A b\r\n\r\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_is_ambiguous_is_no_request(name):
    with pytest.raises(strict.Ambiguous):
        strict.read_request(AMBIGUOUS[name])


def test_requests_and_connections_are_kept(backend):
    origin = backend(response("hello"))
    for _ in range(2):
        with Client(origin.port) as client:
            client.send(GET + POST)
            assert [client.read_response().text for _ in range(2)] == ["hello", "hello"]
    assert [request.raw for request in origin.requests] == [GET, POST, GET, POST]
    assert [connection.received for connection in origin.connections] == [GET + POST] * 2


def test_an_answer_may_depend_on_the_request(backend):
    origin = backend(lambda connection, request: response(request.target))
    with Client(origin.port) as client:
        assert client.get("/b").text == "/b"


@pytest.mark.parametrize("when, data", [("made", b""), ("head", POST[:-1]), ("request", POST)])
def test_an_answer_comes_at_its_time(backend, when, data):
    origin = backend(Answer(response("early"), "finish", when=when))
    with Client(origin.port) as client:
        client.send(data)
        assert client.read_response().text == "early"
        assert client.is_closed()


def test_an_answer_may_come_in_pieces(backend):
    origin = backend(Answer(response("hello"), step=1))
    with Client(origin.port) as client:
        client.send(GET)
        for byte in response("hello"):
            assert client.fill()
            assert client.take(1) == bytes([byte])
            assert client.input == b""


@pytest.mark.parametrize("then", ["finish", "close"])
def test_a_connection_ends_after_its_answer(backend, then):
    origin = backend(Answer(b"garbage", then))
    with Client(origin.port) as client:
        client.send(GET)
        assert client.take_all() == b"garbage"


def test_a_connection_is_reset(backend):
    origin = backend()
    with Client(origin.port) as client:
        client.send(GET)
        peer = origin.accept()
        assert peer.read_request().raw == GET
        peer.reset()
        with pytest.raises(ConnectionResetError):
            client.socket.recv(1)


def test_an_origin_leaves_and_comes_back(backend):
    origin = backend(response("hello"))
    origin.refuse()
    with pytest.raises(ConnectionRefusedError):
        Client(origin.port)
    origin.listen()
    with Client(origin.port) as client:
        assert client.get("/").text == "hello"


def test_a_unix_socket_is_listened_on(backend):
    origin = backend(response("hello"), unix=True)
    with Client(None, unix=origin.unix) as client:
        assert client.get("/").text == "hello"


def test_what_was_wrong_is_told(backend):
    origin = backend(response("hello"))
    with Client(origin.port) as client:
        client.send(AMBIGUOUS["two lengths"])
        client.finish()
        assert client.is_closed()
    assert "which length?" in origin.close()[0]
    origin.close = lambda: []  # once is enough
