"""Early hints of an origin are passed on where the configuration wants it, and before anything else."""

import pytest

from harness.backend import Answer, response

HINTS = "early_hints $arg_hints;"


def hint(*fields, status="103 Early Hints"):
    return ("\r\n".join([f"HTTP/1.1 {status}", *fields]) + "\r\n\r\n").encode()


def heads(client, target="/?hints=1", version="1.1"):
    """The statuses and Link fields of what the client is told, the answer last."""
    client.send_request("GET", target, version=version)
    told = []
    while not told or told[-1][0] < 200:
        answer = client.read_response()
        told.append((answer.status, answer.header("Link")))
    assert answer.text == "hello"
    return told


def test_hints_come_before_the_answer_is_there(proxied):
    server, origin = proxied(None, HINTS)
    with server.client() as client:
        client.send_request("GET", "/?hints=1")
        peer = origin.accept()
        peer.read_request()
        peer.send(hint("Link: </a.css>; rel=preload"))
        early = client.read_response()
        assert (early.status, early.reason, early.header("Link")) == (103, "Early Hints", "</a.css>; rel=preload")
        peer.send(response("hello"))
        assert client.read_response().text == "hello"


def test_several_are_passed_in_order(proxied):
    server, _ = proxied(hint("Link: </a>") + hint("Link: </b>") + response("hello", "Link: </c>"), HINTS)
    with server.client() as client:
        for _ in range(2):
            assert heads(client) == [(103, "</a>"), (103, "</b>"), (200, "</c>")]


@pytest.mark.parametrize("directives, target", [
    ("", "/?hints=1"), (HINTS, "/"), (HINTS, "/?hints=0"), ("early_hints $arg_a $arg_b;", "/?a=0"),
])
def test_hints_may_end_here(proxied, directives, target):
    server, _ = proxied(hint("Link: </a>") + response("hello"), directives)
    with server.client() as client:
        assert heads(client, target) == [(200, None)]


@pytest.mark.parametrize("directives", ["early_hints 1;", "early_hints '' $arg_a on;", "early_hints 0; early_hints 1;"])
def test_one_condition_is_enough(proxied, directives):
    server, _ = proxied(hint("Link: </a>") + response("hello"), directives)
    with server.client() as client:
        assert heads(client, "/") == [(103, "</a>"), (200, None)]


def test_http_1_0_gets_none(proxied):
    server, _ = proxied(hint("Link: </a>") + response("hello"), HINTS)
    with server.client() as client:
        assert heads(client, version="1.0") == [(200, None)]


@pytest.mark.parametrize("status", ["100 Continue", "102 Processing", "199 Own"])
def test_only_early_hints_are_passed(proxied, status):
    server, _ = proxied(hint("Link: </a>", status=status) + response("hello"), HINTS)
    with server.client() as client:
        assert heads(client) == [(200, None)]


def test_what_is_not_for_clients_stays(proxied):
    fields = ["X-A: 1", "Connection: x-b", "X-B: 2", "Content-Length: 5", "Server: theirs", "X-C: 3"]
    server, _ = proxied(hint(*fields) + response("hello"), HINTS + " proxy_hide_header X-C;")
    with server.client() as client:
        client.send_request("GET", "/?hints=1")
        assert client.take_through(b"\r\n\r\n") == b"HTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\n"
        assert client.read_response().text == "hello"


def test_many_large_hints_come_whole(proxied):
    large = "x" * 3000
    server, _ = proxied(Answer(hint(f"Link: {large}") * 30 + response("hello")), HINTS)
    with server.client() as client:
        assert heads(client) == [(103, large)] * 30 + [(200, None)]


def test_hints_of_one_that_failed_stay_hints(proxied, backend):
    other = backend(response("hello"))
    server, _ = proxied(Answer(hint("Link: </a>"), "close"), http=f"""upstream app {{ server %BACKEND%;
        server {other.address} backup; }}""", server=f"location / {{ proxy_pass http://app; {HINTS} }}")
    server.expect("upstream prematurely closed")
    with server.client() as client:
        assert heads(client) == [(103, "</a>"), (200, None)]
