"""How fast answers of an origin are read and sent, which part of them, and where from it is asked."""

import time

import pytest

from harness.backend import Answer, response


def passed_in(server, target="/"):
    """The answer, and the seconds it took."""
    began = time.monotonic()
    return server.get(target), time.monotonic() - began


# --- rates: what is beyond the share of the first second takes the time it is worth

def test_the_origin_may_say_how_fast_it_is_sent(proxied):
    server, _ = proxied(response("x" * 15_000, "X-Accel-Limit-Rate: 10000"))
    answer, seconds = passed_in(server)
    assert (len(answer.body), answer.header("X-Accel-Limit-Rate")) == (15_000, None)
    assert seconds >= 0.4


@pytest.mark.parametrize("value", ["0", "x", "-1", ""])
def test_no_rate_is_no_limit(proxied, value):
    server, _ = proxied(response("x" * 5000, f"X-Accel-Limit-Rate: {value}"))
    assert len(server.get("/").body) == 5000


def test_it_rules_over_limit_rate(proxied):
    server, _ = proxied(response("x" * 5000, "X-Accel-Limit-Rate: 0"), "limit_rate 1;")
    assert len(server.get("/").body) == 5000  # more than an hour, at that rate


def test_reading_may_have_a_rate(proxied):
    server, _ = proxied(response("x" * 150_000), "proxy_limit_rate 100k; proxy_buffers 8 4k; proxy_buffer_size 4k;")
    answer, seconds = passed_in(server)
    assert len(answer.body) == 150_000
    assert seconds >= 0.3


@pytest.mark.parametrize("directives", ["proxy_limit_rate 1; proxy_buffering off;", "proxy_limit_rate 0;",
                                        "proxy_limit_rate $arg_none;"])
def test_a_rate_may_not_matter(proxied, directives):
    server, _ = proxied(response("x" * 150_000), directives)
    assert len(server.get("/").body) == 150_000


def test_a_client_that_leaves_ends_a_slow_reading(proxied):
    server, origin = proxied(None, "proxy_limit_rate $arg_rate;")
    with server.client() as client:
        client.send_request("GET", "/?rate=10")
        peer = origin.accept()
        peer.read_request()
        peer.send(response("x" * 150_000))
        client.take_through(b"xxx")
    assert peer.has_ended()  # now, and not after hours


# --- ranges

BODY = bytes(range(256)) * 1000


@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("size", [100, 256_000])
@pytest.mark.parametrize("asked, first, last", [
    ("bytes=0-0", 0, 0), ("bytes=10-19", 10, 19), ("bytes=90-", 90, None), ("bytes=-5", -5, None),
    ("bytes=0-", 0, None),
])
def test_a_range_may_be_cut_out(proxied, asked, first, last, size, buffering):
    server, _ = proxied(response(BODY[:size], "Accept-Ranges: none"),
                        f"proxy_force_ranges on; proxy_buffering {buffering};")
    first, last = first % size, size - 1 if last is None else last
    with server.client() as client:
        for _ in range(2):
            answer = client.get("/", {"Range": asked})
            assert (answer.status, answer.body) == (206, BODY[first:last + 1])
            assert answer.header("Content-Range") == f"bytes {first}-{last}/{size}"
            assert answer.header("Accept-Ranges") is None


@pytest.mark.parametrize("size", [100, 256_000])
@pytest.mark.parametrize("fields", [{}, {"Range": "bytes=0-1,5-6"}, {"Range": "lines=0-1"},
                                    {"Range": "bytes=0-1", "If-Range": '"other"'}])
def test_the_whole_is_sent(proxied, fields, size):
    server, _ = proxied(response(BODY[:size], 'ETag: "x"'), "proxy_force_ranges on;")
    answer = server.get("/", fields)
    assert (answer.status, answer.body, answer.header("Accept-Ranges")) == (200, BODY[:size], "bytes")


@pytest.mark.parametrize("size", [100, 256_000])
def test_a_range_outside_is_refused(proxied, size):
    server, _ = proxied(response(BODY[:size]), "proxy_force_ranges on;")
    answer = server.get("/", {"Range": "bytes=256000-"})
    assert (answer.status, answer.header("Content-Range")) == (416, f"bytes */{size}")


@pytest.mark.parametrize("how", [{"framing": "chunked"}, {"framing": "none"}, {"status": 404}])
def test_what_has_no_length_or_is_no_200_is_sent_whole(proxied, how):
    server, _ = proxied(Answer(response("hello", **how), "finish"), "proxy_force_ranges on;")
    answer = server.get("/", {"Range": "bytes=1-2"})
    assert (answer.status, answer.text, answer.header("Accept-Ranges")) == (how.get("status", 200), "hello", None)


def test_head_has_the_length_of_the_range(proxied):
    server, _ = proxied(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "proxy_force_ranges on;")
    answer = server.request("HEAD", "/", {"Range": "bytes=10-19"})
    assert (answer.status, answer.header("Content-Length")) == (206, "10")


# --- the address of ours

def where_from(connection, _):
    return response(connection.socket.getpeername()[0])


@pytest.mark.parametrize("directives, target, expected", [
    ("proxy_bind 127.0.0.7;", "/", "127.0.0.7"),
    ("proxy_bind off;", "/", "127.0.0.1"), ("proxy_bind $arg_from;", "/?from=127.0.0.8", "127.0.0.8"),
    ("proxy_bind $arg_from;", "/", "127.0.0.1"),
])
def test_connections_come_from_an_address(proxied, directives, target, expected):
    server, origin = proxied(where_from, directives)
    assert server.get(target).text == expected


def test_what_is_no_address_is_told_and_not_used(proxied):
    server, _ = proxied(where_from, "proxy_bind $arg_from;")
    assert server.get("/?from=nonsense").text == "127.0.0.1"
    server.wait_for_log('invalid local address "nonsense"')


def test_an_address_we_do_not_have_is_a_502(proxied):
    server, _ = proxied(response("hello"), "proxy_bind 192.0.2.1;")
    assert server.get("/").status == 502
    server.wait_for_log(r"bind\(\) failed \(99: Cannot assign requested address\)")


def test_kept_connections_are_told_apart_by_it(proxied):
    server, origin = proxied(response("hello"), http="upstream app { server %BACKEND%; keepalive 5; }",
                             server="""location / { proxy_pass http://app; proxy_bind $arg_from;
                                       proxy_set_header Connection ""; }""", workers=1)
    for _ in range(2):
        for host in (7, 8, 1):
            assert server.get(f"/?from=127.0.0.{host}").text == "hello"
    assert len(origin.connections) == 3
