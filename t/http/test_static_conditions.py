"""Conditional and range requests on files."""

import re

import pytest

FILES = {"html/page.txt": "Hello world", "html/empty": "", "html/large": bytes(range(256)) * 1024}
LONG_AGO = "Sun, 06 Nov 1994 08:49:37 GMT"
FAR_AHEAD = "Fri, 06 Nov 2037 08:49:37 GMT"


@pytest.fixture
def server(serve):
    return serve(files=FILES)


@pytest.fixture
def page(server):
    """The answer to an unconditional request, with what conditions are made of."""
    answer = server.get("/page.txt")
    answer.etag, answer.date = answer.header("ETag"), answer.header("Last-Modified")
    return answer


def test_the_etag_is_made_of_time_and_size(server, page):
    assert re.fullmatch(r'"[0-9a-f]{8}-b"', page.etag)


@pytest.mark.parametrize("field, value, status", [
    ("If-None-Match", "{etag}", 304),
    ("If-None-Match", 'W/{etag}', 304),
    ("If-None-Match", '"other", {etag}', 304),
    ("If-None-Match", "*", 304),
    ("If-None-Match", '"other"', 200),
    ("If-Modified-Since", "{date}", 304),
    ("If-Modified-Since", LONG_AGO, 200),
    ("If-Modified-Since", FAR_AHEAD, 200),
    ("If-Modified-Since", "yesterday", 200),
    ("If-Match", "{etag}", 200),
    ("If-Match", "*", 200),
    ("If-Match", '"other"', 412),
    ("If-Unmodified-Since", "{date}", 200),
    ("If-Unmodified-Since", FAR_AHEAD, 200),
    ("If-Unmodified-Since", LONG_AGO, 412),
])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_condition_is_answered(server, page, method, field, value, status):
    with server.client() as client:
        answer = client.request(method, "/page.txt", {field: value.format(etag=page.etag, date=page.date)})
        assert answer.status == status
        if status == 200 and method == "GET":
            assert answer.text == "Hello world"
        if status == 304:
            assert answer.header("ETag") == page.etag and answer.header("Last-Modified") == page.date
            assert not answer.header_values("Content-Length") and not answer.header_values("Content-Type")
        assert client.get("/page.txt").status == 200, "the connection is out of step"


def test_both_conditions_must_agree_for_a_304(server, page):
    def status(since, none_match):
        return server.get("/page.txt", {"If-Modified-Since": since, "If-None-Match": none_match}).status
    assert status(page.date, page.etag) == 304
    assert status(page.date, '"other"') == 200
    assert status(LONG_AGO, page.etag) == 200


@pytest.mark.parametrize("rule, ahead", [("exact", 200), ("before", 304), ("off", 200)])
def test_if_modified_since_follows_its_directive(serve, rule, ahead):
    server = serve(f"if_modified_since {rule};", files=FILES)
    date = server.get("/page.txt").header("Last-Modified")
    assert server.get("/page.txt", {"If-Modified-Since": FAR_AHEAD}).status == ahead
    assert server.get("/page.txt", {"If-Modified-Since": date}).status == (200 if rule == "off" else 304)


def test_without_etag_only_dates_count(serve):
    server = serve("etag off;", files=FILES)
    answer = server.get("/page.txt")
    assert not answer.header_values("ETag")
    assert server.get("/page.txt", {"If-None-Match": '"x"'}).status == 200
    assert server.get("/page.txt", {"If-Modified-Since": answer.header("Last-Modified")}).status == 304


# --- ranges

@pytest.mark.parametrize("value, content_range, body", [
    ("bytes=0-4", "bytes 0-4/11", "Hello"), ("bytes=6-", "bytes 6-10/11", "world"),
    ("bytes=-5", "bytes 6-10/11", "world"), ("bytes=-100", "bytes 0-10/11", "Hello world"),
    ("bytes=10-99", "bytes 10-10/11", "d"), ("BYTES=0-0", "bytes 0-0/11", "H"),
])
def test_a_range_is_cut_out(server, value, content_range, body):
    answer = server.get("/page.txt", {"Range": value})
    assert (answer.status, answer.reason) == (206, "Partial Content")
    assert (answer.header("Content-Range"), answer.text) == (content_range, body)
    assert answer.header("Content-Type") == "text/plain"


@pytest.mark.parametrize("value", ["bytes=11-", "bytes=5-2", "bytes=99-100,200-", "bytes=a-b"])
def test_a_range_that_is_not_there_is_416(server, value):
    answer = server.get("/page.txt", {"Range": value})
    assert (answer.status, answer.reason) == (416, "Requested Range Not Satisfiable")
    assert answer.header("Content-Range") == "bytes */11"
    assert "<h1>416" in answer.text


@pytest.mark.parametrize("value", ["items=0-1", "bytes=0-9,0-9", "bytes"])
def test_a_range_that_does_not_apply_is_ignored(server, value):
    answer = server.get("/page.txt", {"Range": value})
    assert (answer.status, answer.text) == (200, "Hello world")
    assert answer.header("Accept-Ranges") == "bytes"


def parts_of(answer):
    """The (content range, bytes) of a multipart answer."""
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\d{20})", answer.header("Content-Type")).group(1)
    mark = f"\r\n--{boundary}".encode()
    first, *parts, last = answer.body.split(mark)
    assert (first, last) == (b"", b"--\r\n")
    found = []
    for part in parts:
        head, body = part.split(b"\r\n\r\n", 1)
        begin, content_range = head.decode().split("Content-Range: ")
        assert begin == "\r\nContent-Type: application/octet-stream\r\n"
        found.append((content_range, body))
    return found


def test_several_ranges_are_parts(server):
    data = FILES["html/large"]
    answer = server.get("/large", {"Range": "bytes=0-0, 1000-69999, -10"})
    assert answer.status == 206
    assert not answer.header_values("Content-Range")
    size = len(data)
    assert parts_of(answer) == [
        (f"bytes 0-0/{size}", data[:1]),
        (f"bytes 1000-69999/{size}", data[1000:70000]),
        (f"bytes {size - 10}-{size - 1}/{size}", data[-10:]),
    ]


def test_head_tells_the_length_of_the_parts(server):
    with server.client() as client:
        field = {"Range": "bytes=0-0, -10"}
        length = client.get("/large", field).header("Content-Length")
        assert client.request("HEAD", "/large", field).header("Content-Length") == length
        assert client.get("/page.txt").status == 200


def test_no_more_ranges_than_allowed(serve):
    server = serve("location /two/ { alias html/; max_ranges 2; } location /none/ { alias html/; max_ranges 0; }",
                   files=FILES)
    assert server.get("/two/large", {"Range": "bytes=0-0,2-2"}).status == 206
    assert server.get("/two/large", {"Range": "bytes=0-0,2-2,4-4"}).status == 200
    answer = server.get("/none/page.txt", {"Range": "bytes=0-0"})
    assert (answer.status, answer.header("Accept-Ranges")) == (200, None)


@pytest.mark.parametrize("count", [500, 2000])
def test_overlapping_ranges_cost_no_more_than_the_file(server, count):
    value = "bytes=" + ",".join(["0-"] * count)
    answer = server.get("/large", {"Range": value})
    assert (answer.status, answer.body) == (200, FILES["html/large"])


def test_if_range_guards_the_range(server, page):
    def status(value):
        return server.get("/page.txt", {"Range": "bytes=0-0", "If-Range": value}).status
    assert status(page.etag) == 206
    assert status(page.date) == 206
    assert status('"other"') == 200
    assert status("W/" + page.etag) == 200
    assert status(LONG_AGO) == 200


def test_an_empty_file_has_no_ranges(server):
    assert server.get("/empty", {"Range": "bytes=0-"}).status == 200
    assert server.get("/empty", {"Range": "bytes=1-"}).status == 416


def test_refused_conditions_have_their_error_page(serve):
    server = serve("error_page 412 416 /page.txt;", files=FILES)
    for field, status in (("If-Match", 412), ("Range", 416)):
        answer = server.get("/large", {field: "bytes=999999-"})
        assert (answer.status, answer.text) == (status, "Hello world")
