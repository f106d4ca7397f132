"""Bodies of requests: whoever does not want one passes over it, and the next request is found behind it."""

import pytest

from harness import Client

FILES = {"html/page.txt": "text\n"}
AFTER = b"GET /page.txt?after HTTP/1.1\r\nHost: localhost\r\n\r\n"
# A body that would be a request to whoever loses count.
INNER = b"GET /inner HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def server(serve):
    return serve("location /returned { return 200 returned; } location /nothing { return 204; } "
                 "location /refused { return 404 gone; } location /inner { return 500 inner; }", files=FILES)


def with_length(method, target, body, *fields):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(method, target, encoded, *fields):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked", *fields, "", ""]
    return "\r\n".join(lines).encode() + encoded


def in_chunks(body, size=16):
    chunks = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def bodies():
    for method, target, status in (("GET", "/page.txt", 200), ("POST", "/page.txt", 405), ("PUT", "/page.txt", 405),
                                   ("POST", "/returned", 200), ("GET", "/returned", 200), ("POST", "/nothing", 204),
                                   ("POST", "/refused", 404), ("POST", "/missing", 404), ("HEAD", "/page.txt", 200)):
        yield method, status, with_length(method, target, INNER)
        yield method, status, chunked(method, target, in_chunks(INNER))
        yield method, status, chunked(method, target, in_chunks(INNER, 1))


def check_followed_by_next(client, method, status):
    assert client.read_response(method).status == status
    answer = client.read_response()
    assert (answer.status, answer.text) == (200, "text\n")
    client.send(AFTER)
    assert client.read_response().text == "text\n"


def test_a_body_nobody_wants_is_passed_over(server):
    for method, status, data in bodies():
        with server.client() as client:
            client.send(data + AFTER)
            check_followed_by_next(client, method, status)


def test_a_body_may_come_after_its_answer(server):
    for method, status, data in bodies():
        head_end = data.index(b"\r\n\r\n") + 4
        with server.client() as client:
            client.send(data[:head_end])
            assert client.read_response(method).status == status
            client.send(data[head_end:] + AFTER)
            assert client.read_response().text == "text\n"


def test_a_body_may_be_split_at_every_byte(server):
    for data in (with_length("POST", "/returned", INNER), chunked("POST", "/returned", in_chunks(INNER))):
        for at in range(1, len(data)):
            with server.client() as client:
                client.send(data[:at])
                client.send(data[at:] + AFTER)
                assert client.read_response().text == "returned"
                assert client.read_response().text == "text\n"


def test_bodies_may_come_byte_by_byte(server):
    with server.client() as client:
        for _, _, data in bodies():
            for byte in data:
                client.send(bytes([byte]))
        for method, status, _ in bodies():
            assert client.read_response(method).status == status


def test_a_pipeline_of_bodies(server):
    with server.client() as client:
        for _, _, data in bodies():
            client.send(data + AFTER)
        for method, status, _ in bodies():
            assert client.read_response(method).status == status
            assert client.read_response().text == "text\n"


@pytest.mark.parametrize("size", [1, 20_000, 1_000_000])
def test_large_bodies_are_passed_over(server, size):
    body = bytes(size)
    with server.client() as client:
        client.send(with_length("POST", "/returned", body))
        client.send(chunked("POST", "/returned", in_chunks(body, 4000)) + AFTER)
        assert client.read_response().text == "returned"
        assert client.read_response().text == "returned"
        assert client.read_response().text == "text\n"


GOOD_CHUNKS = {
    "empty": b"0\r\n\r\n",
    "several zeros": b"0000\r\n\r\n",
    "leading zeros": b"0005\r\nhello\r\n0\r\n\r\n",
    "capitals": b"A\r\n0123456789\r\n0\r\n\r\n",
    "extension": b"5;name\r\nhello\r\n0\r\n\r\n",
    "extension with a value": b"5;name=value\r\nhello\r\n0;last=1\r\n\r\n",
    "extension with a quoted value": b'5 ; name = "a;\\"b"\r\nhello\r\n0\r\n\r\n',
    "trailer": b"5\r\nhello\r\n0\r\nName: value\r\nOther: value\r\n\r\n",
    "trailer that frames": b"5\r\nhello\r\n0\r\nContent-Length: 100\r\nTransfer-Encoding: gzip\r\n\r\n",
}


def test_all_forms_of_chunks_are_understood(server):
    for name, encoded in GOOD_CHUNKS.items():
        with server.client() as client:
            client.send(chunked("POST", "/returned", encoded) + AFTER)
            assert client.read_response().text == "returned", name
            assert client.read_response().text == "text\n", name


BAD_CHUNKS = {
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "letters": b"xyz\r\nhello\r\n0\r\n\r\n",
    "hexadecimal prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "underscore": b"1_0\r\nhello\r\n0\r\n\r\n",
    "space before the size": b" 5\r\nhello\r\n0\r\n\r\n",
    "size beyond 64 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "size beyond 63 bits": b"8000000000000000\r\nhello\r\n0\r\n\r\n",
    "bare LF after the size": b"5\nhello\r\n0\r\n\r\n",
    "bare LF after the payload": b"5\r\nhello\n0\r\n\r\n",
    "bare CR after the size": b"5\rhello\r\n0\r\n\r\n",
    "more than the size": b"5\r\nhello!\r\n0\r\n\r\n",
    "any two bytes after the payload": b"5\r\nhelloXX0\r\n\r\n",
    "no CRLF after the payload": b"5\r\nhello0\r\n\r\n",
    "bare LF in an extension": b"5;a=\n1\r\nhello\r\n0\r\n\r\n",
    "NUL in an extension": b"5;a\0\r\nhello\r\n0\r\n\r\n",
    "endless extension": b"5;" + b"a" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
    "bare LF at the end": b"5\r\nhello\r\n0\r\n\n",
    "bare LF in a trailer": b"5\r\nhello\r\n0\r\nName: value\n\r\n",
    "trailer without a colon": b"5\r\nhello\r\n0\r\nName\r\n\r\n",
    "folded trailer": b"5\r\nhello\r\n0\r\nName: value\r\n more\r\n\r\n",
}


def test_bad_chunks_are_refused_and_end_the_connection(server):
    wrong = {}
    for name, encoded in BAD_CHUNKS.items():
        with server.client() as client:
            client.send(chunked("POST", "/returned", encoded[:4000]) + AFTER)
            answer = client.read_response()
            got = answer.status, answer.header("Connection"), client.take_all()
        if got != (400, "close", b""):
            wrong[name] = got
    assert wrong == {}


def test_bad_chunks_after_the_answer_end_the_connection(server):
    wrong = {}
    for name, encoded in BAD_CHUNKS.items():
        with server.client() as client:
            client.send(chunked("POST", "/returned", b""))
            assert client.read_response().text == "returned"
            client.send(encoded + AFTER)
            got = client.take_all()
        if got:
            wrong[name] = got
    assert wrong == {}


def test_bad_chunks_do_no_harm_to_a_file_that_is_being_sent(serve):
    body = bytes(4 << 20)
    server = serve(files={"html/large": body})
    with server.client() as client:
        client.send(chunked("GET", "/large", b"5\r\nhe"))
        answer_head = client.take(100)
        client.input = answer_head + client.input
        client.send(b"llo, and more\r\n" + AFTER)
        assert client.read_response().body == body
        assert client.take_all() == b""


# --- Expect: 100-continue


def test_expect_gets_the_final_answer_at_once_when_the_body_is_not_wanted(server):
    with server.client() as client:
        client.send("POST /page.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        answer = client.read_response()
        assert (answer.status, answer.header("Connection")) == (405, "close")
        assert client.is_closed()


def test_expect_with_a_body_that_is_there_keeps_the_connection(server):
    with server.client() as client:
        client.send(with_length("POST", "/returned", b"hello", "Expect: 100-continue") + AFTER)
        check_followed_by_next(client, "POST", 200)


def test_expect_without_a_body_means_nothing(server):
    with server.client() as client:
        client.send(b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n" + AFTER)
        check_followed_by_next(client, "GET", 200)


def test_expect_in_http_1_0_means_nothing(server):
    with server.client() as client:
        client.send("POST /returned HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n"
                    "Expect: 100-continue\r\n\r\n")
        assert client.read_response().text == "returned"
        client.send(b"hello" + AFTER)
        assert client.read_response().text == "text\n"


def test_an_unknown_expectation_means_nothing(server):
    with server.client() as client:
        client.send(with_length("POST", "/returned", b"hello", "Expect: something") + AFTER)
        check_followed_by_next(client, "POST", 200)


# --- client_max_body_size


@pytest.fixture
def small(serve):
    return serve("client_max_body_size 100; location /large { client_max_body_size 1000; return 200 large; } "
                 "location /any { client_max_body_size 0; return 200 any; } location / { return 200 small; }")


@pytest.mark.parametrize("target, size, status", [
    ("/", 100, 200), ("/", 101, 413), ("/large", 1000, 200), ("/large", 1001, 413), ("/any", 100_000, 200),
])
def test_a_length_above_the_limit_of_the_location_is_413(small, target, size, status):
    small.expect("too large body")
    with small.client() as client:
        answer = client.request("POST", target, body=bytes(size))
        assert answer.status == status
        if status == 413:
            assert answer.reason == "Request Entity Too Large"
            assert client.is_closed()
        else:
            assert client.request("POST", "/", body=b"hello").text == "small"


def test_413_does_not_wait_for_the_body(small):
    with small.client() as client:
        client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n")
        assert client.read_response().status == 413
        assert client.is_closed()


def test_413_is_logged_with_the_length(small):
    assert small.request("POST", "/", body=bytes(101)).status == 413
    small.wait_for_log(r"\[error\] .* client intended to send too large body: 101 bytes, client: 127\.0\.0\.1")


def test_413_may_have_an_error_page(serve):
    server = serve("client_max_body_size 1; error_page 413 /too_large.html;", files={"html/too_large.html": "less!"})
    answer = server.request("POST", "/", body=b"12")
    assert (answer.status, answer.text, answer.header("Connection")) == (413, "less!", "close")


def test_return_of_the_server_comes_before_the_limit(serve):
    server = serve("client_max_body_size 1; return 200 returned;")
    with server.client() as client:
        assert client.request("POST", "/", body=b"12").text == "returned"
        assert client.request("POST", "/", body=b"12").text == "returned"


def test_chunks_below_the_limit_of_the_location_keep_the_connection(small):
    with small.client() as client:
        client.send(chunked("POST", "/any", in_chunks(bytes(10_000), 1000)))
        assert client.read_response().text == "any"
        client.send(chunked("POST", "/large", in_chunks(bytes(1000), 100)))
        assert client.read_response().text == "large"
        client.send(chunked("POST", "/", in_chunks(bytes(100), 10)))
        assert client.read_response().text == "small"


def test_chunks_above_the_limit_end_the_connection_after_the_answer(small):
    with small.client() as client:
        client.send(chunked("POST", "/", b"1\r\na\r\n"))
        assert client.read_response().text == "small"
        client.send(in_chunks(bytes(1 << 20), 4000) + AFTER)
        assert client.take_all() == b""


def test_the_client_sees_413_though_it_is_still_sending(small):
    body = bytes(1 << 20)
    with Client(small.port()) as client:
        client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (len(body) * 16))
        for _ in range(16):
            client.send(body)
        assert client.read_response().status == 413
        assert client.is_closed()


@pytest.mark.parametrize("how", ["length", "chunked"])
def test_a_client_that_reads_only_after_it_has_sent_is_served(serve, how):
    """Both sides have more to send than the sockets hold: the server must go on reading."""
    large = bytes(range(256)) * (64 << 10)
    server = serve("send_timeout 25s; client_max_body_size 0;", files={"html/large": large, **FILES})
    data = with_length("GET", "/large", large) if how == "length" else chunked("GET", "/large", in_chunks(large, 60000))
    with server.client() as client:
        client.send(data + AFTER)
        assert client.read_response().body == large
        assert client.read_response().text == "text\n"
