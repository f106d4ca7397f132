"""Behaviours of nginx that are easy to get wrong: a server for each, asked the same as nginx.

The numbers are those of a list of such behaviours that this project keeps. Those about proxies and caches (2, 11 to 13,
16 to 18, 31, 33) come with their modules; the one about -t and -T (36) is in t/proc/test_command_line.py. Not asked,
since we differ on purpose: an empty Location of `return 301;` and a length of `return 304;`, which we do not send;
`return 408;`, which we answer; the page of 498, which is that of 404 there; 494 and 505, after which we close; a text
with $1 before a map whose regex matches, which nginx measures before it is written.
"""

import re

import pytest

from harness.pairs import compare

FILES = {
    "html/index.html": "index", "html/page.txt": "page", "html/dir/index.html": "dir index", "html/dir/x.txt": "dir x",
    "html/st/x": "st", "other/x": "other x", "other/d/x": "other d/x", "otherd/x": "otherd x", "html/a.php": "php",
    "html/up.TXT": "capital", "html/noext": "no extension", "html/p.css": "body { } " * 40, "html/t.html": "text " * 40,
    "html/small.html": "small", "html/a.b": "a.b", "html/missing.html": "missing page", "html/x.js": "js",
}

# Number and name: the text of one or more servers, whose names begin with the number, and what is asked of them.
PITFALLS = {
    "1 return comes before access": (
        "server { server_name 1; location /deny { deny all; return 200 x; } location /r { deny all; "
        "rewrite ^ /page.txt break; } deny all; location /s { return 204; } }",
        ["/deny", "/r", "/s", "/x"]),
    "3 a prefix protects its own level only": (
        "server { server_name 3; location /o { location ^~ /o/in { return 200 inner; } location ~ x$ { return 200 re; }"
        " return 200 outer; } location ~ y$ { return 200 y; } location ^~ /p { return 200 p; } }",
        ["/o/in/x", "/o/in/y", "/o/in/z", "/o/x", "/o/y", "/p/y", "/p/x"]),
    "4 rewrite keeps the query, last searches again": (
        "server { server_name 4; location /q { rewrite ^/q/(.*) /show/$1 last; } location /n { rewrite ^ /show? last; }"
        " location /w { rewrite ^ /show?a=1 last; } location /show { return 200 $uri|$args; }"
        " location /b { rewrite ^/b/(.*) /show/$1 break; return 200 never; } location /cycle { rewrite ^ /cycle last; }"
        " location /dec { rewrite ^/dec/(.) /show/$1 last; } location /quest { rewrite a=b /show last; return 200 no; }"
        " location /c0 { rewrite ^/c(.*)$ /c1$1 last; } location /c1 { rewrite ^/c(.*)$ /c2$1 last; } }",
        ["/q/a?x=1", "/n?x=1", "/w?x=1", "/b/page.txt?y", "/cycle", "/dec/%61b", "/quest?a=b", "/c0"]),
    "5 a scheme redirects": (
        "server { server_name 5; rewrite ^/h(.*) http://a$1; rewrite ^/s(.*) https://a$1 last; rewrite ^/v(.*) "
        "$scheme://a$1; rewrite ^/p(.*) http://a$1 permanent; rewrite ^/b(.*) http://a$1? break; return 200 on; }",
        ["/h/x?y", "/s/x?y", "/v/x?y", "/p/x?y", "/b/x?y", "/o"]),
    "6 if is a location of its own": (
        "server { server_name 6; location /s { set $a 0; if ($arg_x) { set $a 1; add_header X one; } if ($arg_y) { set "
        "$b 2; add_header Y two; } add_header Z outer; add_header A $a$b; } location /t { try_files /page.txt =404; "
        "if ($arg_x) { set $a 1; } } location /r { if ($arg_x) { return 403; } return 200 r; } }",
        ["/s", "/s?x=1", "/s?y=1", "/s?x=1&y=1", "/t", "/t?x=1", "/t/page.txt?x=1", "/r", "/r?x=1"]),
    "7 try_files rewrites in place": (
        "server { server_name 7; location /a { add_header W a; try_files $uri /page.txt /last; } location = /last { "
        "return 200 last|$args|$uri; } location /d { try_files $uri/ /last?$args; } location /dir { try_files $uri "
        "$uri/ =404; } location /n { try_files /no @n; } location @n { return 200 named|$args; } "
        "location /p { add_header W p; try_files /none /page.txt =404; } location /page { return 200 never; } }",
        ["/a?x=1", "/d?x=1", "/dir", "/dir/", "/dir/none", "/n?x=1", "/p", "/p?q"]),
    "8 index searches again": (
        "server { server_name 8; location /dir/ { add_header W dir; } "
        "location = /dir/index.html { add_header W exact; } location ~ \\.html$ { add_header W re; } "
        "location /deny/ { index /page.txt; } }",
        ["/dir/", "/dir/index.html", "/", "/deny/"]),
    "9 error_page changes to GET": (
        "server { server_name 9; location /g { return 404; error_page 404 /e; } location /k { return 404; error_page "
        "404 = /e; } location /f { return 404; error_page 404 =202 /e; } location /n { return 404; error_page 404 @n; }"
        " location /e { return 200 $request_method|$uri|$args|$status; } "
        "location @n { return 200 $request_method|$uri|$args; }"
        " location /o { return 403; error_page 403 /o2; } location /o2 { return 404; error_page 404 /e; } }",
        [(method, path) for method in ("GET", "HEAD", "POST", "DELETE")
         for path in ("/g?a", "/k?a", "/f?a", "/n?a", "/o")]),
    "10 alias replaces text": (
        "server { server_name 10; location /st { alias other/; } location /t/ { alias other/; } location /u { alias "
        "other; } location ~ ^/r/(.*)$ { alias other/$1; } location ~ /whole$ { alias other/x; } }",
        ["/st/x", "/std/x", "/stx", "/st", "/t/x", "/t/d/x", "/t", "/u/x", "/ud/x", "/u", "/r/x", "/r/d/x",
         "/a/whole"]),
    "14 lists are inherited whole": (
        "server { server_name 14; add_header A 1; add_header B 2; error_page 404 /e; location /in { add_header C 3; "
        "return 200; } location /as { return 200; } location /p { error_page 403 /e; } "
        "location = /e { return 200 e; } }",
        ["/in", "/as", "/p/none", "/none"]),
    "15 fields are for some statuses": (
        "server { server_name 15; add_header A a; add_header B b always; expires 1h; add_header ETag own; "
        "location /lm { add_header Last-Modified \"\"; } location = /lm/x.txt { alias html/page.txt; "
        "add_header Last-Modified x; } " + "".join(
            f"location = /{code} {{ return {code}; }}" for code in
            (200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 403, 404, 500, 503)) + " }",
        [f"/{code}" for code in (200, 201, 202, 204, 206, 400, 403, 404, 500, 503)]
        + ["/page.txt", "/none", "/lm/x", "/lm/x.txt"]),
    "19 Location becomes absolute": (
        "server { server_name 19 19.own; return 301 /to; } server { server_name 19.named; server_name_in_redirect on; "
        "rewrite ^ /to?a permanent; } server { server_name 19.port; port_in_redirect off; location / { } } server { "
        "server_name 19.rel; absolute_redirect off; location / { } location /r { return 302 /to; } }",
        [("GET", path, {"Host": host}) for path in ("/x", "/dir", "/dir?a=b", "/r")
         for host in ("19", "19.own:80", "19.named", "19.port", "19.rel")] + [("GET", "/dir", (), "1.0")]),
    "20 reasons are nginx's own": (
        "server { server_name 20; " + "".join(f"location = /{code} {{ return {code}; }}" for code in range(200, 600)
                                             if code not in (408, 444, 499)) + " }",
        [f"/{code}" for code in (*range(200, 209), 300, *range(305, 307), *range(400, 408), *range(409, 432),
                                 451, *range(495, 498),
                                 *range(500, 505), *range(506, 512), 599)]),
    "21 internal codes": (
        "server { server_name 21; error_page 494 495 496 497 /e; location = /e { return 200 $status; } "
        + "".join(f"location = /{code} {{ return {code}; }}" for code in (494, 495, 496, 497)) + " }",
        [f"/{code}" for code in (495, 496, 497)]),
    "22 bodies are limited at the location": (
        "server { server_name 22; client_max_body_size 3; location /u { client_max_body_size 0; return 200 u; } "
        "location /x { return 200 x; } location /f { client_max_body_size 5; } }",
        [("POST", path, {"Content-Length": "0"}) for path in ("/x", "/u", "/f")]),
    "23 GET admits HEAD": (
        "server { server_name 23; location / { limit_except GET { deny all; } add_header A a; } "
        "location /dir { limit_except POST { deny all; } } }",
        [(method, path) for path in ("/page.txt", "/dir/x.txt")
         for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")]),
    "24 types replaces the table": (
        "server { server_name 24; types { a/one txt; } location /dir { types { } default_type d/t; } "
        "location /all { types { b/c css; } alias html; } location /cap { alias html/up.TXT; } }",
        ["/page.txt", "/index.html", "/noext", "/dir/x.txt", "/all/p.css", "/all/page.txt", "/up.TXT", "/cap", "/a.b"]),
    "25 gzip weakens and drops": (
        "server { server_name 25; gzip on; gzip_types text/css; location /e { gzip_min_length 0; return 404 xxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxx; } location /v { gzip_vary on; alias html/; } "
        "location /n { etag off; alias html/; } }",
        [("GET", path, fields, version)
         for path in ("/p.css", "/t.html", "/small.html", "/x.js", "/v/t.html", "/n/t.html")
         for fields in ({"Accept-Encoding": "gzip"}, {}, {"Accept-Encoding": "gzip", "Via": "1.1 a"},
                        {"Accept-Encoding": "gzip", "Range": "bytes=0-3"}, {"Range": "bytes=0-3"})
         for version in ("1.1", "1.0")]),
    "26 underscores are dropped": (
        "server { server_name 26; return 200 $http_a_b|$http_x; }",
        [("GET", "/", {"A_B": "1"}), ("GET", "/", {"A-B": "1"}), ("GET", "/", {"X.Y": "1"}), ("GET", "/", {"X": "1"})]),
    "29 capitals make a regex caseless": (
        "server { server_name ~^29\\.UP; return 200 up; } server { server_name ~^29\\.low; return 200 low; } "
        "server { server_name *.29.d; return 200 star; } server { server_name .29.e; return 200 dot; }",
        [("GET", "/", {"Host": host}) for host in ("29.up", "29.UP", "29.low", "29.LOW", "29.d", "a.29.d", "b.a.29.d",
                                                    "29.e", "a.29.e", "x29.e")]),
    "30 maps ignore case and are kept": (
        "map $arg_k $m30 { default d; Plain p; ~^re(.)$ r$1; ~*^CI c; *.not.host n; } map $arg_e $e30 { a b; } "
        "server { server_name 30; location / { return 200 $m30|$e30|$1; } "
        "location ~ ^/c/(.) { return 200 $1$m30$1; } }",
        [f"/?k={key}" for key in ("plain", "PLAIN", "Plain", "rex", "REX", "ciao", "x.not.host", "", "none")]
        + ["/?e=a", "/?e=x", "/c/z?k=none"]),
    "32 satisfy any needs one": (
        "server { server_name 32; satisfy any; auth_basic r; auth_basic_user_file users; location /no { deny all; } "
        "location /yes { allow all; } location /first { allow 127.0.0.1; deny all; } location /never { deny 127.0.0.1; "
        "allow all; } location /all { satisfy all; allow all; } }",
        [("GET", path + "/page.txt", fields) for path in ("/no", "/yes", "/first", "/never", "/all")
         for fields in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Basic YTpj"})]),
    "35 words of the configuration": (
        "server { server_name 35; location /a { return 200 a#b; } location /b { return 200 a}b; } location /c { return "
        "200 \"\\$host\"; } location /d { return 200 'a\\'b'; } location /e { return 200 ${arg_x}y; } "
        "location ~ \"^/f{2}$\" { return 200 ff; } }",
        ["/a", "/b", "/c", "/d", "/e?x=1", "/ff", "/f"]),
}


def configuration():
    text = "server_tokens off;\nserver { listen 127.0.0.1:%PORT% default_server; return 404; }\n"
    for servers, _ in PITFALLS.values():
        text += servers.replace("server {", "server { listen 127.0.0.1:%PORT%; root html; ") + "\n"
    return text


@pytest.fixture
def ports(beside_nginx):
    return beside_nginx(configuration(), {**FILES, "conf/users": "a:{PLAIN}b\n"})


def test_each_is_as_in_nginx(ports):
    requests = []
    for name, (_, asked) in PITFALLS.items():
        for request in asked:
            method, target, fields, *version = (*(("GET", request) if isinstance(request, str) else request), {})[:4]
            if not fields or "Host" not in fields:
                fields = {"Host": name.split()[0], **dict(fields)}
            requests.append((method, target, fields, *[v for v in version if v]))
    assert len(requests) > 250
    compare(ports, requests, any_order=True)


ADDRESSES = """
server_tokens off;
server { listen %PORT%; server_name a; return 200 "any a"; }
server { listen %PORT% default_server; server_name b; return 200 "any b"; }
server { listen 127.0.0.1:%PORT%; server_name c; return 200 "local c"; }
"""


def test_27_an_address_beats_a_name(beside_nginx):
    compare(beside_nginx(ADDRESSES, {}), [("GET", "/", {"Host": host}) for host in ("a", "b", "c", "d")])


def test_28_options_belong_to_the_address(beside_nginx):
    ports = beside_nginx("""
        server_tokens off;
        server { listen 127.0.0.1:%PORT%; server_name a; return 200 a; }
        server { listen 127.0.0.1:%PORT% default_server backlog=64; server_name b; return 200 b; }
        server { listen 127.0.0.1:%PORT%; server_name c; return 200 c; }
    """, {})
    compare(ports, [("GET", "/", {"Host": host}) for host in ("a", "b", "c", "d")])


def test_34_logs_are_relative_to_the_prefix_and_files_to_the_configuration(new_server):
    server = new_server(config="daemon off; pid logs/server.pid; error_log logs/error.log; events { use %ENGINE%; } "
                               "http { include part.conf; access_log logs/own.log; "
                               "server { listen 127.0.0.1:%PORT%; return 200 $from_part; } }",
                        files={"conf/part.conf": "map $uri $from_part { default part; }"}).start()
    assert server.get("/").text == "part"
    assert re.search(r'"GET / HTTP/1\.1" 200 ', server.wait_for_log("GET", "logs/own.log")[0].string)
