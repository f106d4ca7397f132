"""Bodies of requests on their way to an origin: whole or as they come, and what becomes of them if somebody leaves."""

import pytest

from harness import wait_until
from harness.backend import Answer, chunks, response

OK = response("hello")
BIG = bytes(range(256)) * 8192  # more than sockets and buffers hold
BUFFERED = "proxy_request_buffering on;"
STREAMED = "proxy_request_buffering off;"
BOTH = pytest.mark.parametrize("how", [BUFFERED, STREAMED], ids=["buffered", "streamed"])


def with_length(body, *fields, method="POST"):
    return head(f"Content-Length: {len(body)}", *fields, method=method) + body


def head(*fields, method="POST"):
    return "\r\n".join([f"{method} /a HTTP/1.1", "Host: a", *fields, "", ""]).encode()


def chunked(*parts, trailers=()):
    return head("Transfer-Encoding: chunked") + chunks(*parts, trailers=trailers)


@BOTH
@pytest.mark.parametrize("body", [b"", b"a", b"abc" * 1000, BIG], ids=["none", "one", "some", "big"])
def test_a_body_of_known_length_is_passed(proxied, how, body):
    server, origin = proxied(OK, how + "client_max_body_size 0;")
    with server.client() as client:
        client.send(with_length(body))
        assert client.read_response().text == "hello"
    assert origin.last.body == body
    assert (origin.last.chunked, origin.last.length) == (False, len(body))


@BOTH
@pytest.mark.parametrize("parts", [[], [b"a"], [b"a", b"bc", b"def" * 500], [BIG]], ids=["none", "one", "some", "big"])
def test_a_chunked_body_is_passed(proxied, how, parts):
    server, origin = proxied(OK, how + "client_max_body_size 0;")
    with server.client() as client:
        client.send(chunked(*parts))
        assert client.read_response().text == "hello"
    assert origin.last.body == b"".join(parts)


def test_the_length_of_a_chunked_body_that_was_held_is_known(proxied):
    server, origin = proxied(OK, BUFFERED)
    with server.client() as client:
        client.send(chunked(b"abc", b"d"))
        client.read_response()
    assert (origin.last.header("Content-Length"), origin.last.chunked) == ("4", False)


def test_a_chunked_body_that_is_not_held_stays_chunked(proxied):
    server, origin = proxied(OK, STREAMED)
    with server.client() as client:
        client.send(chunked(b"abc", b"d"))
        client.read_response()
    assert origin.last.chunked
    assert origin.last.header("Content-Length") is None


def test_http_1_0_gets_a_length_whatever_is_said(proxied):
    server, origin = proxied(OK, STREAMED + "proxy_http_version 1.0;")
    with server.client() as client:
        client.send(chunked(b"abc", b"d"))
        client.read_response()
    assert (origin.last.version, origin.last.body, origin.last.length) == ("1.0", b"abcd", 4)


@BOTH
def test_trailers_and_extensions_of_chunks_end_here(proxied, how):
    server, origin = proxied(OK, how)
    with server.client() as client:
        client.send(head("Transfer-Encoding: chunked", "Trailer: A")
                    + b'3;ext="a;b"\r\nabc\r\n0;last\r\nA: b\r\nContent-Length: 9\r\n\r\n' + with_length(b"next"))
        assert [client.read_response().text for _ in range(2)] == ["hello", "hello"]
    assert [request.body for request in origin.requests] == [b"abc", b"next"]
    assert origin.requests[0].trailers == []


@BOTH
@pytest.mark.parametrize("data", [with_length(b"hello"), chunked(b"he", b"llo", trailers=["A: b"])],
                         ids=["length", "chunked"])
def test_a_body_may_come_byte_by_byte(proxied, how, data):
    server, origin = proxied(OK, how)
    with server.client() as client:
        for byte in data * 2:
            client.send(bytes([byte]))
        assert [client.read_response().text for _ in range(2)] == ["hello", "hello"]
    assert [request.body for request in origin.requests] == [b"hello", b"hello"]


def test_nothing_is_sent_before_a_held_body_is_whole(proxied):
    server, origin = proxied(None, BUFFERED)
    with server.client() as client:
        client.send(with_length(b"abcd")[:-1])
        with server.client() as other:  # who comes later is served first
            other.send(with_length(b"", method="GET"))
            peer = origin.accept()
            assert peer.read_request().method == "GET"
            peer.send(response("hello", "Connection: close"))
            assert other.read_response().text == "hello"
        client.send(b"d")
        peer = origin.accept()
        assert peer.read_request().body == b"abcd"
        peer.send(OK)
        assert client.read_response().text == "hello"


@pytest.mark.parametrize("begin, piece, rest", [
    (head("Content-Length: 6") + b"abc", b"abc", b"def"),
    (head("Transfer-Encoding: chunked") + b"3\r\nabc\r\n", b"3\r\nabc\r\n", b"3\r\ndef\r\n0\r\n\r\n"),
], ids=["length", "chunked"])
def test_a_body_is_streamed_as_it_comes(proxied, begin, piece, rest):
    server, origin = proxied(None, STREAMED)
    with server.client() as client:
        client.send(begin)
        peer = origin.accept()
        assert peer.take_through(b"\r\n\r\n").startswith(b"POST /a ")
        assert peer.take(len(piece)) == piece
        client.send(rest)
        assert peer.take(len(rest)) == rest
        peer.send(OK)
        assert client.read_response().text == "hello"


def test_a_client_that_waits_for_100_is_told_to_go_on(proxied):
    server, origin = proxied(OK)
    with server.client() as client:
        client.send(head("Content-Length: 3", "Expect: 100-continue"))
        assert client.read_response().status == 100
        client.send(b"abc")
        assert client.read_response().text == "hello"
    assert (origin.last.body, origin.last.header("Expect")) == (b"abc", None)


@BOTH
@pytest.mark.parametrize("request_bytes", [with_length(b"abcd"), chunked(b"abc", b"d")], ids=["length", "chunked"])
def test_a_body_that_is_too_large_is_refused_and_goes_nowhere(proxied, how, request_bytes):
    server, origin = proxied(OK, how + "client_max_body_size 3;")
    with server.client() as client:
        client.send(request_bytes)
        assert client.read_response().status == 413
    assert origin.requests == []


@BOTH
@pytest.mark.parametrize("encoded", [b"x\r\n", b"3\r\nabcd\r\n", b"-1\r\n", b"3 3\r\n", b"10000000000000000\r\n"])
def test_chunks_that_are_none_are_no_request(proxied, how, encoded):
    server, origin = proxied(OK, how)
    with server.client() as client:
        client.send(head("Transfer-Encoding: chunked") + encoded)
        assert client.read_response().status == 400
        assert client.is_closed()
    assert origin.requests == []


@BOTH
def test_a_body_that_is_cut_off_is_no_request(proxied, how):
    server, origin = proxied(OK, how)
    with server.client() as client:
        client.send(with_length(b"abcd")[:-1])
        client.finish()
        client.take_all()
    server.wait_for_log(r"client .*closed|closed connection")
    assert origin.requests == []


# --- answers that do not wait for the body

def test_an_early_answer_is_passed_on(proxied):
    server, origin = proxied(Answer(response("no", status=403), "finish", when="head"), STREAMED)
    with server.client() as client:
        client.send(head("Content-Length: 1000") + b"begin")
        answer = client.read_response()
        assert (answer.status, answer.text) == (403, "no")


def test_an_early_answer_ends_a_large_body(proxied):
    server, origin = proxied(Answer(response("no", status=413), "close", when="head"),
                             "client_max_body_size 0; client_body_buffer_size 4m;")
    with server.client() as client:
        client.send(with_length(BIG))
        assert client.read_response().status in (413, 502)  # a reset may take away what was not read
    assert server.get("/").status in (413, 502)


def test_the_connection_of_an_early_answer_is_not_used_again(proxied):
    server, origin = proxied(None, STREAMED, http="upstream app { server %BACKEND%; keepalive 4; }",
                             server=f"location / {{ proxy_pass http://app; {STREAMED} }}", workers=1)
    with server.client() as client, server.client() as other:
        client.send(head("Content-Length: 1000") + b"begin")
        first = origin.accept()
        assert first.read_head()
        first.send(response("early", status=403))
        assert client.read_response().status == 403
        other.send(with_length(b"next"))
        second = origin.accept()
        assert second.read_request().body == b"next"
        second.send(OK)
        assert other.read_response().text == "hello"
        assert first.has_ended()
        assert first.received.endswith(b"begin")


# --- clients that leave

@pytest.mark.parametrize("then", ["close", "reset"])
def test_a_client_that_leaves_takes_its_request_along(proxied, then):
    server, origin = proxied(None)
    with server.client() as client:
        client.send(with_length(b"abc"))
        peer = origin.accept()
        assert peer.read_request().body == b"abc"
        getattr(client, then, client.close)()
    assert peer.has_ended()
    line = server.wait_for_log(r'"POST /a HTTP/1.1" (\d+) ', "logs/access.log")[0]
    assert line.group(1) == "499"


def test_a_client_that_leaves_may_be_ignored(proxied):
    server, origin = proxied(None, "proxy_ignore_client_abort on;")
    with server.client() as client:
        client.send(with_length(b"abc"))
        peer = origin.accept()
        peer.read_request()
    wait_until(lambda: server.connections() <= 1, "the client to be gone")
    peer.send(OK)
    line = server.wait_for_log(r'"POST /a HTTP/1.1" (\d+) ', "logs/access.log")[0]
    assert line.group(1) == "200"


@BOTH
def test_a_client_that_leaves_in_an_answer_ends_it(proxied, how):
    server, origin = proxied(None, how + "proxy_buffering off;")
    with server.client() as client:
        client.send(with_length(b"abc"))
        peer = origin.accept()
        peer.read_request()
        peer.send(response(b"x" * 1000)[:-500])
        client.take_through(b"x" * 500)
    assert peer.has_ended()
