"""What becomes of an origin's responses on their way to the client: framing, fields, ends."""

import pytest

from harness.backend import Answer, chunks, response


def head(*fields, status="200 OK", version="1.1"):
    return "\r\n".join([f"HTTP/{version} {status}", *fields, "", ""]).encode("latin-1")


def answer_to(proxied, data, directives="", method="GET", target="/", then="finish", **how):
    server, _ = proxied(Answer(data, then), directives)
    return server.request(method, target, **how)


def fields(answer):
    """Those of the origin: not what every server adds."""
    own = ("server", "date", "connection", "content-length", "transfer-encoding", "content-type")
    return [(name, value) for name, value in answer.headers if name.lower() not in own]


# --- framing

@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("size", [0, 1, 5000, 300_000])
@pytest.mark.parametrize("framing", ["length", "chunked", "none"])
def test_a_body_is_passed(proxied, framing, size, buffering):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    answer = answer_to(proxied, response(body, framing=framing), f"proxy_buffering {buffering};")
    assert (answer.status, answer.body) == (200, body)
    if framing == "length":
        assert answer.header("Content-Length") == str(size)
    elif size or framing == "none":  # that there is nothing may be known by then
        assert answer.header("Transfer-Encoding") == "chunked"


@pytest.mark.parametrize("framing", ["chunked", "none"])
def test_http_1_0_gets_a_body_that_ends_with_the_connection(proxied, framing):
    answer = answer_to(proxied, response("hello", framing=framing), version="1.0")
    assert (answer.text, answer.header("Transfer-Encoding"), answer.header("Connection")) == ("hello", None, "close")


def test_a_response_of_http_1_0_is_passed(proxied):
    answer = answer_to(proxied, response("hello", framing="none", version="1.0"))
    assert (answer.version, answer.text) == ("HTTP/1.1", "hello")


CHUNKS = {
    "several": b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    "zeros": b"0005\r\nhello\r\n000\r\n\r\n",
    "capitals": b"5\r\nhello\r\n0\r\n\r\n".replace(b"5", b"0000000000005"),
    "extensions": b'5;a="b;c"\r\nhello\r\n0;d\r\n\r\n',
    "trailers": b"5\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n",
}


@pytest.mark.parametrize("name", CHUNKS)
def test_chunks_of_every_form_are_understood(proxied, name):
    assert answer_to(proxied, head("Transfer-Encoding: chunked") + CHUNKS[name]).text == "hello"


@pytest.mark.parametrize("name", CHUNKS)
def test_chunks_may_be_split_anywhere(proxied, name):
    server, _ = proxied(Answer(head("Transfer-Encoding: chunked") + CHUNKS[name], step=1), "proxy_buffering off;")
    assert server.get("/").text == "hello"


@pytest.mark.parametrize("framing", ["length", "chunked", "none"])
def test_a_response_may_be_split_anywhere(proxied, framing):
    data = response("hello", "X-A: b", framing=framing)
    server, origin = proxied(None)
    with server.client() as client:
        for at in range(1, len(data)):
            client.send_request("GET", "/")
            peer = origin.accept()
            peer.read_request()
            peer.send(data[:at])
            peer.wait_until_received()
            peer.send(data[at:])
            peer.finish()
            answer = client.read_response()
            assert (answer.text, answer.header("X-A")) == ("hello", "b"), data[:at]
            assert peer.has_ended()


@pytest.mark.parametrize("data", [response("hello"), response("hello", framing="chunked"),
                                  response("hello", framing="none"), response("", status=204, framing="none"),
                                  response("", "ETag: \"x\"", status=304, framing="none")])
def test_an_answer_to_head_has_no_body(proxied, data):
    server, _ = proxied(Answer(data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", "finish"))
    with server.client() as client:
        for _ in range(2):
            assert client.request("HEAD", "/").status in (200, 204, 304)
            assert client.input == b""


def test_an_answer_to_head_says_the_length(proxied):
    answer = answer_to(proxied, head("Content-Length: 1000"), method="HEAD")
    assert answer.header("Content-Length") == "1000"


@pytest.mark.parametrize("status", [204, 304])
def test_what_has_no_body_ends_with_its_head(proxied, status):
    server, _ = proxied(Answer(response(status=status, framing="none"), "keep"))
    with server.client() as client:
        for _ in range(2):
            answer = client.get("/")
            assert (answer.status, answer.header("Transfer-Encoding")) == (status, None)


def test_a_304_keeps_its_fields(proxied):
    answer = answer_to(proxied, head('ETag: "x"', "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT", "Content-Length: 5",
                                     status="304 Not Modified"))
    assert (answer.status, answer.header("ETag")) == (304, '"x"')
    assert answer.header("Last-Modified") == "Mon, 01 Jan 2024 00:00:00 GMT"


@pytest.mark.parametrize("date", ["Mon, 01 Jan 2024 00:00:00 GMT", "yesterday", "", "x" * 3500])
def test_a_last_modified_is_passed_once_whatever_it_says(proxied, date):
    server, _ = proxied(response("hello", f"Last-Modified: {date}"))
    with server.client() as client:
        for _ in range(3):
            assert client.get("/").header_values("Last-Modified") == [date]


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Fine", "206 Partial Content", "299 Own",
                                    "301 Moved Permanently", "302 Found", "400 Bad Request", "401 Unauthorized",
                                    "404 Not Found", "418 I'm a teapot", "429 Too Many Requests", "499 Own",
                                    "500 Internal Server Error", "503 Service Unavailable", "599 Own", "200 A  \xe9 b"])
def test_statuses_are_passed_as_they_are(proxied, status):
    answer = answer_to(proxied, head("Content-Length: 2", status=status) + b"ok")
    assert f"{answer.status} {answer.reason}" == status
    assert answer.text == "ok"


@pytest.mark.parametrize("line", ["HTTP/1.1 200", "HTTP/1.1 200 "])
def test_a_reason_may_be_missing(proxied, line):
    answer = answer_to(proxied, line.encode() + b"\r\nContent-Length: 2\r\n\r\nok")
    assert (answer.status, answer.text) == (200, "ok")


# --- interim responses

@pytest.mark.parametrize("interim", ["100 Continue", "102 Processing", "103 Early Hints", "199 Own"])
@pytest.mark.parametrize("count", [1, 3])
def test_an_interim_response_is_not_the_answer(proxied, interim, count):
    server, _ = proxied(Answer(head("Link: </a>", status=interim) * count + response("hello"), "finish"))
    with server.client() as client:
        answer = client.get("/")
        while answer.status < 200:
            assert f"{answer.status} {answer.reason}" == interim
            answer = client.read_response()
        assert (answer.status, answer.text, answer.header("Link")) == (200, "hello", None)


def test_http_1_0_gets_no_interim_responses(proxied):
    answer = answer_to(proxied, head("Link: </a>", status="103 Early Hints") + response("hello"), version="1.0")
    assert (answer.status, answer.text) == (200, "hello")


# --- fields

def test_fields_are_passed_as_they_are(proxied):
    own = ["X-One: 1", "x-TWO:2", "X-One:   3  ", "X-Empty:", "X-Bytes: \xe9\xff", "ETag: W/\"a\"", "Vary: A",
           "Vary: B", "Cache-Control: no-store", "Cache-Control: private", "Content-Language: de", "Set-Cookie: a=b",
           "Set-Cookie: c=d; Path=/", "WWW-Authenticate: Basic realm=\"x\"", "Link: </a>; rel=preload", "Age: 5",
           "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT", "Expires: 0", "Allow: GET", "Retry-After: 3", "P_Q: 1"]
    answer = answer_to(proxied, response("hello", *own))
    expected = [(name, value.strip()) for name, _, value in (field.partition(":") for field in own)]
    got = fields(answer)
    for name in {name.lower() for name, _ in expected}:
        assert [v for n, v in got if n.lower() == name] == [v for n, v in expected if n.lower() == name]
    assert len(got) == len(expected)


def test_the_type_is_the_origins(proxied):
    for value in ("text/html; charset=latin-1", "a/b", "nonsense"):
        assert answer_to(proxied, response("hello", f"Content-Type: {value}")).header("Content-Type") == value


def test_no_type_is_made_up(proxied):
    assert answer_to(proxied, response("hello")).header("Content-Type") is None


HOP_BY_HOP = ["Connection: keep-alive", "Connection: close", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
              "Upgrade: h2c", "TE: trailers"]


@pytest.mark.parametrize("field", HOP_BY_HOP)
def test_what_is_for_us_ends_here(proxied, field):
    answer = answer_to(proxied, response("hello", field))
    assert fields(answer) == []
    assert answer.header("Connection") in ("keep-alive", None)


@pytest.mark.parametrize("listed", ["X-Private", "close, x-private", "x-a,X-PRIVATE ,x-b"])
def test_what_connection_names_ends_here(proxied, listed):
    answer = answer_to(proxied, response("hello", "X-Private: 1", f"Connection: {listed}", "x-private: 2", "X-C: 3"))
    assert fields(answer) == [("X-C", "3")]


def test_date_and_server_are_ours(proxied):
    data = response("hello", "Date: Mon, 01 Jan 2024 00:00:00 GMT", "Server: theirs", "X-Pad: 1", "X-Accel-Charset: a",
                    "X-Accel-Expires: 1", "X-Accel-Limit-Rate: 0", "X-Accel-Buffering: yes")
    answer = answer_to(proxied, data)
    assert answer.header("Date") != "Mon, 01 Jan 2024 00:00:00 GMT"
    assert "theirs" not in answer.header("Server")
    assert fields(answer) == []


def test_date_and_server_may_be_theirs(proxied):
    data = response("hello", "Date: Mon, 01 Jan 2024 00:00:00 GMT", "Server: theirs", "X-Accel-Charset: a")
    answer = answer_to(proxied, data, "proxy_pass_header Date; proxy_pass_header Server; "
                                      "proxy_pass_header X-Accel-Charset;")
    assert answer.header("Date") == "Mon, 01 Jan 2024 00:00:00 GMT"
    assert answer.header("Server") == "theirs"
    assert answer.header("X-Accel-Charset") == "a"


def test_fields_may_be_hidden(proxied):
    answer = answer_to(proxied, response("hello", "X-A: 1", "x-b: 2", "X-C: 3", "Set-Cookie: a", "Set-Cookie: b"),
                       "proxy_hide_header X-a; proxy_hide_header X-B; proxy_hide_header Set-Cookie;")
    assert fields(answer) == [("X-C", "3")]


def test_hidden_fields_are_inherited_all_or_none(proxied):
    server, _ = proxied(response("hello", "X-A: 1", "X-B: 2"), server="""proxy_hide_header X-A;
        location /outer { proxy_pass http://%BACKEND%; }
        location /inner { proxy_pass http://%BACKEND%; proxy_hide_header X-B; }""")
    assert fields(server.get("/outer")) == [("X-B", "2")]
    assert fields(server.get("/inner")) == [("X-A", "1")]


def test_fields_of_our_own_stand_beside_theirs(proxied):
    answer = answer_to(proxied, response("hello", "X-A: theirs"),
                       "add_header X-A ours; add_header X-B $upstream_status;")
    assert answer.header_values("X-A") == ["theirs", "ours"]
    assert answer.header("X-B") == "200"


def test_expires_replaces_theirs(proxied):
    answer = answer_to(proxied, response("hello", "Cache-Control: private", "Expires: 0"), "expires 1h;")
    assert answer.header("Cache-Control") == "max-age=3600"
    assert len(answer.header_values("Expires")) == 1


# --- trailers

def test_trailers_end_here_by_default(proxied):
    server, _ = proxied(head("Transfer-Encoding: chunked", "Trailer: A") + chunks(b"hello", trailers=["A: b"]))
    with server.client() as client:
        client.send_request("GET", "/")
        client.take_through(b"\r\n\r\n")
        assert client.take_through(b"0\r\n\r\n") == chunks(b"hello")


# --- filters over what was passed

def test_ranges_are_the_origins(proxied):
    server, origin = proxied(response("hello"))
    answer = server.get("/", {"Range": "bytes=1-2"})
    assert origin.last.header("Range") == "bytes=1-2"
    assert (answer.status, answer.text) == (200, "hello")


def test_a_body_may_be_compressed(proxied):
    server, _ = proxied(response("hello" * 100, "Content-Type: text/html", 'ETag: "x"'),
                        "gzip on; gzip_proxied any; gzip_min_length 1;")
    answer = server.get("/", {"Accept-Encoding": "gzip"})
    assert answer.header("Content-Encoding") == "gzip"
    assert answer.header("ETag") == 'W/"x"'
    assert len(answer.body) < 100


def test_what_is_compressed_stays_so(proxied):
    server, _ = proxied(response("hello" * 100, "Content-Type: text/html", "Content-Encoding: br"),
                        "gzip on; gzip_proxied any; gzip_min_length 1;")
    answer = server.get("/", {"Accept-Encoding": "gzip"})
    assert (answer.header("Content-Encoding"), answer.text) == ("br", "hello" * 100)


def test_conditions_are_the_origins(proxied):
    server, origin = proxied(response("hello", 'ETag: "x"'))
    answer = server.get("/", {"If-None-Match": '"x"'})
    assert origin.last.header("If-None-Match") == '"x"'
    assert (answer.status, answer.text) in ((200, "hello"), (304, ""))
