"""A body that was passed on as it came is not there any more when an internal redirect leads to another server."""

import pytest

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
