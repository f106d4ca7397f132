"""nginx and this server rewrite what the same origin says of places and cookies, and cut ranges: alike."""

from harness import pairs
from harness.backend import response

SITE = """
server_tokens off; proxy_http_version 1.1; proxy_set_header Connection "";
upstream app { server %BACKEND% max_fails=0; keepalive 8; }
server {
    listen 127.0.0.1:%PORT%;
    location /plain { proxy_pass http://%BACKEND%; }
    location /group/ { proxy_pass http://app/in/; }
    location /redirected/ { proxy_pass http://app/two/; proxy_redirect default;
        proxy_redirect http://a/ http://b/; proxy_redirect ~*^HTTP://([^/]*)\\.c/(.*)$ /$1/$2; }
    location /unredirected/ { proxy_pass http://app/two/; proxy_redirect off; }
    location /cookies/ { proxy_pass http://app; proxy_cookie_path /two/ /one/; proxy_cookie_domain a.org b.org;
        proxy_cookie_path ~^/re/(.*)$ /$1; proxy_cookie_flags ~^s secure httponly; }
    location /forced/ { proxy_pass http://app; proxy_force_ranges on; }
}
"""
LOCATIONS = ["/three", "http://a/x", "http://app/two/x?y", "http://app/two", "http://x.c/y", "relative", "",
             "https://app/two/", "http://app:80/two/x"]
COOKIES = ["s=1; Path=/two/x; Domain=a.org", "t=1; path=/re/x; HttpOnly", "u=1; domain=.A.ORG", "sid=x; Secure", "v=w",
           "s", "", "s=1;Path=/two/;Domain=c.org; SameSite=None"]


def get(target, *fields):
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: asked.org", *fields, "", ""]).encode()


PLACES = ["/redirected/", "/unredirected/", "/group/", "/plain"]
TABLE = {
    **{f"{place} to {value}": (get(place + "x"), response("", f"Location: {value}", status=302))
       for value in LOCATIONS for place in PLACES},
    **{f"refresh to {value}": (get("/redirected/x"), response("", f"Refresh: 5; url={value}")) for value in LOCATIONS},
    **{f"cookie {value}": (get("/cookies/x"), response("", f"Set-Cookie: {value}", "Set-Cookie: s=2"))
       for value in COOKIES},
    "ranges": (get("/forced/x", "Range: bytes=1-2"), response("hello", 'ETag: "x"')),
    "two ranges": (get("/forced/x", "Range: bytes=0-0,2-2"), response("hello", "Content-Type: a/b")),
    "no range": (get("/forced/x", "Range: bytes=9-"), response("hello")),
}


def test_both_rewrite_the_same(beside_nginx, backend):
    origin = backend(response())
    pairs.compare_exchanges(beside_nginx(SITE.replace("%BACKEND%", origin.address), {}), origin, TABLE, {})
