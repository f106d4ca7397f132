"""CONNECT: a client is joined with a server of its choice or of ours, and what neither can be talked into."""

import http.client
import shutil
import socket
import ssl
import subprocess

import pytest

from harness import wait_until
from harness.backend import response
from harness.certificates import Authority
from harness.ports import free_port, release

ROOT = Authority("root")
ORIGIN = ROOT.issue("a.test", hosts=["a.test", "localhost"])


@pytest.fixture
def proxy(serve, backend):
    """A server that joins clients with whom they name, or as the text says; and an origin played by hand."""
    def start(server="tunnel_pass;", answer=None, **configuration):
        origin = backend(answer)
        texts = {name: text.replace("%BACKEND%", origin.address)
                 for name, text in {"server": server, **configuration}.items() if isinstance(text, str)}
        others = {name: value for name, value in configuration.items() if name not in texts}
        return serve(**texts, **others), origin
    return start


def ask(client, target, *fields, version="1.1", behind=b""):
    lines = [f"CONNECT {target} HTTP/{version}", f"Host: {target}", *fields, "", ""]
    client.send("\r\n".join(lines).encode() + behind)
    return client.read_response("CONNECT")


def status(server, target, *fields, **how):
    with server.client() as client:
        return ask(client, target, *fields, **how).status


def join(server, origin, target=None, **how):
    """Both ends of a tunnel."""
    client = server.client()
    answer = ask(client, target or origin.address, **how)
    assert answer.status == 200, answer
    return client, origin.accept()


def check(client, peer, up=b"up", down=b"down"):
    client.send(up)
    assert peer.take(len(up)) == up
    peer.send(down)
    assert client.take(len(down)) == down


# --- the tunnel

def test_a_client_is_joined_with_whom_it_names(proxy):
    server, origin = proxy()
    client, peer = join(server, origin)
    for _ in range(3):
        check(client, peer, bytes(range(256)) * 10, b"HTTP/1.1 400 Bad Request\r\n\r\n\0")
    client.close()
    assert peer.is_closed()


def test_the_answer_has_no_length_and_no_word_of_a_body(proxy):
    server, origin = proxy()
    with server.client() as client:
        answer = ask(client, origin.address)
    assert (answer.status, answer.reason, answer.version) == (200, "OK", "HTTP/1.1")
    assert {name for name, _ in answer.headers} == {"Server", "Date"}


def test_an_origin_speaks_first(proxy):
    server, origin = proxy()
    client, peer = join(server, origin)
    peer.send(b"220 hello\r\n")
    assert client.take(11) == b"220 hello\r\n"
    client.close()


def test_what_comes_with_the_head_is_passed_on_behind_it(proxy):
    server, origin = proxy()
    client, peer = join(server, origin, behind=b"GET /early HTTP/1.1\r\n\r\n")
    assert peer.take(23) == b"GET /early HTTP/1.1\r\n\r\n"
    check(client, peer)
    client.close()


@pytest.mark.parametrize("who, other", [(0, 1), (1, 0)])
def test_last_words_are_passed_and_the_other_side_goes_on(proxy, who, other):
    server, origin = proxy()
    both = join(server, origin)
    both[who].send(b"goodbye" * 1000)
    both[who].finish()
    assert both[other].take_all() == b"goodbye" * 1000
    both[other].send(b"and so long")
    both[other].close()
    assert both[who].take_all() == b"and so long"
    both[who].close()


def test_http_1_0_is_answered_too(proxy):
    server, origin = proxy()
    client, peer = join(server, origin, version="1.0")
    check(client, peer)
    client.close()


def test_names_are_looked_up(proxy):
    server, origin = proxy()
    client, peer = join(server, origin, f"LOCALHOST:{origin.port}")
    check(client, peer)
    client.close()


def test_the_default_is_what_its_variables_say(proxy):
    server, origin = proxy("tunnel_pass $host:$request_port; access_log logs/tunnel.log tunnel;",
                           http="log_format tunnel '$host $request_port $request_uri $uri $request';")
    client, peer = join(server, origin)
    check(client, peer)
    client.close()
    line = server.wait_for_log(".+", "logs/tunnel.log")[0].group()
    assert line == f"127.0.0.1 {origin.port} {origin.address} / CONNECT {origin.address} HTTP/1.1"


def test_its_line_has_bytes_and_time(proxy):
    server, origin = proxy("tunnel_pass; access_log logs/tunnel.log tunnel;", http="""
        log_format tunnel "$status $body_bytes_sent $upstream_addr $upstream_status $upstream_bytes_sent "
                          "$upstream_bytes_received $upstream_response_time";""")
    client, peer = join(server, origin)
    check(client, peer, b"u" * 10, b"d" * 20)
    server.reload()
    client.close()
    server.wait_for_log(rf"^200 20 {origin.address} 200 10 20 \d+\.\d{{3}}$", "logs/tunnel.log")


def test_a_tunnel_survives_reloads_and_a_changed_mind(proxy):
    server, origin = proxy()
    client, peer = join(server, origin)
    server.configure("return 204;")
    for _ in range(3):
        server.reload()
    check(client, peer)
    assert status(server, origin.address) == 405
    client.close()


def test_a_tunnel_ends_when_nobody_speaks(proxy):
    server, origin = proxy("tunnel_pass; tunnel_read_timeout 200ms;")
    client, peer = join(server, origin)
    assert client.is_closed()
    assert peer.is_closed()


@pytest.mark.parametrize("limit, who", [("tunnel_send_timeout", "upstream"), ("send_timeout", "client")])
def test_who_takes_nothing_is_given_up(proxy, limit, who):
    server, origin = proxy(f"tunnel_pass; tunnel_read_timeout 60s; {limit} 300ms;")
    client, peer = join(server, origin)
    writer = client if who == "upstream" else peer
    writer.socket.setblocking(False)
    with pytest.raises((ConnectionError, TimeoutError)):
        writer.socket.settimeout(30)
        for _ in range(4096):
            writer.socket.sendall(b"x" * 65536)
    server.wait_for_log(rf"\[info\] .* {who} timed out \(110: .*\) while proxying upgraded connection, "
                        rf"client: .*request: \"CONNECT {origin.address} HTTP/1.1\", "
                        rf"upstream: \"{origin.address}\"")
    client.close()


def test_python_asks_a_secure_origin(proxy, backend, tmp_path):
    path = tmp_path / "origin.pem"
    path.write_text(ORIGIN.chain + ORIGIN.key_pem)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    origin = backend(response("hello"), tls=tls)
    server, _ = proxy()
    trusting = ssl.create_default_context(cadata=ROOT.pem)
    client = http.client.HTTPSConnection("127.0.0.1", server.port(), context=trusting, timeout=30)
    client.set_tunnel("localhost", origin.port)
    client.request("GET", "/secret")
    assert client.getresponse().read() == b"hello"
    client.close()
    assert origin.last.target == "/secret"


def test_curl_goes_through(proxy):
    if not shutil.which("curl"):
        pytest.skip("no curl here")
    server, origin = proxy(answer=response("hello"))
    command = ["curl", "-sS", "-p", "-x", f"http://127.0.0.1:{server.port()}", f"http://{origin.address}/a"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("hello", "")
    assert origin.last.target == "/a"


# --- where it leads

def test_ours_may_be_the_choice(proxy):
    server, origin = proxy("tunnel_pass %BACKEND%;")
    client, peer = join(server, origin, "somewhere.test:443")
    check(client, peer)
    client.close()


def test_a_map_may_be_the_choice(proxy):
    server, origin = proxy("tunnel_pass $where;",
                           http='map $host:$request_port $where { a.test:443 %BACKEND%; default ""; }')
    client, peer = join(server, origin, "a.test:443")
    check(client, peer)
    client.close()
    server.expect("no host in upstream")
    assert status(server, "a.test:80") == 500


def test_a_path_may_be_the_choice_of_the_configuration(serve, backend):
    origin = backend(unix=True)
    server = serve(f"tunnel_pass {origin.address};")
    client, peer = join(server, origin, "a.test:443")
    check(client, peer)
    client.close()


def test_the_next_server_is_tried(proxy):
    dead = free_port()
    server, origin = proxy("tunnel_pass u; access_log logs/tunnel.log tunnel;", http=f"""
        upstream u {{ server 127.0.0.1:{dead}; server %BACKEND%; keepalive 4; }}
        log_format tunnel "$upstream_addr $upstream_status";""", workers=1)
    client, peer = join(server, origin, "a.test:443")
    check(client, peer)
    client.close()
    server.wait_for_log(rf"^127\.0\.0\.1:{dead}, {origin.address} 502, 200$", "logs/tunnel.log")
    release(dead)


@pytest.mark.parametrize("directives", ["tunnel_next_upstream off;", "tunnel_next_upstream timeout;",
                                        "tunnel_next_upstream_tries 1;"])
def test_the_next_server_is_not_tried(proxy, directives):
    dead = free_port()
    server, origin = proxy(f"tunnel_pass u; {directives}",
                           http=f"upstream u {{ server 127.0.0.1:{dead}; server %BACKEND%; }}", workers=1)
    assert status(server, "a.test:443") == 502
    server.wait_for_log(rf"connect\(\) failed \(111: .*\) while connecting to upstream, .*127\.0\.0\.1:{dead}")
    release(dead)


def test_who_is_not_there_is_a_bad_gateway(proxy):
    server, origin = proxy()
    origin.refuse()
    with server.client() as client:
        answer = ask(client, origin.address)
        assert answer.status == 502
        assert answer.text.endswith("</html>\r\n")
        assert client.is_closed()


def test_a_name_nobody_has_is_a_bad_gateway(proxy):
    server, _ = proxy()
    assert status(server, "nobody.invalid:443") == 502
    server.wait_for_log(r"nobody\.invalid could not be resolved")


def test_it_is_not_waited_for_too_long(proxy):
    server, _ = proxy("tunnel_pass; tunnel_connect_timeout 100ms;")
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.create_connection(address)]
        waiting += [nonblocking(address) for _ in range(4)]
        assert status(server, f"127.0.0.1:{address[1]}") == 504
        for one in waiting:
            one.close()


def nonblocking(address):
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(address)
    return one


def test_a_client_that_leaves_is_not_connected_for(proxy):
    server, _ = proxy(workers=1)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.create_connection(address), *[nonblocking(address) for _ in range(4)]]
        client = server.client()
        client.send(f"CONNECT 127.0.0.1:{address[1]} HTTP/1.1\r\nHost: a\r\n\r\n")
        client.close()
        server.wait_for_log(r'"CONNECT 127\.0\.0\.1:\d+ HTTP/1\.1" 499 ', "logs/access.log")
        for one in waiting:
            one.close()
    wait_until(lambda: server.connections() == 0, "no connection to be left")


def test_the_source_can_be_chosen(proxy):
    server, origin = proxy("tunnel_pass; tunnel_bind 127.0.0.9;")
    client, peer = join(server, origin)
    assert peer.socket.getpeername()[0] == "127.0.0.9"
    client.close()


# --- what is refused

def test_where_no_tunnel_is_connect_is_refused(proxy):
    server, origin = proxy("return 200 hello;")
    assert status(server, origin.address) == 405


def test_other_methods_are_not_allowed(proxy):
    server, _ = proxy("location / { tunnel_pass; }")
    assert server.get("/").status == 405
    assert server.request("POST", "/", body=b"a").status == 405


@pytest.mark.parametrize("location", ["return 200 hello;", "return 204;", "error_page 404 =200 /a; return 404;",
                                      "root html;", "stub_status;", "empty_gif;",
                                      "proxy_pass http://%BACKEND%;"])
def test_no_200_pretends_to_be_a_tunnel(proxy, location):
    """In a server that has tunnels elsewhere, too: a client would take what follows for its own server's words."""
    server, origin = proxy(f"location / {{ {location} }} location /elsewhere {{ tunnel_pass; }}",
                           files={"html/index.html": "hello", "html/a": "a"})
    with server.client() as client:
        answer = ask(client, origin.address, behind=b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer.status in (403, 404, 405)
        assert client.take_all().count(b"HTTP/1.1") == 0
    assert origin.is_alone()


def test_access_rules_come_first(proxy):
    server, origin = proxy("deny all; tunnel_pass;")
    assert status(server, origin.address) == 403


def test_hosts_and_ports_can_be_limited(proxy):
    server, origin = proxy('if ($allowed = "") { return 403; } tunnel_pass;',
                           http='map $host:$request_port $allowed { %BACKEND% yes; default ""; }')
    client, peer = join(server, origin)
    check(client, peer)
    client.close()
    assert status(server, f"localhost:{origin.port}") == 403


@pytest.mark.parametrize("status_of, fields", [
    (400, ["Content-Length: 5"]), (400, ["Content-Length: 0"]), (400, ["Transfer-Encoding: chunked"]),
    (400, ["Content-Length: 5", "Transfer-Encoding: chunked"]), (501, ["Transfer-Encoding: gzip"]),
])
def test_a_body_is_refused(proxy, status_of, fields):
    server, origin = proxy(workers=1)
    with server.client() as client:
        answer = ask(client, origin.address, *fields, behind=b"0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer.status == status_of
        assert answer.header("Connection") == "close"
        assert client.take_all().count(b"HTTP/1.1") == 0
    assert origin.is_alone()


@pytest.mark.parametrize("target", [
    "a.test", "a.test:", ":443", "443", "/", "/a:443", "*", "http://a.test:443", "http://a.test:443/", "a.test:443/",
    "a.test:443?a", "a.test:443#a", "user@a.test:443", "a.test:99999", "a.test:-1", "a.test:+443", "a.test:0x50",
    "a.test:443:443", "::1:443", "[::1]", "[::1]443", "[::1:443", "a..test:443", "a.test:4 43", "a.test:0",
    "unix:/run/a:443", "a/b:443", "a%2fb:443/", "a\tb:443", "[unix:/a]:443",
])
def test_a_target_that_is_no_authority_is_refused(proxy, target):
    server, _ = proxy()
    with server.client() as client:
        client.send(f"CONNECT {target} HTTP/1.1\r\nHost: a.test\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        data = client.take_all()
        assert data.startswith(b"HTTP/1.1 400 ")
        assert data.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("directive", ["tunnel_pass;", "tunnel_pass $host:$request_port;"])
def test_nobody_names_a_path_of_this_machine(proxy, directive):
    server, _ = proxy(directive, workers=1)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(server.path("443"))
        listener.listen()
        assert status(server, "unix:443") in (500, 502)
        assert "connect() failed" not in server.error_log


def test_what_follows_a_refusal_is_no_request(proxy):
    server, origin = proxy("location / { tunnel_pass; auth_basic closed; auth_basic_user_file users; } "
                           "location /inside { return 200 secret; }", files={"conf/users": "a:{PLAIN}b\n"})
    with server.client() as client:
        answer = ask(client, origin.address, behind=b"GET /inside HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer.status == 401
        assert b"secret" not in client.take_all()


def test_an_idle_connection_to_an_origin_is_no_tunnel(proxy):
    """One that has served requests stays with requests."""
    server, origin = proxy("location /page { proxy_pass http://u; } location / { tunnel_pass u; }", workers=1,
                           http="upstream u { server %BACKEND%; keepalive 4; }")
    with server.client() as client:
        client.send_request("GET", "/page")
        first = origin.accept()
        first.read_request()
        first.send(response("hello"))
        assert client.read_response().text == "hello"
    client, peer = join(server, origin, "a.test:443")
    check(client, peer)
    client.close()
    assert peer.is_closed()
    assert first.input == b""
