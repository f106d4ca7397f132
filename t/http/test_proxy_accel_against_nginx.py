"""nginx and this server as proxies before an origin that has another answer sent in place of its own."""

import pytest

from harness import pairs
from harness.backend import response

FILES = {"html/file.txt": "a file\n", "html/page.html": "our page\n", "html/dir/index.html": "index\n"}
SITE = """
server_tokens off; proxy_http_version 1.1; proxy_set_header Connection "";
server {
    listen 127.0.0.1:%PORT%;
    root html;
    location / { proxy_pass http://%BACKEND%; }
    location /intercepted { proxy_pass http://%BACKEND%; proxy_intercept_errors on; error_page 404 500 /page.html; }
    location /ignored { proxy_pass http://%BACKEND%; proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate; }
    location /hidden { proxy_pass http://%BACKEND%; proxy_hide_header Set-Cookie; proxy_pass_header X-Accel-Redirect; }
    location /inner/ { internal; alias html/; }
    location = /page.html { internal; }
    location /again { internal; proxy_pass http://%BACKEND%/second; }
    location /said { internal; return 200 "$request_method $uri $args $limit_rate"; }
    location /moved { internal; return 301 /somewhere; }
    location /gone { internal; return 410; }
    location @named { return 200 "named $request_method $uri $args $limit_rate"; }
}
"""
TARGETS = ["/inner/file.txt", "/inner/none", "/inner/dir/", "/inner/dir", "/again", "/again?a=b", "/said", "/said?a=b",
           "/s%61id?%61", "/x/../said", "/moved", "/gone", "@named", "@nobody", "said", "/../said", "/outside"]
FIELDS = {
    "alone": [],
    "a type": ["Content-Type: text/theirs"],
    "a rate": ["X-Accel-Limit-Rate: 5000"],
    "a rate that is none": ["X-Accel-Limit-Rate: fast"],
    "more": ["Set-Cookie: a=b", "Set-Cookie: c=d", "Cache-Control: private", "Expires: 0", "X-Other: x",
             "Content-Disposition: attachment", "ETag: \"x\"", "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT"],
}


def redirects(target, fields, second=(), status=200):
    def answer(_, request):
        if request.target.startswith("/second"):
            return response("second", *second)
        return response("first", f"X-Accel-Redirect: {target}", *fields, status=status)
    return answer


def asked(path, *fields, method="GET"):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: asked.org", *fields, "", ""]).encode()


TABLE = {
    **{f"{target}, {name}": (asked("/a?q=r"), redirects(target, fields))
       for target in TARGETS for name, fields in FIELDS.items()},
    **{f"HEAD, {target}": (asked("/a", method="HEAD"), redirects(target, [])) for target in TARGETS[:2] + TARGETS[5:8]},
    **{f"{place}, {target}": (asked(place), redirects(target, FIELDS["more"]))
       for place in ("/intercepted", "/ignored", "/hidden") for target in TARGETS[:2] + TARGETS[4:6]},
    **{f"a {status}, {target}": (asked(place), redirects(target, FIELDS["a type"], status=status))
       for status in (404, 500) for place in ("/a", "/intercepted") for target in TARGETS[:2]},
    "a second type": (asked("/a"), redirects("/again", FIELDS["a type"], ["Content-Type: text/second"])),
    "a range": (asked("/a", "Range: bytes=2-3"), redirects("/inner/file.txt", [])),
}
# nginx takes any ".." for an attack; we find out where it leads to, which is never above the root.
DIFFERENT = {f"/x/../said, {name}" for name in FIELDS}


def test_both_send_the_same_instead(beside_nginx, backend):
    origin = backend(response())
    pairs.compare_exchanges(beside_nginx(SITE.replace("%BACKEND%", origin.address), FILES), origin, TABLE, DIFFERENT)
