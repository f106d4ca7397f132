"""Where requests go: what proxy_pass makes of their URIs, and whom it asks."""

import pytest

from harness.backend import response

OK = response("hello")

# (location, what is asked for, what the origin is asked for)
URIS = {
    "without a URI": ("location /a { proxy_pass http://%BACKEND%; }", [
        ("/a", "/a"), ("/a/b?c=d", "/a/b?c=d"), ("/a%20b", "/a%20b"), ("/a//b/../c", "/a//b/../c"), ("/a?", "/a?"),
        ("/%61/%2f%2F", "/%61/%2f%2F"), ("/a/%0d%0aX:y", "/a/%0d%0aX:y"), ("/a\xe9", "/a\xe9"), ("/a|\"<>", "/a|\"<>"),
        ("http://else/a?b", "/a?b"), ("/a#b", "/a"),
    ]),
    "with a slash": ("location /a/ { proxy_pass http://%BACKEND%/; }", [
        ("/a/", "/"), ("/a/b?c", "/b?c"), ("/a/b%2fc", "/b/c"), ("/a/b%20c", "/b%20c"), ("/a//b", "/b"),
        ("/a/b/../c", "/c"), ("/x/../a/b", "/b"), ("/a/%3f%23%25", "/%3F%23%25"), ("/a/?", "/"), ("/a/b?%20", "/b?%20"),
        ("/a/%7f%01", "/%7F%01"), ("/a/%e9", "/%E9"), ("/a/+b", "/+b"), ("/a/b;c=d", "/b;c=d"),
    ]),
    "with a path": ("location /a/ { proxy_pass http://%BACKEND%/b/c; }", [
        ("/a/d", "/b/cd"), ("/a/", "/b/c"), ("/a/?x", "/b/c?x"),
    ]),
    "with a path and arguments": ("location /a { proxy_pass http://%BACKEND%/b?c=d; }", [
        ("/a", "/b?c=d"), ("/a/e", "/b?c=d/e"),
    ]),
    "of an exact location": ("location = /a { proxy_pass http://%BACKEND%/b; }", [("/a", "/b"), ("/a?c", "/b?c")]),
    "of a regex": ("location ~ ^/a { proxy_pass http://%BACKEND%; }", [("/a%20b/%2e?c", "/a%20b/%2e?c")]),
    "with captures": ("location ~ ^/a/([^/]*)(.*) { proxy_pass http://%BACKEND%/$2$1; }", [
        ("/a/b/c", "//cb"), ("/a/b/c?d", "//cb"),
    ]),
    "with arguments by a variable": ("location /a { proxy_pass http://%BACKEND%/b$is_args$args; }", [
        ("/a", "/b"), ("/a?c=d", "/b?c=d"), ("/a/x?c", "/b?c"),
    ]),
    "as it came, by a variable": ("location /a { proxy_pass http://%BACKEND%$request_uri; }", [
        ("/a%20b?c", "/a%20b?c"), ("/a//b/../c", "/a//b/../c"),
    ]),
    "with a variable that has none": ('location /a { set $empty ""; proxy_pass http://%BACKEND%$empty; }', [
        ("/a%20b/../a?c", "/a%20b/../a?c"),
    ]),
    "after a rewrite": ("location /a { rewrite ^/a(.*) /b$1 break; proxy_pass http://%BACKEND%; }", [
        ("/a/c?d", "/b/c?d"), ("/a/%20", "/b/%20"), ("/a/c%2fd", "/b/c/d"),
    ]),
    "after a rewrite, which replaces it": (
        "location /a { rewrite ^/a(.*) /b$1 break; proxy_pass http://%BACKEND%/c/; }", [("/a/d?e", "/b/d?e")]),
    "after a rewrite with arguments": (
        "location /a { rewrite ^/a(.*) /b?x=$1 break; proxy_pass http://%BACKEND%; }", [("/a/d?e", "/b?x=/d&e")]),
    "of a named location": ("location /a { try_files /nowhere @b; } location @b { proxy_pass http://%BACKEND%; }", [
        ("/a%20/./b?c", "/a%20/./b?c"),
    ]),
    "within an if": ("location /a { if ($arg_b) { proxy_pass http://%BACKEND%; } }", [
        ("/a%20?b=c", "/a%20?b=c"),
    ]),
    "of an inner location": ("location /a { location /a/b/ { proxy_pass http://%BACKEND%/c/; } }", [
        ("/a/b/d", "/c/d"),
    ]),
}


@pytest.mark.parametrize("form", URIS)
def test_the_uri(proxied, form):
    location, pairs = URIS[form]
    server, origin = proxied(OK, server=location)
    for target, _ in pairs:
        assert server.get(target).text == "hello", target
    asked = [request.target for request in origin.requests]
    assert dict(zip([target for target, _ in pairs], asked)) == dict(pairs)


def test_a_location_with_a_slash_redirects_to_itself(proxied):
    server, origin = proxied(OK, server="location /a/ { proxy_pass http://%BACKEND%; }")
    answer = server.get("/a?b")
    assert answer.status == 301
    assert answer.header("Location") == f"http://localhost:{server.port()}/a/?b"
    assert origin.requests == []


def test_only_what_is_not_excepted_is_passed(proxied):
    server, origin = proxied(OK, server="location / { limit_except GET { proxy_pass http://%BACKEND%; } }")
    assert server.get("/").status == 200
    assert origin.requests == []
    assert server.request("DELETE", "/").text == "hello"
    assert origin.last.method == "DELETE"


def test_an_error_page_may_be_fetched(proxied):
    server, origin = proxied(OK, server="location / { error_page 404 /page; } "
                                        "location = /page { proxy_pass http://%BACKEND%; }")
    answer = server.get("/missing?a")
    assert (answer.status, answer.text) == (404, "hello")
    assert (origin.last.method, origin.last.target) == ("GET", "/page")


def test_an_error_page_may_be_a_named_location(proxied):
    server, origin = proxied(OK, server="error_page 404 = @app; location @app { proxy_pass http://%BACKEND%; }")
    answer = server.get("/missing%20/?a")
    assert (answer.status, answer.text) == (200, "hello")
    assert origin.last.target == "/missing%20/?a"


@pytest.mark.parametrize("server, target", [
    ("location /a/ { proxy_pass http://%BACKEND%; }", "/a/b?c"),
    ("location /a/ { proxy_pass http://%BACKEND%:/; }", "/b?c"),
    ("location /a/ { proxy_pass http://%BACKEND%:/d/; }", "/d/b?c"),
    ('location /a/ { set $none ""; proxy_pass http://%BACKEND%:/e$none; }', "/e"),
])
def test_a_unix_socket_is_asked(proxied, server, target):
    server, origin = proxied(OK, server=server, unix=True)
    assert server.get("/a/b?c").text == "hello"
    assert origin.last.target == target
    assert origin.last.header("Host") == "localhost"


def test_an_upstream_is_asked_by_its_name(proxied):
    server, origin = proxied(OK, http="upstream app { server %BACKEND%; }",
                             server="location / { proxy_pass http://app/x/; }")
    assert server.get("/a").text == "hello"
    assert origin.last.target == "/x/a"
    assert origin.last.header("Host") == "app"


def test_an_upstream_may_be_named_by_a_variable(proxied):
    server, origin = proxied(OK, http="upstream app { server %BACKEND%; }",
                             server="location / { set $who app; proxy_pass http://$who; }")
    assert server.get("/a?b").text == "hello"
    assert (origin.last.target, origin.last.header("Host")) == ("/a?b", "app")


def test_an_address_may_be_a_variable(proxied):
    server, origin = proxied(OK, server='location / { set $who %BACKEND%; proxy_pass http://$who; }')
    assert server.get("/a?b").text == "hello"
    assert (origin.last.target, origin.last.header("Host")) == ("/a?b", origin.address)


def test_all_of_the_url_may_be_a_variable(proxied):
    server, origin = proxied(OK, server='location / { set $url http://%BACKEND%/x; proxy_pass $url; }')
    assert server.get("/a?b").text == "hello"
    assert origin.last.target == "/x"


@pytest.mark.parametrize("url, sentence", [
    ("gopher://127.0.0.1", "invalid URL prefix"), ("", "invalid URL prefix"), ("http://", "invalid URL prefix"),
    ("http:///a", "no host in upstream"), ("http://unknown.invalid", "unknown.invalid could not be resolved"),
    ("http://127.0.0.1:99999", "invalid port in upstream"),
])
def test_a_url_that_is_none_is_an_error(serve, url, sentence):
    server = serve(f'location / {{ set $url "{url}"; proxy_pass $url; }}')
    assert server.get("/").status in (500, 502)
    server.wait_for_log(sentence)
