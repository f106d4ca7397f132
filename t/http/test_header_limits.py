"""How large a head may be: large_client_header_buffers and max_headers."""

import pytest

LIMITS = "large_client_header_buffers 4 1k; max_headers 20;"


@pytest.fixture
def server(serve):
    return serve("location / { return 200 ok; }", http=LIMITS)


def request_line(size):
    """A request line of `size` bytes with its CRLF."""
    frame = "GET / HTTP/1.1\r\n"
    return "GET /" + "a" * (size - len(frame)) + " HTTP/1.1\r\n"


def field(size):
    return "Name: " + "a" * (size - len("Name: \r\n")) + "\r\n"


def ask(server, head):
    with server.client() as client:
        client.send(head)
        answer = client.read_response()
        if answer.status != 200:
            assert answer.header("Connection") == "close"
            assert client.is_closed()
        return answer


def test_a_request_line_may_fill_a_buffer(server):
    assert ask(server, request_line(1024) + "Host: localhost\r\n\r\n").status == 200


def test_a_longer_request_line_is_414(server):
    answer = ask(server, request_line(1025) + "Host: localhost\r\n\r\n")
    assert (answer.status, answer.reason) == (414, "Request-URI Too Large")
    assert "<h1>414 Request-URI Too Large</h1>" in answer.text
    server.wait_for_log("client sent too long URI")


def test_414_does_not_wait_for_the_end_of_the_line(server):
    assert ask(server, "GET /" + "a" * 2000).status == 414


def test_a_field_may_fill_a_buffer(server):
    assert ask(server, "GET / HTTP/1.1\r\nHost: localhost\r\n" + field(1024) + "\r\n").status == 200


def test_a_longer_field_is_400_with_a_page_that_says_why(server):
    answer = ask(server, "GET / HTTP/1.1\r\nHost: localhost\r\n" + field(1025) + "\r\n")
    assert (answer.status, answer.reason) == (400, "Bad Request")
    assert "<title>400 Request Header Or Cookie Too Large</title>" in answer.text
    server.wait_for_log("client sent too long header line")


def test_the_whole_head_must_fit_into_all_buffers(server):
    head = "GET / HTTP/1.1\r\nHost: localhost\r\n"
    fields = field(1020) * 3
    assert ask(server, head + fields + field(4096 - len(head + fields) - 2) + "\r\n").status == 200
    answer = ask(server, head + field(1000) * 5 + "\r\n")
    assert answer.status == 400
    assert "Request Header Or Cookie Too Large" in answer.text


def test_fields_are_counted(server):
    head = "GET / HTTP/1.1\r\nHost: localhost\r\n"
    assert ask(server, head + "A: b\r\n" * 19 + "\r\n").status == 200
    answer = ask(server, head + "A: b\r\n" * 20 + "\r\n")
    assert answer.status == 400
    server.wait_for_log("client sent too many header lines")


def test_fields_that_are_ignored_are_counted_too(server):
    head = "GET / HTTP/1.1\r\nHost: localhost\r\n"
    assert ask(server, head + "Some_Name: b\r\n" * 20 + "\r\n").status == 400


def test_the_limits_hold_for_each_request_of_a_connection(server):
    with server.client() as client:
        for _ in range(10):
            client.send("GET / HTTP/1.1\r\nHost: localhost\r\n" + field(1000) + "\r\n")
            assert client.read_response().status == 200
        client.send(request_line(2000))
        assert client.read_response().status == 414


def test_the_default_is_four_buffers_of_8k(serve):
    server = serve("location / { return 200 ok; }")
    assert ask(server, request_line(8192) + "Host: localhost\r\n\r\n").status == 200
    assert ask(server, request_line(8193) + "Host: localhost\r\n\r\n").status == 414
    head = "GET / HTTP/1.1\r\nHost: localhost\r\n"
    assert ask(server, head + field(8000) * 4 + "\r\n").status == 200
    assert ask(server, head + field(8000) * 5 + "\r\n").status == 400


def test_error_page_may_answer_for_494_and_414(serve):
    server = serve("error_page 494 =431 /large.html; error_page 414 /long.html;", http=LIMITS,
                   files={"html/large.html": "large", "html/long.html": "long"})
    answer = ask(server, "GET / HTTP/1.1\r\nHost: localhost\r\n" + field(2000) + "\r\n")
    assert (answer.status, answer.text) == (431, "large")
    answer = ask(server, request_line(2000))
    assert (answer.status, answer.text) == (414, "long")


def test_the_default_server_of_the_address_sets_the_limits(serve):
    server = serve(http="""
        server { listen 127.0.0.1:%PORT%; server_name a; large_client_header_buffers 2 1k; return 200 a; }
        server { listen 127.0.0.1:%PORT%; server_name b; large_client_header_buffers 2 4k; return 200 b; }""")
    assert ask(server, "GET / HTTP/1.1\r\nHost: b\r\n" + field(2000) + "\r\n").status == 400
