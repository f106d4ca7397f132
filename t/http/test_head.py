"""HEAD is answered as GET would be, without the body, wherever the answer comes from (RFC 9110 section 9.3.2)."""

import pytest

FILES = {
    "html/page.txt": "text\n", "html/large": bytes(1 << 20), "html/empty": "", "html/folder/index.html": "folder\n",
    "html/bare/file": "file", "html/missing.html": "missing page", "html/list/file": "file",
}

LOCATIONS = """
    location /text { return 200 text; }
    location /gone { return 410; }
    location /nothing { return 204; }
    location /away { return 302 /page.txt; }
    location /kept { error_page 404 /missing.html; }
    location /forced { error_page 404 =200 /missing.html; }
    location /named { error_page 404 = @named; }
    location @named { return 200 named; }
    location /refused/ { internal; }
    location /list/ { autoindex on; }
"""

TARGETS = ["/", "/page.txt", "/large", "/empty", "/folder", "/folder/", "/bare/", "/none", "/text", "/gone", "/nothing",
           "/away", "/kept", "/forced", "/named", "/refused/x", "/list/", "/..", "/%"]


@pytest.fixture
def server(serve):
    return serve(LOCATIONS, files=FILES)


def seen(answer):
    """What must be the same: all but the time of the answer."""
    return answer.status, [field for field in answer.headers if field[0] != "Date"]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_head_is_answered_as_get_would_be(server, version):
    different = {}
    for target in TARGETS:
        get = server.get(target, {"Host": "localhost"}, version=version)
        with server.client() as client:
            head = client.request("HEAD", target, {"Host": "localhost"}, version=version)
            if head.header("Connection") == "close":
                assert client.is_closed(), target
            else:
                assert client.get("/page.txt").text == "text\n", target
        if seen(get) != seen(head):
            different[target] = get, head
    assert different == {}


def test_heads_in_a_pipeline_send_no_bodies(server):
    targets = [target for target in TARGETS if target not in ("/..", "/%")]
    with server.client() as client:
        client.send("".join(f"HEAD {target} HTTP/1.1\r\nHost: localhost\r\n\r\n" for target in targets))
        for target in targets:
            assert client.read_response("HEAD").status < 500, target
        assert client.get("/page.txt").text == "text\n"


def test_a_head_of_a_range_is_that_of_the_part(server):
    with server.client() as client:
        head = client.request("HEAD", "/large", {"Range": "bytes=0-9"})
        assert (head.status, head.header("Content-Length")) in ((206, "10"), (200, str(1 << 20)))
        assert client.get("/page.txt").text == "text\n"


def test_a_head_that_is_not_modified_has_no_length(server):
    with server.client() as client:
        tag = client.request("HEAD", "/page.txt").header("ETag")
        head = client.request("HEAD", "/page.txt", {"If-None-Match": tag})
        assert (head.status, head.header("Content-Length")) == (304, None)


def test_the_log_counts_no_body_for_head(server):
    server.request("HEAD", "/large")
    server.wait_for_log(r'"HEAD /large HTTP/1\.1" 200 0 ', "logs/access.log")
