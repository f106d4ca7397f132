"""Keys and certificates as files: passwords, what is wrong with them, that they are read by the master alone and stay
out of core dumps, and that reloads change them without closing a connection."""

import os
import re
import ssl

import pytest

from harness.certificates import self_signed
from harness.tls import OWN, context, der, pair
from harness.tls import shown as shown_by

SERVER = "server { listen 127.0.0.1:%PORT% ssl; root html; %TEXT% }"


def shown(server):
    return shown_by(server, number=1)


def test_keys_have_passwords(serve):
    files = pair("own", self_signed(), password="open sesame")
    server = serve(http=SERVER.replace("%TEXT%", OWN + "ssl_password_file passwords;"),
                   files={**files, "conf/passwords": "wrong\n\nopen sesame\n"})
    assert shown(server) == der(self_signed())


def test_certificates_can_stand_in_the_configuration(serve):
    one = self_signed()
    text = f'ssl_certificate "data:{one.pem}"; ssl_certificate_key "data:{one.key_pem}";'
    assert shown(serve(http=SERVER.replace("%TEXT%", text))) == der(one)


@pytest.mark.parametrize("text, sentence", [
    ("", 'no "ssl_certificate" is defined for the "listen ... ssl" directive in %CONF%:'),
    ("ssl_certificate own.crt;", 'no "ssl_certificate_key" is defined for certificate "own.crt"'),
    (OWN.replace("own.crt", "none"), 'cannot load certificate "%PREFIX%/conf/none": open() failed (2: No such file or'),
    (OWN.replace("own.key", "none"), 'cannot load certificate key "%PREFIX%/conf/none": open() failed (2: No such'),
    (OWN.replace("own.crt", "own.key"), 'cannot load certificate "%PREFIX%/conf/own.key": PEM_read_bio_X509_AUX() '
                                        'failed (SSL: error:0480006C:PEM routines::no start line'),
    (OWN.replace("own.key", "own.crt"), 'cannot load certificate key "%PREFIX%/conf/own.crt": PEM_read_bio_PrivateKey()'
                                        ' failed (SSL: error:'),
    (OWN.replace("own.key", "other.key"), 'SSL_CTX_use_PrivateKey("%PREFIX%/conf/other.key") failed (SSL: '
                                          'error:05800074:x509 certificate routines::key values mismatch)'),
    (OWN.replace("own.key", "locked.key"), 'cannot load certificate key "%PREFIX%/conf/locked.key": '),
    (OWN + "ssl_ciphers nonsense;", 'SSL_CTX_set_cipher_list("nonsense") failed (SSL: error:0A0000B9:SSL routines::no '
                                    'cipher match)'),
    (OWN + "ssl_ecdh_curve nonsense;", 'SSL_CTX_set1_curves_list("nonsense") failed'),
    (OWN + "ssl_dhparam own.crt;", 'cannot load DH parameters "%PREFIX%/conf/own.crt": PEM_read_bio_Parameters() '),
    (OWN + "ssl_conf_command Nonsense x;", 'SSL_CONF_cmd("Nonsense", "x") failed (SSL: error:'),
    (OWN + "ssl_verify_client on;", "no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client"),
    (OWN + "ssl_crl own.crt; ", 'cannot load revocation list "%PREFIX%/conf/own.crt": PEM_read_bio_X509_CRL() failed'),
    (OWN + "ssl_ech_file own.crt;", '"ssl_ech_file" directive is not supported: OpenSSL 3'),
    (OWN + "ssl_certificate_compression on;", '"ssl_certificate_compression" directive is not supported: OpenSSL 3'),
])
def test_mistakes_are_told(refusal_of, text, sentence):
    other = self_signed("other")
    files = {**pair("own", self_signed()), **pair("other", other), **pair("locked", other, password="secret")}
    said = refusal_of(f"http {{ server {{ listen 8443 ssl; {text} }} }}", files)
    assert f"[emerg] {sentence}" in said, said


def test_a_server_without_a_certificate_uses_the_first_ones(serve):
    server = serve(http=SERVER.replace("%TEXT%", OWN) +
                   "server { listen 127.0.0.1:%PORT%; server_name plain; return 200 second; }",
                   files=pair("own", self_signed()))
    with server.client(tls=context(), sni="plain") as client:
        assert client.socket.getpeercert(True) == der(self_signed())
        assert client.get("/", {"Host": "plain"}).text == "second"


def test_handshakes_can_be_refused(serve):
    server = serve(http=SERVER.replace("%TEXT%", "ssl_reject_handshake on;") +
                   SERVER.replace("%TEXT%", OWN + "server_name known;"), files=pair("own", self_signed()))
    with server.client(tls=context(), sni="known") as client:
        assert client.get("/", {"Host": "known"}).status == 200
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        server.client(tls=context(), sni="other")
    server.wait_for_log(r"SSL_do_handshake\(\) failed \(SSL: error:.*callback failed\) while SSL handshaking")


@pytest.mark.parametrize("days, says", [(-2, "expired"), (10, "expires"), (40, None)])
def test_certificates_that_end_soon_are_told_of(new_server, days, says):
    server = new_server(http=SERVER.replace("%TEXT%", OWN), files=pair("own", self_signed("soon", days=days)))
    done = server.run("-t")
    assert done.returncode == 0
    warning = f'[warn] certificate "{server.path("conf/own.crt")}" {says} on '
    assert (warning in done.stderr) == bool(says), done.stderr


def test_a_reload_changes_the_certificate_and_no_connection(serve):
    before, after = self_signed("before"), self_signed("after")
    server = serve(http=SERVER.replace("%TEXT%", OWN), files=pair("own", before))
    with server.client(tls=True) as client:
        assert client.socket.getpeercert(True) == der(before) and client.get("/").text == "hello\n"
        for name, text in pair("own", after).items():
            server.write(name, text)
        server.reload()
        assert shown(server) == der(after)
        assert client.get("/").text == "hello\n"


def test_a_reload_changes_whether_an_address_speaks_tls(serve):
    """Connections that were there go on as they began: plain ones are told, the others are served."""
    server = serve(http=SERVER.replace("%TEXT%", OWN), files=pair("own", self_signed()))
    secure = server.read("conf/server.conf")
    with server.client(tls=True) as client:
        assert client.get("/").text == "hello\n"
        server.write("conf/server.conf", secure.replace(" ssl;", ";"))
        server.reload()
        assert client.get("/").text == "hello\n"
        assert server.get("/").text == "hello\n"
    with server.client() as client:
        assert client.get("/").text == "hello\n"
        server.write("conf/server.conf", secure)
        server.reload()
        response = client.get("/")
        assert response.status == 400 and "The plain HTTP request was sent to HTTPS port" in response.text
    assert shown(server) == der(self_signed())


def test_workers_need_no_rights_to_the_key(serve):
    """Their user cannot read it, when they start and when they reload."""
    if os.geteuid() != 0:
        pytest.skip("only root has workers of another user")
    server = serve(http=SERVER.replace("%TEXT%", OWN), files=pair("own", self_signed()))
    os.chmod(server.path("conf/own.key"), 0o600)
    os.chmod(server.path("conf"), 0o700)
    server.reload()
    assert shown(server) == der(self_signed())


def dumpable_memory(pid):
    """What a core dump would hold: the mappings without MADV_DONTDUMP (proc(5), VmFlags)."""
    with open(f"/proc/{pid}/smaps") as smaps:
        regions = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) (r\S+) \S+ \S+ \S+ *(.*)\n(?:\w+:.*\n)*?VmFlags: (.*)\n",
                             smaps.read(), re.M)
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for begin, end, _, name, flags in regions:
            if {"dd", "io"} & set(flags.split()) or name in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            memory.seek(int(begin, 16))
            yield memory.read(int(end, 16) - int(begin, 16))


CACHED = OWN.replace("own", "${ssl_server_name}own") + "ssl_certificate_cache max=1;"


@pytest.mark.parametrize("text", [OWN, CACHED], ids=["read by the master", "read by workers"])
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_keys_are_not_in_core_dumps(serve, kind, text):
    if os.geteuid() != 0:
        pytest.skip("only root may look into workers")
    one = self_signed(kind=kind)
    server = serve(http=SERVER.replace("%TEXT%", text), files=pair("own", one))
    server.reload()
    for _ in range(10):
        shown(server)
    numbers = one.key.private_numbers()
    private = numbers.private_value if kind == "ec" else numbers.d
    secrets = [private.to_bytes(-(-private.bit_length() // 8), "little"), one.key_pem.splitlines()[2].encode()]
    for pid in (server.process.pid, *server.workers()):
        found = list(dumpable_memory(pid))
        assert any(b"worker_processes" in memory for memory in found)  # they were really read
        for secret in secrets:
            assert not any(secret in memory for memory in found)
