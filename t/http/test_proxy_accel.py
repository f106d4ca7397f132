"""What an origin may ask of us by fields of its responses, and errors of its that we answer ourselves."""

import time

import pytest

from harness.backend import Answer, response

FILES = {"html/index.html": "index", "html/protected/file.txt": "a protected file", "html/404.html": "our page",
         "html/public.txt": "public"}
SERVER = """
    location / { proxy_pass http://%BACKEND%; %OWN% }
    location /protected/ { internal; add_header X-Ours $upstream_http_x_theirs; }
    location @named { return 200 "named $request_method $uri $args"; }
    location /returned { internal; return 200 "returned $request_method $uri $args"; }
"""


@pytest.fixture
def accelerated(proxied):
    def start(*fields, directives="", body="not this", answer=None, **how):
        answer = answer or response(body, *fields, **how)
        return proxied(answer, server=SERVER.replace("%OWN%", directives), files=FILES)
    return start


def test_a_file_is_sent_instead(accelerated):
    server, _ = accelerated("X-Accel-Redirect: /protected/file.txt")
    answer = server.get("/a")
    assert (answer.status, answer.text) == (200, "a protected file")
    assert answer.header("X-Accel-Redirect") is None
    assert server.get("/protected/file.txt").status == 404


@pytest.mark.parametrize("target, text", [("/returned", "returned GET /returned "), ("@named", "named GET /a q"),
                                          ("/returned?x=y", "returned GET /returned x=y"),
                                          ("/%72eturned/%20", "returned GET /returned/  ")])
def test_the_request_goes_on_elsewhere(accelerated, target, text):
    server, _ = accelerated(f"X-Accel-Redirect: {target}")
    assert server.get("/a?q").text == text


@pytest.mark.parametrize("method, becomes", [("GET", "GET"), ("POST", "GET"), ("DELETE", "GET")])
def test_the_method_becomes_get(accelerated, method, becomes):
    server, _ = accelerated("X-Accel-Redirect: /returned")
    assert server.request(method, "/a", body=b"abc" if method == "POST" else b"").text.startswith(f"returned {becomes}")


@pytest.mark.parametrize("own, want", [(["Content-Type: text/second"], "text/second"), ([], "text/first")])
def test_an_answer_of_another_server_has_the_type_it_says(proxied, own, want):
    def answer(_, request):
        if request.target == "/second":
            return response("second", *own)
        return response("first", "X-Accel-Redirect: /again", "Content-Type: text/first")
    server, _ = proxied(answer, server="""
        location / { proxy_pass http://%BACKEND%; }
        location /again { internal; proxy_pass http://%BACKEND%/second; }
    """)
    answer = server.get("/")
    assert (answer.text, answer.header("Content-Type")) == ("second", want)


def test_a_rate_holds_for_what_is_sent_instead(proxied):
    server, _ = proxied(response("", "X-Accel-Redirect: /returned", "X-Accel-Limit-Rate: 5000"), server="""
        location / { proxy_pass http://%BACKEND%; }
        location /returned { internal; return 200 $limit_rate; }
    """)
    assert server.get("/").text == "5000"


def test_head_stays_head(accelerated):
    server, _ = accelerated("X-Accel-Redirect: /protected/file.txt")
    answer = server.request("HEAD", "/a")
    assert (answer.status, answer.header("Content-Length")) == (200, "16")


@pytest.mark.parametrize("target", ["/protected/../../conf/server.conf", "/../conf/server.conf", "/protected/%2e%2e/x",
                                    "", "nonsense", "/protected/\x01"])
def test_nothing_outside_is_sent(accelerated, target):
    server, _ = accelerated(f"X-Accel-Redirect: {target}", body="no")
    answer = server.get("/a")
    assert "worker_processes" not in answer.text
    assert answer.status in (400, 404, 500, 502) or answer.text == "no"


def test_some_fields_go_along(accelerated):
    server, _ = accelerated("X-Accel-Redirect: /protected/file.txt", "Content-Type: text/own", "Set-Cookie: a=b",
                            "Content-Disposition: attachment", "Cache-Control: private", "Expires: 0", "X-Theirs: 1",
                            "Content-Language: de", "ETag: \"theirs\"", "Last-Modified: theirs")
    answer = server.get("/a")
    assert answer.header("Content-Type") == "text/own"
    assert answer.header("Set-Cookie") == "a=b"
    assert answer.header("Content-Disposition") == "attachment"
    assert answer.header("Cache-Control") == "private"
    assert answer.header("Expires") == "0"
    assert answer.header("X-Theirs") is None
    assert answer.header("ETag") != '"theirs"'
    assert answer.header("Last-Modified") != "theirs"
    assert answer.header("X-Ours") == "1"


def test_a_status_does_not_matter(accelerated):
    server, _ = accelerated("X-Accel-Redirect: /protected/file.txt", status=404)
    assert server.get("/a").text == "a protected file"


def test_what_was_sent_along_reaches_nobody(accelerated):
    data = response("x" * 100_000, "X-Accel-Redirect: /protected/file.txt")
    server, origin = accelerated(answer=Answer(data, "finish"))
    with server.client() as client:
        for _ in range(3):
            assert client.get("/a").text == "a protected file"


def test_ranges_of_the_file_may_be_asked_for(accelerated):
    server, _ = accelerated("X-Accel-Redirect: /protected/file.txt")
    answer = server.get("/a", {"Range": "bytes=2-10"})
    assert (answer.status, answer.text) == (206, "protected")


def test_it_may_be_ignored(accelerated):
    server, _ = accelerated("X-Accel-Redirect: /protected/file.txt",
                            directives="proxy_ignore_headers X-Accel-Redirect;")
    assert server.get("/a").text == "not this"


def test_it_goes_round_in_circles_only_so_often(accelerated):
    server, origin = accelerated("X-Accel-Redirect: /again")
    assert server.get("/a").status == 500
    assert 5 <= len(origin.requests) <= 20


# --- the others

def test_the_pace_may_be_set(accelerated):
    server, _ = accelerated("X-Accel-Limit-Rate: 1000", body="x" * 2000)
    begin = time.monotonic()
    assert len(server.get("/a").body) == 2000
    assert time.monotonic() - begin >= 0.9


def test_the_pace_may_be_ignored(accelerated):
    server, _ = accelerated("X-Accel-Limit-Rate: 1", body="x" * 2000,
                            directives="proxy_ignore_headers X-Accel-Limit-Rate;")
    assert len(server.get("/a").body) == 2000  # half an hour, at that rate


# --- errors that we answer

def test_by_default_errors_are_the_origins(proxied):
    server, _ = proxied(response("theirs", status=404), "error_page 404 /404.html;", files=FILES)
    answer = server.get("/a")
    assert (answer.status, answer.text) == (404, "theirs")


@pytest.mark.parametrize("data", [response("theirs", status=404), response("x" * 100_000, status=404),
                                  response("theirs", status=404, framing="chunked"),
                                  Answer(response("theirs", status=404, framing="none"), "finish")])
def test_errors_may_be_ours(proxied, data):
    server, origin = proxied(data, files=FILES, server="""proxy_intercept_errors on; error_page 404 /404.html;
        location / { proxy_pass http://%BACKEND%; } location = /404.html { }""")
    with server.client() as client:
        for _ in range(2):
            answer = client.get("/a")
            assert (answer.status, answer.text) == (404, "our page")


def test_only_those_with_a_page_are_ours(proxied):
    server, _ = proxied(response("theirs", status=500), files=FILES, server="""proxy_intercept_errors on;
        error_page 404 /404.html; location / { proxy_pass http://%BACKEND%; } location = /404.html { }""")
    answer = server.get("/a")
    assert (answer.status, answer.text) == (500, "theirs")


def test_the_status_of_an_error_may_become_another(proxied):
    server, _ = proxied(response("theirs", status=503), files=FILES, server="""proxy_intercept_errors on;
        error_page 503 =200 /public.txt; location / { proxy_pass http://%BACKEND%; } location = /public.txt { }""")
    answer = server.get("/a")
    assert (answer.status, answer.text) == (200, "public")


def test_an_error_may_be_asked_of_another(proxied, backend):
    other = backend(response("second chance"))
    server, origin = proxied(response("theirs", status=404), server=f"""
        location / {{ proxy_pass http://%BACKEND%; proxy_intercept_errors on; error_page 404 = @other; }}
        location @other {{ proxy_pass http://{other.address}; }}""")
    answer = server.request("POST", "/a?b", body=b"abc")
    assert (answer.status, answer.text) == (200, "second chance")
    assert (other.last.method, other.last.target, other.last.body) == ("POST", "/a?b", b"abc")


def test_redirects_may_be_ours(proxied):
    server, _ = proxied(response("", "Location: http://elsewhere/", status=302), files=FILES, server="""
        proxy_intercept_errors on; error_page 302 =200 /public.txt; location / { proxy_pass http://%BACKEND%; }
        location = /public.txt { }""")
    assert server.get("/a").text == "public"


def test_a_401_keeps_its_challenge(proxied):
    server, _ = proxied(response("theirs", 'WWW-Authenticate: Basic realm="x"', status=401), files=FILES, server="""
        proxy_intercept_errors on; error_page 401 /404.html;
        location / { proxy_pass http://%BACKEND%; } location = /404.html { }""")
    answer = server.get("/a")
    assert (answer.status, answer.text) == (401, "our page")
    assert answer.header("WWW-Authenticate") == 'Basic realm="x"'


@pytest.mark.parametrize("status, answer", [(502, Answer(b"", "close")), (504, lambda *_: None)])
def test_our_own_errors_have_pages_in_any_case(proxied, status, answer):
    server, _ = proxied(answer, files=FILES, server=f"""error_page {status} /404.html; proxy_read_timeout 50ms;
        location / {{ proxy_pass http://%BACKEND%; }} location = /404.html {{ }}""")
    answer = server.get("/a")
    assert (answer.status, answer.text) == (status, "our page")
