"""HTTPS: handshakes of each version, names, what is not TLS, and the ends of connections."""

import re
import select
import socket
import ssl
import subprocess

import pytest

from harness.certificates import Authority, self_signed
from harness.tls import LISTEN, OWN, VERSIONS, context, pair
from harness.waiting import WAIT_SECONDS, wait_until


@pytest.fixture
def serve_tls(serve):
    """Starts a server that speaks TLS on its second port: `server = serve_tls("location / { … }")`."""
    def start(text="", certificate=None, http=None, files=None, **configuration):
        files = {**pair("own", certificate or self_signed()), **(files or {})}
        if http is None:
            return serve(f"{LISTEN} {OWN} {text}", files=files, **configuration)
        return serve(http=f"{http} server {{ listen 127.0.0.1:%PORT%; }}", files=files, **configuration)
    return start


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_request_over_each_version(serve_tls, version, kind):
    server = serve_tls(certificate=self_signed(kind=kind), files={"html/big": "0123456789" * 100000})
    tls = context(version)
    with server.client(2, tls=tls) as client:
        assert client.socket.version() == f"TLSv{version}"
        assert client.get("/").text == "hello\n"
        assert client.get("/big").text == "0123456789" * 100000
        assert client.get("/none").status == 404


def test_scheme_and_redirects_know_of_it(serve_tls):
    server = serve_tls("location /v { return 200 $scheme,$https; } location /d { root html; }", files={"html/d/a": ""})
    with server.client(2, tls=True) as client:
        assert client.get("/v").text == "https,on"
        assert client.get("/d", {"Host": "h"}).header("Location") == f"https://h:{server.port(2)}/d/"
    assert server.get("/v").text == "http,"


def test_plain_http_is_told_so(serve_tls):
    server = serve_tls("error_page 497 =301 https://$host$request_uri; location /raw { }")
    with server.client(2) as client:
        response = client.get("/a?b", {"Host": "h"})
        assert (response.status, response.header("Location")) == (301, "https://h/a?b")
        assert client.is_closed()
    server = serve_tls()
    with server.client(2) as client:
        response = client.get("/")
        assert response.status == 400 and "The plain HTTP request was sent to HTTPS port" in response.text


def test_servers_are_chosen_by_name(serve_tls):
    authority = Authority("root")
    names = {"a.test": "server_name a.test;",
             "b.test": "server_name *.b.test b.test;", "c1.test": r"server_name ~^c\d;"}
    servers = "".join(f"server {{ {LISTEN} {own} ssl_certificate {name}.crt; ssl_certificate_key {name}.key;"
                      f" return 200 {name}; }}" for name, own in names.items())
    files = {}
    for name in names:
        files |= pair(name, authority.issue(name, (name, f"*.{name}")))
    server = serve_tls(http=servers, files=files)

    trusting = ssl.create_default_context(cadata=authority.pem)
    for name, shown in [("a.test", "a.test"), ("b.test", "b.test"), ("x.b.test", "b.test"), ("c1.test", "c1.test"),
                        ("A.TEST", "a.test")]:
        with server.client(2, tls=trusting, sni=name) as client:
            assert client.get("/", {"Host": name}).text == shown
    for sni in (None, "other.test"):
        with server.client(2, tls=context(), sni=sni) as client:
            assert client.socket.getpeercert(True) == ssl.PEM_cert_to_DER_cert(files["conf/a.test.crt"])


def test_protocols_are_those_of_the_server_that_was_asked_for(serve_tls):
    server = serve_tls(http=f"server {{ {LISTEN} server_name old; {OWN} ssl_protocols TLSv1.2; }}"
                            f"server {{ {LISTEN} server_name new; {OWN} ssl_protocols TLSv1.3; }}")
    for name, version in (("old", "TLSv1.2"), ("new", "TLSv1.3")):
        with server.client(2, tls=context(), sni=name) as client:
            assert client.socket.version() == version
    with pytest.raises(ssl.SSLError):
        server.client(2, tls=context(maximum_version=ssl.TLSVersion.TLSv1_2), sni="new")
    server.wait_for_log(r"\[info\] .* SSL_do_handshake\(\) failed \(SSL: error:.*unsupported protocol.*\) "
                        r"while SSL handshaking, client: 127.0.0.1, server: ")


def test_servers_that_leave_all_of_tls_to_the_block_around(serve_tls):
    server = serve_tls(http=OWN + "".join(f"server {{ {LISTEN} server_name {name}; return 200 {name}; }}"
                                          for name in ("a.test", "b.test")))
    for name in ("a.test", "b.test"):
        with server.client(2, tls=context(), sni=name) as client:
            assert client.get("/", {"Host": name}).text == name


def test_a_client_that_goes_or_stalls_within_the_handshake(serve_tls):
    server = serve_tls("client_header_timeout 500ms;")
    with server.client_that_sent(b"\x16\x03\x01", number=2, finished=True) as client:
        assert client.take_all() == b""
    server.wait_for_log("peer closed connection in SSL handshake while SSL handshaking")
    with server.client_that_sent(b"\x16\x03\x01\x00\x05\x01\x00", number=2) as client:
        assert client.take_all() == b""
    server.wait_for_log(r"client timed out \(110: Connection timed out\) while SSL handshaking")


def test_a_hello_in_pieces_does_not_prolong_the_handshake(serve_tls):
    """One limit counts from the beginning, not another one from when the hello is whole."""
    server = serve_tls(http=f"client_header_timeout 1s; server {{ {LISTEN} {OWN} }}"
                            "server { listen 127.0.0.1:%PORT3%; client_header_timeout 500ms; }"
                            "server { listen 127.0.0.1:%PORT4%; stub_status; }", workers=1)
    tls, _, outgoing = over_memory(context())
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    with server.client(2) as first, server.client(3) as clock, server.client(2) as second, server.client(4) as status:
        first.send(hello[:50])
        clock.take_all()  # half of the limit has passed
        second.send(hello[:50])
        wait_until(lambda: "Active connections: 3 " in status.get("/").text, "the connections to be accepted")
        first.send(hello[50:])
        assert second.take_all() == b"" and first.take_all() != b""
        late = server.wait_for_log(r"\*(\d+) client timed out .* while SSL handshaking", count=2)
        assert int(late[0][1]) < int(late[1][1])


def test_every_byte_of_a_connection_alone(serve_tls):
    """A client in memory, whose bytes are sent one by one."""
    server = serve_tls()
    for version in VERSIONS:
        with server.client(2) as client:
            tls, incoming, outgoing = over_memory(context(version))
            drive(tls.do_handshake, client, incoming, outgoing)
            tls.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"hello" in drive(lambda: tls.read(1000), client, incoming, outgoing)


def over_memory(tls):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    return tls.wrap_bio(incoming, outgoing), incoming, outgoing


def drive(step, client, incoming, outgoing):
    while True:
        try:
            return step()
        except ssl.SSLWantReadError:
            for byte in outgoing.read():
                client.send(bytes([byte]))
            incoming.write(client.socket.recv(65536))
        finally:
            for byte in outgoing.read():
                client.send(bytes([byte]))


def test_the_end_is_announced(serve_tls):
    server = serve_tls()
    with server.client(2, tls=context()) as client:
        client.send("GET / HTTP/1.0\r\n\r\n")
        assert client.take_all().endswith(b"hello\n")  # recv() would fail if no close_notify came
        assert client.socket.unwrap() is not None


def ended_over_memory(client, version):
    """A client in memory that has had its answer and the server's last word, and not said its own."""
    tls, incoming, outgoing = over_memory(context(version))
    drive(tls.do_handshake, client, incoming, outgoing)
    tls.write(b"GET / HTTP/1.0\r\n\r\n")
    answer = b""
    while more := drive(lambda: tls.read(1000), client, incoming, outgoing):
        answer += more
    assert answer.endswith(b"hello\n")
    return tls, outgoing


@pytest.mark.parametrize("version", VERSIONS)
def test_the_last_words_of_a_client_are_read_whenever_they_come(serve_tls, version):
    server = serve_tls()
    for is_late in (False, True):
        with server.client(2) as client:
            tls, outgoing = ended_over_memory(client, version)
            tls.unwrap()
            words = outgoing.read()
            assert len(words) > 20
            client.send(words[:7])
            if is_late:  # the server has looked, and waits for the rest
                assert select.select([client.socket], [], [], 0.1)[0] == []
            client.send(words[7:])
            assert client.socket.recv(1) == b""


def test_a_client_without_last_words_is_not_waited_for_for_long(serve_tls):
    server = serve_tls()
    with server.client(2) as client:
        ended_over_memory(client, "1.3")
        assert client.socket.recv(1) == b""


def test_a_server_that_stops_does_not_wait_for_last_words(serve_tls):
    server = serve_tls()
    with server.client(2) as client:
        ended_over_memory(client, "1.3")
        assert server.stop() == 0
        assert client.socket.recv(1) == b""


def test_one_certificate_of_each_type(serve_tls):
    server = serve_tls(http=f"server {{ {LISTEN} ssl_certificate ec.crt; ssl_certificate_key ec.key;"
                            "ssl_certificate rsa.crt; ssl_certificate_key rsa.key; }",
                       files={**pair("ec", self_signed(kind="ec")), **pair("rsa", self_signed(kind="rsa"))})
    for cipher, kind in (("ECDHE-ECDSA-AES128-GCM-SHA256", "ec"), ("ECDHE-RSA-AES128-GCM-SHA256", "rsa")):
        tls = context(maximum_version=ssl.TLSVersion.TLSv1_2)
        tls.set_ciphers(cipher)
        with server.client(2, tls=tls) as client:
            assert client.socket.cipher()[0] == cipher
            assert client.socket.getpeercert(True) == ssl.PEM_cert_to_DER_cert(self_signed(kind=kind).pem)


AES_256, AES_128, CHACHA = ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256",
                            "ECDHE-ECDSA-CHACHA20-POLY1305")
SUITES = {AES_256: "TLS_AES_256_GCM_SHA384", AES_128: "TLS_AES_128_GCM_SHA256", CHACHA: "TLS_CHACHA20_POLY1305_SHA256"}


def agreed_on(server, ciphers):
    """What comes of a client's wishes in each version, by the names of TLS 1.2."""
    got = []
    for version, offer in (("-tls1_2", ["-cipher", ":".join(ciphers)]),
                           ("-tls1_3", ["-ciphersuites", ":".join(SUITES[one] for one in ciphers)])):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port(2)}", version, *offer],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WAIT_SECONDS)
        got.append(re.search(r"^New, .*, Cipher is (\S+)", done.stdout, re.M).group(1))
    assert got[1] == SUITES[got[0]], got
    return got[0]


@pytest.mark.parametrize("text, whose", [("", "ours"), ("ssl_prefer_server_ciphers on;", "ours"),
                                         ("ssl_prefer_server_ciphers off;", "theirs"),
                                         ("ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;", "theirs")])
def test_whose_order_of_ciphers_counts(serve_tls, text, whose):
    """Who says nothing gets our order. Clients that put ChaCha20 first have no AES in hardware, and get it."""
    server = serve_tls(text)
    assert agreed_on(server, [AES_256, AES_128, CHACHA]) == (AES_128 if whose == "ours" else AES_256)
    assert agreed_on(server, [AES_256, CHACHA]) == AES_256
    assert agreed_on(server, [CHACHA, AES_128]) == CHACHA


# How the kernel does it is tested by `make test-ktls`.
@pytest.mark.parametrize("words", ["ssl_ktls on;", "ssl_conf_command Options KTLS;", "ssl_ktls off;"])
def test_where_the_kernel_cannot_encrypt_that_is_said_once(serve_tls, words):
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as any:
        try:
            any.setsockopt(socket.SOL_TCP, 31, b"tls")  # TCP_ULP
            why_not = None
        except OSError as error:
            why_not = f"{error.errno}: {error.strerror}"
    server = serve_tls(words, files={"html/big": "0123456789" * 100000}, workers=1)
    for _ in range(3):
        with server.client(2, tls=context()) as client:
            assert client.get("/big").text == "0123456789" * 100000
    def said():
        return re.findall(r"\[notice\] .* the kernel cannot encrypt TLS, ringx does \((.*?)\)", server.error_log)
    once = [why_not] if why_not and "off" not in words else []
    assert said() == once
    server.reload()
    assert server.client(2, tls=context()).get("/").status == 200
    assert said() == 2 * once  # it is asked again


def test_a_proxy_header_comes_before_the_handshake(serve_tls):
    server = serve_tls(http=f"server {{ listen 127.0.0.1:%PORT2% ssl proxy_protocol; {OWN} "
                            "return 200 $proxy_protocol_addr; }")
    plain = socket.create_connection(("127.0.0.1", server.port(2)))
    plain.sendall(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")
    with context().wrap_socket(plain) as tls:
        tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert tls.recv(1000).endswith(b"192.0.2.1")


def test_a_server_without_certificates_that_wants_those_of_clients_refuses_all(serve_tls):
    """As nginx: it speaks TLS as the default server does, which asks for none."""
    authority = Authority("root")
    client = authority.issue("client")
    wants = "ssl_verify_client on; ssl_client_certificate ca.crt; return 200 secret;"
    server = serve_tls(http=f"server {{ {LISTEN} server_name a.test; {OWN} }}"
                            f"server {{ {LISTEN} server_name b.test; {wants} }}",
                       files={"conf/ca.crt": authority.pem, "client.pem": client.key_pem + client.chain})
    with_certificate = context()
    with_certificate.load_cert_chain(server.path("client.pem"))
    for tls in (context(), with_certificate):
        for sni in ("a.test", "b.test", None):
            with server.client(2, tls=tls, sni=sni) as one:
                response = one.get("/", {"Host": "b.test"})
                assert response.status == 400 and "No required SSL certificate was sent" in response.text


def test_a_reload_that_ends_tls_within_a_handshake(new_server):
    server = new_server(http="server { include tls; return 200 plain; }"
                             "server { listen 127.0.0.1:%PORT%; location / { stub_status; } }",
                        files=pair("own", self_signed()))
    server.write("conf/tls", server.filled_in(f"{LISTEN} {OWN}"))
    server.start()
    tls, _, outgoing = over_memory(context())
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    with server.client(2) as client:
        client.send(hello[:50])
        wait_until(lambda: "Active connections: 2 " in server.get("/").text, "the connection to be accepted")
        server.write("conf/tls", server.filled_in("listen 127.0.0.1:%PORT2%;"))
        server.reload()
        client.send(hello[50:])
        assert client.take_all() == b""
    server.wait_for_log("TLS is not spoken here since the last reload while SSL handshaking")
