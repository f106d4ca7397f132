"""What an origin is asked: the head of the request that is sent to it."""

import pytest

from harness.backend import response

OK = response("hello")


def asked(proxied, directives="", headers=(), method="GET", server="", **how):
    """The request an origin receives for one of ours."""
    server, origin = proxied(OK, directives, server=server)
    with server.client() as client:
        client.send_request(method, "/a?b", headers, **how)
        answer = client.read_final_response(method)
    assert answer.status == 200
    return origin.last


def fields(request):
    return {name.lower(): value for name, value in request.headers}


# --- by default

def test_by_default_only_host_is_added(proxied):
    server, origin = proxied(OK)
    server.get("/a?b", {"Host": "asked.org", "Accept": "*/*"})
    assert origin.last.head == f"GET /a?b HTTP/1.1\r\nHost: {origin.address}\r\nAccept: */*".encode()


@pytest.mark.parametrize("url, host", [("http://%BACKEND%", None), ("http://App", "App"), ("http://app/", "app")])
def test_the_host_is_that_of_proxy_pass(proxied, url, host):
    server, origin = proxied(OK, http="upstream app { server %BACKEND%; }",
                             server=f"location / {{ proxy_pass {url}; }}")
    server.get("/")
    assert origin.last.header("Host") == (host or origin.address)


def test_fields_keep_their_order_and_their_case(proxied):
    sent = [("X-One", "1"), ("x-TWO", "2"), ("Accept", "a"), ("X-One", "3"), ("Cookie", "a=b"), ("COOKIE", "c=d")]
    assert asked(proxied, headers=sent).headers[1:] == sent


def test_values_are_passed_as_they_are(proxied):
    values = ["", "a", "a  b", "\xe9\xff", '"quoted, list"', "a;b=c", "x" * 3000]
    sent = [(f"X-{number}", value) for number, value in enumerate(values)]
    assert asked(proxied, headers=sent).headers[1:] == sent


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "X-OWN"])
def test_the_method_is_passed(proxied, method):
    assert asked(proxied, method=method).method == method


def test_a_request_of_http_1_0_is_passed_as_1_1(proxied):
    request = asked(proxied, version="1.0")
    assert request.version == "1.1"
    assert request.header("Host")


HOP_BY_HOP = ["Connection: keep-alive", "Connection: close", "Keep-Alive: timeout=5", "TE: trailers", "TE: gzip",
              "Upgrade: websocket", "Expect: 100-continue", "Proxy-Connection: keep-alive"]


@pytest.mark.parametrize("field", HOP_BY_HOP)
def test_what_is_for_us_ends_here(proxied, field):
    request = asked(proxied, headers=[field.split(": ")])
    assert fields(request).keys() == {"host"}


@pytest.mark.parametrize("listed", ["X-Private", "close, x-private", "x-a,X-PRIVATE ,x-b", "\tX-Private\t"])
def test_what_connection_names_ends_here(proxied, listed):
    sent = [("X-Private", "1"), ("Connection", listed), ("x-private", "2"), ("X-Public", "3")]
    request = asked(proxied, headers=sent)
    assert fields(request) == {"host": request.header("Host"), "x-public": "3"}


def test_each_connection_field_is_read(proxied):
    request = asked(proxied, headers=[("Connection", "keep-alive"), ("X-A", "1"), ("Connection", "X-B,x-a"),
                                      ("X-B", "2"), ("X-C", "3")])
    assert fields(request) == {"host": request.header("Host"), "x-c": "3"}


@pytest.mark.parametrize("listed", ["Host", "Content-Length", "Cookie", "Authorization", "X-Forwarded-For"])
def test_connection_can_not_take_away_what_others_rely_on(proxied, listed):
    """RFC 9110 section 7.6.1: a field for all recipients is no option; frames and hosts are our own anyway."""
    request = asked(proxied, headers=[("Connection", listed)], method="POST", body=b"abc",
                    directives="proxy_set_header X-Forwarded-For $remote_addr;")
    assert request.header("X-Forwarded-For") == "127.0.0.1"
    assert request.header("Host")
    assert request.body == b"abc"


# --- proxy_set_header

def test_a_field_is_set(proxied):
    request = asked(proxied, "proxy_set_header X-Real-IP $remote_addr; proxy_set_header Host $host:1; "
                             "proxy_set_header X-Both $http_a-$arg_b$args;", headers={"A": "x", "Host": "h"})
    assert fields(request) == {"host": "h:1", "x-real-ip": "127.0.0.1", "x-both": "x-b", "a": "x"}


def test_a_field_of_the_client_is_replaced(proxied):
    request = asked(proxied, "proxy_set_header x-a ours;", headers=[("X-A", "theirs"), ("X-a", "too")])
    assert request.header_values("X-A") == ["ours"]


def test_an_empty_value_takes_a_field_away(proxied):
    request = asked(proxied, 'proxy_set_header X-A ""; proxy_set_header Accept-Encoding $arg_none;',
                    headers=[("X-A", "theirs"), ("Accept-Encoding", "gzip"), ("X-B", "stays")])
    assert fields(request).keys() == {"host", "x-b"}


def test_a_field_may_be_set_twice(proxied):
    request = asked(proxied, "proxy_set_header X-A 1; proxy_set_header X-A 2;")
    assert request.header_values("X-A") == ["1", "2"]


def test_fields_are_inherited_all_or_none(proxied):
    server = ("proxy_set_header X-Outer 1; proxy_set_header Host outer; "
              "location / { proxy_pass http://%BACKEND%; %OWN% }")
    outer = fields(asked(proxied, server=server.replace("%OWN%", "")))
    assert outer == {"host": "outer", "x-outer": "1"}
    inner = asked(proxied, server=server.replace("%OWN%", "proxy_set_header X-Inner 2;"))
    assert fields(inner) == {"host": inner.header("Host"), "x-inner": "2"}
    assert inner.header("Host").startswith("127.0.0.1:")


def test_the_connection_may_be_set(proxied):
    assert asked(proxied, "proxy_set_header Connection close;").header("Connection") == "close"


def test_the_host_of_the_client_may_be_passed(proxied):
    request = asked(proxied, "proxy_set_header Host $http_host;", headers={"Host": "a.org:81"})
    assert request.header("Host") == "a.org:81"


@pytest.mark.parametrize("sent, passed", [([], "127.0.0.1"), (["1.1.1.1"], "1.1.1.1, 127.0.0.1"),
                                          (["1.1.1.1", "2.2.2.2, 3.3.3.3"], "1.1.1.1, 2.2.2.2, 3.3.3.3, 127.0.0.1")])
def test_the_client_is_added_to_those_before(proxied, sent, passed):
    request = asked(proxied, "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
                    headers=[("X-Forwarded-For", value) for value in sent])
    assert request.header("X-Forwarded-For") == passed


def test_the_proxy_has_variables(proxied):
    request = asked(proxied, "proxy_set_header X-Proxy $proxy_host|$proxy_port;")
    port = request.header("Host").partition(":")[2]
    assert request.header("X-Proxy") == f"127.0.0.1:{port}|{port}"


# --- the rest

@pytest.mark.parametrize("directives, method", [("proxy_method PUT;", "PUT"), ("proxy_method $arg_b$args;", "b"),
                                                ("proxy_method GET;", "GET")])
def test_the_method_may_be_another(proxied, directives, method):
    request = asked(proxied, directives, method="POST", body=b"abc")
    assert (request.method, request.body) == (method, b"abc")


@pytest.mark.parametrize("method", ["GET%20/b%20HTTP/1.1%0d%0aX:%20", "A%20B", "A%0aB", "A%3a"])
def test_a_method_that_is_none_is_not_sent(proxied, method):
    """A variable may hold what a client has escaped."""
    server, origin = proxied(OK, server="""
        location ~ ^/by/(?<method>[^?]*)$ { rewrite ^ /a break; proxy_method $method; proxy_pass http://%BACKEND%; }""")
    assert server.request("DELETE", f"/by/{method}").status == 200
    assert [(request.method, request.target) for request in origin.requests] == [("DELETE", "/a")]
    server.wait_for_log(r'\[error\] .* invalid method ".*" in "proxy_method"')


def test_an_answer_to_a_head_of_our_own_has_no_body(proxied):
    server, origin = proxied(response("hello")[:-5], "proxy_method HEAD;")
    with server.client() as client:
        answer = client.request("HEAD", "/")
        assert (answer.status, answer.header("Content-Length")) == (200, "5")
        assert client.request("HEAD", "/").status == 200


@pytest.mark.parametrize("fields", [["Content-Length: 5"], []])
def test_a_get_that_is_asked_as_a_head_gets_an_empty_answer(proxied, fields):
    """The length is of a body that does not come: a client would take the next answer for it."""
    head = "\r\n".join(["HTTP/1.1 200 OK", *fields, "", ""]).encode()
    server, origin = proxied(head, "proxy_method HEAD;")
    with server.client() as client:
        for _ in range(2):
            assert (client.get("/").body, client.get("/").status) == (b"", 200)


def test_the_body_may_be_another(proxied):
    request = asked(proxied, 'proxy_set_body "$request_method=$request_body";', method="PUT", body=b"abc")
    assert (request.method, request.body, request.header("Content-Length")) == ("PUT", b"PUT=abc", "7")


def test_a_body_may_be_made_for_a_request_without(proxied):
    request = asked(proxied, "proxy_set_body hello;")
    assert (request.method, request.body, request.chunked) == ("GET", b"hello", False)


def test_a_chunked_body_may_be_replaced(proxied):
    request = asked(proxied, "proxy_set_body hello;", headers={"Transfer-Encoding": "chunked"}, method="POST",
                    body=b"3\r\nabc\r\n0\r\n\r\n")
    assert (request.body, request.header("Content-Length"), request.chunked) == (b"hello", "5", False)


def test_the_body_may_be_kept_back(proxied):
    request = asked(proxied, "proxy_pass_request_body off;", method="POST", body=b"abc")
    assert (request.method, request.body, request.chunked) == ("POST", b"", False)
    assert request.header("Content-Length") in (None, "0")


def test_a_chunked_body_may_be_kept_back(proxied):
    request = asked(proxied, "proxy_pass_request_body off;", method="POST", headers={"Transfer-Encoding": "chunked"},
                    body=b"3\r\nabc\r\n0\r\n\r\n")
    assert (request.body, request.chunked) == (b"", False)


def test_the_fields_may_be_kept_back(proxied):
    request = asked(proxied, "proxy_pass_request_headers off; proxy_set_header X-Ours $http_a;",
                    headers={"A": "b", "Accept": "c", "Cookie": "d"}, method="POST", body=b"abc")
    assert request.header("X-Ours") == "b"
    assert fields(request).keys() <= {"host", "x-ours", "content-length"}
    assert request.body == b"abc"


def test_http_1_0_may_be_spoken(proxied):
    request = asked(proxied, "proxy_http_version 1.0;", headers={"Transfer-Encoding": "chunked"}, method="POST",
                    body=b"3\r\nabc\r\n0\r\n\r\n")
    assert (request.version, request.body, request.header("Content-Length")) == ("1.0", b"abc", "3")


def test_directives_are_inherited(proxied):
    request = asked(proxied, server="proxy_method PATCH; proxy_set_body outer; proxy_http_version 1.0; "
                                    "location / { location /a { proxy_pass http://%BACKEND%; } }")
    assert (request.method, request.version, request.body) == ("PATCH", "1.0", b"outer")


def test_names_with_underscores_are_passed_only_where_they_are_wanted(proxied):
    sent = {"X_A": "1", "X-B": "2"}
    assert "x_a" not in fields(asked(proxied, headers=sent))


def test_a_request_with_many_fields_is_passed(proxied):
    sent = [(f"X-{number}", "x" * 100) for number in range(200)]
    server, origin = proxied(OK, http="large_client_header_buffers 8 16k;")
    assert server.get("/", sent).status == 200
    assert origin.last.headers[1:] == sent
