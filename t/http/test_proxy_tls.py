"""TLS towards origin servers: whom we believe, what we show, what is resumed, and what breaks."""

import os
import socket
import ssl

import pytest

from harness.backend import Answer, response
from harness.certificates import Authority, self_signed
from harness.nginx import Nginx, is_installed
from harness.tls import VERSIONS, der

ROOT = Authority("root")
GOOD = ROOT.issue("a.test", hosts=["a.test"])
OK = response("hello")
OVER = response("hello", "Connection: close")
TRUST = "proxy_ssl_verify on; proxy_ssl_trusted_certificate root.crt;"
NAMED = TRUST + "proxy_ssl_name a.test;"


@pytest.fixture
def origin_of(backend, tmp_path):
    """Starts an origin that speaks TLS. `names` are whom clients asked for."""
    def start(answer=OK, certificate=GOOD, version=None, clients=None, **how):
        path = tmp_path / f"{len(os.listdir(tmp_path))}.pem"
        path.write_text(certificate.chain + certificate.key_pem)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(path)
        if version:
            tls.minimum_version = tls.maximum_version = VERSIONS[version]
        if clients:
            tls.load_verify_locations(cadata=clients.pem)
            tls.verify_mode = ssl.CERT_REQUIRED
        names = []
        tls.sni_callback = lambda connected, name, context: names.append(name)
        origin = backend(answer, tls=tls, **how)
        origin.names = names
        return origin
    return start


@pytest.fixture
def secure(serve, origin_of):
    """A server before an origin that speaks TLS."""
    def start(directives="", answer=OK, files=None, server="", http="", **how):
        origin = origin_of(answer, **how)
        server = server or "location / { proxy_pass https://%BACKEND%; %DIRECTIVES% }"
        texts = [text.replace("%BACKEND%", origin.address).replace("%DIRECTIVES%", directives)
                 for text in (server, http)]
        return serve(texts[0], http=texts[1], workers=1, files={"conf/root.crt": ROOT.pem, **(files or {})}), origin
    return start


def status(server, path="/"):
    with server.client() as client:
        return client.get(path).status


def fails(server, sentence, wanted=502, path="/"):
    server.expect(r"\[error\]")
    assert status(server, path) == wanted
    server.wait_for_log(rf"\[error\] .*{sentence} while SSL handshaking to upstream, client: 127.0.0.1")


@pytest.mark.parametrize("version", VERSIONS)
def test_requests_go_over_tls(secure, version):
    server, origin = secure(NAMED, version=version)
    with server.client() as client:
        for path in ("/a", "/b"):
            assert client.get(path).text == "hello"
    assert [request.target for request in origin.requests] == ["/a", "/b"]
    assert origin.connections[0].socket.version() == f"TLSv{version}"


@pytest.mark.parametrize("version", VERSIONS)
def test_large_bodies_go_both_ways(secure, version):
    body = os.urandom(3 << 20)
    server, origin = secure("client_max_body_size 0;", version=version,
                            answer=lambda connection, request: response(request.body, framing="chunked"))
    with server.client() as client:
        client.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        assert client.read_response().body == body


# --- whom we believe

def test_by_default_nobody_is_judged(secure):
    server, _ = secure(certificate=self_signed("other", days=-3))
    assert status(server) == 200


def test_who_is_trusted_and_has_the_name_is_believed(secure):
    server, _ = secure(NAMED)
    assert status(server) == 200


REVOKED = ROOT.issue("a.test", hosts=["a.test"])
ROOT.revoke(REVOKED)
STRANGERS = {
    "self-signed": (self_signed("a.test"), NAMED, r"verify error: \(18:self-signed certificate\)"),
    "unknown": (Authority("other").issue("a.test", hosts=["a.test"]), NAMED, r"verify error: \(2[01]:unable to .*\)"),
    "expired": (ROOT.issue("a.test", hosts=["a.test"], days=-3), NAMED,
                r"verify error: \(10:certificate has expired\)"),
    "revoked": (REVOKED, NAMED + "proxy_ssl_crl root.crl;", r"verify error: \(23:certificate revoked\)"),
    "another name": (ROOT.issue("b.test", hosts=["b.test"]), NAMED, 'does not match "a.test"'),
    "an address": (GOOD, TRUST, 'does not match "127.0.0.1"'),
    "too deep": (Authority("deep", Authority("between", ROOT)).issue("a.test", hosts=["a.test"]), NAMED,
                 r"verify error: \(20:unable to get local issuer certificate\)"),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who", STRANGERS)
def test_others_are_not(secure, who, version):
    certificate, directives, sentence = STRANGERS[who]
    server, origin = secure(directives, certificate=certificate, version=version, files={"conf/root.crl": ROOT.crl})
    fails(server, f"upstream SSL certificate {sentence}")
    assert origin.requests == []


def test_longer_chains_can_be_allowed(secure):
    certificate = STRANGERS["too deep"][0]
    server, _ = secure(NAMED + "proxy_ssl_verify_depth 2;", certificate=certificate)
    assert status(server) == 200


def test_the_name_is_that_of_the_group(secure):
    server, _ = secure(TRUST, http="upstream a.test { server %BACKEND%; }",
                       server="location / { proxy_pass https://a.test; %DIRECTIVES% }")
    assert status(server) == 200


def test_the_next_server_may_be_a_better_one(serve, origin_of):
    wrong, right = origin_of(certificate=self_signed("a.test")), origin_of()
    server = serve(f"location / {{ proxy_pass https://a.test; {TRUST} }}", files={"conf/root.crt": ROOT.pem}, workers=1,
                   http=f"upstream a.test {{ server {wrong.address}; server {right.address}; }}")
    server.expect(r"\[error\] .*verify error|\[warn\] .*temporarily disabled")
    for _ in range(3):
        assert status(server) == 200
    assert len(right.requests) == 3


# --- what we tell and show

@pytest.mark.parametrize("directives, want", [
    ("proxy_ssl_server_name on; proxy_ssl_name a.test;", "a.test"),
    ("proxy_ssl_server_name on; proxy_ssl_name $arg_name;", "b.test"),
    ("proxy_ssl_server_name on; proxy_ssl_name $arg_name:443;", "b.test"),
    ("proxy_ssl_server_name on;", None),
    ("proxy_ssl_name a.test;", None)])
def test_servers_are_told_whom_we_ask_for(secure, directives, want):
    server, origin = secure(directives)
    assert status(server, "/?name=b.test") == 200
    assert origin.names == [want]


def test_versions_and_ciphers_are_those_that_were_asked_for(secure):
    server, origin = secure("proxy_ssl_protocols TLSv1.2; proxy_ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384;")
    assert status(server) == 200
    assert origin.connections[0].socket.cipher()[:2] == ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2")


def test_openssl_is_told_what_else_there_is(secure):
    server, origin = secure("proxy_ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256;")
    assert status(server) == 200
    assert origin.connections[0].socket.cipher()[0] == "TLS_CHACHA20_POLY1305_SHA256"


def test_without_a_version_in_common_there_is_no_answer(secure):
    server, _ = secure("proxy_ssl_protocols TLSv1.2;", version="1.3")
    fails(server, r"SSL_do_handshake\(\) failed \(SSL: error:.*alert protocol version.*\)")


def test_our_certificate_is_shown(secure):
    ours = ROOT.issue("client")
    server, origin = secure("proxy_ssl_certificate c.crt; proxy_ssl_certificate_key c.key;"
                            "proxy_ssl_password_file words;", clients=ROOT,
                            files={"conf/c.crt": ours.chain, "conf/c.key": ours.encrypted_key_pem("right"),
                                   "conf/words": "wrong\nright\n"})
    assert status(server) == 200
    assert origin.connections[0].socket.getpeercert(True) == der(ours)


@pytest.mark.parametrize("cache", ["", "proxy_ssl_certificate_cache max=10;"])
def test_which_one_may_depend_on_the_request(secure, cache):
    one, other = ROOT.issue("one"), ROOT.issue("other")
    files = {f"conf/{name}.{kind}": text for name, holder in (("one", one), ("other", other))
             for kind, text in (("crt", holder.chain), ("key", holder.key_pem))}
    server, origin = secure("proxy_ssl_certificate $arg_who.crt; proxy_ssl_certificate_key $arg_who.key;" + cache,
                            clients=ROOT, files=files)
    for name in ("one", "other", "one"):
        assert status(server, f"/?who={name}") == 200
    shown = {connection.socket.getpeercert(True): len(connection.requests) for connection in origin.connections}
    assert shown == {der(one): 2, der(other): 1}
    fails(server, r'cannot load certificate "%s": open\(\) failed \(2: No such file or directory\)'
          % server.path("conf/none.crt"), 500, "/?who=none")


# --- connections and sessions

def test_a_connection_is_used_again_by_those_who_would_open_the_same(secure):
    server, origin = secure(server=f"""
        location / {{ proxy_pass https://app; }}
        location /same/ {{ proxy_pass https://app; proxy_read_timeout 9s; }}
        location /strict/ {{ proxy_pass https://app; {NAMED} }}
        location /plain/ {{ proxy_pass https://app; proxy_ssl_name $arg_name; }}""",
                            http="upstream app { server %BACKEND%; keepalive 8; }")
    with server.client() as client:
        for path in ("/", "/same/", "/strict/", "/plain/?name=a", "/", "/plain/?name=a", "/plain/?name=b", "/strict/"):
            assert client.get(path).status == 200
    used = [[request.target.split("?")[0] for request in connection.requests] for connection in origin.connections]
    assert used == [["/", "/same/", "/"], ["/strict/"] * 2, ["/plain/"] * 2, ["/plain/"]]


def resumed(origin):
    return [connection.resumed for connection in origin.connections]


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_are_resumed(secure, version):
    answer = Answer(OVER, then="say_goodbye")
    server, origin = secure(NAMED, answer=answer, version=version, server="""
        location / { proxy_pass https://%BACKEND%; %DIRECTIVES% }
        location /off/ { proxy_pass https://%BACKEND%; proxy_ssl_session_reuse off; %DIRECTIVES% }
        location /other/ { proxy_pass https://%BACKEND%; }""")
    for path in ("/", "/", "/off/", "/", "/other/"):
        assert status(server, path) == 200
    server.reload()
    assert status(server) == 200
    assert resumed(origin) == [False, True, False, True, False, True]


def test_a_server_that_closes_between_requests_costs_none(secure):
    server, origin = secure(answer=Answer(OK, then="say_goodbye"))
    for _ in range(3):
        assert status(server) == 200
    assert len(origin.connections) == 3


def test_a_tunnel_goes_over_tls_too(secure):
    def answer(connection, request):
        del request
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst")
        while connection.input or connection.fill():
            connection.send(connection.take(len(connection.input)))
        connection.close()
    server, _ = secure('proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";', answer=answer)
    with server.client() as client:
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        assert client.read_response().status == 101
        assert client.take(5) == b"first"
        for text in (b"one", b"x" * 100000):
            client.send(text)
            assert client.take(len(text)) == text
        client.finish()
        assert client.take_all() == b""


# --- what breaks

def test_a_body_that_was_cut_off_is_no_whole_one(secure):
    whole = response(b"x" * 1000, framing="none")
    server, _ = secure(answer=Answer(whole, then="say_goodbye"))
    with server.client() as client:
        assert client.get("/").body == b"x" * 1000
    server, _ = secure(answer=Answer(whole, then="close"))
    server.expect(r"\[error\]")
    with server.client() as client:
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert not client.take_all().endswith(b"0\r\n\r\n")
    server.wait_for_log(r"\[error\] .*upstream prematurely closed connection while reading upstream")


def test_a_server_that_speaks_plain_http_is_a_bad_gateway(serve, backend):
    origin = backend(Answer(response("no", status=400), when="made"))
    server = serve(f"location / {{ proxy_pass https://{origin.address}; }}")
    fails(server, r"SSL_do_handshake\(\) failed \(SSL: error:.*wrong version number.*\)")


def test_a_server_that_closes_is_one_too(serve, backend):
    origin = backend(Answer(b"", then="close", when="made"))
    server = serve(f"location / {{ proxy_pass https://{origin.address}; }}")
    fails(server, "peer closed connection in SSL handshake.*")


def test_a_server_that_says_nothing_is_waited_for_as_long_as_for_a_connection(serve, backend):
    origin = backend()
    server = serve(f"location / {{ proxy_pass https://{origin.address}; proxy_connect_timeout 100ms; }}")
    fails(server, r"upstream timed out \(110: Connection timed out\)", 504)


def test_a_client_that_leaves_ends_the_handshake(serve, backend):
    origin = backend()
    server = serve(f"location / {{ proxy_pass https://{origin.address}; }}", http="log_format s $status;"
                   "access_log logs/access.log s;")
    with server.client() as client:
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        with origin.accept() as connection:
            client.close()
            assert connection.has_ended()
    server.wait_for_log("^499$", "logs/access.log")


def test_what_is_no_record_is_a_fault(secure):
    def answer(connection, request):
        del request
        with socket.fromfd(connection.socket.fileno(), socket.AF_INET, socket.SOCK_STREAM) as raw:
            raw.sendall(b"this is no record at all")
        connection.has_ended()
    server, _ = secure(answer=answer)
    server.expect(r"\[error\]")
    assert status(server) == 502
    server.wait_for_log(r"\[error\] .*SSL_read\(\) failed \(SSL: error:.*\) while reading response header from ")


# --- for those who look closely

@pytest.mark.parametrize("version, label", [("1.2", "CLIENT_RANDOM"), ("1.3", "CLIENT_TRAFFIC_SECRET_0")])
def test_secrets_are_written_where_that_was_asked_for(secure, version, label):
    server, _ = secure("proxy_ssl_key_log logs/keys;", version=version)
    assert status(server) == 200
    lines = server.read("logs/keys").splitlines()
    assert label in [line.split()[0] for line in lines]


def test_nginx_is_an_origin_like_any_other(new_server):
    if not is_installed():
        pytest.skip("no nginx here")
    holder = new_server(files={"conf/a.crt": GOOD.chain, "conf/a.key": GOOD.key_pem})
    nginx = Nginx(holder, "server { listen 127.0.0.1:%PORT% ssl; ssl_certificate a.crt; ssl_certificate_key a.key;"
                  "ssl_session_cache shared:s:1m; keepalive_requests 2;"
                  'location / { return 200 "$connection_requests $ssl_session_reused $ssl_server_name"; } }')
    try:
        server = new_server(server=f"location / {{ proxy_pass https://127.0.0.1:{nginx.port}; {NAMED}"
                            "proxy_ssl_server_name on; }", files={"conf/root.crt": ROOT.pem}, workers=1).start()
        with server.client() as client:
            answers = [client.get("/").text for _ in range(6)]
    finally:
        nginx.stop()
    assert answers == ["1 . a.test", "2 . a.test", "1 r a.test", "2 r a.test", "1 r a.test", "2 r a.test"]
