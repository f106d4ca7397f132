"""What clients are asked for over TLS: certificates, and harmless requests as long as a handshake is not proven."""

import re
import ssl
import subprocess

import pytest

from harness.certificates import Authority, self_signed
from harness.tls import OWN, VERSIONS, pair
from harness.tls import context as tls_context

LISTEN = "listen 127.0.0.1:%PORT% ssl;"


@pytest.fixture
def serve_asking(serve):
    """Starts a server that asks for certificates of the authority; gives what makes a client's context."""
    def start(text, authority, http=None, files=None):
        files = {**pair("own", self_signed()), "conf/ca.crt": authority.pem, "html/private": "private",
                 **(files or {})}
        server = f"server {{ {LISTEN} server_name localhost; {OWN} root html; {text} }}"
        return serve(http=(http or "") + server, files=files)
    return start


def context(server, certificate=None, version=None):
    name = certificate and server.write("client.pem", certificate.key_pem + certificate.chain)
    return tls_context(version, name)


VERIFY = "ssl_client_certificate ca.crt; ssl_verify_client"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_is_required(serve_asking, version):
    authority, stranger = Authority("ca"), Authority("stranger")
    server = serve_asking(f"{VERIFY} on; location /v {{ return 200 $ssl_client_verify,$ssl_client_s_dn; }}", authority)
    with server.client(tls=context(server, authority.issue("alice"), version)) as client:
        assert client.get("/v").text == "SUCCESS,CN=alice"
        assert client.get("/private").text == "private"
    with server.client(tls=context(server, None, version)) as client:
        response = client.get("/private")
        assert response.status == 400 and "No required SSL certificate was sent" in response.text
        assert client.is_closed()
    for wrong, why in ((stranger.issue("mallory"), "unable to verify the first certificate"),
                       (authority.issue("late", days=-3), "certificate has expired")):
        with server.client(tls=context(server, wrong, version)) as client:
            response = client.get("/private")
            assert response.status == 400 and "The SSL certificate error" in response.text
        server.wait_for_log(rf"\[info\] .* client SSL certificate verify error: \(\d+:{why}\)")


def test_an_address_without_tls_since_a_reload_still_judges_who_speaks_it(serve_asking):
    authority = Authority("ca")
    server = serve_asking(f"{VERIFY} on;", authority, http=f"server {{ {LISTEN} server_name open; {OWN} }}")
    with server.client(tls=context(server), sni="open") as client:
        assert client.get("/", {"Host": "open"}).status == 200
        server.write("conf/server.conf", server.read("conf/server.conf").replace(" ssl;", ";"))
        server.reload()
        assert server.get("/private", {"Host": "localhost"}).status == 200  # as the configuration now has it
        assert client.get("/", {"Host": "open"}).status == 200
        assert client.get("/private", {"Host": "localhost"}).status == 421


def test_who_need_not_show_one_is_told_apart(serve_asking):
    authority, stranger = Authority("ca"), Authority("stranger")
    said = "location /v { return 200 $ssl_client_verify; }"
    for how, of_stranger in (("optional", 400), ("optional_no_ca", "FAILED:unable to verify the first certificate")):
        server = serve_asking(f"{VERIFY} {how}; {said}", authority)
        with server.client(tls=context(server)) as client:
            assert client.get("/v").text == "NONE"
        with server.client(tls=context(server, authority.issue("a"))) as client:
            assert client.get("/v").text == "SUCCESS"
        with server.client(tls=context(server, stranger.issue("b"))) as client:
            response = client.get("/v")
            assert of_stranger in (response.status, response.text)


def test_chains_have_a_depth(serve_asking):
    root = Authority("root")
    inner = Authority("inner", root)
    innermost = Authority("innermost", inner)
    for depth, works in ((1, False), (2, True)):
        server = serve_asking(f"{VERIFY} on; ssl_verify_depth {depth};", root)
        with server.client(tls=context(server, inner.issue("a"))) as client:
            assert client.get("/private").status == 200
        with server.client(tls=context(server, innermost.issue("b"))) as client:
            assert client.get("/private").status == (200 if works else 400)


def test_revoked_certificates_are_refused(serve_asking):
    authority = Authority("ca")
    good, bad = authority.issue("good"), authority.issue("bad")
    authority.revoke(bad)
    server = serve_asking(f"{VERIFY} on; ssl_crl ca.crl;", authority, files={"conf/ca.crl": authority.crl})
    with server.client(tls=context(server, good)) as client:
        assert client.get("/private").status == 200
    with server.client(tls=context(server, bad)) as client:
        assert client.get("/private").status == 400
    server.wait_for_log("certificate revoked")


def test_the_server_that_was_greeted_is_the_one_that_answers(serve_asking):
    authority = Authority("ca")
    server = serve_asking("", authority, http=f"server {{ {LISTEN} server_name open; {OWN} return 200 open; }}"
                          f"server {{ {LISTEN} server_name closed shut; {OWN} {VERIFY} on; return 200 closed; }}")
    alice = context(server, authority.issue("alice"))
    for sni, host, status in (("open", "open", 200), ("open", "closed", 421), ("closed", "closed", 200),
                              ("closed", "open", 200), ("closed", "shut", 421), (None, "closed", 421),
                              ("other", "closed", 421)):
        with server.client(tls=alice, sni=sni) as client:
            assert client.get("/", {"Host": host}).status == status, (sni, host)
    server.wait_for_log("client attempted to request the server name different from the one that was negotiated")
    with server.client(tls=context(server), sni="closed") as client:
        assert client.get("/", {"Host": "closed"}).status == 400


def test_variables_of_the_certificate(serve_asking):
    authority = Authority("ca")
    alice = authority.issue("alice", days=10)
    names = ["serial", "fingerprint", "i_dn", "s_dn_legacy", "i_dn_legacy", "v_remain", "escaped_cert", "v_end"]
    text = "\\n".join(f"$ssl_client_{name}" for name in names)
    server = serve_asking(f'{VERIFY} on; location /v {{ return 200 "{text}"; }}'
                          'location /raw { return 200 $ssl_client_raw_cert; }'
                          'location /cert { return 200 $ssl_client_cert; }', authority)
    with server.client(tls=context(server, alice)) as client:
        said = dict(zip(names, client.get("/v").text.split("\n")))
        assert int(said["serial"], 16) == alice.certificate.serial_number
        from cryptography.hazmat.primitives import hashes
        assert said["fingerprint"] == alice.fingerprint(hashes.SHA1)
        assert (said["i_dn"], said["s_dn_legacy"], said["i_dn_legacy"]) == ("CN=ca", "/CN=alice", "/CN=ca")
        assert said["v_remain"] == "10"
        assert said["escaped_cert"].startswith("-----BEGIN%20CERTIFICATE-----%0A")
        assert re.fullmatch(r"\w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT", said["v_end"])
        assert client.get("/raw").text == alice.pem
        assert client.get("/cert").text == alice.pem.rstrip("\n").replace("\n", "\n\t")


def test_variables_of_the_connection(serve_asking):
    server = serve_asking('location / { return 200 "$ssl_protocol|$ssl_cipher|$ssl_server_name|$ssl_session_reused|'
                          '$ssl_alpn_protocol|$ssl_curve|$ssl_early_data|$ssl_client_verify|'
                          '$ssl_ech_status$ssl_ech_outer_server_name"; }'
                          'location /offered { return 200 "$ssl_ciphers|$ssl_curves|$ssl_sigalgs"; }', Authority("ca"))
    tls = context(server, None, "1.3")
    tls.set_alpn_protocols(["h9", "http/1.1"])
    with server.client(tls=tls, sni="Some.Name") as client:
        assert client.get("/").text.split("|") == ["TLSv1.3", client.socket.cipher()[0], "Some.Name", ".", "http/1.1",
                                                   "X25519", "", "NONE", ""]
        ciphers, curves, _ = client.get("/offered").text.split("|")
        assert "TLS_AES_128_GCM_SHA256" in ciphers.split(":") and "X25519" in curves.split(":")
    plain = context(server)
    with server.client(tls=plain) as client:
        assert client.get("/").text.split("|")[4] == ""


def test_a_protocol_nobody_speaks_is_refused(serve_asking):
    server = serve_asking("", Authority("ca"))
    tls = context(server)
    tls.set_alpn_protocols(["h9"])
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        server.client(tls=tls)


def early(server, request):
    """Sends a request in early data of a resumed session; what openssl says of it, and the answer."""
    tls = server.path("session.pem")
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port()}", "-tls1_3", "-ign_eof"]
    plain = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    subprocess.run([*command, "-sess_out", tls], input=plain, capture_output=True, check=True, timeout=30)
    name = server.write("early.txt", request)
    # What is on the standard input comes after the handshake.
    command += ["-sess_in", tls, "-early_data", name]
    return subprocess.run(command, input=plain, capture_output=True, timeout=30).stdout.decode()


def test_early_requests_are_answered_when_they_are_harmless(serve_asking):
    server = serve_asking("ssl_early_data on; location / { return 200 early=$ssl_early_data.; }", Authority("ca"))
    said = early(server, "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert "Early data was accepted" in said and "early=1." in said
    said = early(server, "POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    assert "Early data was accepted" in said and "HTTP/1.1 425" in said
    server = serve_asking("location / { return 200 early=$ssl_early_data.; }", Authority("ca"))
    assert "Early data was not sent" in early(server, "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("how", ["off", "on", "auto"])
def test_handshakes_on_threads_are_the_same(serve_asking, how):
    authority = Authority("ca")
    rsa = self_signed(kind="rsa4096")
    server = serve_asking(f"ssl_async_threads {how}; {VERIFY} on;", authority, files=pair("own", rsa))
    for version in VERSIONS:
        with server.client(tls=context(server, authority.issue("a"), version)) as client:
            assert client.get("/private").text == "private"
            assert client.socket.getpeercert(True) == ssl.PEM_cert_to_DER_cert(rsa.pem)
