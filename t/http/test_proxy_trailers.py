"""Fields behind a body: they end here, or are passed on where that harms nobody."""

import pytest

from harness.backend import chunks, response

ASKS = 'proxy_set_header Connection "te"; proxy_set_header TE "trailers";'


def with_trailers(*trailers, head=()):
    fields = "".join(f"{field}\r\n" for field in ("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *head))
    return fields.encode() + b"\r\n" + chunks(b"hello", trailers=trailers)


def behind(server, method="GET", version="1.1"):
    """What follows the last chunk."""
    with server.client() as client:
        client.send_request(method, "/", version=version)
        client.take_through(b"\r\n\r\n")
        client.take_through(b"\r\n0\r\n")
        lines = client.take_through(b"\r\n")
        while not lines.endswith(b"\r\n\r\n") and lines != b"\r\n":
            lines += client.take_through(b"\r\n")
        return lines.decode()


@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("size", [5, 300_000])
def test_trailers_are_passed(proxied, size, buffering):
    trailers = ["X-Sum: 1 2", "x-b:3"]
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(b"x" * size, trailers=trailers)
    server, origin = proxied(data, f"proxy_pass_trailers on; proxy_buffering {buffering}; {ASKS}")
    assert behind(server) == "X-Sum: 1 2\r\nx-b: 3\r\n\r\n"
    assert (origin.requests[-1].header("TE"), origin.requests[-1].header("Connection")) == ("trailers", "te")


def test_they_are_announced_as_the_origin_does(proxied):
    server, _ = proxied(with_trailers("X-A: b", head=["Trailer: X-A"]), "proxy_pass_trailers on;")
    assert server.get("/").header("Trailer") == "X-A"


def test_they_stand_before_ours(proxied):
    server, _ = proxied(with_trailers("X-A: b"), "proxy_pass_trailers on; add_trailer X-C $upstream_trailer_x_a;")
    assert behind(server) == "X-A: b\r\nX-C: b\r\n\r\n"


@pytest.mark.parametrize("directives", ["", "proxy_pass_trailers off;", "proxy_pass_trailers on; "
                                        "proxy_hide_header X-A;"])
def test_they_may_end_here(proxied, directives):
    server, _ = proxied(with_trailers("X-A: b"), directives)
    assert behind(server) == "\r\n"


@pytest.mark.parametrize("field", [
    "Content-Length: 5", "Transfer-Encoding: chunked", "Host: a", "Connection: close", "Trailer: X", "Set-Cookie: a=b",
    "Authorization: x", "Content-Type: a/b", "content-encoding: gzip", "Content-Range: bytes 0-1/2", "Location: /",
    "Cache-Control: private", "WWW-Authenticate: Basic", "TE: x", "Upgrade: x", "Keep-Alive: x", "Vary: x",
    "X-Accel-Redirect: /x", "Date: x", "Age: 1", "Expires: 0",
])
def test_what_a_head_must_say_is_not_passed(proxied, field):
    server, _ = proxied(with_trailers(field, "X-A: b"), "proxy_pass_trailers on;")
    assert behind(server) == "X-A: b\r\n\r\n"


def test_http_1_0_gets_none(proxied):
    server, _ = proxied(with_trailers("X-A: b"), "proxy_pass_trailers on;")
    answer = server.request("GET", "/", version="1.0")
    assert answer.text == "hello"


def test_an_answer_without_chunks_is_as_it_was(proxied):
    server, _ = proxied(response("hello"), "proxy_pass_trailers on;")
    assert server.get("/").header("Content-Length") == "5"


def test_trailers_of_a_response_nobody_got_are_forgotten(proxied):
    server, _ = proxied(with_trailers("X-A: b", head=["X-Accel-Redirect: /ours"]), files={"html/ours": "ours"},
                        server="""
        proxy_pass_trailers on; location / { proxy_pass http://%BACKEND%; }
        location /ours { internal; add_trailer X-C d; }""")
    assert behind(server) == "X-C: d\r\n\r\n"


def test_the_log_may_have_them(proxied):
    server, _ = proxied(with_trailers("X-A: b", "x-a: c"), "proxy_pass_trailers on; access_log logs/trailers.log t;",
                        http="log_format t 'a=$upstream_trailer_x_a';")
    assert server.get("/").text == "hello"
    server.wait_for_log("a=b, c$", "logs/trailers.log")
