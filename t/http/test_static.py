"""Files over HTTP/1.1: what every site does all day."""

import pytest

FILES = {
    "html/index.html": "<h1>home</h1>\n",
    "html/page.txt": "text\n",
    "html/folder/index.html": "folder\n",
    "html/empty": "",
    "html/large": bytes(range(256)) * 4096,
    "html/with space.html": "space\n",
}


@pytest.fixture
def server(serve):
    return serve(files=FILES)


def test_the_root_answers_with_its_index(server):
    answer = server.get("/")
    assert (answer.status, answer.reason, answer.version) == (200, "OK", "HTTP/1.1")
    assert answer.text == "<h1>home</h1>\n"
    assert answer.header("Content-Type") == "text/html"
    assert answer.header("Content-Length") == "14"
    assert answer.header("Connection") == "keep-alive"
    assert answer.header("Date") and answer.header("Last-Modified") and answer.header("ETag")


def test_a_file_comes_with_the_type_of_its_extension(server):
    answer = server.get("/page.txt")
    assert (answer.status, answer.text) == (200, "text\n")
    assert answer.header("Content-Type") == "text/plain"
    assert server.get("/large").header("Content-Type") == "application/octet-stream"


def test_a_large_file_arrives_whole(server):
    assert server.get("/large").body == FILES["html/large"]


def test_an_empty_file_has_length_zero(server):
    answer = server.get("/empty")
    assert (answer.status, answer.header("Content-Length"), answer.body) == (200, "0", b"")


def test_a_missing_file_is_404(server):
    server.expect(r"\[error\]")
    answer = server.get("/missing")
    assert (answer.status, answer.reason) == (404, "Not Found")
    assert "<h1>404 Not Found</h1>" in answer.text
    assert answer.header("Content-Type") == "text/html"


def test_a_folder_without_slash_is_redirected(server):
    answer = server.get("/folder")
    assert answer.status == 301
    assert answer.header("Location") == f"http://localhost:{server.port()}/folder/"
    assert server.get("/folder/").text == "folder\n"


def test_percent_encoding_is_decoded_once(server):
    assert server.get("/with%20space.html").text == "space\n"
    assert server.get("/with%2520space.html").status == 404


@pytest.mark.parametrize("target", [
    "/../conf/server.conf", "/folder/../../conf/server.conf", "/%2e%2e/conf/server.conf",
])
def test_there_is_no_way_out_of_the_root(server, target):
    assert server.get(target).status == 400


def test_head_sends_the_same_headers_and_no_body(server):
    with server.client() as client:
        got, head = client.get("/page.txt"), client.request("HEAD", "/page.txt")
        assert head.status == 200
        different = {"Date"}
        assert [h for h in head.headers if h[0] not in different] == [h for h in got.headers if h[0] not in different]
        assert client.get("/").status == 200, "a body followed the answer to HEAD"


def test_a_connection_is_kept_for_the_next_request(server):
    with server.client() as client:
        for _ in range(3):
            assert client.get("/page.txt").text == "text\n"


def test_connection_close_is_obeyed(server):
    with server.client() as client:
        answer = client.get("/page.txt", {"Connection": "close"})
        assert (answer.text, answer.header("Connection")) == ("text\n", "close")
        assert client.is_closed()


def test_http_1_0_closes_unless_asked_to_keep(server):
    with server.client() as client:
        assert client.get("/page.txt", version="1.0").header("Connection") == "close"
        assert client.is_closed()
    with server.client() as client:
        answer = client.get("/page.txt", {"Connection": "keep-alive"}, version="1.0")
        assert answer.header("Connection") == "keep-alive"
        assert client.get("/page.txt", version="1.0").status == 200


def test_pipelined_requests_are_answered_in_order(server):
    targets = ["/page.txt", "/", "/missing", "/large", "/empty", "/folder/"] * 5
    statuses = {"/missing": 404}
    with server.client() as client:
        client.send("".join(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n" for target in targets))
        for target in targets:
            answer = client.read_response()
            assert answer.status == statuses.get(target, 200)
            if target == "/large":
                assert answer.body == FILES["html/large"]


def test_a_request_may_arrive_byte_by_byte(server):
    with server.client() as client:
        for byte in b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\n\r\n":
            client.send(bytes([byte]))
        assert client.read_response().text == "text\n"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_a_file_knows_get_and_head_only(server, method):
    assert server.request(method, "/page.txt").status == 405


def test_the_access_log_has_a_line_per_request(server):
    server.get("/page.txt", {"Referer": "http://a/", "User-Agent": "test"})
    pattern = (r'^127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
               r'"GET /page\.txt HTTP/1\.1" 200 5 "http://a/" "test"$')
    server.wait_for_log(pattern, "logs/access.log")
