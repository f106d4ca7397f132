"""Clients that speak HTTP/1.0: no Host, no chunks, and a close after each answer unless they ask otherwise."""

import pytest

FILES = {"html/page.txt": "text\n", "html/large": bytes(range(256)) * 8192, "html/list/file": "file"}


@pytest.fixture
def server(serve):
    return serve("location /list/ { autoindex on; } location /text { return 200 text; }", files=FILES)


def test_the_answer_names_http_1_1_all_the_same(server):
    # RFC 9110 section 6.2: the version of an answer is the highest the server conforms to.
    assert server.get("/page.txt", version="1.0").version == "HTTP/1.1"


@pytest.mark.parametrize("target", ["/page.txt", "/large", "/list/", "/text", "/missing"])
def test_no_answer_is_chunked(server, target):
    with server.client() as client:
        answer = client.get(target, version="1.0")
        assert answer.header("Transfer-Encoding") is None
        assert answer.body == server.get(target).body
        assert client.is_closed()


@pytest.mark.parametrize("target", ["/page.txt", "/large", "/text", "/missing"])
def test_keep_alive_needs_a_length(server, target):
    with server.client() as client:
        for _ in range(3):
            answer = client.get(target, {"Connection": "keep-alive"}, version="1.0")
            assert answer.header("Connection") == "keep-alive"
            assert answer.header("Content-Length") == str(len(answer.body))


def test_versions_may_mix_on_a_connection(server):
    with server.client() as client:
        assert client.get("/page.txt").text == "text\n"
        assert client.get("/page.txt", {"Connection": "keep-alive"}, version="1.0").text == "text\n"
        assert client.get("/page.txt").text == "text\n"
        assert client.get("/page.txt", version="1.0").header("Connection") == "close"
        assert client.is_closed()


def test_a_pipeline_ends_with_the_first_that_does_not_ask_to_go_on(server):
    with server.client() as client:
        client.send("GET /page.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /page.txt HTTP/1.0\r\n\r\n"
                    "GET /page.txt HTTP/1.0\r\n\r\n")
        assert client.read_response().header("Connection") == "keep-alive"
        assert client.read_response().header("Connection") == "close"
        assert client.is_closed()


def test_bodies_with_a_length_are_passed_over(server):
    with server.client() as client:
        client.send("POST /text HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"
                    "GET /page.txt HTTP/1.0\r\n\r\n")
        assert client.read_response().text == "text"
        assert client.read_response().text == "text\n"


def test_http_0_9_is_refused(server):
    with server.client() as client:
        client.send("GET /page.txt\r\n")
        assert client.read_response().status == 400
        assert client.is_closed()
