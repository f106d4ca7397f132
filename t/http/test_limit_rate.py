"""`limit_rate`: an answer takes at least as long as its size is worth, and arrives whole.

Only the least time can be asserted: a loaded machine may take as long as it likes.
"""

import gzip
import os
import time

import pytest

GZIP = {"Accept-Encoding": "gzip"}
TEXT = bytes(range(256)) * 12


def seconds_for(server, target, headers=()):
    begin = time.monotonic()
    answer = server.get(target, headers)
    return time.monotonic() - begin, answer


@pytest.mark.parametrize("how", ["", "sendfile off;", "open_file_cache max=10;"])
def test_a_file_takes_its_time(serve, how):
    server = serve(f"{how} limit_rate 1k; limit_rate_after 0;", files={"html/file": TEXT})
    seconds, answer = seconds_for(server, "/file")
    assert answer.body == TEXT
    assert seconds >= 2  # 3 KB and a head: a second's share at once, the rest after that


def test_a_body_that_is_made_takes_its_time_too(serve):
    data = os.urandom(60000)
    server = serve("limit_rate 20k; gzip on; gzip_types *;", files={"html/file": data})
    seconds, answer = seconds_for(server, "/file", GZIP)
    assert gzip.decompress(answer.body) == data
    assert seconds >= 1.5


def test_what_comes_first_may_be_free(serve):
    server = serve("limit_rate 100; limit_rate_after 1m;", files={"html/file": TEXT})
    seconds, answer = seconds_for(server, "/file")
    assert answer.body == TEXT
    assert seconds < 20  # 30 at that rate


def test_the_rate_may_be_a_variable(serve):
    server = serve("limit_rate $arg_rate; location /set { alias html/file; set $limit_rate 1k; } "
                   "location /bad { alias html/file; set $limit_rate fast; } "
                   "location /shown { set $limit_rate 2k; return 200 $limit_rate; }", files={"html/file": TEXT})
    server.expect("invalid")
    for target, least in (("/file?rate=1k", 2), ("/file?rate=0", 0), ("/file", 0), ("/set", 2), ("/bad", 0)):
        seconds, answer = seconds_for(server, target)
        assert answer.body == TEXT, target
        assert seconds >= least, target
    assert server.get("/shown").text == "2048"
    assert server.get("/file?rate=fast").body == TEXT
    server.wait_for_log('invalid size "fast"')
    server.wait_for_log(r'invalid \$limit_rate "fast"')


def test_others_are_not_slowed_down(serve):
    server = serve("location /slow { alias html/file; limit_rate 100; }", files={"html/file": TEXT})
    with server.client() as slow, server.client() as client:
        slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        slow.take(50)
        for _ in range(100):
            assert client.get("/file").body == TEXT


def test_a_slowed_answer_ends_with_the_server(serve):
    server = serve("location /slow { alias html/file; limit_rate 1; }", files={"html/file": TEXT})
    with server.client() as slow:
        slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        slow.take(1)
        server.stop(15)


def test_answers_in_a_pipeline_are_each_paced(serve):
    server = serve("location /slow { alias html/file; limit_rate 2k; }", files={"html/file": TEXT, "html/a": "a"})
    with server.client() as client:
        client.send("".join(f"GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n" for name in ("a", "slow", "a", "slow", "a")))
        for want in (b"a", TEXT, b"a", TEXT, b"a"):
            assert client.read_response().body == want


def test_without_chunks_the_end_is_the_close(serve):
    server = serve("gzip on; gzip_types *; chunked_transfer_encoding off;", files={"html/file": TEXT})
    answer = server.get("/file", GZIP)
    assert answer.header("Transfer-Encoding") is None
    assert answer.header("Connection") == "close"
    assert answer.header("Content-Encoding") == "gzip"
