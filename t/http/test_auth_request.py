"""`auth_request`: a subrequest's status says who is let in, and `auth_request_set` keeps what it brought."""

import signal

import pytest

from harness import wait_until
from harness.backend import Answer, response
from harness.pairs import compare

ASKS = """
    location / { auth_request /auth; auth_request_set $user $upstream_http_x_user; add_header X-User $user always; }
    location = /auth {
        internal;
        proxy_pass http://%BACKEND%/check;
        proxy_set_header X-Original-URI $request_uri;
        proxy_set_header X-Original-Method $request_method;
        proxy_set_header X-Original-Length $content_length;
    }
"""


@pytest.fixture
def asked(proxied):
    """A server whose /page is a file, and the origin that is asked."""
    def start(answer=None, server=ASKS, **how):
        files = {"html/page": "the page", **how.pop("files", {})}
        return proxied(answer, server=server, files=files, **how)
    return start


def test_a_status_of_success_lets_in(asked):
    server, origin = asked(response("", "X-User: ann", status=204))
    answer = server.get("/page")
    assert (answer.status, answer.text, answer.header("X-User")) == (200, "the page", "ann")
    assert server.get("/auth").status == 404
    assert len(origin.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_refuses(asked, status):
    fields = ['WWW-Authenticate: Basic realm="a"', "WWW-Authenticate: Bearer", "X-User: bob", "X-Other: x"]
    server, _ = asked(response("no", *fields, status=status))
    answer = server.get("/page")
    challenges = ['Basic realm="a"', "Bearer"] if status == 401 else []
    assert (answer.status, answer.header_values("WWW-Authenticate")) == (status, challenges)
    assert (answer.header("X-User"), answer.header("X-Other")) == ("bob", None)


@pytest.mark.parametrize("status", [302, 304, 404, 499, 500, 503])
def test_any_other_status_is_a_fault(asked, status):
    body = b"" if status == 304 else b"body"
    server, _ = asked(response(body, status=status, framing="none" if status == 304 else "length"))
    assert server.get("/page").status == 500
    server.wait_for_log(rf'\[error\] .* auth request unexpected status: {status}, client: 127.0.0.1, '
                        'server: localhost, request: "GET /page HTTP/1.1"')


def test_a_server_that_is_not_there_is_a_fault(asked):
    server, origin = asked(response())
    origin.refuse()
    assert server.get("/page").status == 500
    server.wait_for_log(r'\[error\] .* Connection refused\) while connecting to upstream, client: .*, '
                        r'request: "GET /page HTTP/1.1", subrequest: "/auth", upstream: "http://127.0.0.1:\d+/check"')
    server.wait_for_log("auth request unexpected status: 502")


def test_it_has_the_fields_of_the_request_and_no_body(asked):
    server, origin = asked(response(), server=ASKS.replace("location / {", "location / { client_max_body_size 1;"))
    assert server.request("POST", "/a?b=c", {"Cookie": "d=e"}, b"body").status == 413  # before anybody is asked
    assert origin.requests == []
    server, origin = asked(response())
    assert server.request("POST", "/a?b=c", {"Cookie": "d=e"}, b"body").status in (404, 405)
    [request] = origin.requests
    assert (request.method, request.target, request.body) == ("GET", "/check", b"")
    fields = {name.lower(): value for name, value in request.headers}
    assert not {"content-length", "transfer-encoding"} & set(fields)
    assert fields["cookie"] == "d=e"
    assert fields["x-original-uri"] == "/a?b=c"
    assert (fields["x-original-method"], fields["x-original-length"]) == ("POST", "4")


@pytest.mark.parametrize("chunked", [False, True])
def test_the_body_is_the_main_request_s(asked, chunked):
    def answer(_, request):
        return response(request.body)
    server, origin = asked(answer, server=ASKS + "location /up { auth_request /auth; proxy_pass http://%BACKEND%; }")
    body = b"x" * 100_000
    with server.client() as client:
        if chunked:
            client.send(b"POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        else:
            client.send(b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        assert client.read_response().body == body
    assert [request.body for request in origin.requests] == [b"", body]


def test_the_connection_to_the_server_serves_others(asked):
    server, origin = asked(response("some body"), workers=1, server="""
        location / { auth_request /auth; }
        location = /auth { proxy_pass http://origin; }
    """, http="upstream origin { server %BACKEND%; keepalive 1; } ")
    with server.client() as client:
        assert [client.get("/page").status for _ in range(5)] == [200] * 5
    assert [len(connection.requests) for connection in origin.connections] == [5]


def test_a_large_body_is_not_read(asked):
    server, origin = asked(Answer(response(b"x" * (8 << 20))))
    assert server.get("/page").status == 200
    wait_until(lambda: origin.connections[0].closed, "the connection to be closed")


def test_who_is_not_asked(serve):
    server = serve("""
        auth_request /no;
        location = /no { return 403; }
        location = /yes { return 204; }
        location /in { auth_request /yes; }
        location /off { auth_request off; }
        location /off/if { if ($arg_a) { expires 1; } }
        location /returned { return 200 returned; }
    """, files={"html/in": "", "html/off": ""})
    statuses = {target: server.get(target).status for target in ["/", "/in", "/off", "/returned", "/no", "/off/if"]}
    # /no is refused by the subrequest to itself, which asks nobody.
    assert statuses == {"/": 403, "/in": 200, "/off": 200, "/returned": 200, "/no": 403, "/off/if": 403}


def test_satisfy_any_takes_it_for_one_way_in(serve):
    server = serve("""
        location = /yes { return 204; }
        location = /no { return 401; }
        location = /fault { return 404; }
        location /a { satisfy any; deny all; auth_request /yes; }
        location /b { satisfy any; deny all; auth_request /no; }
        location /c { satisfy any; allow all; auth_request /no; }
        location /d { satisfy any; deny all; auth_request /fault; }
        location /e { allow all; auth_request /no; }
        location /f { deny all; auth_request /yes; }
    """, files={f"html/{name}": "" for name in "abcdef"})
    assert [server.get(f"/{name}").status for name in "abcdef"] == [200, 401, 200, 500, 401, 403]


def test_access_rules_are_for_the_main_request(serve):
    server = serve("""
        location / { auth_request /auth; }
        location = /auth { deny all; auth_basic x; auth_basic_user_file none; auth_request /auth; return 204; }
        location /file { auth_request /denied.txt; }
        location = /denied.txt { deny all; }
    """, files={"html/denied.txt": "", "html/file": ""})
    assert server.get("/").status == 200
    assert server.get("/file").status == 200
    assert server.get("/denied.txt").status == 403


def test_a_file_is_an_answer_and_conditions_do_not_concern_it(serve):
    server = serve("location / { auth_request /yes.txt; } location = /yes.txt { }",
                   files={"html/yes.txt": "yes", "html/large": "x" * 100})
    etag = server.get("/yes.txt").header("ETag")
    fields = {"If-None-Match": etag, "Range": "bytes=1-2", "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    assert server.get("/large", {"Range": "bytes=1-2"}).status == 206
    assert server.get("/", fields).status in (200, 206)
    assert "unexpected status" not in server.error_log


def test_pages_and_redirects_of_its_own(serve):
    server = serve("""
        location /page { auth_request /missing; }
        location = /missing { error_page 404 =204 /yes; return 404; }
        location /named { auth_request /to_named; }
        location = /to_named { error_page 404 = @yes; return 404; }
        location /rewritten { auth_request /to_rewrite; }
        location = /to_rewrite { rewrite ^ /yes last; }
        location /tried { auth_request /to_try; }
        location = /to_try { try_files /nowhere /yes; }
        location /circle { auth_request /to_circle; }
        location = /to_circle { rewrite ^ /to_circle last; }
        location /page_of_ours { auth_request /no; error_page 403 /refused.html; }
        location = /no { return 403; }
        location = /yes { internal; return 204; }
        location @yes { return 204; }
        location = /refused.html { }
    """, files={f"html/{name}": "in" for name in
                ("page", "named", "rewritten", "tried", "circle", "page_of_ours")} | {"html/refused.html": "refused"})
    for target in ("/page", "/named", "/rewritten", "/tried"):
        assert (server.get(target).status, server.get(target).text) == (200, "in"), target
    assert server.get("/circle").status == 500
    server.wait_for_log('rewrite or internal redirection cycle while processing "/to_circle"')
    answer = server.get("/page_of_ours")
    assert (answer.status, answer.text) == (403, "refused")


def test_variables_are_shared(serve):
    server = serve(r"""
        set $before outer;
        auth_request /auth;
        auth_request_set $status_of_auth $status;
        auth_request_set $kept $before;
        auth_request_set $uri_of_auth "$uri?$args";
        location = /auth { set $by_auth inner; set $before "$before/$tenant"; return 204; }
        location ~ ^/(?<tenant>\w+)/ {
            add_header X "$by_auth $before $status_of_auth $kept $uri_of_auth $uri $args";
        }
    """, files={"html/acme/a": ""})
    for _ in range(2):
        assert server.get("/acme/a?b").header("X") == "inner outer/acme 204 outer/acme /auth? /acme/a b"


def test_what_was_set_outlives_a_redirect(serve):
    server = serve("""
        location /a { auth_request /yes; auth_request_set $who "from $uri"; error_page 404 = @shown; }
        location = /yes { return 204; }
        location @shown { return 200 "$who"; }
    """)
    assert server.get("/a/none").text == "from /yes"


@pytest.mark.parametrize("on", [True, False])
def test_it_is_logged_where_that_is_wanted(new_server, on):
    server = new_server(http="""
        log_format uris "$uri $status $request";
        server {
            listen 127.0.0.1:%PORT%; root html; access_log logs/access.log uris;
            location / { auth_request /auth; }
            location = /auth { log_subrequest %ON%; return 204; }
        }""".replace("%ON%", "on" if on else "off")).start()
    assert server.get("/index.html").status == 200
    wait_until(lambda: "/index.html" in server.access_log, "the log")
    own = ["/auth 204 GET /index.html HTTP/1.1"] if on else []
    assert server.access_log.splitlines() == [*own, "/index.html 200 GET /index.html HTTP/1.1"]


def test_request_id_is_one(asked):
    server, origin = asked(response(), server="""
        location / { auth_request /auth; proxy_pass http://%BACKEND%; proxy_set_header X-Id $request_id; }
        location = /auth { proxy_pass http://%BACKEND%; proxy_set_header X-Id $request_id; }
    """)
    assert server.get("/page").status == 200
    ids = [dict(request.headers)["X-Id"] for request in origin.requests]
    assert len(ids) == 2 and len(set(ids)) == 1


def test_a_client_that_leaves_ends_it(asked):
    server, origin = asked()
    client = server.client_that_sent("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
    peer = origin.accept()
    assert peer.read_request().target == "/check"
    client.close()
    assert peer.has_ended()
    server.wait_for_log("client prematurely closed connection")
    wait_until(lambda: '"GET /page HTTP/1.1" 499' in server.access_log, "the log")
    assert "unexpected status" not in server.error_log


def test_a_client_that_leaves_may_not_matter(asked):
    server, origin = asked(server=ASKS.replace("internal;", "internal; proxy_ignore_client_abort on;"))
    client = server.client_that_sent("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
    peer = origin.accept()
    assert peer.read_request().target == "/check"
    client.close()
    server.wait_for_log("client prematurely closed connection")
    peer.send(response())
    wait_until(lambda: '"GET /page HTTP/1.1" 200' in server.access_log, "the log")


def test_it_goes_on_in_its_generation(asked):
    server, origin = asked()
    with server.client() as client:
        client.send_request("GET", "/page")
        peer = origin.accept()
        assert peer.read_request().target == "/check"
        server.configure(server="return 410;")
        server.reload()
        peer.send(response("", "X-User: ann"))
        answer = client.read_response()
        assert (answer.status, answer.header("X-User")) == (200, "ann")
        assert client.get("/page").status == 410


def test_a_worker_that_ends_does_not_wait_for_it(asked):
    server, origin = asked()
    client = server.client_that_sent("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
    peer = origin.accept()
    assert peer.read_request().target == "/check"
    assert server.stop(signal.SIGTERM) == 0
    assert peer.has_ended()
    client.close()


def test_answers_of_a_pipeline_stay_in_order(asked):
    def answer(_, request):
        return response(status=204 if dict(request.headers)["X-Original-URI"] == "/yes.txt" else 403)
    server, origin = asked(answer, server=ASKS, files={"html/yes.txt": "yes", "html/no.txt": "no"})
    with server.client() as client:
        targets = ["/yes.txt", "/no.txt"] * 10
        for target in targets:
            client.send_request("GET", target)
        assert [client.read_response().status for _ in targets] == [200, 403] * 10
    assert len(origin.requests) == len(targets)


def test_limits_count_a_request_once(new_server):
    server = new_server(http="""
        limit_req_zone $scheme zone=a:64k rate=1r/m;
        limit_conn_zone $scheme zone=b:64k;
        server {
            listen 127.0.0.1:%PORT%; root html;
            limit_req zone=a; limit_conn b 1;
            location / { auth_request /auth; }
            location = /auth { proxy_pass http://127.0.0.1:%PORT2%; }
        }
        server { listen 127.0.0.1:%PORT2%; return 204; }
    """).start()
    assert server.get("/index.html").status == 200
    assert server.get("/index.html").status == 503


PAIR = """
server_tokens off;
server {
    listen 127.0.0.1:%PORT%;
    root html;
    set $seen "";
    location / { auth_request /auth$is_args; }
    location /yes { auth_request /204; auth_request_set $seen "$uri $request_uri $request_method $status";
                    add_header X-Seen $seen; }
    location /ok { auth_request /200; }
    location /created { auth_request /201; }
    location /see { auth_request /303; }
    location /asks { auth_request /401; }
    location /page401 { auth_request /401; error_page 401 = @login; }
    location @login { return 302 /login?$request_uri; }
    location /refuses { auth_request /403; }
    location /page403 { auth_request /403; error_page 403 /page.html; }
    location /missing { auth_request /404; }
    location /fault { auth_request /500; error_page 500 /page.html; }
    location /file { auth_request /page.html; }
    location /nofile { auth_request /no.html; }
    location /inherits { auth_request /yes; }
    location /any { satisfy any; deny all; auth_request /204; }
    location /anyno { satisfy any; deny all; auth_request /403; }
    location /anyasks { satisfy any; deny all; auth_request /401; }
    location /both { allow all; auth_request /204; }
    location /denied { deny all; auth_request /204; }
    location /proxied { auth_request /upstream; auth_request_set $seen "$upstream_http_x_from $upstream_status";
                        add_header X-Seen $seen always; }
    location /proxied401 { auth_request /upstream401; }
    location /shared { auth_request /sets; add_header X-Seen "$seen"; }
    location ~ ^/named/(?<part>.*)$ { auth_request /captured; add_header X-Seen "$seen $part $1"; }
    location = /sets { set $seen set; return 204; }
    location = /captured { set $seen "[$part]"; return 204; }
    location = /upstream { proxy_pass http://127.0.0.1:%PORT%/origin; proxy_pass_request_body off;
                           proxy_set_header Content-Length ""; proxy_set_header X-Method $request_method; }
    location = /upstream401 { proxy_pass http://127.0.0.1:%PORT%/origin401; proxy_pass_request_body off;
                              proxy_set_header Content-Length ""; }
    location = /origin { add_header X-From "$request_method $http_x_method $http_content_length"; return 204; }
    location = /origin401 { add_header WWW-Authenticate "Basic realm=x" always; return 401; }
    location = /200 { return 200 body; }
    location = /201 { return 201 body; }
    location = /204 { return 204; }
    location = /303 { return 303 /else; }
    location = /401 { return 401; }
    location = /403 { return 403; }
    location = /404 { return 404; }
    location = /500 { return 500; }
}
"""
TARGETS = ["/yes", "/ok", "/created", "/see", "/asks", "/page401", "/page401?a=b", "/refuses", "/page403", "/missing",
           "/fault", "/file", "/nofile", "/inherits", "/any", "/anyno", "/anyasks", "/both", "/denied", "/proxied",
           "/proxied401", "/shared", "/named/x", "/named/", "/"]


def test_answers_are_nginx_s(beside_nginx):
    names = {target.lstrip("/").split("?")[0] for target in TARGETS} - {"", "named/x", "named/"}
    files = {f"html/{name}": f"file {name}" for name in names} | {"html/named/x": "x", "html/page.html": "page"}
    ports = beside_nginx(PAIR, files)
    compare(ports, [(method, target) for method in ("GET", "HEAD", "POST") for target in TARGETS], any_order=True)


@pytest.mark.parametrize("directives, said", [
    ("auth_request;", 'invalid number of arguments in "auth_request" directive'),
    ("auth_request /a /b;", 'invalid number of arguments in "auth_request" directive'),
    ("auth_request /a; auth_request /b;", '"auth_request" directive is duplicate'),
    ("auth_request off; auth_request /b;", '"auth_request" directive is duplicate'),
    ("auth_request_set $a;", 'invalid number of arguments in "auth_request_set" directive'),
    ("auth_request_set a b;", 'invalid variable name "a"'),
    ("auth_request_set $uri b;", 'the duplicate "uri" variable'),
    ("auth_request_set $a $nonsense_;", 'unknown "nonsense_" variable'),
    ("location / { if ($uri) { auth_request /a; } }", '"auth_request" directive is not allowed here'),
    ("location / { limit_except GET { auth_request /a; } }", '"auth_request" directive is not allowed here'),
])
def test_mistakes(refusal_of, directives, said):
    assert said in refusal_of(f"http {{ server {{ {directives} }} }}")
