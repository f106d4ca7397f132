"""What one server of a group can not answer is asked of the next, where that may be."""

import pytest

from harness import wait_until
from harness.backend import Answer, response

OK = response("hello")


@pytest.fixture
def grouped(serve, backend):
    """Starts a server before a group: the first of the origins is asked first."""
    def start(*answers, directives="", first="max_fails=0", group="", http="", **how):
        origins = [backend(answer) for answer in answers]
        servers = " ".join(f"server {origin.address} {first if number == 0 else 'max_fails=0'} "
                           f"weight={1000 if number == 0 else 1};" for number, origin in enumerate(origins))
        directives += "add_header X-Tried $upstream_status always;"
        server = serve(f"location / {{ proxy_pass http://app; {directives} }}",
                       http=f"upstream app {{ {servers} {group} }} {http}", workers=1, **how)
        return server, *origins
    return start


FAILURES = {
    "error": Answer(b"", "close"),
    "error by a reset": Answer(b"", "reset"),
    "error in a head": Answer(b"HTTP/1.1 200 OK\r\nConte", "finish"),
    "invalid_header": Answer(b"HTTP/1.1 200 OK\r\nX-A: \0\r\n\r\n", "finish"),
    **{f"http_{status}": response("failed", status=status) for status in (500, 502, 503, 504, 403, 404, 429)},
}


@pytest.mark.parametrize("name", FAILURES)
def test_the_next_is_asked_where_that_is_said(grouped, name):
    server, first, second = grouped(FAILURES[name], OK, directives=f"proxy_next_upstream {name.split()[0]};")
    answer = server.get("/a?b", {"X-A": "b"})
    assert (answer.status, answer.text) == (200, "hello")
    assert (first.last.target, second.last.target) == ("/a?b", "/a?b")
    assert second.last.headers == first.last.headers


@pytest.mark.parametrize("name", FAILURES)
def test_nobody_else_is_asked_where_nothing_is_said(grouped, name):
    server, first, second = grouped(FAILURES[name], OK, directives="proxy_next_upstream off;")
    assert server.get("/").status == (int(name[5:]) if name.startswith("http_") else 502)
    assert second.requests == []


@pytest.mark.parametrize("name", FAILURES)
def test_by_default_errors_and_nothing_else_make_it_ask_the_next(grouped, name):
    server, first, second = grouped(FAILURES[name], OK)
    server.get("/")
    assert len(second.requests) == (1 if name.startswith("error") else 0)


def test_who_is_not_there_is_passed_over(grouped):
    server, first, second = grouped(OK, OK)
    first.refuse()
    for _ in range(3):
        assert server.get("/").text == "hello"
    assert (first.requests, len(second.requests)) == ([], 3)


def test_who_says_nothing_is_left_in_time(grouped):
    server, first, second = grouped(lambda *_: None, OK, directives="proxy_read_timeout 50ms;")
    assert server.get("/").text == "hello"
    assert len(first.requests) == 1


def test_by_default_a_timeout_of_the_last_is_told(grouped):
    server, first, second = grouped(lambda *_: None, lambda *_: None, directives="proxy_read_timeout 50ms;")
    answer = server.get("/")
    assert (answer.status, answer.header("X-Tried")) == (504, "504, 504")


def test_the_answer_of_the_last_is_passed_on(grouped):
    failed = response("failed", "X-Own: 1", status=503)
    server, first, second = grouped(failed, failed, directives="proxy_next_upstream http_503;")
    answer = server.get("/")
    assert (answer.status, answer.text, answer.header("X-Own")) == (503, "failed", "1")
    assert answer.header("X-Tried") == "503, 503"


def test_when_all_have_failed_it_is_a_bad_gateway(grouped):
    server, first, second = grouped(FAILURES["error"], FAILURES["error"])
    answer = server.get("/")
    assert (answer.status, answer.header("X-Tried")) == (502, "502, 502")
    assert (len(first.requests), len(second.requests)) == (1, 1)


# --- bounds

@pytest.mark.parametrize("tries", [1, 2, 3])
def test_so_many_are_tried(grouped, tries):
    server, *origins = grouped(*[FAILURES["error"]] * 4, directives=f"proxy_next_upstream_tries {tries};")
    assert server.get("/").status == 502
    assert sum(len(origin.requests) for origin in origins) == tries


def test_others_are_tried_for_so_long(grouped):
    server, *origins = grouped(*[lambda *_: None] * 4, directives="proxy_read_timeout 60ms; "
                               "proxy_next_upstream_timeout 30ms;")
    assert server.get("/").status == 504
    assert sum(len(origin.requests) for origin in origins) == 1


def test_each_is_tried_once(grouped):
    server, *origins = grouped(*[FAILURES["error"]] * 3)
    assert server.get("/").status == 502
    assert [len(origin.requests) for origin in origins] == [1, 1, 1]


# --- what may not be repeated

@pytest.mark.parametrize("method", ["POST", "LOCK", "PATCH"])
def test_what_is_not_idempotent_is_not_repeated_once_it_was_sent(grouped, method):
    server, first, second = grouped(FAILURES["error"], OK)
    assert server.request(method, "/", body=b"abc").status == 502
    assert second.requests == []


@pytest.mark.parametrize("method", ["POST", "LOCK", "PATCH"])
def test_what_was_not_sent_may_be(grouped, method):
    server, first, second = grouped(OK, OK)
    first.refuse()
    assert server.request(method, "/", body=b"abc").text == "hello"
    assert second.last.body == b"abc"


@pytest.mark.parametrize("method", ["POST", "LOCK", "PATCH"])
def test_it_may_be_said_that_all_may_be_repeated(grouped, method):
    server, first, second = grouped(FAILURES["error"], OK, directives="proxy_next_upstream error non_idempotent;")
    assert server.request(method, "/", body=b"abc").text == "hello"
    assert (first.last.body, second.last.body) == (b"abc", b"abc")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
def test_what_is_idempotent_is_repeated(grouped, method):
    server, first, second = grouped(FAILURES["error"], OK)
    assert server.request(method, "/").status == 200
    assert second.last.method == method


@pytest.mark.parametrize("body", [b"abc", b"x" * 300_000], ids=["memory", "file"])
def test_a_body_that_was_held_is_repeated(grouped, body):
    server, first, second = grouped(FAILURES["error"], OK)
    assert server.request("PUT", "/", body=body).text == "hello"
    assert (first.last.body, second.last.body) == (body, body)


def test_a_body_that_was_not_held_is_not_repeated(grouped):
    server, first, second = grouped(FAILURES["error"], OK, directives="proxy_request_buffering off;")
    with server.client() as client:
        client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
        client.send("a")
        client.send("bc")
        status = client.read_response().status
    assert status == 502 or second.last.body == b"abc"
    assert all(request.body == b"abc" for request in second.requests)


def test_an_answer_that_has_begun_is_not_repeated(grouped):
    server, first, second = grouped(Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "finish"), OK)
    with server.client() as client:
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.take_all().endswith(b"\r\n\r\nhello")
    assert second.requests == []


# --- who failed

def test_who_failed_is_not_asked_for_a_while(grouped):
    server, first, second = grouped(FAILURES["error"], OK, first="max_fails=1 fail_timeout=100s")
    for _ in range(5):
        assert server.get("/").text == "hello"
    assert (len(first.requests), len(second.requests)) == (1, 5)


def test_who_failed_is_asked_again_in_time(grouped):
    server, first, second = grouped(FAILURES["error"], OK, first="max_fails=1 fail_timeout=1s")
    assert server.get("/").text == "hello"
    first.answer = response("back")
    wait_until(lambda: server.get("/").text == "back", "the first to be asked")
    assert len(first.requests) == 2


@pytest.mark.parametrize("status", [403, 404])
def test_404_and_403_are_no_failures(grouped, status):
    server, first, second = grouped(response("no", status=status), OK, first="max_fails=1 fail_timeout=100s",
                                    directives="proxy_next_upstream http_403 http_404;")
    for _ in range(3):
        assert server.get("/").text == "hello"
    assert len(first.requests) == 3


def test_a_backup_is_asked_when_all_others_have_failed(grouped, backend, serve):
    first, second, last = backend(FAILURES["error"]), backend(FAILURES["error"]), backend(OK)
    server = serve("location / { proxy_pass http://app; }", workers=1,
                   http=f"upstream app {{ server {first.address}; server {last.address} backup; "
                        f"server {second.address}; }}")
    for _ in range(4):
        assert server.get("/").text == "hello"
    assert (len(first.requests), len(second.requests), len(last.requests)) == (1, 1, 4)


def test_without_anybody_left_it_is_a_bad_gateway(serve, backend):
    origin = backend(OK)
    server = serve("location / { proxy_pass http://app; }", http=f"upstream app {{ server {origin.address} down; }}")
    assert server.get("/").status == 502
    server.wait_for_log("no live upstreams while connecting to upstream")
    assert origin.requests == []


def test_one_alone_is_always_asked(proxied):
    server, origin = proxied(FAILURES["error"], http="upstream app { server %BACKEND%; }", workers=1,
                             server="location / { proxy_pass http://app; }")
    for _ in range(3):
        assert server.get("/").status == 502
    assert len(origin.requests) == 3


def test_retries_are_a_share_of_the_requests_and_no_more(grouped):
    server, first, second = grouped(Answer(b"", "close"), OK, directives="proxy_retry_budget 25% min=0;")
    statuses = [server.get("/").status for _ in range(20)]
    assert statuses == [502, 502, 502, 200] * 5
    lines = server.wait_for_log(r'\[warn\] .*retry budget of upstream "app" is used up')
    assert len(lines) == 1


def test_a_few_retries_in_each_second_are_always_allowed(grouped):
    server, first, second = grouped(Answer(b"", "close"), OK, directives="proxy_retry_budget 0% min=1000;")
    assert [server.get("/").status for _ in range(5)] == [200] * 5


def test_each_group_has_a_budget_of_its_own_where_one_is_said(grouped):
    server, first, second = grouped(Answer(b"", "close"), OK, directives="proxy_retry_budget 0% min=0; } "
                                    "location /free { proxy_pass http://app;")
    assert [server.get("/").status, server.get("/free").status] == [502, 200]
