"""`rewrite`, `if`, `set`, `break` and what they log: beside nginx, and by themselves."""

import re

import pytest

from harness.pairs import compare

SITE = r"""
server_tokens off;
server {
    listen 127.0.0.1:%PORT%;
    server_name rewrites;
    root html;
    rewrite ^/old/(.*)$ /show/$1 last;
    rewrite ^/chain1/(.*) /chain2/$1;
    rewrite ^/chain2/(.*) /show/chained/$1;
    rewrite ^/moved/(.*)$ /show/$1 permanent;
    rewrite ^/stop/(.*) /show/stopped/$1 break;
    rewrite ^/show/stopped /never;
    if ($arg_teapot) { return 418 teapot; }
    if ($arg_go = away) { rewrite ^ /show/away? last; }
    if ($arg_go ~ ^(?<where>there)$) { rewrite ^ /show/$where last; }
    set $server_wide $arg_s;
    location /show { return 200 "$uri|$args|$is_args|$query_string|$document_uri|$request_uri|$server_wide"; }
    location /flags/last { rewrite ^/flags/last/(.*)$ /show/$1 last; return 200 never; }
    location /flags/break { rewrite ^/flags/break/(.*)$ /files/$1 break; return 200 never; }
    location /flags/none { rewrite ^/flags/none/(.*)$ /show/$1; return 200 "$uri $1"; }
    location /flags/redirect { rewrite ^/flags/redirect/(.*)$ /to/$1 redirect; }
    location /flags/permanent { rewrite ^/flags/permanent/(.*)$ /to/$1 permanent; }
    location /flags/http { rewrite ^/flags/http/(.*)$ http://other/$1; }
    location /flags/https { rewrite ^/flags/https/(.*)$ https://other/$1 last; }
    location /flags/scheme { rewrite ^/flags/scheme/(.*)$ $scheme://other/$1 permanent; }
    location /flags/none-match { rewrite ^/nowhere /show last; return 200 "no match [$1]"; }
    location /args/added { rewrite ^ /show?a=1 last; }
    location /args/dropped { rewrite ^ /show? last; }
    location /args/replaced { rewrite ^ /show?a=1? last; }
    location /args/written { rewrite ^ /show?$args&b=2? last; }
    location /args/captured { rewrite ^/args/captured/(.*)$ /show/$1?c=$1&d=$1 last; }
    location /args/redirected { rewrite ^/args/redirected/(.*)$ /to/$1?c=$1 redirect; }
    location /args/redirect-dropped { rewrite ^ /to? redirect; }
    location /args/redirect-quoted { rewrite ^ "/to%20x%2fy%41%3fz%20%41?q=%41" redirect; }
    location /args/twice { rewrite ^ /show?a=1?b=2 last; }
    location /variable { set $to /show/var?x=1; rewrite ^ $to last; }
    location /empty { set $to ""; rewrite ^ $to last; }
    location /set { set $a 1; set $b "$a$a"; set $a "[$b]"; return 200 "$a $b ${a}x"; }
    location /set-args { set $args "n=1&m=2"; return 200 "$args|$is_args|$arg_n|$query_string"; }
    location /set-args-off { set $args ""; return 200 "$args|$is_args|$arg_n|$request_uri"; }
    location /unset { return 200 "[$late]"; set $late 1; }
    location /captures/set { if ($uri ~ ^/captures/set/(.*)$) { set $x $1; return 200 "$x $1"; } }
    location /captures/after { rewrite ^/captures/after/(.*)$ /z/$1; set $x $1; return 200 "$x $1"; }
    location /captures/lost { if ($uri ~ (\d+)) { set $x "n$1"; } if ($uri ~ zz) { set $y 1; } return 200 "$x [$1]"; }
    location /captures/named { if ($arg_n ~ ^(?<left>[^-]*)-(?<right>.*)$) { return 200 "$left|$right|$1|$2"; }
                               return 200 "[$left]"; }
    location ~ ^/captures/(outer)/(.*)$ { set $x $2; rewrite ^/captures/(.*)$ /show/$1-$2-$x last; }
    location /captures/ten { if ($uri ~ (t)(e)(n)(.)(.)(.)(.)(.)(.)(.)) { return 200 "$1$2$3$4$5$6$7$8$9$10"; } }
    location /cycle { rewrite ^ /cycle last; }
    location /almost { if ($args ~ "^x{9}$") { return 200 "$args"; } rewrite ^ /almost?x$args? last; }
    location /hidden { internal; return 200 hidden; location /hidden/inner { return 200 inner; } }
    location /to-hidden { rewrite ^ /hidden last; }
    location /files { rewrite_log on; }
    location /break { set $a 1; break; set $a 2; return 200 never; }
    location /break-keeps { rewrite ^/break-keeps/(.*)$ /files/$1; break; }
    location /case { rewrite ^/CASE /show last; rewrite (?i)^/CASE /show/caseless last; }
    location /braces { rewrite "^/braces/(\d{2})$" /show/$1x last; return 200 no; }
    location /error { error_page 404 =200 /from-error; return 404; }
    location /from-error { rewrite ^ /show/from-error last; }
    location /404 { rewrite ^ /nowhere break; }
    location /text { return 200; }
    location /named { error_page 418 = @named; return 418; }
    location @named { rewrite ^/named/(.*)$ /show/named/$1 last; return 200 "named $uri"; }
    location /named-break { error_page 418 = @files; return 418; }
    location @files { rewrite ^/named-break/(.*)$ /files/$1 break; }
}
server { listen 127.0.0.1:%PORT%; server_name whole; return 301 http://elsewhere$request_uri; }
server { listen 127.0.0.1:%PORT%; server_name canonical;
    if ($host != www.canonical) { return 301 http://www.canonical$request_uri; }
}
server { listen 127.0.0.1:%PORT%; server_name broken; break; return 403; }
server { listen 127.0.0.1:%PORT%; server_name args; set $args "s=$args"; location / { return 200 "$args $is_args"; } }
"""

CONDITIONS = r"""
server_tokens off;
server {
    listen 127.0.0.1:%PORT%;
    server_name conditions;
    root html;
    default_type text/plain;
    error_page 404 /missing;
    location = /missing { return 404 "missing [$x]"; }
    location /true { if ($arg_a) { return 200 yes; } return 200 no; }
    location /equal { if ($arg_a = b) { return 200 yes; } return 200 no; }
    location /equal-both { if ($arg_a = "$arg_b") { return 200 yes; } return 200 no; }
    location /unequal { if ($arg_a != b) { return 200 yes; } return 200 no; }
    location /match { if ($arg_a ~ "^b(.)$") { return 200 "yes $1"; } return 200 no; }
    location /caseless { if ( $arg_a ~* ^B ) { return 200 yes; } return 200 no; }
    location /no-match { if ($arg_a !~ ^b) { return 200 yes; } return 200 "no"; }
    location /no-caseless { if ($arg_a !~* ^B) { return 200 yes; } return 200 no; }
    location /file { if (-f html/$arg_f) { return 200 relative; } if (-f $document_root/$arg_f) { return 200 yes; }
                     return 200 no; }
    location /no-file { if (!-f $document_root/$arg_f) { return 200 yes; } return 200 no; }
    location /directory { if (-d $document_root/$arg_f) { return 200 yes; } return 200 no; }
    location /no-directory { if (!-d $document_root/$arg_f) { return 200 yes; } return 200 no; }
    location /exists { if (-e $document_root/$arg_f) { return 200 yes; } return 200 no; }
    location /no-exists { if (!-e $document_root/$arg_f) { return 200 yes; } return 200 no; }
    location /executable { if (-x $document_root/$arg_f) { return 200 yes; } return 200 no; }
    location /no-executable { if (!-x $document_root/$arg_f) { return 200 yes; } return 200 no; }
    location /filename { if (-f $request_filename) { return 200 "$request_filename"; } return 200 "no $uri"; }
    location /settings {
        error_page 404 /outer;
        set $x outer;
        if ($arg_a) { set $x "a$x"; error_page 404 /a; }
        if ($arg_b) { set $x "b$x"; root other; error_page 404 /b; }
        if ($arg_c) { set $x "c$x"; }
        location /settings/inner { if ($arg_a) { root other; } }
    }
    location = /outer { return 200 "outer $x"; }
    location = /a { return 200 "a $x"; }
    location = /b { return 200 "b $x"; }
    location /break { if ($arg_a) { set $x 1; break; set $x 2; } root other; set $x 3; }
    location /rewritten { if ($arg_a) { rewrite ^/rewritten/(.*)$ /kept/$1 break; root other; } }
    location /last { if ($arg_a) { rewrite ^/last/(.*)$ /true?a=1? last; } return 200 "not last"; }
    location /try { try_files /page.txt =404; if ($arg_a) { set $x lost; } }
    location /limited { limit_except GET { deny all; } return 200 limited; }
    location /limited-if { limit_except GET POST { deny all; } if ($arg_a) { set $x 1; } }
    location /limited-off { deny all; limit_except DELETE { allow all; } }
}
"""

FILES = {
    "html/index.html": "index", "html/files/a b": "a b", "html/files/page": "page", "html/page.txt": "page",
    "html/settings/page": "page", "html/settings/inner/x": "inner", "other/settings/page": "other page",
    "other/settings/inner/x": "other inner", "other/break/page": "other", "html/break/page": "html",
    "other/kept/page": "kept", "html/try/x": "x", "html/limited-if/x": "x", "html/limited-off/x": "x",
    "html/filename/a b": "spaces", "html/directory/x": "",
}

PATHS = [
    "/", "/old/a/b", "/old/a%20b?x=y", "/chain1/x", "/chain2/x?y", "/moved/x?y=z", "/moved/a%20b", "/stop/x", "/stop",
    "/?teapot=1", "/?teapot=0", "/?teapot=", "/show?go=away&x", "/show?go=there", "/show?go=other&s=1",
    "/flags/last/x?y", "/flags/break/page", "/flags/break/a%20b", "/flags/break/nothing", "/flags/none/x?a",
    "/flags/redirect/x?a=b", "/flags/redirect/a%20b%3f%25%26", "/flags/redirect/a+b", "/flags/permanent/x",
    "/flags/http/x?y", "/flags/https/x", "/flags/scheme/%e9?y", "/flags/none-match", "/args/added", "/args/added?b=2",
    "/args/dropped?b=2", "/args/replaced?b=2", "/args/written?a", "/args/written", "/args/captured/x",
    "/args/captured/a%20b%26%3d?e", "/args/captured/a+b", "/args/redirected/a%20b?e", "/args/redirected/ab?e",
    "/args/redirect-dropped?a", "/args/redirect-quoted", "/args/redirect-quoted?b", "/args/twice?z", "/variable",
    "/variable?y", "/empty", "/set", "/set-args?z=1", "/set-args-off?n=1", "/unset", "/captures/set/a%20b",
    "/captures/set/ab", "/captures/set/a+b", "/captures/after/a%20b", "/captures/lost/12", "/captures/lost/12zz",
    "/captures/named?n=a-b-c", "/captures/named", "/captures/outer/x", "/captures/outer/x%20y",
    "/captures/ten/abcdefgh", "/cycle", "/cycle?x", "/almost", "/hidden", "/hidden/inner", "/to-hidden",
    "/to-hidden?x", "/break", "/break-keeps/page", "/case", "/braces/12", "/braces/123", "/error", "/404", "/text",
    "/named/x", "/named", "/named-break/page", "/named-break/x",
]


def test_requests_are_rewritten_alike(beside_nginx):
    ports = beside_nginx(SITE, FILES)
    requests = [("GET", path, {"Host": "rewrites"}) for path in PATHS]
    requests += [(method, path, {"Host": "rewrites"}) for method in ("HEAD", "POST") for path in PATHS[::3]]
    requests += [("GET", path, {"Host": host}) for host in ("whole", "canonical", "www.canonical", "broken", "args")
                 for path in ("/", "/a%20b?c=d", "/x/../y?")]
    compare(ports, requests, any_order=True)  # nginx writes a Location that is absolute from the start later


def test_conditions_are_decided_alike(beside_nginx):
    ports = beside_nginx(CONDITIONS, FILES)
    requests = []
    for test in ("true", "equal", "unequal", "match", "caseless", "no-match", "no-caseless"):
        requests += [f"/{test}?{query}" for query in ("", "a=", "a=0", "a=00", "a=1", "a=b", "a=B", "a=bc", "a=cb")]
    requests += [f"/equal-both?{query}" for query in ("", "a=1", "a=1&b=1", "a=&b=")]
    for test in ("file", "no-file", "directory", "no-directory", "exists", "no-exists", "executable", "no-executable"):
        requests += [f"/{test}?f={name}" for name in ("page.txt", "files", "nothing", "files/a%20b", "page.txt/x", "")]
    requests += ["/filename/a%20b", "/filename/x", "/filename/"]
    queries = ["", "?a=1", "?b=1", "?a=1&b=1", "?c=1", "?a=1&c=1", "?b=1&c=1", "?a=1&b=1&c=1"]
    for path in ("/settings/page", "/settings/nothing", "/settings/inner/x", "/break/page", "/rewritten/page",
                 "/last/x", "/try/x", "/limited", "/limited-if/x", "/limited-off/x"):
        requests += [path + query for query in queries]
        requests += [(method, path + query) for method in ("POST", "DELETE", "HEAD") for query in queries[:2]]
    compare(ports, requests)


def test_rewrites_are_logged_when_wanted(serve):
    server = serve("""rewrite_log on;
        location /a { rewrite ^/a/(.*)$ /b/$1?x=1 last; rewrite ^/ignored /x; }
        location /b { rewrite ^/c /x; rewrite ^ http://other/; }
        location /quiet { rewrite_log off; rewrite ^ /a/q; }""")
    server.get("/a/z?y=2")
    for line in ('"^/a/(.*)$" matches "/a/z"', 'rewritten data: "/b/z", args: "x=1&y=2"',
                 '"^/c" does not match "/b/z"', '"^" matches "/b/z"', 'rewritten redirect: "http://other/?x=1&y=2"'):
        server.wait_for_log(r"\[notice\] [^\n]*" + re.escape(line))
    assert "ignored" not in server.error_log


def test_nothing_is_logged_otherwise(serve):
    server = serve("location /a { rewrite ^ /b; } location /b { return 200 b; }")
    assert server.get("/a").text == "b"
    assert "matches" not in server.error_log and "rewritten" not in server.error_log


def test_a_cycle_ends_with_500_and_is_told(serve):
    server = serve("location /a { rewrite ^ /a last; }")
    assert server.get("/a").status == 500
    server.wait_for_log(r'\[error\] [^\n]*rewrite or internal redirection cycle while processing "/a"')


def test_an_empty_uri_is_500_and_told(serve):
    server = serve('location /a { set $nothing ""; rewrite ^ $nothing; }')
    assert server.get("/a").status == 500
    server.wait_for_log(r"\[error\] [^\n]*the rewritten URI has a zero length")


def test_an_uninitialized_variable_is_told_once_a_request(serve):
    server = serve("""location /a { set $x 1; }
        location /told { return 200 "[$x$x]"; }
        location /untold { uninitialized_variable_warn off; return 200 "[$x]"; }""")
    assert server.get("/untold").text == "[]"
    assert server.get("/told").text == "[]"
    server.wait_for_log(r'\[warn\] [^\n]*using uninitialized "x" variable')
    assert server.error_log.count("uninitialized") == 1


def test_what_a_file_test_waits_for_does_not_stop_the_script(serve):
    server = serve("""location / {
        set $found "";
        if (-f $document_root/a) { set $found "${found}a"; }
        if (-d $document_root/b) { set $found "${found}b"; }
        if (!-e $document_root/c) { set $found "${found}c"; }
        if (-f $document_root/d) { set $found "${found}d"; }
        return 200 $found;
    }""", files={"html/a": "", "html/b/x": ""})
    assert [server.get(f"/{number}").text for number in range(5)] == ["abc"] * 5


def test_a_variable_of_one_server_is_unset_in_another(serve):
    server = serve(http="""
        server { listen 127.0.0.1:%PORT%; server_name a; set $x a; return 200 "$x"; }
        server { listen 127.0.0.1:%PORT%; server_name b; uninitialized_variable_warn off; return 200 "[$x]"; }""")
    with server.client() as client:
        for host, text in (("a", "a"), ("b", "[]"), ("a", "a")):
            assert client.get("/", {"Host": host}).text == text


MISTAKES = [
    ("rewrite ^ ;", 'invalid number of arguments in "rewrite" directive'),
    ("rewrite a b last x;", 'invalid number of arguments in "rewrite" directive'),
    ('rewrite a "";', "empty replacement"),
    ("rewrite a /b lost;", 'invalid parameter "lost"'),
    ("rewrite ( /b;", 'pcre2_compile() failed: missing closing parenthesis in "("'),
    ("rewrite a $undefined;", 'unknown "undefined" variable'),
    ("rewrite a ${x;", 'the closing bracket in "x" variable is missing'),
    ("set x 1;", 'invalid variable name "x"'),
    ("set $x;", 'invalid number of arguments in "set" directive'),
    ("set $uri 1;", 'the duplicate "uri" variable'),
    ("set $x $undefined;", 'unknown "undefined" variable'),
    ("break now;", 'invalid number of arguments in "break" directive'),
    ("return;", 'invalid number of arguments in "return" directive'),
    ("return 1000;", 'invalid return code "1000"'),
    ("return nowhere;", 'invalid return code "nowhere"'),
    ("if { }", 'invalid number of arguments in "if" directive'),
    ("if $x { }", 'invalid condition "$x"'),
    ("if ($host { }", 'invalid condition "($host"'),
    ("if ( ) { }", 'invalid condition ")"'),
    ("if () { }", 'invalid condition "'),
    ("if (x = y) { }", 'invalid condition "x"'),
    ("if ($host =) { }", 'invalid condition "$host"'),
    ("if ($host = a b) { }", 'invalid condition "$host"'),
    ("if ($host == a) { }", 'unexpected "==" in condition'),
    ("if (-f) { }", 'invalid condition "-f"'),
    ("if (-z /x) { }", 'invalid condition "-z"'),
    ("if (!-z /x) { }", 'invalid condition "!-z"'),
    ("if ($host ~ \"(\") { }", "pcre2_compile() failed: missing closing parenthesis"),
    ("if ($undefined) { }", 'unknown "undefined" variable'),
    ("if ($host) { if ($uri) { } }", '"if" directive is not allowed here'),
    ("if ($host) { try_files a b; }", '"try_files" directive is not allowed here'),
    ("if ($host) { location /a { } }", '"location" directive is not allowed here'),
    ("rewrite_log maybe;", 'invalid value "maybe" in "rewrite_log" directive'),
    ("rewrite_log on; rewrite_log on;", '"rewrite_log" directive is duplicate'),
    ("uninitialized_variable_warn 1;", 'invalid value "1" in "uninitialized_variable_warn" directive'),
]


@pytest.mark.parametrize("block", ["server", "location"])
@pytest.mark.parametrize("text, said", MISTAKES)
def test_mistakes(new_server, block, text, said):
    server = new_server(server=text if block == "server" else f"location /x {{ {text} }}")
    server.expect(r"\[emerg\]")
    done = server.run("-t")
    assert done.returncode == 1
    assert f"server: [emerg] {said}" in done.stderr


@pytest.mark.parametrize("name", ["rewrite a b", "set $a b", "return 200", "break", "if ($host) { }"])
def test_they_are_not_for_http(new_server, name):
    server = new_server(http=name if name.endswith("}") else name + ";")
    server.expect(r"\[emerg\]")
    directive = name.split()[0]
    assert f'"{directive}" directive is not allowed here' in server.run("-t").stderr
