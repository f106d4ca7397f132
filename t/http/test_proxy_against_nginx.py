"""nginx and this server as proxies before the same origin, with the same text: what the client gets and the bytes that
the origin receives must be the same.

Left out are Date and Server, which tell the moment and who it is, and the port that a client came by. Where we differ
on purpose, DIFFERENT says why, and that we really do is checked, too.
"""

import pytest

from harness import pairs
from harness.backend import Answer, chunks, response

SITE = """
server_tokens off; proxy_http_version 1.1; proxy_set_header Connection "";
client_max_body_size 1m;
upstream app { server %BACKEND% max_fails=0; keepalive 8; }
map $arg_m $mapped { default ""; ~. m$arg_m; }
server {
    listen 127.0.0.1:%PORT%;
    root html;
    location /plain { proxy_pass http://%BACKEND%; }
    location /slash/ { proxy_pass http://%BACKEND%/; }
    location /path/ { proxy_pass http://%BACKEND%/other/dir; }
    location /args { proxy_pass http://%BACKEND%/other?fixed=1; }
    location = /exact { proxy_pass http://%BACKEND%/other; }
    location ~ ^/regex/(?<rest>[^/]*) { proxy_pass http://%BACKEND%; }
    location /group/ { proxy_pass http://app/in/; }
    location /named/ { try_files /nowhere @named; }
    location @named { proxy_pass http://app; }
    location /rewritten/ { rewrite ^/rewritten/(.*)$ /new/$1?r=1 break; proxy_pass http://app/ignored/; }
    location /if/ { if ($arg_a) { proxy_pass http://app; } }
    location /whole/ { proxy_pass http://app$request_uri; }
    location /fixed/ { set $where /somewhere; proxy_pass http://app$where; }

    location /fields/ { proxy_pass http://app; proxy_set_header Connection ""; proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Empty ""; proxy_set_header Accept-Encoding "";
        proxy_set_header X-Mapped $mapped; proxy_set_header X-Proxy $proxy_host:$proxy_port; }
    location /nofields/ { proxy_pass http://app; proxy_pass_request_headers off; }
    location /set/ { proxy_pass http://app; proxy_method PUT; proxy_set_body "b=$request_body&a=$args"; }
    location /old/ { proxy_pass http://app; proxy_http_version 1.0; }
    location /streamed/ { proxy_pass http://app; proxy_request_buffering off; }
    location /unbuffered/ { proxy_pass http://app; proxy_buffering off; }
    location /hidden/ { proxy_pass http://app; proxy_hide_header X-A; proxy_hide_header ETag; proxy_pass_header Server;
        add_header X-Seen "$upstream_status $upstream_http_x_a" always; }
    location /pages/ { proxy_pass http://app; proxy_intercept_errors on; error_page 404 500 502 504 /page.html;
        error_page 403 =200 /page.html; error_page 503 = @named; }
    location /accel/ { proxy_pass http://app; }
    location /ignored/ { proxy_pass http://app; proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate; }
    location /inside/ { internal; alias html/; }
    location /expiring/ { proxy_pass http://app; expires 1h; add_header X-Own 1; }
    location /packed/ { proxy_pass http://app; gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any; }
    location /limited/ { proxy_pass http://app; limit_except GET { deny all; } }
    location /quick/ { proxy_pass http://app; proxy_read_timeout 100ms; }
    location /small/ { proxy_pass http://app; proxy_buffer_size 1k; }
}
"""
FILES = {"html/page.html": "a page", "html/file.txt": "a file"}
OK = response("hello")


def get(target, *fields, method="GET", version="1.1", body=b""):
    head = "\r\n".join([f"{method} {target} HTTP/{version}", "Host: asked.org", *fields, "", ""])
    return head.encode("latin-1") + body


def post(target, body, *fields, method="POST"):
    return get(target, f"Content-Length: {len(body)}", *fields, method=method, body=body)


def in_chunks(target, *parts, method="POST"):
    return get(target, "Transfer-Encoding: chunked", method=method, body=chunks(*parts))


def head(*fields, status="200 OK", version="1.1"):
    return "\r\n".join([f"HTTP/{version} {status}", *fields, "", ""]).encode("latin-1")


PLACES = ["/plain", "/slash/", "/path/", "/args", "/regex/", "/group/", "/named/", "/rewritten/", "/whole/", "/fixed/"]
TAILS = ["", "x", "x/y?a=b", "x%20y", "x%2fy", "x%3fy?z", "x//y", "x/../y", "x/./y/", "?", "?a=%20&b", "x;y=z,+!*'()",
         "\xe9", "%e9%00"[:3], "%7f%01", "x%25y%23", "\"<>|{}^`"]

URIS = {
    **{f"{place}{tail}": (get(place + tail), OK) for place in PLACES for tail in TAILS},
    **{target: (get(target), OK) for target in (
        "/exact", "/exact?a", "/exact/", "/slash", "/path?a", "/group", "/if/?a=b", "/if/", "/inside/file.txt",
        "http://other.org/plain/x", "http://other.org/slash/x?y", "/plain#fragment", "/./plain", "//plain",
        "/a/../plain")},
}

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"]
SENT = [
    ["Accept: */*", "X-One: 1", "x-two: 2", "X-One: 3"], ["Cookie: a=b", "Cookie: c=d"], ["X-Empty:", "X-Pad:   y  "],
    ["Connection: close"], ["Connection: keep-alive", "Keep-Alive: 5"], ["TE: trailers", "Connection: TE"],
    ["Upgrade: websocket", "Connection: Upgrade"], ["X_Under: 1", "X-Dash: 2"], ["Accept-Encoding: gzip, br"],
    ["X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 5.6.7.8"], ["X-Real-IP: 1.2.3.4", "X-Empty: x"],
    ["Authorization: Basic eDp5", "Range: bytes=0-1", "If-None-Match: \"x\"", "If-Modified-Since: x"],
    ["X-Bytes: \xe9\xff", "User-Agent: a b (c)", "Referer: http://a/b?c"], ["Content-Type: text/plain"],
    ["X-Long: " + "x" * 3000], [f"X-{number}: {number}" for number in range(60)],
]
REQUESTS = {
    **{f"{method} {place}": (get(place + "x", method=method), response("" if method == "HEAD" else "hello"))
       for method in METHODS for place in ("/plain", "/fields/", "/nofields/", "/set/", "/limited/")},
    **{f"{place} with {fields[0][:20]}": (get(place + "x?m=1", *fields), OK)
       for fields in SENT for place in ("/plain", "/fields/", "/nofields/")},
    **{f"{method} {place} with {name}": (make(place + "x", method=method), OK)
       for place in ("/plain", "/fields/", "/streamed/", "/old/", "/set/")
       for method in ("POST", "PUT", "GET")
       for name, make in {
           "a body": lambda target, method: post(target, b"abc", method=method),
           "no body": lambda target, method: post(target, b"", method=method),
           "a long body": lambda target, method: post(target, b"x" * 40_000, method=method),
       }.items()},
    **{f"{method} {place} with {len(parts)} chunks": (in_chunks(place + "x", *parts, method=method), OK)
       for place in ("/plain", "/fields/", "/old/", "/set/")  # to /streamed/, nginx sends what the moment suggests
       for method in ("POST", "PUT", "GET") for parts in ([b"ab", b"c"], [])},
    "HTTP/1.0": (get("/plain", version="1.0"), OK),
    "HTTP/1.0 that is kept": (get("/plain", "Connection: keep-alive", version="1.0"), OK),
    "HTTP/1.0 with a body": (get("/plain", "Content-Length: 3", method="POST", version="1.0", body=b"abc"), OK),
    "too large a body": (post("/plain", b"x" * 1_100_000), OK),
}

STATUSES = ["200 OK", "201 Created", "202 Accepted", "203 Other", "206 Partial Content", "301 Moved Permanently",
            "307 Temporary Redirect", "400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found",
            "405 Not Allowed", "410 Gone", "413 Too Large", "416 Range", "429 Too Many Requests", "500 Oh", "501 No",
            "502 Bad", "503 Later", "504 Late", "599 Own", "418 I'm a teapot"]
RETURNED = [
    ["Content-Type: text/html; charset=x"], ["ETag: \"x\"", "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT"],
    ["Cache-Control: private", "Cache-Control: max-age=1", "Expires: 0", "Vary: A", "Vary: B"], ["X-A: 1", "x-a: 2"],
    ["Set-Cookie: a=b", "Set-Cookie: c=d; Path=/"], ["Server: theirs", "Date: Mon, 01 Jan 2024 00:00:00 GMT"],
    ["X-Accel-Charset: utf-8", "X-Accel-Buffering: yes", "X-Pad: 1"], ["Keep-Alive: 5"], ["Connection: close"],
    ["Content-Encoding: br"], ["Content-Language: de", "Age: 5", "Link: </a>", "Allow: GET", "P_Q: 1", "X-Empty:"],
    ["WWW-Authenticate: Basic realm=\"x\"", "Retry-After: 5", "Content-Disposition: attachment"],
    ["Accept-Ranges: bytes"], ["Accept-Ranges: none", "X-Bytes: \xe9"], ["Warning: 1", "Via: 1.1 a"],
]
RESPONSES = {
    **{f"{status} {place}": (get(place + "x"), head("Content-Length: 4", status=status) + b"body")
       for status in STATUSES for place in ("/plain", "/pages/", "/hidden/")},
    **{f"{place} with {fields[0][:30]}": (get(place + "x"), response("hello", *fields))
       for fields in RETURNED for place in ("/plain", "/hidden/", "/expiring/", "/unbuffered/")},
    **{f"{framing} of {size} {place} HTTP/{version}": (
        get(place + "x", version=version), Answer(response(b"x" * size, framing=framing), "finish"))
       for framing in ("length", "chunked", "none") for size in (0, 5, 70_000)
       for place in ("/plain", "/unbuffered/") for version in ("1.1", "1.0")},
    **{f"HEAD of {framing}": (get("/plain", method="HEAD"), Answer(head(*fields), "finish")) for framing, fields in {
        "a length": ["Content-Length: 5"], "chunks": ["Transfer-Encoding: chunked"], "neither": []}.items()},
    "204": (get("/plain"), head(status="204 No Content")),
    "304": (get("/plain"), head("ETag: \"x\"", "Content-Length: 5", status="304 Not Modified")),
    "HTTP/1.0": (get("/plain"), Answer(response("hello", version="1.0"), "finish")),
    "no reason": (get("/plain"), b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"),
    "bare LF": (get("/plain"), b"HTTP/1.1 200 OK\nContent-Length: 2\nX-A: b\n\nok"),
    "packed": (get("/packed/x", "Accept-Encoding: gzip"), response("", "Content-Type: text/html")),
    "accel to a file": (get("/accel/x"), response("no", "X-Accel-Redirect: /inside/file.txt", "Set-Cookie: a=b")),
    "accel to a name": (get("/accel/x?y"), response("no", "X-Accel-Redirect: @named")),
    "accel to nowhere": (get("/accel/x"), response("no", "X-Accel-Redirect: /inside/missing")),
    "accel with arguments": (get("/accel/x"), response("no", "X-Accel-Redirect: /inside/file.txt?a=b")),
    "accel ignored": (get("/ignored/x"), response("yes", "X-Accel-Redirect: /inside/file.txt")),
}

FAULTS = {
    **{name: (get("/plain", "Connection: close"), Answer(data, "finish")) for name, data in {
        "nothing": b"", "half a head": b"HTTP/1.1 200 OK\r\nConte", "a NUL": head("X-A: \0b"),
        "two lengths": head("Content-Length: 5", "Content-Length: 6"), "no length": head("Content-Length: x"),
        "below zero": head("Content-Length: -1"), "two codings": head("Transfer-Encoding: chunked, gzip"),
        "both framings": head("Content-Length: 5", "Transfer-Encoding: chunked") + chunks(b"hello"),
        "a giant line": head("X-A: " + "x" * 20_000), "cut off": head("Content-Length: 10") + b"hello",
        "a cut chunk": head("Transfer-Encoding: chunked") + b"a\r\nhello",
        "bad chunks": head("Transfer-Encoding: chunked") + b"x\r\nhello", "surplus": response("hello") + b"more",
        "no status": b"HTTP/1.1 OK\r\n\r\n", "garbage": b"hello", "a 100 before": head(status="100 Continue") + OK,
        "a 101": head("Upgrade: x", "Connection: upgrade", status="101 Switching Protocols"),
        "a Connection that names": response("hello", "X-A: 1", "Connection: x-a"),
        "an Upgrade": response("hello", "Upgrade: h2c"),
    }.items()},
    "a reset": (get("/plain"), Answer(b"", "reset")),
    "too slow": (get("/quick/x"), lambda *_: None),
    "too large a head": (get("/small/x"), response("hello", "X-A: " + "x" * 2000)),
    "a page for nothing": (get("/pages/x"), Answer(b"", "close")),
    "a Connection of the client that names": (get("/plain", "X-A: 1", "Connection: x-a"), OK),
    "a Proxy-Connection": (get("/plain", "Proxy-Connection: close"), OK),
}
TABLES = {"uris": URIS, "requests": REQUESTS, "responses": RESPONSES, "faults": FAULTS}

# Where we differ, and why.
DIFFERENT = {
    "/hidden/ with X-A: 1": "this nginx has the first of two fields of a name in a variable; newer ones have both",
    **{f"chunked of 0 {place} HTTP/{version}": "that there is nothing is known by then, and said"
       for place in ("/plain", "/unbuffered/") for version in ("1.0", "1.1")},
    "304": "a response without a body needs no length",
    "no reason": "a reason that is missing is the usual one",
    "/plain#fragment": "a fragment is no part of what may be asked for: RFC 9112 section 3.2",
    "two lengths": "where it ends depends on who reads it; newer ones refuse it, too",
    "no length": "this nginx does as if none was said; newer ones refuse it, too",
    "below zero": "this nginx does as if none was said; newer ones refuse it, too",
    "two codings": "only chunks have an end that is known; newer ones refuse it, too",
    "both framings": "where it ends depends on who reads it; newer ones refuse it, too",
    "no status": "nginx takes what is no status line for HTTP/0.9 and passes it on",
    "garbage": "nginx takes what is no status line for HTTP/0.9 and passes it on",
    "a 100 before": "nginx passes an interim response on as if it were the last",
    "a 101": "nginx opens a tunnel that nobody asked for",
    "a Connection that names": "fields that Connection names are for the next hop only: RFC 9110 section 7.6.1",
    "an Upgrade": "a field for the next hop only: RFC 9110 section 7.6.1",
    "a Connection of the client that names": "fields that Connection names are for the next hop only",
    "a Proxy-Connection": "a field for the next hop only: RFC 9110 section 7.6.1",
}


@pytest.mark.parametrize("table", TABLES)
def test_both_pass_on_the_same(beside_nginx, backend, table):
    origin = backend(OK)
    ports = beside_nginx(SITE.replace("%BACKEND%", origin.address), FILES)
    pairs.compare_exchanges(ports, origin, TABLES[table], DIFFERENT)


def test_there_are_pairs_enough():
    assert sum(len(table) for table in TABLES.values()) >= 200
