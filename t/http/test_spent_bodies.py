"""A body that was passed on as it came is not there any more when an internal redirect leads to another server."""

import pytest

from harness import wait_until
from harness.backend import Answer, response

BODY = b"x" * 100_000


@pytest.fixture
def falling_back(serve, backend):
    """A server whose first origin resets, and the second one, which it falls back to."""
    def start(directives):
        first, second = backend(Answer(b"", then="reset")), backend(response("second"))
        server = serve(directives.replace("%FIRST%", first.address).replace("%SECOND%", second.address))
        return server, second
    return start


@pytest.mark.parametrize("buffering", ["on", "off"])
def test_a_named_location_gets_no_half_of_a_request(falling_back, buffering):
    server, second = falling_back(f"""
        location / {{ proxy_pass http://%FIRST%; proxy_request_buffering off; error_page 502 = @fallback; }}
        location @fallback {{ proxy_pass http://%SECOND%; proxy_request_buffering {buffering}; }}
    """)
    assert server.request("POST", "/", body=BODY).status == 500
    server.wait_for_log(r"\[error\] .* the request body was passed on before and is not kept while connecting to up")
    assert server.get("/").text == "second"
    assert [request.body for request in second.requests] == [b""]


def test_a_page_needs_none(falling_back):
    server, second = falling_back("""
        location / { proxy_pass http://%FIRST%; proxy_request_buffering off; error_page 502 /sorry; }
        location = /sorry { proxy_pass http://%SECOND%; }
    """)
    answer = server.request("POST", "/", body=BODY)
    assert (answer.status, answer.text) == (502, "second")
    assert [(request.method, request.body) for request in second.requests] == [("GET", b"")]


def test_a_body_that_is_held_is_passed_on_again(falling_back):
    server, second = falling_back("""
        location / { proxy_pass http://%FIRST%; error_page 502 = @fallback; }
        location @fallback { proxy_pass http://%SECOND%; proxy_request_buffering off; }
    """)
    assert server.request("POST", "/", body=BODY).text == "second"
    assert [request.body for request in second.requests] == [BODY]


@pytest.fixture
def going_on(serve, backend):
    """A server that passes bodies on as they come, to a first origin, and to a second one where that fails."""
    def start(first):
        origins = backend(first), backend(response("second"))
        servers = f"server {origins[0].address} max_fails=0; server {origins[1].address} backup;"
        server = serve("proxy_request_buffering off; proxy_next_upstream error http_503;"
                       "location / { proxy_pass http://u; }", http=f"upstream u {{ {servers} }}")
        return server, *origins
    return start


HEAD = f"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(BODY)}\r\n\r\n"


def test_an_early_answer_is_final_when_the_body_is_on_its_way(going_on):
    """Bytes may come in the moment the other server is turned to, and would be lost."""
    server, first, second = going_on(Answer(response("no", status=503), when="head"))
    with server.client() as client:
        client.send(HEAD)
        assert client.read_response("PUT").status == 503
    assert second.requests == []


def test_a_server_that_fails_before_the_body_comes_has_spent_nothing(going_on):
    server, first, second = going_on(Answer(b"", then="reset", when="head"))
    with server.client() as client:
        client.send(HEAD)
        wait_until(lambda: second.connections, "the second origin to be asked")
        client.send(BODY)
        assert client.read_response("PUT").text == "second"
    assert [request.body for request in second.requests] == [BODY]
