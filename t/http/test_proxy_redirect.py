"""Locations and cookies that an origin sends are rewritten so that they mean something to its clients."""

import pytest

from harness.backend import response


def location(proxied, value, directives="", server="", field="Location", http="", target="/one/x?a=b", status=302):
    server, origin = proxied(response("", f"{field}: {value.replace('%BACKEND%', '%BACKEND%')}", status=status),
                             directives, server=server, http=http)
    origin.answer = response("", f"{field}: {value.replace('%BACKEND%', origin.address)}", status=status)
    return server.get(target).header(field), origin


def rewritten(proxied, value, directives="", **how):
    got, origin = location(proxied, value, server=how.pop("server", None) or
                           f"location /one/ {{ proxy_pass http://%BACKEND%/two/; {directives} }}", **how)
    return got.replace(origin.address, "ORIGIN")


OWN = "http://localhost:%PORT%"


@pytest.mark.parametrize("value, expected", [
    ("http://%BACKEND%/two/a?b", "/one/a?b"), ("http://%BACKEND%/two/", "/one/"), ("http://%BACKEND%/three", "="),
    ("http://%BACKEND%/two", "="), ("http://elsewhere/two/", "="), ("/two/a", "/two/a"), ("relative", "="),
    ("https://%BACKEND%/two/", "="), ("", ""),
])
def test_by_default_a_location_comes_back_to_where_it_was_asked_for(proxied, value, expected):
    got, origin = location(proxied, value, server="location /one/ { proxy_pass http://%BACKEND%/two/; }")
    base = f"http://localhost:{origin_port(got)}" if expected.startswith("/") and got.startswith("http") else ""
    assert got == (value.replace("%BACKEND%", origin.address) if expected == "=" else base + expected)


def origin_port(url):
    return url.split("/")[2].partition(":")[2]


@pytest.mark.parametrize("directives, value, expected", [
    ("proxy_redirect off;", "http://%BACKEND%/two/a", "http://ORIGIN/two/a"),
    ("proxy_redirect http://a/ http://b/;", "http://a/c", "http://b/c"),
    ("proxy_redirect http://a/ http://b/;", "http://%BACKEND%/two/", "http://ORIGIN/two/"),
    ("proxy_redirect http://a/ http://b/; proxy_redirect http://c/ http://d/;", "http://c/", "http://d/"),
    ("proxy_redirect http://a/ http://b/; proxy_redirect http://a/c http://d/;", "http://a/c", "http://b/c"),
    ("proxy_redirect ~^http://([^/]*)/(.*)$ http://b/$1/$2;", "http://a/c?d", "http://b/a/c?d"),
    ("proxy_redirect ~*^HTTP://A(?<rest>/.*)$ http://b$rest;", "http://a/c", "http://b/c"),
    ("proxy_redirect ~/c/ http://b/;", "http://a/c/d", "http://b/"),
    ("proxy_redirect ~/x/ http://b/;", "http://a/c/d", "http://a/c/d"),
    ("proxy_redirect http://$arg_a/ http://$arg_a$arg_a/;", "http://b/c", "http://bb/c"),
    ("proxy_redirect default; proxy_redirect http://a/ http://b/;", "http://a/", "http://b/"),
    ("proxy_redirect http://a/ $scheme://$http_host/;", "http://a/c", "http://localhost/c"),
    ("proxy_redirect ~^(.*)$ $1?added;", "http://a/", "http://a/?added"),
    ("absolute_redirect off; proxy_redirect http://a/ /b/;", "http://a/c", "/b/c"),
])
def test_a_location_is_rewritten(proxied, directives, value, expected):
    assert rewritten(proxied, value, directives) == expected


def test_a_location_may_become_one_of_ours(proxied):
    server, _ = proxied(response("", "Location: http://a/c", status=301), "proxy_redirect http://a/ /b/;")
    assert server.get("/").header("Location") == f"http://localhost:{server.port()}/b/c"


@pytest.mark.parametrize("status", [200, 201, 301, 302, 303, 307, 308, 404])
def test_every_location_is_rewritten(proxied, status):
    assert rewritten(proxied, "http://a/c", "proxy_redirect http://a/ http://b/;", status=status) == "http://b/c"


@pytest.mark.parametrize("value, expected", [
    ("5; url=http://a/c", "5; url=http://b/c"), ("0;URL=http://a/", "0;URL=http://b/"), ("5", "5"),
    ("5; url=http://x/", "5; url=http://x/"),
])
def test_refresh_is_rewritten(proxied, value, expected):
    assert rewritten(proxied, value, "proxy_redirect http://a/ http://b/;", field="Refresh", status=200) == expected


def test_rewriting_is_inherited(proxied):
    assert rewritten(proxied, "http://a/c", server="proxy_redirect http://a/ http://b/; "
                                                   "location /one/ { proxy_pass http://%BACKEND%; }") == "http://b/c"


def test_by_default_a_location_with_variables_stays(proxied):
    got, _ = location(proxied, "http://app/x", http="upstream app { server %BACKEND%; }",
                      server="location /one/ { proxy_pass http://app/$arg_a; }")
    assert got == "http://app/x"


def test_the_default_is_of_the_location_that_passes(proxied):
    got, _ = location(proxied, "http://app/three/x", http="upstream app { server %BACKEND%; }",
                      server="location / { proxy_pass http://app/two/; "
                             "location /one/ { proxy_pass http://app/three/; } }")
    assert got.endswith("/one/x")


def test_flags_of_cookies_may_be_variables(proxied):
    server, _ = proxied(response("", "Set-Cookie: x=y"), "proxy_cookie_flags x $arg_a $arg_b;")
    assert server.get("/?a=Secure").header("Set-Cookie") == "x=y; Secure"
    assert server.get("/?b=samesite=LAX").header("Set-Cookie") == "x=y; SameSite=Lax"
    assert server.get("/?a=nonsense").header("Set-Cookie") == "x=y"
    server.wait_for_log('invalid proxy_cookie_flags flag "nonsense"')


def test_the_address_of_an_upstream_is_its_name(proxied):
    got, _ = location(proxied, "http://app/two/x", http="upstream app { server %BACKEND%; }",
                      server="location /one/ { proxy_pass http://app/two/; }")
    assert got.endswith("/one/x")
    assert got.startswith("http://localhost:")


# --- cookies

@pytest.mark.parametrize("directives, value, expected", [
    ("proxy_cookie_domain a.org b.org;", "x=y; Domain=a.org", "x=y; Domain=b.org"),
    ("proxy_cookie_domain a.org b.org;", "x=y; domain=.A.org; Path=/", "x=y; domain=.b.org; Path=/"),
    ("proxy_cookie_domain a.org b.org;", "x=y; Domain=c.org", "x=y; Domain=c.org"),
    ("proxy_cookie_domain a.org b.org;", "x=a.org", "x=a.org"),
    ("proxy_cookie_domain a.org b.org;", "domain=a.org", "domain=a.org"),
    ("proxy_cookie_domain a.org $host;", "x=y; Domain=a.org", "x=y; Domain=localhost"),
    (r"proxy_cookie_domain ~\.?([a-z]+\.org)$ $1.test;", "x=y; Domain=.a.org", "x=y; Domain=a.org.test"),
    ("proxy_cookie_domain off;", "x=y; Domain=a.org", "x=y; Domain=a.org"),
    ("proxy_cookie_domain a.org b.org; proxy_cookie_domain c.org d.org;", "x=y; Domain=c.org", "x=y; Domain=d.org"),
    ("proxy_cookie_path /two/ /one/;", "x=y; Path=/two/a", "x=y; Path=/one/a"),
    ("proxy_cookie_path /two/ /one/;", "x=y; path=/two", "x=y; path=/two"),
    ("proxy_cookie_path / /one/;", "x=y; Path=/; Secure", "x=y; Path=/one/; Secure"),
    ("proxy_cookie_path ~^/two/(.*)$ /$1;", "x=y; Path=/two/a; HttpOnly", "x=y; Path=/a; HttpOnly"),
    ("proxy_cookie_path ~*^/TWO(.*)$ /one$1;", "x=y; PATH=/two/a", "x=y; PATH=/one/a"),
    ("proxy_cookie_path /two/ /one/; proxy_cookie_domain a b;", "x=y; Domain=a; Path=/two/",
     "x=y; Domain=b; Path=/one/"),
    ("proxy_cookie_path / '/; Secure';", "x=y; Path=/", "x=y; Path=/; Secure"),
    ("proxy_cookie_flags x secure;", "x=y", "x=y; Secure"),
    ("proxy_cookie_flags x secure httponly samesite=strict;", "x=y; Path=/",
     "x=y; Path=/; Secure; HttpOnly; SameSite=Strict"),
    ("proxy_cookie_flags x samesite=lax;", "x=y; SameSite=None", "x=y; SameSite=Lax"),
    ("proxy_cookie_flags x nosecure nohttponly nosamesite;", "x=y; Secure; HttpOnly; SameSite=Lax; Path=/",
     "x=y; Path=/"),
    ("proxy_cookie_flags other secure;", "x=y", "x=y"),
    ("proxy_cookie_flags ~ httponly;", "x=y", "x=y; HttpOnly"),
    ("proxy_cookie_flags ~^X secure;", "x=y", "x=y; Secure"),
    ("proxy_cookie_flags $arg_n secure;", "b=y", "b=y"),
    ("proxy_cookie_flags x secure; proxy_cookie_flags ~ httponly;", "x=y", "x=y; Secure"),
])
def test_a_cookie_is_rewritten(proxied, directives, value, expected):
    server, _ = proxied(response("", f"Set-Cookie: {value}"), directives)
    assert server.get("/").header("Set-Cookie") == expected


def test_each_cookie_is_rewritten(proxied):
    server, _ = proxied(response("", "Set-Cookie: a=1; Path=/two/", "X-Other: path=/two/",
                                 "Set-Cookie: b=2; Path=/two/b"), "proxy_cookie_path /two/ /;")
    answer = server.get("/")
    assert answer.header_values("Set-Cookie") == ["a=1; Path=/", "b=2; Path=/b"]
    assert answer.header("X-Other") == "path=/two/"


def test_the_variable_of_a_cookie_is_what_was_sent(proxied):
    server, _ = proxied(response("", "Set-Cookie: a=1; Path=/two/", "Set-Cookie: b=2"),
                        "proxy_cookie_path /two/ /; add_header X-Seen $upstream_cookie_a,$upstream_cookie_b;")
    assert server.get("/").header("X-Seen") == "1,2"
