"""Requests that two readers might understand differently: the origin sees one request, the same that we saw, or none.

What reaches it is read by a parser of our own (harness/strict), to which anything ambiguous is a fault: where a message
ends must follow from its bytes in one way only.
"""

import pytest

from harness import strict, wait_until
from harness.backend import chunks, response

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
END = b"GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
ONE = chunks(b"x")

# Ways to the origin: each writes requests in another manner.
SERVER = """
    client_body_timeout 300ms; client_header_timeout 300ms; keepalive_timeout 5s; lingering_timeout 100ms;
    location /plain/ { proxy_pass http://%BACKEND%; }
    location /path/ { proxy_pass http://%BACKEND%/other/; }
    location /streamed/ { proxy_pass http://%BACKEND%; proxy_request_buffering off; }
    location /old/ { proxy_pass http://%BACKEND%; proxy_http_version 1.0; }
    location /fields/ { proxy_pass http://%BACKEND%; proxy_set_header Host $http_host; proxy_set_header X-Uri $uri;
                        proxy_set_header X-Args $args; proxy_set_header X-Arg $arg_a; }
    location /variable/ { proxy_pass http://%BACKEND%$uri$is_args$args; }
    location ~ ^/capture/(?<rest>.*)$ { proxy_pass http://%BACKEND%/$rest; }
    location /rewritten/ { rewrite ^/rewritten/(.*)$ /$1 break; proxy_pass http://%BACKEND%; }
    location / { return 404; }
"""
WAYS = ["plain", "path", "streamed", "old", "fields", "variable", "capture", "rewritten"]


def post(*fields, body=b"", line=b"POST /a HTTP/1.1", host=b"Host: a"):
    fields = [field if isinstance(field, bytes) else field.encode("latin-1") for field in fields]
    return b"\r\n".join([line, *([host] if host else []), *fields, b"", b""]) + body


def get(line=b"GET /a HTTP/1.1", *fields, host=b"Host: a"):
    return post(*fields, line=line, host=host)


def length(value, body=b"hello"):
    return post(b"Content-Length: " + value, body=body)


def coded(value, body=ONE):
    return post(b"Transfer-Encoding: " + value, body=body)


def chunk(data):
    return coded(b"chunked", data)


# What is sent, and the body of the one request that this may be; None if it is none.
LENGTHS = {
    "both framings": (post("Content-Length: 6", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN), None),
    "both framings, the other way round": (
        post("Transfer-Encoding: chunked", "Content-Length: 4", body=b"1\r\nx\r\n0\r\n\r\n"), None),
    "two lengths": (post("Content-Length: 5", "Content-Length: 0", body=b"hello"), None),
    "two equal lengths": (post("Content-Length: 5", "Content-Length: 5", body=b"hello"), None),
    "a list": (length(b"5, 5"), None),
    "a list of different ones": (length(b"5, 0"), None),
    "a plus": (length(b"+5"), None),
    "a minus": (length(b"-5"), None),
    "two numbers": (length(b"5 5"), None),
    "a hexadecimal": (length(b"0x5"), None),
    "a fraction": (length(b"5.0"), None),
    "an exponent": (length(b"5e0"), None),
    "a semicolon": (length(b"5;"), None),
    "a comma": (length(b"5,"), None),
    "an underscore": (length(b"0_5"), None),
    "quotes": (length(b'"5"'), None),
    "nothing": (length(b""), None),
    "letters": (length(b"five"), None),
    "zeros before": (length(b"0005"), b"hello"),
    "blanks around": (length(b" \t5\t "), b"hello"),
    "a vertical tab": (length(b"\x0b5"), None),
    "a NUL behind": (length(b"5\0"), None),
    "digits of others": (length(b"\xef\xbc\x95"), None),
    "more than 64 bits": (length(b"18446744073709551621"), None),
    "more than any file": (length(b"99999999999999999999999"), None),
    "an underscore in the name": (post("Content_Length: 100", "Content-Length: 5", body=b"hello"), b"hello"),
    "a space behind the name": (post("Content-Length : 5", body=b"hello"), None),
    "a space before the name": (post(" Content-Length: 5", body=b"hello"), None),
    "a tab before the name": (post("X-A: b", "\tContent-Length: 5", body=b"hello"), None),
    "one that Connection names": (post("Connection: Content-Length", "Content-Length: 5", body=b"hello"), b"hello"),
}
CODINGS = {
    "capitals": (coded(b"CHUNKED"), b"x"),
    "twice in a field": (coded(b"chunked, chunked"), None),
    "twice": (post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=ONE), None),
    "another before": (coded(b"gzip, chunked"), None),
    "another behind": (coded(b"chunked, identity"), None),
    "another": (coded(b"identity"), None),
    "a longer name": (coded(b"xchunked"), None),
    "a shorter name": (coded(b"chunk"), None),
    "a parameter": (coded(b"chunked;q=1"), None),
    "an empty one before": (coded(b", chunked"), None),
    "an empty one behind": (coded(b"chunked,"), None),
    "quotes": (coded(b'"chunked"'), None),
    "a vertical tab before": (coded(b"\x0bchunked"), None),
    "a form feed behind": (coded(b"chunked\x0c"), None),
    "a NUL behind": (coded(b"chunked\0"), None),
    "a byte of others behind": (coded(b"chunked\xa0"), None),
    "nothing": (coded(b""), None),
    "HTTP/1.0": (post("Transfer-Encoding: chunked", line=b"POST /a HTTP/1.0", body=ONE), None),
    "HTTP/1.0 that is kept": (post("Connection: keep-alive", "Transfer-Encoding: chunked", line=b"POST /a HTTP/1.0",
                                   body=b"0\r\n\r\n" + HIDDEN), None),
    "a space behind the name": (post("Transfer-Encoding : chunked", body=ONE), None),
    "a tab behind the name": (post("Transfer-Encoding\t: chunked", body=ONE), None),
    "a NUL in the name": (post(b"Transfer-Encoding\0: chunked", body=ONE), None),
    "a folded value": (post("Transfer-Encoding:\r\n chunked", body=ONE), None),
    "behind a bare CR": (post("X-A: b\rTransfer-Encoding: chunked", body=ONE), None),
    "behind a bare LF": (post("X-A: b\nTransfer-Encoding: chunked", body=ONE), b"x"),
    "an underscore in the name": (post("Transfer_Encoding: chunked", "Content-Length: 5", body=b"0\r\n\r\n"),
                                  b"0\r\n\r\n"),
    "one that Connection names": (post("Connection: Transfer-Encoding", "Transfer-Encoding: chunked", body=ONE), b"x"),
    "a TE that is none": (post("TE: chunked", "Content-Length: 5", body=b"hello"), b"hello"),
}
CHUNKS = {
    "a prefix": (chunk(b"0x1\r\nx\r\n0\r\n\r\n"), None),
    "a plus": (chunk(b"+1\r\nx\r\n0\r\n\r\n"), None),
    "a minus": (chunk(b"-1\r\nx\r\n0\r\n\r\n"), None),
    "an underscore": (chunk(b"0_1\r\nx\r\n0\r\n\r\n"), None),
    "a space before": (chunk(b" 1\r\nx\r\n0\r\n\r\n"), None),
    "a space behind": (chunk(b"1 \r\nx\r\n0\r\n\r\n"), b"x"),
    "no size": (chunk(b"\r\nx\r\n0\r\n\r\n"), None),
    "no digits": (chunk(b";a\r\nx\r\n0\r\n\r\n"), None),
    "more than 64 bits": (chunk(b"10000000000000001\r\nx\r\n0\r\n\r\n"), None),
    "below zero in 64 bits": (chunk(b"fffffffffffffff1\r\nx\r\n0\r\n\r\n"), None),
    "bare LF": (chunk(b"1\nx\n0\n\n"), b"x"),
    "a bare LF in an extension": (chunk(b"1;a\nx\r\n0\r\n\r\n"), b"x"),
    "a bare LF that hides": (chunk(b"2;\nxx\r\n2d\r\n0\r\n\r\n" + HIDDEN + b"\r\n0\r\n\r\n"), None),
    "a bare CR in an extension": (chunk(b"1;a\rb\r\nx\r\n0\r\n\r\n"), b"x"),
    "two CR": (chunk(b"1\r\r\nx\r\n0\r\n\r\n"), None),
    "a NUL in an extension": (chunk(b"1;a\0b\r\nx\r\n0\r\n\r\n"), b"x"),
    "quotes that do not end": (chunk(b'1;a="\r\nx\r\n0\r\n\r\n'), b"x"),
    "a longer chunk": (chunk(b"1\r\nxy\r\n0\r\n\r\n"), None),
    "a shorter chunk": (chunk(b"3\r\nx\r\n0\r\n\r\n"), None),
    "another end of a chunk": (chunk(b"1\r\nxXX0\r\n\r\n"), None),
    "no end of a chunk": (chunk(b"1\r\nx0\r\n\r\n"), None),
    "a trailer with a length": (chunk(b"1\r\nx\r\n0\r\nContent-Length: 100\r\n\r\n"), b"x"),
    "a trailer with a coding": (chunk(b"1\r\nx\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n"), b"x"),
    "a trailer that is a request": (chunk(b"1\r\nx\r\n0\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"), b"x"),
    "a last chunk with an extension": (chunk(b"1\r\nx\r\n0;a=b\r\n\r\n"), b"x"),
    "a last chunk of many zeros": (chunk(b"1\r\nx\r\n0000000000000000\r\n\r\n"), b"x"),
    "an empty body": (chunk(b"0\r\n\r\n"), b""),
}
LINES = {
    "two spaces": (get(b"GET  /a HTTP/1.1"), b""),
    "a tab": (get(b"GET\t/a HTTP/1.1"), None),
    "a space before": (get(b" GET /a HTTP/1.1"), None),
    "a space behind": (get(b"GET /a HTTP/1.1 "), b""),
    "a space within": (get(b"GET /a b HTTP/1.1"), None),
    "a second request": (get(b"GET /a HTTP/1.1 HTTP/1.1"), None),
    "empty lines before": (b"\r\n\r\n" + get(), b""),
    "a bare CR": (get(b"GET /a HTTP/1.1\rX: y"), None),
    "a NUL": (get(b"GET /a\0 HTTP/1.1"), None),
    "a control": (get(b"GET /a\x01 HTTP/1.1"), None),
    "a delete": (get(b"GET /a\x7f HTTP/1.1"), None),
    "no version": (get(b"GET /a"), None),
    "a version with more": (get(b"GET /a HTTP/1.1x"), None),
    "a version with zeros": (get(b"GET /a HTTP/01.1"), None),
    "a version of two": (get(b"GET /a HTTP/2.0"), None),
    "a version below one": (get(b"GET /a HTTP/0.9"), None),
    "another protocol": (get(b"GET /a HTTPS/1.1"), None),
    "small letters": (get(b"GET /a http/1.1"), None),
    "a method in small letters": (get(b"get /a HTTP/1.1"), b""),
    "a method with a colon": (get(b"GET: /a HTTP/1.1"), None),
    "a method that is none": (get(b"G(ET /a HTTP/1.1"), None),
    "a fragment": (get(b"GET /a#b HTTP/1.1"), b""),
    "another host": (get(b"GET http://b/a HTTP/1.1"), b""),
    "a user": (get(b"GET http://c@b/a HTTP/1.1"), b""),
    "lines, encoded": (get(b"GET /a%0d%0aX-Hidden:%20y HTTP/1.1"), b""),
    "a request, encoded": (get(b"GET /a%20HTTP/1.1%0d%0aHost:%20a%0d%0a%0d%0aGET%20/hidden HTTP/1.1"), b""),
    "lines in arguments, encoded": (get(b"GET /a?a=%0d%0aX-Hidden:%20y HTTP/1.1"), b""),
    "a bare LF, encoded": (get(b"GET /a%0aX-Hidden:y HTTP/1.1"), b""),
    "a NUL, encoded": (get(b"GET /a%00b HTTP/1.1"), None),
    "a space, encoded": (get(b"GET /a%20b HTTP/1.1"), b""),
    "bytes of others": (get(b"GET /a\xe5\x98\x8a\xe5\x98\x8d HTTP/1.1"), b""),
    "two folders up": (get(b"GET /a/../../hidden HTTP/1.1"), None),
    "a question mark, encoded": (get(b"GET /a%3fb HTTP/1.1"), b""),
    "CONNECT": (get(b"CONNECT /a HTTP/1.1"), None),
}
FIELDS = {
    "no host": (get(host=None), None),
    "two hosts": (post("Host: b"), None),
    "two equal hosts": (post("Host: a"), None),
    "a host with a space": (get(host=b"Host: a b"), None),
    "a host with a slash": (get(host=b"Host: a/b"), None),
    "a host with a NUL": (get(host=b"Host: a\0b"), None),
    "a host with a control": (get(host=b"Host: a\x01"), None),
    "a host that is empty": (get(host=b"Host:"), b""),
    "a host behind a space": (get(b"GET /a HTTP/1.1", " Host: b"), None),
    "a folded line": (post("X-A: b", " folded"), None),
    "a first line that is folded": (get(b"GET /a HTTP/1.1", host=b" X: y"), None),
    "an empty name": (post(": b"), None),
    "no colon": (post("nonsense"), None),
    "a space in a name": (post("X A: b"), None),
    "a NUL in a value": (post("X-A: b\0c"), None),
    "a bare CR in a value": (post("X-A: b\rX-Hidden: c"), None),
    "a bare CR at the end": (post("X-A: b\r"), None),
    "a control in a value": (post("X-A: b\x01c"), b""),
    "a name that is none": (post("X(A): b"), b""),
    "bare LF": (post("Content-Length: 5").replace(b"\r\n", b"\n") + b"hello", b"hello"),
    "an end of bare LF": (get()[:-2] + b"\n", b""),
    "Connection names the host": (post("Connection: Host"), b""),
    "Connection names all": (post("Connection: close, host, content-length, x-a", "X-A: b", "Content-Length: 5",
                                  body=b"hello"), b"hello"),
}
BODIES = {
    "an upgrade": (post("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAAA",
                        "Content-Length: %d" % len(HIDDEN), body=HIDDEN), HIDDEN),
    "an expectation": (post("Expect: 100-continue", "Content-Length: %d" % len(HIDDEN), body=HIDDEN), HIDDEN),
    "another expectation": (post("Expect: 100-continue, x", "Content-Length: %d" % len(HIDDEN), body=HIDDEN), HIDDEN),
    "of GET": (post("Content-Length: %d" % len(HIDDEN), line=b"GET /a HTTP/1.1", body=HIDDEN), HIDDEN),
    "of GET, in chunks": (post("Transfer-Encoding: chunked", line=b"GET /a HTTP/1.1", body=chunks(HIDDEN)), HIDDEN),
    "of HEAD": (post("Content-Length: %d" % len(HIDDEN), line=b"HEAD /a HTTP/1.1", body=HIDDEN), HIDDEN),
    "of DELETE": (post("Content-Length: %d" % len(HIDDEN), line=b"DELETE /a HTTP/1.1", body=HIDDEN), HIDDEN),
    "of OPTIONS": (post("Transfer-Encoding: chunked", line=b"OPTIONS /a HTTP/1.1", body=chunks(HIDDEN)), HIDDEN),
    "of HTTP/1.0": (post("Content-Length: %d" % len(HIDDEN), line=b"POST /a HTTP/1.0", body=HIDDEN), HIDDEN),
    "of TRACE": (post("Content-Length: %d" % len(HIDDEN), line=b"TRACE /a HTTP/1.1", body=HIDDEN), None),
    "one byte too short": (length(b"5", b"hell"), b"hellG"),
    "one byte too long": (length(b"5", b"hellox"), b"hello"),
    "with no length": (post(body=b"x=1&y=2\r\n\r\n"), b""),
    "of nothing": (length(b"0", b"x=1\r\n\r\n"), b""),
}
TABLES = {"length": LENGTHS, "coding": CODINGS, "chunk": CHUNKS, "line": LINES, "field": FIELDS, "body": BODIES}
ROWS = [(table, name) for table, rows in TABLES.items() for name in rows]


def on_way(data, way):
    """The request for a location: only its own first line tells where it goes."""
    line, end, rest = data.lstrip(b"\r\n").partition(b"\r\n" if b"\r\n" in data else b"\n")
    before = data[:len(data) - len(line + end + rest)]
    return before + line.replace(b"/a", f"/{way}/a".encode(), 1) + end + rest


def received(connection):
    """What is whole: the begin of a request that was given up, and its connection with it, is none."""
    requests, rest = strict.read_requests(connection.received)
    if rest:
        wait_until(lambda: connection.closed, "the connection to be given up")
    return requests


@pytest.mark.parametrize("table, name", ROWS, ids=[f"{table}: {name}" for table, name in ROWS])
def test_one_request_or_none(proxied, table, name):
    data, body = TABLES[table][name]
    server, origin = proxied(response("hello"), server=SERVER)
    for way in WAYS:
        known = len(origin.connections)
        with server.client() as client:
            client.send(on_way(data, way) + END)
            answers = client.take_all()
        assert answers.startswith(b"HTTP/1.1 "), f"{way}: no answer"
        seen = [request for connection in origin.connections[known:] for request in received(connection)]
        check(way, seen, body)


def check(way, seen, body):
    assert len(seen) <= 1, f"{way}: {seen}"
    for request in seen:
        assert body is not None, f"{way}: passed on: {request.raw!r}"
        assert request.body == body, f"{way}: another body: {request.raw!r}"
        assert "hidden" not in request.target or "%0" in request.target, f"{way}: {request.raw!r}"
        assert request.header("X-Hidden") is None, f"{way}: {request.raw!r}"


def test_the_table_is_large_enough():
    assert len(ROWS) >= 60


# --- many requests on one connection

def test_requests_in_a_pipeline_reach_the_origin_one_by_one(proxied):
    server, origin = proxied(response("hello"), http="upstream app { server %BACKEND%; keepalive 4; }", workers=1,
                             server="location / { proxy_pass http://app; }")
    bodies = [b"", b"x", HIDDEN, ONE, b"x" * 10_000]
    with server.client() as client:
        for body in bodies:
            client.send(length(b"%d" % len(body), body) + chunk(chunks(body)))
        client.send(END)
        answers = client.take_all()
    assert answers.count(b"HTTP/1.1 200 OK") == 2 * len(bodies) + 1
    requests = received(origin.connections[0])
    assert [request.body for request in requests] == [body for body in bodies for _ in range(2)] + [b""]
    assert "/hidden" not in [request.target for request in requests]
