"""Heads that must be refused, and the few odd ones that must not (RFC 9112; what smuggling has lived on).

Every refused head is followed by a valid request: that one must never be answered, and the connection must end.
"""

import re

import pytest

FILES = {"html/page.txt": "text\n", "html/%": "percent\n"}
NEXT = b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"

CLOSE = b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def head(*fields, line="GET /page.txt HTTP/1.1", host="Host: localhost"):
    lines = [line, *([host] if host else []), *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


REQUEST_LINES = {
    "no version": ("GET /page.txt", 400),
    "no target": ("GET HTTP/1.1", 400),
    "no method": (" /page.txt HTTP/1.1", 400),
    "two spaces after the method": ("GET  /page.txt HTTP/1.1", 400),
    "two spaces before the version": ("GET /page.txt  HTTP/1.1", 400),
    "space in the target": ("GET /page .txt HTTP/1.1", 400),
    "space at the end": ("GET /page.txt HTTP/1.1 ", 400),
    "tab after the method": ("GET\t/page.txt HTTP/1.1", 400),
    "method with a parenthesis": ("GE(T /page.txt HTTP/1.1", 400),
    "method with a colon": ("GET: /page.txt HTTP/1.1", 400),
    "HTTP/0.9": ("GET /page.txt HTTP/0.9", 400),
    "HTTP/1.10": ("GET /page.txt HTTP/1.10", 400),
    "HTTP/1.": ("GET /page.txt HTTP/1.", 400),
    "HTTP/1,1": ("GET /page.txt HTTP/1,1", 400),
    "HTTP/+1.1": ("GET /page.txt HTTP/+1.1", 400),
    "version in lower case": ("GET /page.txt http/1.1", 400),
    "HTTPS/1.1": ("GET /page.txt HTTPS/1.1", 400),
    "HTTP/2.0": ("GET /page.txt HTTP/2.0", 505),
    "HTTP/9.9": ("GET /page.txt HTTP/9.9", 505),
    "relative target": ("GET page.txt HTTP/1.1", 400),
    "asterisk with GET": ("GET * HTTP/1.1", 400),
    "authority-form with GET": ("GET localhost:80 HTTP/1.1", 400),
    "another scheme": ("GET ftp://localhost/page.txt HTTP/1.1", 400),
    "absolute-form without a host": ("GET http:///page.txt HTTP/1.1", 400),
    "absolute-form with a user": ("GET http://user@localhost/page.txt HTTP/1.1", 400),
    "absolute-form with a port of letters": ("GET http://localhost:x/page.txt HTTP/1.1", 400),
    "NUL in the target": ("GET /page\0.txt HTTP/1.1", 400),
    "control byte in the target": ("GET /page\x01.txt HTTP/1.1", 400),
    "control byte in the query": ("GET /page.txt?\x1f HTTP/1.1", 400),
    "DEL in the target": ("GET /page\x7f.txt HTTP/1.1", 400),
    "encoded NUL": ("GET /page.txt%00.html HTTP/1.1", 400),
    "percent at the end": ("GET /% HTTP/1.1", 400),
    "one digit after percent": ("GET /%4 HTTP/1.1", 400),
    "no digits after percent": ("GET /%zz HTTP/1.1", 400),
    "above the root": ("GET /.. HTTP/1.1", 400),
    "above the root, encoded": ("GET /%2e%2e/ HTTP/1.1", 400),
    "CONNECT without a port": ("CONNECT localhost HTTP/1.1", 400),
    "CONNECT with a path": ("CONNECT /page.txt HTTP/1.1", 400),
}

FIELDS = {
    "no Host": (head(host=None), 400),
    "two Hosts": (head("Host: localhost"), 400),
    "two different Hosts": (head("Host: other"), 400),
    "empty Host": (head(host="Host:"), 400),
    "space in Host": (head(host="Host: local host"), 400),
    "slash in Host": (head(host="Host: localhost/page"), 400),
    "user in Host": (head(host="Host: user@localhost"), 400),
    "comma in Host": (head(host="Host: localhost, other"), 400),
    "port of letters in Host": (head(host="Host: localhost:port"), 400),
    "two dots in Host": (head(host="Host: local..host"), 400),
    "control byte in Host": (head(host="Host: local\x01host"), 400),
    "space before the colon": (head("Name : value"), 400),
    "tab before the colon": (head("Name\t: value"), 400),
    "space before the first field": (head(host=" Host: localhost"), 400),
    "space before a field": (head(" Name: value"), 400),
    "folded line": (head("Name: value", " more"), 400),
    "folded line with a tab": (head("Name: value", "\tmore"), 400),
    "folded Transfer-Encoding": (head("Transfer-Encoding:", " chunked"), 400),
    "no colon": (head("Name"), 400),
    "no name": (head(": value"), 400),
    "space in a name": (head("Na me: value"), 400),
    "control byte in a name": (head("Na\x01me: value"), 400),
    "high byte in a name": (head("Na\xe9me: value"), 400),
    "NUL in a name": (head("Na\0me: value"), 400),
    "NUL in a value": (head("Name: val\0ue"), 400),
    "bare CR in a value": (head("Name: val\rue"), 400),
    "bare CR before a field": (head("Name: value\rTransfer-Encoding: chunked"), 400),
    "control byte in a value": (head("Name: val\x01ue"), 400),
    "vertical tab in a value": (head("Name: val\x0bue"), 400),
    "DEL in a value": (head("Name: val\x7fue"), 400),
    "bare LF in the fields": (b"GET /page.txt HTTP/1.1\r\nHost: localhost\nName: value\r\n\r\n", 400),
    "bare LF after the request line": (b"GET /page.txt HTTP/1.1\nHost: localhost\r\n\r\n", 400),
    "bare LF at the end": (b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\n\n", 400),
    "bare LF everywhere": (b"GET /page.txt HTTP/1.1\nHost: localhost\n\n", 400),
    "CR before CRLF": (b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\r\n\r\n", 400),
    "CR and a letter at the end": (b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\n\rX", 400),
    "many empty lines": (b"\r\n" * 20 + NEXT, 400),
    "TLS": (bytes.fromhex("16030100a5010000a10303") + bytes(200), 400),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
}

FRAMING = {
    "empty length": (head("Content-Length:"), 400),
    "signed length": (head("Content-Length: +5"), 400),
    "negative length": (head("Content-Length: -5"), 400),
    "hexadecimal length": (head("Content-Length: 0x5"), 400),
    "length with an underscore": (head("Content-Length: 1_0"), 400),
    "length with a fraction": (head("Content-Length: 5.0"), 400),
    "length with letters after it": (head("Content-Length: 5a"), 400),
    "length with a space": (head("Content-Length: 5 5"), 400),
    "list of equal lengths": (head("Content-Length: 5, 5"), 400),
    "length of 2^63": (head("Content-Length: 9223372036854775808"), 400),
    "length of 2^64 + 5": (head("Content-Length: 18446744073709551621"), 400),
    "length twice": (head("Content-Length: 5", "Content-Length: 5"), 400),
    "two lengths": (head("Content-Length: 5", "Content-Length: 0"), 400),
    "length and chunked": (head("Content-Length: 5", "Transfer-Encoding: chunked"), 400),
    "chunked and length": (head("Transfer-Encoding: chunked", "Content-Length: 5"), 400),
    "chunked in HTTP/1.0": (head("Transfer-Encoding: chunked", line="GET /page.txt HTTP/1.0"), 400),
    "chunked twice": (head("Transfer-Encoding: chunked, chunked"), 400),
    "chunked not last": (head("Transfer-Encoding: chunked, gzip"), 400),
    "two lines of codings": (head("Transfer-Encoding: gzip", "Transfer-Encoding: chunked"), 400),
    "empty coding": (head("Transfer-Encoding:"), 400),
    "empty element before chunked": (head("Transfer-Encoding: , chunked"), 400),
    "empty element after chunked": (head("Transfer-Encoding: chunked,"), 400),
    "vertical tab before chunked": (head("Transfer-Encoding: \x0bchunked"), 400),
    "identity": (head("Transfer-Encoding: identity"), 501),
    "gzip": (head("Transfer-Encoding: gzip"), 501),
    "gzip, chunked": (head("Transfer-Encoding: gzip, chunked"), 501),
    "quoted chunked": (head('Transfer-Encoding: "chunked"'), 501),
    "chunked with a parameter": (head("Transfer-Encoding: chunked;q=1"), 501),
    "chunked misspelt": (head("Transfer-Encoding: xchunked"), 501),
}

REFUSED = {
    **{name: (head(line=line), status) for name, (line, status) in REQUEST_LINES.items()}, **FIELDS, **FRAMING,
}

# Unusual, and right.
ACCEPTED = {
    "empty lines before the request": b"\r\n\r\n" + head(),
    "HTTP/1.9": head(line="GET /page.txt HTTP/1.9"),
    "no space after a colon": head(host="Host:localhost"),
    "spaces and tabs around a value": head("Name: \t value \t ", host="Host: \t localhost \t "),
    "empty value": head("Name:"),
    "Host with a port": head(host="Host: localhost:1"),
    "Host in capitals": head(host="HOST: LOCALHOST"),
    "address in Host": head(host="Host: 127.0.0.1"),
    "IPv6 address in Host": head(host="Host: [::1]:80"),
    "high bytes in a value": head("Name: \xe9\xff"),
    "every visible byte in a value": head("Name: " + "".join(chr(c) for c in range(0x21, 0x7f))),
    "name with odd bytes": head("!#$%&'*+.^`|~: value"),
    "name with an underscore": head("Some_Name: value"),
    "known field twice": head("Accept: a", "Accept: b"),
    "absolute-form": head(line="GET http://localhost/page.txt HTTP/1.1"),
    "absolute-form in capitals": head(line="GET HTTP://LOCALHOST/page.txt HTTP/1.1"),
    "absolute-form with a port": head(line="GET http://localhost:80/page.txt HTTP/1.1"),
    "absolute-form of https": head(line="GET https://localhost/page.txt HTTP/1.1"),
    "fragment": head(line="GET /page.txt#part HTTP/1.1"),
    "empty query": head(line="GET /page.txt? HTTP/1.1"),
    "query with everything": head(line="GET /page.txt?a/../%00%zz?b=\xff HTTP/1.1"),
    "length of zero": head("Content-Length: 0"),
    "length with leading zeros": head("Content-Length: 000"),
    "codings in capitals": head("Transfer-Encoding: CHUNKED") + b"0\r\n\r\n",
}


@pytest.fixture
def server(serve):
    return serve(files=FILES)


def exchange(server, pieces):
    """Sends pieces of bytes; gives the status and everything that follows that answer, up to the end of the stream."""
    with server.client() as client:
        for piece in pieces:
            client.send(piece)
        answer = client.read_response()
        return answer.status, client.take_all()


def bytes_of(data):
    return [data[i:i + 1] for i in range(len(data))]


def check_refused(server, split):
    wrong = {}
    for name, (data, status) in REFUSED.items():
        got = exchange(server, split(data + NEXT))
        if got != (status, b""):
            wrong[name] = got
    assert wrong == {}


def test_bad_heads_are_refused_and_end_the_connection(server):
    check_refused(server, lambda data: [data])


def test_bad_heads_are_refused_however_they_are_split(server):
    check_refused(server, bytes_of)


def check_accepted(server, split):
    wrong = {}
    for name, data in ACCEPTED.items():
        with server.client() as client:
            for piece in split(data + CLOSE):
                client.send(piece)
            got = client.take_all()
        if re.findall(rb"HTTP/1\.1 \d+", got) != [b"HTTP/1.1 200"] * 2:
            wrong[name] = got
    assert wrong == {}


def test_odd_but_good_heads_are_served_and_so_is_the_next_request(server):
    check_accepted(server, lambda data: [data])


def test_odd_but_good_heads_are_served_however_they_are_split(server):
    check_accepted(server, bytes_of)


def test_a_refused_head_is_logged(server):
    assert exchange(server, [head("Name : value")])[0] == 400
    server.wait_for_log(r'client sent invalid header line: "Name : value" while reading client request headers, '
                        r'client: 127\.0\.0\.1, server: localhost, request: "GET /page\.txt HTTP/1\.1", '
                        r'host: "localhost"')


def test_a_refusal_says_what_it_is(server):
    with server.client() as client:
        client.send(head(host=None))
        answer = client.read_response()
    assert (answer.reason, answer.header("Connection")) == ("Bad Request", "close")
    assert "<h1>400 Bad Request</h1>" in answer.text


def test_what_came_before_a_bad_head_is_answered(server):
    with server.client() as client:
        client.send(NEXT * 3 + head(host=None) + NEXT)
        assert [client.read_response().status for _ in range(4)] == [200, 200, 200, 400]
        assert client.take_all() == b""


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_connect_and_trace_are_refused_whatever_the_configuration_says(serve, method):
    server = serve("return 200 hello;")
    target = "localhost:80" if method == "CONNECT" else "/"
    assert server.request(method, target).status == 405


def test_asterisk_form_is_for_options(serve):
    server = serve("location / { return 204; }")
    assert server.request("OPTIONS", "*").status == 204


def test_an_unknown_method_is_refused_by_files(server):
    assert server.request("BREW", "/page.txt").status == 405
    assert server.request("get", "/page.txt").status == 405
