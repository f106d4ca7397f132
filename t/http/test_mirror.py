"""`mirror`: requests are sent somewhere else, too, and neither the client nor its next request waits for that."""

import signal
import threading

import pytest

from harness import wait_until
from harness.backend import response
from harness.name_server import NameServer
from harness.server import is_alive
from harness.waiting import WAIT_SECONDS

MIRRORS = """
    log_subrequest on;
    client_max_body_size 10m;
    location / { mirror /copy; %DIRECTIVES% }
    location = /copy {
        internal;
        proxy_pass http://%BACKEND%;
        proxy_set_header X-Original-URI $request_uri;
    }
"""


@pytest.fixture
def mirrored(proxied):
    """A server whose /page is a file, whose /up goes to %PORT2%, and the origin of the mirror."""
    def start(answer=None, directives="", server=MIRRORS, **how):
        files = {"html/page": "the page", **how.pop("files", {})}
        server = server.replace("%DIRECTIVES%", directives)
        return proxied(answer, server=server, files=files, workers=1, **how)
    return start


def ask_for_the_page(client, origin):
    """Gives the origin's end of the connection that the copy has come over."""
    assert client.get("/page").status == 200
    peer = origin.accept()
    assert peer.read_request().target == "/copy"
    return peer


def fields_of(request):
    return {name.lower(): value for name, value in request.headers}


def test_requests_arrive_there_too(mirrored):
    server, origin = mirrored(response("never seen", "X-Never: seen"))
    with server.client() as client:
        for count, method in enumerate(("GET", "HEAD"), 1):
            answer = client.request(method, "/page?a=b", {"Cookie": "c=d"})
            assert (answer.status, answer.text) == (200, "the page" if method == "GET" else "")
            assert answer.header("X-Never") is None
            requests = origin.wait_for_requests(count)
    assert [(request.method, request.target) for request in requests] == [("GET", "/copy?a=b"),
                                                                         ("HEAD", "/copy?a=b")]
    assert (fields_of(requests[0])["cookie"], fields_of(requests[0])["x-original-uri"]) == ("c=d", "/page?a=b")


def test_nobody_waits(mirrored):
    server, origin = mirrored()
    with server.client() as client:
        assert client.get("/page?1").text == "the page"
        first = origin.accept()
        assert first.read_request().target == "/copy?1"
        assert client.get("/page?2").text == "the page"
        second = origin.accept()
        assert second.read_request().target == "/copy?2"
        second.send(response())
        first.send(response())
        server.wait_for_log(r'"GET /page\?1 HTTP/1.1" 200', "logs/access.log", count=2)
        assert client.get("/page").status == 200


def test_there_may_be_several_and_they_are_inherited_as_a_whole(proxied):
    server, origin = proxied(response(), server="""
        mirror /a; mirror /b;
        location = /a { proxy_pass http://%BACKEND%; }
        location = /b { proxy_pass http://%BACKEND%; mirror /c; }
        location = /c { proxy_pass http://%BACKEND%; }
        location /none { mirror off; }
        location /other { mirror /c; }
        location /returned { return 200; }
    """, files={"html/page": "", "html/none": "", "html/other": ""}, workers=1)
    for target, copies in (("/page", ["/a", "/b"]), ("/none", []), ("/other", ["/c"]), ("/returned", [])):
        before = len(origin.requests)
        assert server.get(target).status == 200
        origin.wait_for_requests(before + len(copies))
        assert sorted(request.target for request in origin.requests[before:]) == copies


@pytest.mark.parametrize("bytes_sent", [0, 1, 10_000, 300_000])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("is_streamed", [False, True])
def test_both_have_the_body(mirrored, backend, bytes_sent, chunked, is_streamed):
    main = backend(lambda _, request: response(request.body))
    streamed = "proxy_request_buffering off; proxy_http_version 1.1;" if is_streamed else ""
    server, origin = mirrored(response(), f"proxy_pass http://{main.address}; {streamed}")
    body = b"body " * (bytes_sent // 5) + b"x" * (bytes_sent % 5)
    with server.client() as client:
        if chunked:
            parts = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
            client.send(b"PUT /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + parts + b"0\r\n\r\n")
        else:
            client.send(b"PUT /up HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert client.read_response().body == body
    [copy] = origin.wait_for_requests(1)
    assert (copy.method, copy.body, copy.chunked) == ("PUT", body, False)
    assert [request.body for request in main.requests] == [body]


@pytest.mark.parametrize("bytes_sent", [10_000, 8 << 20])
def test_the_body_outlives_the_request(mirrored, backend, bytes_sent):
    main = backend(lambda _, request: response(str(len(request.body))))
    server, origin = mirrored(None, f"proxy_pass http://{main.address};")
    body = bytes(range(250)) * (bytes_sent // 250)
    with server.client() as client:
        assert client.request("POST", "/up", body=body).text == str(len(body))
        assert client.get("/up").text == "0"
    copies = [origin.accept(), origin.accept()]
    requests = [copy.read_request() for copy in copies]
    assert sorted(len(request.body) for request in requests) == [0, len(body)]
    assert max(requests, key=lambda request: len(request.body)).body == body
    for copy in copies:
        copy.send(response())
    server.wait_for_log('"POST /up HTTP/1.1" 200', "logs/access.log", count=2)


def test_the_body_may_be_left_out(mirrored, backend):
    main = backend(lambda _, request: response(request.body))
    server, origin = mirrored(response(), f"proxy_pass http://{main.address}; mirror_request_body off;")
    assert server.request("POST", "/up", body=b"body").text == "body"
    [copy] = origin.wait_for_requests(1)
    assert (copy.method, copy.body) == ("POST", b"")
    assert not {"content-length", "transfer-encoding"} & set(fields_of(copy))


def test_a_body_that_is_refused_is_not_mirrored(mirrored):
    server, origin = mirrored(response(), "client_max_body_size 3;")
    with server.client() as client:
        client.send(b"POST /page HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
        assert client.read_response().status == 413
    with server.client() as client:
        client.send(b"POST /page HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n")
        assert client.read_response().status == 400
    client = server.client_that_sent(b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nbo")
    client.close()
    server.wait_for_log("client prematurely closed connection")
    assert server.get("/page").status == 200
    assert [request.method for request in origin.wait_for_requests(1)] == ["GET"]


@pytest.mark.parametrize("location, status", [
    ("return 403;", 403), ("return 444;", 444), ("proxy_pass http://127.0.0.1:1;", 502), ("deny all; ", 404),
    ("error_page 404 = @named; return 404;", 204), ("rewrite ^ /copy last;", 500), ("rewrite ^ /page last;", 200)])
def test_what_becomes_of_it_is_for_the_log_alone(serve, location, status):
    server = serve(f"""
        log_subrequest on;
        location / {{ mirror /copy; }}
        location = /copy {{ {location} }}
        location @named {{ return 204; }}
    """, files={"html/page": "the page"})
    assert server.get("/page").text == "the page"
    wait_until(lambda: len(server.access_log.splitlines()) == 2, "the log")
    logged = sorted(int(line.split('"')[2].split()[0]) for line in server.access_log.splitlines())
    assert logged == sorted([200, status])


def test_a_client_that_leaves_does_not_matter(mirrored):
    server, origin = mirrored()
    with server.client() as client:
        peer = ask_for_the_page(client, origin)
    wait_until(lambda: server.connections() == 0, "the client's connection to be closed")
    assert len(server.access_log.splitlines()) == 1
    peer.send(response("x" * 100_000))
    server.wait_for_log('"GET /page HTTP/1.1" 200', "logs/access.log", count=2)


class LateNameServer(NameServer):
    """It answers when it is told to."""

    def __init__(self, names):
        self.may_answer = threading.Event()
        super().__init__(names, does="late")

    def late(self, question, peer):
        self.may_answer.wait(WAIT_SECONDS)
        return self.well(question, peer)


def test_what_is_known_of_the_client_stays_known(serve, backend):
    origin, names = backend(response()), LateNameServer({"mirror.test": "127.0.0.1"})
    try:
        server = serve(f"""
            access_log off;
            resolver {names.address} ipv6=off;
            location / {{ mirror /copy; }}
            location = /copy {{ internal; set $to mirror.test; proxy_pass http://$to:{origin.port};
                                proxy_set_header X-Known "$remote_addr $server_addr $server_port"; }}
        """, files={"html/page": ""}, workers=1)
        with server.client() as client:
            assert client.get("/page").status == 200
        wait_until(lambda: names.asked and server.connections() == 0, "the client's connection to be closed")
        names.may_answer.set()
        request, = origin.wait_for_requests(1)
        assert request.header("X-Known") == f"127.0.0.1 127.0.0.1 {server.port()}"
    finally:
        names.may_answer.set()
        names.close()


def test_a_small_answer_is_read_and_its_connection_kept(proxied):
    server, origin = proxied(http="upstream origin { server %BACKEND%; keepalive 1; } ", workers=1, server="""
        location / { mirror /copy; }
        location = /copy { proxy_pass http://origin; log_subrequest on; }
    """, files={"html/page": ""})
    peer = None
    with server.client() as client:
        for number in range(1, 4):
            assert client.get("/page").status == 200
            peer = peer or origin.accept()
            assert peer.read_request().target == "/copy"
            data = response("x" * 100)
            peer.send(data[:-50])
            peer.wait_until_received()
            peer.send(data[-50:])
            server.wait_for_log('"GET /page HTTP/1.1" 200', "logs/access.log", count=2 * number)
    assert origin.is_alone()


def test_it_goes_on_in_its_generation(mirrored):
    server, origin = mirrored()
    with server.client() as client:
        peer = ask_for_the_page(client, origin)
        server.configure(server="return 410;", workers=1)
        server.reload()
        assert client.get("/page").status == 410
    peer.send(response())
    server.wait_for_log('"GET /page HTTP/1.1" 200', "logs/access.log", count=2)


def test_a_worker_that_leaves_waits_for_it(mirrored):
    server, origin = mirrored()
    [worker] = server.workers()
    with server.client() as client:
        peer = ask_for_the_page(client, origin)
        server.send_signal(signal.SIGQUIT)
        assert client.is_closed()
    wait_until(lambda: not server.accepts(server.port()), "the port to be closed")
    assert is_alive(worker)
    peer.send(response())
    assert server.stop() == 0
    assert server.access_log.count('"GET /page HTTP/1.1" 200') == 2


def test_a_worker_that_ends_does_not(mirrored):
    server, origin = mirrored()
    with server.client() as client:
        peer = ask_for_the_page(client, origin)
    assert server.stop(signal.SIGTERM) == 0
    assert peer.has_ended()


def test_there_are_not_too_many(new_server):
    server = new_server(workers=1, http="""
        limit_req_zone $scheme zone=one:64k rate=1r/m;
        server {
            listen 127.0.0.1:%PORT%; root html; access_log off; keepalive_requests 5000;
            location / { mirror /copy; }
            location = /copy { limit_req zone=one burst=5000; }
        }
    """).start()
    with server.client() as client:
        assert client.get("/index.html").status == 200
        server.wait_for_log('html/copy" failed')  # the first one is not delayed
        for _ in range(1004):
            client.send_request("GET", "/index.html")
        assert [client.read_response().status for _ in range(1004)] == [200] * 1004
    server.wait_for_log(r'\[error\] .* too many background subrequests, "/copy" is left out, client: ', count=4)
    assert server.error_log.count("too many background") == 4
    assert server.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("directives, said", [
    ("mirror;", 'invalid number of arguments in "mirror" directive'),
    ("mirror /a /b;", 'invalid number of arguments in "mirror" directive'),
    ("mirror off; mirror /a;", '"mirror" directive is duplicate'),
    ("mirror /a; mirror off;", '"mirror" directive is duplicate'),
    ("mirror off; mirror off;", '"mirror" directive is duplicate'),
    ("mirror_request_body maybe;", 'invalid value "maybe" in "mirror_request_body" directive'),
    ("location / { if ($uri) { mirror /a; } }", '"mirror" directive is not allowed here'),
    ("location / { limit_except GET { mirror /a; } }", '"mirror" directive is not allowed here'),
])
def test_mistakes(refusal_of, directives, said):
    assert said in refusal_of(f"http {{ server {{ {directives} }} }}")
