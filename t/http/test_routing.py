"""internal, limit_except, error pages and redirects in all their forms: beside nginx."""

import signal

import pytest

from harness.pairs import compare

SITE = r"""
server_tokens off;
server {
    listen 127.0.0.1:%PORT%;
    server_name pages;
    root html;
    error_page 404 /404.html;
    error_page 403 405 /denied;
    location = /denied { internal; return 200 "denied $uri $request_uri $request_method"; }
    location /ep/plain { return 410; error_page 410 /gone; }
    location /ep/code { return 410; error_page 410 =200 /gone; }
    location /ep/other-code { return 410; error_page 410 =503 /gone; }
    location /ep/target { return 410; error_page 410 = /gone; }
    location /ep/named { return 410; error_page 410 @named; }
    location /ep/named-code { return 410; error_page 410 =202 @named; }
    location /ep/named-target { return 410; error_page 410 = @named; }
    location /ep/url { return 410; error_page 410 http://elsewhere/; }
    location /ep/url-code { return 410; error_page 410 =301 http://elsewhere/$uri; }
    location /ep/url-bad-code { return 410; error_page 410 =200 http://elsewhere/; }
    location /ep/scheme { return 410; error_page 410 =307 $scheme://elsewhere$request_uri; }
    location /ep/variable { return 410; error_page 410 /gone/$arg_x?$args; }
    location /ep/args { return 410; error_page 410 /gone?fixed=1; }
    location /ep/missing { return 410; error_page 410 /nowhere; }
    location /ep/missing-named { return 410; error_page 410 @nowhere; }
    location /ep/twice { return 410; error_page 410 /ep/again; }
    location /ep/again { return 403; error_page 403 =200 /gone; }
    location /ep/recursive { recursive_error_pages on; return 410; error_page 410 /ep/recursive-again; }
    location /ep/recursive-again { recursive_error_pages on; return 403; error_page 403 =200 /gone; }
    location /ep/cycle { recursive_error_pages on; error_page 410 /ep/cycle; return 410; }
    location /ep/redirect { return 301 /elsewhere; error_page 301 =200 /gone; }
    location /ep/redirect-kept { return 301 /elsewhere; error_page 301 /gone; }
    location /ep/denied { deny all; error_page 403 =418 /gone; }
    location /ep/file { return 410; error_page 410 =200 /page.txt; }
    location /ep/large { client_max_body_size 1; error_page 413 =200 /gone; return 200 small; }
    location /ep/many { return 503; error_page 500 502 503 504 /gone; error_page 503 /never; }
    location /ep/empty { error_page 404 =204 /gone; }
    location /gone { return 200 "gone $uri|$args|$request_method"; }
    location @named { return 200 "named $uri|$args|$request_method"; }
    location /in { internal; return 200 in; location /in/ner { return 200 inner; } }
    location /to-in { error_page 404 = /in; return 404; }
    location /limit { limit_except GET { deny all; } }
    location /limit-put { limit_except PUT DELETE { deny all; } return 200 limit; }
    location /limit-return { limit_except GET { deny all; } return 200 return; }
    location /limit-nested { limit_except POST { deny all; } location /limit-nested/inner { return 200 inner; } }
    location /outer { location /outer/a { return 200 a; location /outer/a/b { return 200 b; }
                                          location ~ /c$ { return 200 c; } } location = /outer { return 200 exact; } }
    location ^~ /first { return 200 first; location ~ x { return 200 "first x"; } }
    location ~ ^/first/.*z$ { return 200 never; }
    location /range { error_page 416 /416.html; }
    location /range-named { error_page 416 @named; }
    location /condition { error_page 412 /412.html; }
    location /root { set $where other; root $where; }
    location /relative/ { set $where other/; alias $where; }
}
server {
    listen 127.0.0.1:%PORT%;
    server_name redirects;
    root html;
    location /absolute { return 301 /to; }
    location /no-port { port_in_redirect off; return 301 /to; }
    location /relative { absolute_redirect off; return 301 /to; }
    location /named { server_name_in_redirect on; return 301 /to; }
    location /named-no-port { server_name_in_redirect on; port_in_redirect off; return 301 /to?x; }
    location /all-off { absolute_redirect off; server_name_in_redirect on; rewrite ^ /to redirect; }
    location /rewrite { rewrite ^/rewrite/(.*) /to/$1 permanent; }
    location /rewrite-off { absolute_redirect off; port_in_redirect off; rewrite ^/rewrite-off/(.*) /to/$1 permanent; }
    location /dir { absolute_redirect off; }
}
server { listen 127.0.0.1:%PORT%; server_name slashes; merge_slashes off; location / { return 200 "$uri"; } }
server { listen 127.0.0.1:%PORT%; server_name headers; underscores_in_headers on;
         location / { return 200 "$http_a_b|$http_x_y"; } }
"""

# The default server of the address decides about paths.
SLASHES = r"""
server_tokens off;
server { listen 127.0.0.1:%PORT%; server_name unmerged; merge_slashes off; error_page 400 /bad;
         location = /bad { return 200 "bad default"; } location / { return 200 "default $uri"; } }
server { listen 127.0.0.1:%PORT%; server_name merged; error_page 400 /bad;
         location = /bad { return 200 "bad merged"; } location / { return 200 "merged $uri"; } }
"""

FILES = {
    "html/index.html": "index", "html/404.html": "not found", "html/page.txt": "page", "html/range/x": "0123456789",
    "html/416.html": "range page", "html/412.html": "condition page",
    "html/range-named/x": "0123456789", "html/condition/x": "0123456789",
    "html/limit/x": "x", "html/dir/sub/x": "", "html/root/x": "html", "other/root/x": "other", "other/x": "aliased",
}

PAGES = [
    "/nothing", "/denied", "/ep/plain", "/ep/code", "/ep/other-code", "/ep/target", "/ep/named", "/ep/named?a=b",
    "/ep/named-code", "/ep/named-target", "/ep/url", "/ep/url-code", "/ep/url-bad-code", "/ep/scheme/a%20b?c",
    "/ep/variable?x=1&y=2", "/ep/variable", "/ep/args?x", "/ep/missing", "/ep/missing-named", "/ep/twice",
    "/ep/again", "/ep/recursive", "/ep/cycle", "/ep/redirect", "/ep/redirect-kept", "/ep/denied", "/ep/file",
    "/ep/large", "/ep/many", "/ep/empty/x", "/in", "/in/ner", "/to-in", "/limit/x", "/limit/nothing", "/limit-put",
    "/limit-return", "/limit-nested", "/limit-nested/inner", "/outer", "/outer/", "/outer/a", "/outer/a/b",
    "/outer/a/b/c", "/outer/x/c", "/first", "/first/z", "/first/xz", "/root/x", "/root/nothing", "/relative/x",
    "/relative/nothing",
]

REDIRECTS = [
    "/absolute", "/no-port", "/relative", "/named", "/named-no-port", "/all-off", "/rewrite/x?y", "/rewrite-off/x?y",
    "/dir/sub", "/dir/sub?x",
]


def test_pages_and_locations_are_found_alike(beside_nginx):
    ports = beside_nginx(SITE, FILES)
    requests = [(method, path, {"Host": "pages"}) for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS")
                for path in PAGES]
    requests += [("POST", path, {"Host": "pages", "Content-Length": "0"}) for path in ("/ep/large", "/ep/plain")]
    requests += [("GET", path, {"Host": host}) for path in REDIRECTS for host in ("redirects", "redirects:8000")]
    requests += [("GET", path, {"Host": "redirects"}, "1.0") for path in REDIRECTS]
    requests += [("GET", path, (), "1.0") for path in PAGES]
    compare(ports, requests, any_order=True)


def test_ranges_and_conditions_have_pages_alike(beside_nginx):
    ports = beside_nginx(SITE, FILES)
    requests = [("GET", f"/{path}/x", {"Host": "pages", "Range": f"bytes={range}"})
                for path in ("range", "range-named") for range in ("0-3", "20-30", "-3", "5-4", "9-")]
    requests += [("GET", "/limit/x", {"Host": "pages", "Range": "bytes=20-30"})]
    requests += [("GET", "/condition/x", {"Host": "pages", "If-Match": '"other"'}),
                 ("GET", "/condition/x", {"Host": "pages", "If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"})]
    compare(ports, requests, any_order=True, ignored=("ETag",))  # nginx repeats that of the file that was refused


def test_the_default_server_decides_about_paths(beside_nginx):
    ports = beside_nginx(SLASHES, {})
    compare(ports, [("GET", path, {"Host": host}) for host in ("unmerged", "merged", "other")
                    for path in ("/a//b", "//", "/a/../b//c", "/%zz", "/..", "/a%00b", "/x/../../y", "/a///b/.//c")])


def test_names_of_fields_are_judged_alike(beside_nginx):
    ports = beside_nginx("""
        server_tokens off;
        server { listen 127.0.0.1:%PORT%; return 200 "$http_a_b|$http_x_y|$http_z_"; }
    """, {})
    compare(ports, ["/", ("GET", "/", {"A_B": "1"}), ("GET", "/", {"A-B": "1", "X_Y": "2", "Z_": "4"})])
    ports = beside_nginx("""
        server_tokens off;
        underscores_in_headers on;
        server { listen 127.0.0.1:%PORT%; return 200 "$http_a_b|$http_x_y|$http_z_"; }
    """, {})
    compare(ports, ["/", ("GET", "/", {"A_B": "1"}), ("GET", "/", {"A-B": "1", "X_Y": "2", "Z_": "4"})])


OLD_MSIE = "Mozilla/4.0 (compatible; MSIE 6.0; Windows 98)"
MENDED_MSIE = "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)"
SAFARI = "Mozilla/5.0 (Macintosh; U; PPC Mac OS X; en) AppleWebKit/419 (KHTML, like Gecko) Safari/419.3"
CHROME = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"
OPERA = "Mozilla/4.0 (compatible; MSIE 6.0; Windows 98; en) Opera 8.5"


def test_old_browsers_get_no_keep_alive_alike(beside_nginx):
    ports = beside_nginx("""
        server_tokens off;
        server { listen 127.0.0.1:%PORT%;
            location / { return 200 default; }
            location /none { keepalive_disable none; return 200 none; }
            location /safari { keepalive_disable safari; return 200 safari; }
            location /both { keepalive_disable msie6 safari; return 200 both; }
        }""", {})
    compare(ports, [(method, path, {"User-Agent": agent, "Content-Length": "0"})
                    for path in ("/", "/none", "/safari", "/both") for method in ("GET", "POST")
                    for agent in (OLD_MSIE, MENDED_MSIE, SAFARI, CHROME, OPERA, "MSIE 6.", "MSIE 5.5", "", "curl/8")])


def test_what_was_not_found_is_logged_unless_told(serve):
    server = serve("location /quiet { log_not_found off; } location /loud { }")
    assert [server.get(f"/{name}/x").status for name in ("quiet", "loud")] == [404, 404]
    server.wait_for_log(r'open\(\) "[^"]*/loud/x" failed \(2: No such file or directory\)')
    assert "quiet" not in server.error_log


def test_a_416_with_a_page_keeps_content_range(serve):
    server = serve("error_page 416 /416.html;", files={"html/x": "0123456789", "html/416.html": "no such range"})
    answer = server.get("/x", {"Range": "bytes=20-30"})
    assert (answer.status, answer.text, answer.header("Content-Range")) == (416, "no such range", "bytes */10")


def test_fields_of_a_page_are_added_once(serve):
    server = serve("""add_header X-Own own always; error_page 412 416 /page.html;
        location /plain { error_page 412 416 @none; } location @none { return 200 none; }""",
                   files={"html/x": "0123456789", "html/page.html": "page"})
    for headers, status in (({"Range": "bytes=20-30"}, 416), ({"If-Match": '"a"'}, 412)):
        answer = server.get("/x", headers)
        assert (answer.status, answer.header_values("X-Own")) == (status, ["own"])


def test_a_leaving_server_waits_for_connections_as_long_as_it_is_told(serve):
    server = serve("location /kept { keepalive_min_timeout 1h; } location /soon { keepalive_min_timeout 100ms; }",
                   files={"html/kept/x": "kept", "html/soon/x": "soon", "html/x": "at once"})
    with server.client() as kept, server.client() as soon, server.client() as closed:
        assert [kept.get("/kept/x").text, soon.get("/soon/x").text] == ["kept", "soon"]
        assert closed.get("/x").text == "at once"
        server.send_signal(signal.SIGQUIT)
        server.wait_for_log("gracefully shutting down", count=2)
        assert closed.is_closed() and soon.is_closed()
        answer = kept.get("/kept/x")
        assert (answer.text, answer.header("Connection")) == ("kept", "close")
        assert kept.is_closed()
    assert server.process.wait(30) == 0


def test_an_if_goes_on_with_what_answers_in_its_location(serve):
    server = serve("""location /gif { empty_gif; if ($arg_a) { add_header X-A $arg_a; } }
        location /limited { empty_gif; limit_except POST { allow all; } }""")
    for path, field in (("/gif", None), ("/gif?a=b", "b"), ("/limited", None)):
        answer = server.get(path)
        assert (answer.status, answer.header("Content-Type"), answer.header("X-A")) == (200, "image/gif", field)


@pytest.mark.parametrize("text, said", [
    ("location / { limit_except; }", 'directive "limit_except" has no opening "{"'),
    ("location / { limit_except { } }", 'invalid number of arguments in "limit_except" directive'),
    ("location / { limit_except FETCH { } }", 'invalid method "FETCH"'),
    ("location / { limit_except GET { } limit_except PUT { } }", '"limit_except" directive is duplicate'),
    ("limit_except GET { }", '"limit_except" directive is not allowed here'),
    ("location / { limit_except GET { root x; } }", '"root" directive is not allowed here'),
    ("internal;", '"internal" directive is not allowed here'),
    ("location / { internal on; }", 'invalid number of arguments in "internal" directive'),
    ("keepalive_disable;", 'invalid number of arguments in "keepalive_disable" directive'),
    ("keepalive_disable opera;", 'invalid value "opera"'),
    ("keepalive_min_timeout 1x;", '"keepalive_min_timeout" directive invalid value'),
    ("keepalive_min_timeout 1; keepalive_min_timeout 2;", '"keepalive_min_timeout" directive is duplicate'),
    ("error_page 404;", 'invalid number of arguments in "error_page" directive'),
    ("error_page 200 /x;", 'value "200" must be between 300 and 599'),
    ("error_page 404 =x /x;", 'invalid value "=x"'),
    ("error_page = /x;", 'invalid value "="'),
    ("recursive_error_pages 1;", 'invalid value "1" in "recursive_error_pages" directive'),
    ("merge_slashes 1;", 'invalid value "1" in "merge_slashes" directive'),
    ("location / { merge_slashes on; }", '"merge_slashes" directive is not allowed here'),
    ("location / { underscores_in_headers on; }", '"underscores_in_headers" directive is not allowed here'),
    ("max_headers 0;", "value must be between 1 and 65000"),
    ("log_subrequest maybe;", 'invalid value "maybe" in "log_subrequest" directive'),
    ("types_hash_max_size x;", '"types_hash_max_size" directive invalid'),
    ("server_names_hash_max_size 512;", '"server_names_hash_max_size" directive is not allowed here'),
    ("location / { location = @x { } }", "is outside location"),
    ("location / { location @x { } }", 'named location "@x" can be on the server level only'),
    ("location = /a { location /a/b { } }", 'location "/a/b" cannot be inside the exact location "/a"'),
])
def test_mistakes(new_server, text, said):
    server = new_server(server=text)
    server.expect(r"\[emerg\]")
    done = server.run("-t")
    assert done.returncode == 1
    assert said in done.stderr
