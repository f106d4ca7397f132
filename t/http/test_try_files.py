"""`try_files`: beside nginx, and what it refuses."""

import os

import pytest

from harness.pairs import compare

SITE = r"""
server_tokens off;
server {
    listen 127.0.0.1:%PORT%;
    server_name localhost;
    root html;
    try_files $uri /server-only.html =404;
    location /plain { try_files $uri $uri.html $uri/ /fallback?from=$uri; }
    location /fallback { return 200 "fallback $uri|$args|$request_uri"; }
    location /code { try_files $uri =410; }
    location /ok { try_files $uri =204; }
    location /named { try_files $uri @named; }
    location @named { return 200 "named $uri $args"; }
    location /nowhere { try_files $uri @nowhere; }
    location /directory { index one.html; try_files $uri/ =404; }
    location /slash { try_files $uri/index.html $uri =404; }
    location /constant { try_files /constant/page.txt =404; }
    location /relative { try_files nothing page.txt =404; }
    location /arguments { try_files $uri /fallback?$args; }
    location /missing-args { try_files $uri /fallback; }
    location /cycle { try_files $uri /cycle; }
    location /alias/ { alias other/; try_files $uri $uri/ $uri.txt /alias/default.txt; }
    location /short { alias other; try_files $uri $uri/sub/page.txt =404; }
    location ~ ^/regex/(.*)$ { alias other/$1; try_files "" .txt /sub/page.txt =404; }
    location /outer { try_files $uri /fallback; location /outer/inner { } }
    location /denied { deny all; try_files $uri /fallback; }
    location /rewritten { rewrite ^/rewritten/(.*)$ /plain/$1 break; try_files $uri =404; }
    location /captured { if ($uri ~ ^/captured/(.*)$) { set $name $1; } try_files /plain/$name.html =404; }
    location /limited { limit_except GET { allow all; } try_files $uri /fallback; }
    location /nested { location /nested/a { try_files $uri /nested/b?x; } location /nested/b { return 200 "b $args"; } }
    location /error { error_page 404 /fallback; try_files $uri =404; }
    location /type { default_type text/made; try_files $uri.unknown =404; }
    location /last-is-file { try_files /no /plain/page.txt; }
    location /variable { set $nothing ""; try_files $uri $nothing; }
}
"""

FILES = {
    "html/index.html": "index", "html/server-only.html": "server", "html/plain/page.txt": "page",
    "html/plain/made.html": "made", "html/plain/a b.html": "spaces", "html/plain/dir/index.html": "dir index",
    "html/plain/empty/x": "", "html/code/page": "page", "html/directory/one.html": "one", "html/directory/in/x": "",
    "html/slash/index.html": "slash", "html/constant/page.txt": "constant", "html/outer/page": "page",
    "html/outer/inner/page": "inner", "html/type/x.unknown": "unknown", "html/denied/page": "denied",
    "html/limited/page": "limited", "html/nested/a/page": "page", "html/code/a?b": "question",
    "other/page.txt": "other page", "other/default.txt": "default", "other/sub/page.txt": "sub page",
    "other/sub/index.html": "sub index", "other/alias/page.txt": "alias alias",
}

PATHS = [
    "/", "/index.html", "/nothing", "/plain/page.txt", "/plain/page.txt?x=y", "/plain/made", "/plain/a%20b",
    "/plain/dir", "/plain/dir/", "/plain/dir?x", "/plain/empty", "/plain/empty/", "/plain/missing",
    "/plain/missing?x=y", "/plain/mis%20sing", "/plain", "/plain/", "/code/page", "/code/x", "/code/", "/code/a%3fb",
    "/ok/x", "/named/x?y", "/nowhere", "/directory", "/directory/", "/directory/in", "/directory/x", "/slash",
    "/slash/", "/constant", "/constant/x?y", "/relative", "/arguments/x?a=b", "/arguments/x", "/missing-args/x?a=b",
    "/cycle", "/alias/page.txt", "/alias/page", "/alias/sub", "/alias/sub/", "/alias/nothing", "/alias/", "/short",
    "/short/page.txt", "/short/x", "/regex/page.txt", "/regex/page", "/regex/nothing", "/outer/page", "/outer/x",
    "/outer/inner/page", "/outer/inner/x", "/denied/page", "/rewritten/page.txt", "/rewritten/x", "/captured/made",
    "/captured/x", "/limited/page", "/limited/x", "/nested/a/page", "/nested/a/x", "/error/x", "/type/x",
    "/last-is-file", "/variable/x",
]


def test_files_are_tried_alike(beside_nginx):
    ports = beside_nginx(SITE, FILES)
    requests = list(PATHS)
    requests += [(method, path) for method in ("HEAD", "POST", "DELETE") for path in PATHS[::2]]
    compare(ports, requests)


def test_a_file_that_may_not_be_read_is_there(serve):
    server = serve("location /a { try_files /secret /x; } location /x { return 200 x; }",
                   files={"html/a": "", "html/secret": "secret"})
    os.chmod(server.path("html/secret"), 0)  # the workers are not root
    assert server.get("/a").status == 403


def test_ten_redirects_are_too_many(serve):
    server = serve("location /a { try_files /nothing /a; }")
    assert server.get("/a").status == 500
    server.wait_for_log(r'rewrite or internal redirection cycle while internally redirecting to "/a"')


@pytest.mark.parametrize("text, said", [
    ("try_files /a;", 'invalid number of arguments in "try_files" directive'),
    ("try_files a =b;", 'invalid code "=b"'),
    ("try_files a =1000;", 'invalid code "=1000"'),
    ("try_files a =;", 'invalid code "="'),
    ("try_files a b; try_files a b;", '"try_files" directive is duplicate'),
    ("try_files $undefined b;", 'unknown "undefined" variable'),
])
def test_mistakes(new_server, text, said):
    server = new_server(server=f"location /x {{ {text} }}")
    server.expect(r"\[emerg\]")
    assert f"server: [emerg] {said}" in server.run("-t").stderr


def test_it_is_not_for_http(new_server):
    server = new_server(http="try_files a b;")
    server.expect(r"\[emerg\]")
    assert '"try_files" directive is not allowed here' in server.run("-t").stderr
