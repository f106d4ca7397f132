"""Answers of an origin are kept in files: whole ones only, and each from the moment it is whole."""

import os
import stat

import pytest

from harness.backend import Answer, response
from harness.waiting import wait_until

DATE = "Mon, 01 Jan 2024 00:00:00 GMT"
STORE = "location / { root store; proxy_pass http://%BACKEND%; proxy_store on; %OWN% }"


@pytest.fixture
def stored(proxied):
    def start(answer=None, own="", server=STORE, **how):
        server, origin = proxied(answer, server=server.replace("%OWN%", own), **how)
        os.makedirs(path(server), exist_ok=True)
        os.chmod(path(server), 0o777)  # the workers run as another user
        return server, origin
    return start


def path(server, name=""):
    return os.path.join(server.prefix, "store", name)


def files(server):
    return sorted(os.path.relpath(os.path.join(folder, name), path(server))
                  for folder, _, names in os.walk(path(server)) for name in names)


def wait_for_file(server, name):
    wait_until(lambda: os.path.exists(path(server, name)), f"the file {name}")
    with open(path(server, name), "rb") as file:
        return file.read()


@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("framing", ["length", "chunked", "none"])
@pytest.mark.parametrize("size", [0, 5, 300_000])
def test_an_answer_is_stored(stored, size, framing, buffering):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    server, _ = stored(Answer(response(body, framing=framing), "finish"), f"proxy_buffering {buffering};")
    assert server.get("/a/b/file.bin?x").body == body
    assert wait_for_file(server, "a/b/file.bin") == body
    assert files(server) == ["a/b/file.bin"]


def test_it_is_served_from_then_on(stored):
    server, origin = stored(response("theirs"), server="""error_page 404 = @fetch;
        location / { root store; } location @fetch { root store; proxy_pass http://%BACKEND%; proxy_store on; }""")
    assert server.get("/file.txt").text == "theirs"
    wait_for_file(server, "file.txt")
    assert server.get("/file.txt").text == "theirs"
    assert len(origin.requests) == 1


def test_the_path_may_be_a_text(stored):
    server, _ = stored(response("hello"), server="location / { proxy_pass http://%BACKEND%; "
                                                 "proxy_store store/$arg_a.txt; }")
    assert server.get("/x?a=b").text == "hello"
    assert wait_for_file(server, "b.txt") == b"hello"


def test_it_has_the_date_of_the_answer(stored):
    server, _ = stored(response("hello", f"Last-Modified: {DATE}"))
    server.get("/file")
    wait_for_file(server, "file")
    assert os.stat(path(server, "file")).st_mtime == 1704067200


@pytest.mark.parametrize("own, expected, directory", [
    ("", 0o600, 0o700), ("proxy_store_access group:r all:r;", 0o644, 0o755),
    ("proxy_store_access user:r;", 0o400, 0o700),
    ("proxy_store_access user:rw group:r;", 0o640, 0o750),
])
def test_access_to_it_is_as_told(stored, own, expected, directory):
    server, _ = stored(response("hello"), own)
    server.get("/a/file")
    wait_for_file(server, "a/file")
    assert stat.S_IMODE(os.stat(path(server, "a/file")).st_mode) == expected
    assert stat.S_IMODE(os.stat(path(server, "a")).st_mode) == directory


def test_a_newer_answer_takes_its_place(stored):
    server, origin = stored(response("first"))
    server.get("/file")
    assert wait_for_file(server, "file") == b"first"
    origin.answer = response("second")
    server.get("/file")
    wait_until(lambda: wait_for_file(server, "file") == b"second", "the second answer")
    assert files(server) == ["file"]


@pytest.mark.parametrize("status", [201, 206, 301, 404, 500])
def test_only_a_200_is_stored(stored, status):
    server, _ = stored(response("hello", status=status))
    assert server.get("/file").status == status
    assert files(server) == []


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
def test_only_a_get_is_stored(stored, method):
    head, blank, body = response("hello").partition(b"\r\n\r\n")
    server, _ = stored(head + blank + (b"" if method == "HEAD" else body))
    server.request(method, "/file")
    assert files(server) == []


@pytest.mark.parametrize("framing, missing", [("length", 1), ("chunked", 2)])
def test_what_was_cut_off_is_not_stored(stored, framing, missing):
    server, _ = stored(Answer(response("x" * 300_000, framing=framing)[:-missing], "close"))
    server.expect("upstream prematurely closed")
    with server.client() as client:
        client.send_request("GET", "/file")
        client.take_all()
    wait_until(lambda: files(server) == [], "nothing left behind")


def test_a_client_that_leaves_leaves_nothing_behind(stored):
    server, origin = stored(None)
    with server.client() as client:
        client.send_request("GET", "/file")
        peer = origin.accept()
        peer.read_request()
        peer.send(response("x" * 300_000)[:100_000])
        client.take_through(b"xxx")
    assert peer.has_ended()
    wait_until(lambda: files(server) == [], "nothing left behind")


def test_a_range_is_not_stored(stored):
    server, _ = stored(response("x" * 300_000), "proxy_force_ranges on;")
    assert server.get("/file", {"Range": "bytes=0-1"}).text == "xx"
    wait_until(lambda: files(server) == [], "nothing left behind")


def test_what_is_compressed_for_the_client_is_stored_as_it_came(stored):
    body = b"hello" * 1000
    server, _ = stored(response(body, "Content-Type: text/html"), "gzip on; gzip_proxied any;")
    assert server.get("/file", {"Accept-Encoding": "gzip"}).header("Content-Encoding") == "gzip"
    assert wait_for_file(server, "file") == body


def test_what_cannot_be_stored_is_sent(stored):
    server, _ = stored(response("hello"), files={"store/a": "a file"})
    assert server.get("/a/b").text == "hello"
    server.expect("Not a directory")
    server.wait_for_log(r'open\(\) "\S+/store/a/b" failed \(20: Not a directory\)')
    assert files(server) == ["a"]
