"""Whether certificates were revoked: what is stapled to the server's, and what is asked about the client's."""

import signal
import socket
import ssl
import subprocess

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from harness.certificates import HOUR, Authority, responder_at
from harness.responder import Responder
from harness.tls import LISTEN, OWN, context, stapled, wait_for_staple
from harness.waiting import WAIT_SECONDS, wait_until

TLS = LISTEN + OWN


class Site:
    """An authority, a certificate of it, and their files."""

    def __init__(self, responder=None):
        self.root = responder.authority if responder else Authority("root")
        named = [responder_at(responder.url)] if responder else []
        self.own = self.root.issue("localhost", ("localhost",), extensions=named)
        if responder:
            responder.knows(self.own)

    @property
    def files(self):
        return {"conf/own.crt": self.own.pem + self.root.pem, "conf/own.key": self.own.key_pem,
                "conf/root.crt": self.root.pem}


@pytest.fixture
def new_responder():
    made = []

    def make(*arguments, **how):
        made.append(Responder(Authority("root"), *arguments, **how))
        return made[-1]

    yield make
    for responder in made:
        responder.close()


# --- files


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_response_of_a_file(serve, version):
    site = Site()
    staple = site.root.ocsp_response(site.own, "revoked")
    server = serve(f"{TLS} ssl_stapling on; ssl_stapling_file staple.der;", files={**site.files,
                                                                                 "conf/staple.der": staple})
    assert stapled(server, version) == "revoked"


def test_a_file_alone_staples_nothing(serve):
    site = Site()
    server = serve(f"{TLS} ssl_stapling_file none.der;", files=site.files)
    assert stapled(server) is None


def test_files_that_hold_no_response(refuses):
    site = Site()
    where = f"{TLS} ssl_stapling on; ssl_stapling_file"
    refuses('cannot load OCSP response "', server=f"{where} none.der;", files=site.files)
    refuses('d2i_OCSP_RESPONSE_bio("', server=f"{where} own.crt;", files=site.files)


# --- responders


@pytest.mark.parametrize("verify", ["off", "on"])
def test_all_workers_show_what_one_has_asked_for(serve, new_responder, verify):
    responder = new_responder()
    site = Site(responder)
    server = serve(f"{TLS} ssl_stapling on; ssl_stapling_verify {verify}; ssl_trusted_certificate root.crt;",
                   files=site.files)
    assert wait_for_staple(server) == "good"
    assert {stapled(server, version) for version in ("-tls1_2", "-tls1_3") * 8} == {"good"}
    assert responder.asked == [site.own.certificate.serial_number]


def test_a_single_process_asks_too(new_server, new_responder):
    responder = new_responder()
    server = new_server(server=f"{TLS} ssl_stapling on;", main="master_process off;", files=Site(responder).files)
    server.start()
    assert wait_for_staple(server) == "good"
    server.reload()
    assert stapled(server) == "good"
    assert len(responder.asked) == 1


def test_it_stays_over_a_reload_and_a_workers_death(serve, new_responder):
    responder = new_responder()
    server = serve(f"{TLS} ssl_stapling on;", files=Site(responder).files)
    wait_for_staple(server)
    server.reload()
    assert stapled(server) == "good"
    for worker in server.workers():
        subprocess.run(["kill", "-9", str(worker)], check=True)
    server.expect("exited on signal 9")
    assert wait_for_staple(server) == "good"
    assert len(responder.asked) == 1


def test_one_that_is_new_is_asked_for_at_the_reload(serve, new_responder):
    responder = new_responder()
    site = Site(responder)
    server = serve(TLS, files=site.files)
    assert stapled(server) is None
    server.configure(server=f"{TLS} ssl_stapling on;")
    server.reload()
    assert wait_for_staple(server) == "good"
    site.own = responder.knows(site.root.issue("localhost", extensions=[responder_at(responder.url)]))
    for name, text in site.files.items():
        server.write(name, text)
    server.reload()
    assert wait_for_staple(server) == "good"
    assert len(responder.asked) == 2


def test_it_is_refreshed_before_it_ends(serve, new_responder):
    responder = new_responder(lasts=HOUR / 300)  # it is due after half of that
    server = serve(f"{TLS} ssl_stapling on;", files=Site(responder).files)
    wait_for_staple(server)

    def asked_again():
        assert stapled(server) == "good"
        return len(responder.asked) > 1
    wait_until(asked_again, "another request to the responder")


def test_the_configured_responder_is_asked_by_its_name(serve, new_responder):
    responder, other = new_responder(), new_responder("silent")
    site = Site(other)
    site.root.issue("unused")
    responder.authority = other.authority
    responder.knows(site.own)
    server = serve(f"{TLS} ssl_stapling on; ssl_stapling_responder http://localhost:{responder.port}/a?b;",
                   files=site.files)
    assert wait_for_staple(server) == "good"
    assert (len(responder.asked), other.asked) == (1, [])


def test_an_issuer_may_be_a_trusted_certificate(serve, new_responder):
    responder = new_responder()
    site = Site(responder)
    server = serve(f"{TLS} ssl_stapling on; ssl_trusted_certificate root.crt;",
                   files={**site.files, "conf/own.crt": site.own.pem})
    assert wait_for_staple(server) == "good"


@pytest.mark.parametrize("appointed", [True, False])
def test_who_is_not_the_issuer_must_be_appointed(serve, new_responder, appointed):
    responder = new_responder()
    site = Site(responder)
    purpose = ExtendedKeyUsageOID.OCSP_SIGNING if appointed else ExtendedKeyUsageOID.SERVER_AUTH
    signer = site.root.issue("signer", extensions=[x509.ExtendedKeyUsage([purpose])])
    responder.response = lambda serial, status: site.root.ocsp_response(site.own, signer=signer)
    server = serve(f"{TLS} ssl_stapling on; ssl_stapling_verify on; ssl_trusted_certificate root.crt;",
                   files=site.files)
    if appointed:
        assert wait_for_staple(server) == "good"
    else:
        server.wait_for_log(r"OCSP_basic_verify\(\) failed \(SSL: .*missing ocspsigning usage")
        assert stapled(server) is None


def test_without_verification_a_signature_is_enough(serve, new_responder):
    responder = new_responder()
    site = Site(responder)
    stranger = Authority("stranger")
    responder.response = lambda serial, status: site.root.ocsp_response(site.own, signer=stranger)
    server = serve(f"{TLS} ssl_stapling on;", files=site.files)
    assert wait_for_staple(server) == "good"


TAIL = (r" while requesting certificate status, responder: 127.0.0.1, peer: 127.0.0.1:\d+, "
        r'certificate: "\S+/conf/own.crt"$')
FAILURES = {
    "revoked": r'certificate status "revoked" in the OCSP response',
    "unknown": r'certificate status "unknown" in the OCSP response',
    "try_later": r"OCSP response not successful \(3: trylater\)",
    "garbage": r"OCSP responder sent invalid response \(SSL: .*\)",
    "broken": r"(OCSP_basic_verify\(\) failed|OCSP responder sent invalid response).*",
    "page": r"OCSP responder sent invalid response \(SSL: .*content type.*\)",
    "missing": r"OCSP responder sent invalid response \(SSL: .*code=404.*\)",
    "wrong_signer": r"OCSP_basic_verify\(\) failed \(SSL: .*\)",
    "wrong_certificate": "certificate status not found in the OCSP response",
    "expired": r"OCSP_check_validity\(\) failed \(SSL: .*status expired.*\)",
    "closes": "OCSP responder prematurely closed connection",
    "huge": r"OCSP responder sent invalid response \(SSL: .*\)",
    "endless_head": "OCSP responder sent invalid response",
}


@pytest.mark.parametrize("does", FAILURES)
def test_what_is_no_good_is_not_stapled(serve, new_responder, does):
    responder = new_responder(does)
    server = serve(f"{TLS} ssl_stapling on;", files=Site(responder).files)
    server.wait_for_log(rf"\[error\] \d+#\d+: {FAILURES[does]}{TAIL}")
    assert stapled(server) is None
    assert len(responder.asked) == 1


def test_a_responder_that_is_not_there(serve, new_responder):
    responder = new_responder()
    site = Site(responder)
    responder.close()
    server = serve(f"{TLS} ssl_stapling on;", files=site.files)
    server.wait_for_log(rf"connect\(\) failed \(111: Connection refused\){TAIL}")
    assert stapled(server) is None


def test_a_responder_without_an_address(serve):
    server = serve(f"{TLS} ssl_stapling on; ssl_stapling_responder http://nobody.invalid;", files=Site().files)
    server.wait_for_log(r"nobody.invalid could not be resolved \(3: Host not found\) while requesting certificate "
                        "status, "
                        'responder: nobody.invalid, certificate: "')


def test_handshakes_do_not_wait_for_a_silent_responder(serve, new_responder):
    responder = new_responder("silent")
    server = serve(f"{TLS} ssl_stapling on;", files=Site(responder).files)
    wait_until(lambda: responder.asked, "the responder to be asked")
    assert [stapled(server) for _ in range(4)] == [None] * 4
    server.reload()
    assert stapled(server) is None
    assert len(responder.asked) == 1  # the inquiry goes on


WARNINGS = {
    "": "issuer certificate not found for certificate",
    "ssl_trusted_certificate root.crt;": "no OCSP responder URL in the certificate",
    "ssl_trusted_certificate root.crt; ssl_stapling_responder https://a.b;":
        'invalid URL prefix in OCSP responder "https://a.b" in the certificate',
    "ssl_trusted_certificate root.crt; ssl_stapling_responder http://:1/;":
        'no host in OCSP responder ":1/" in the certificate',
    "ssl_trusted_certificate root.crt; ssl_stapling_responder http://a:x/;":
        'invalid port in OCSP responder "a:x/" in the certificate',
}


@pytest.mark.parametrize("text", WARNINGS)
def test_what_cannot_be_stapled_is_a_warning(serve, text):
    site = Site()
    server = serve(f"{TLS} ssl_stapling on; {text}", files={**site.files, "conf/own.crt": site.own.pem})
    warned = server.run("-t").stderr
    assert f'[warn] "ssl_stapling" ignored, {WARNINGS[text]} "{server.path("conf/own.crt")}"' in warned
    assert stapled(server) is None


# --- clients


class Clients:
    """Clients' certificates, each issued by an authority of its own below the root, and what the server trusts."""

    def __init__(self, responder, directory):
        self.responder = responder
        self.directory = directory
        self.root = responder.authority

    def issue(self, name="client", named=True, issuer=None):
        issuer = issuer or self.root
        extensions = [responder_at(self.responder.url)] if named else []
        return self.responder.knows(issuer.issue(name, extensions=extensions))

    def context(self, certificate):
        path = self.directory / f"{certificate.certificate.serial_number}.pem"
        path.write_text(certificate.chain + certificate.key_pem)
        return context(certificate=path)

    def get(self, server, certificate):
        """The status, and $ssl_client_verify."""
        with server.client(2, tls=self.context(certificate)) as client:
            response = client.get("/")
            return response.status, response.header("Verify")


@pytest.fixture
def clients(new_responder, tmp_path):
    return Clients(new_responder(), tmp_path)


VERIFY = ("ssl_verify_client on; ssl_verify_depth 3; ssl_client_certificate root.crt; "
          "add_header Verify $ssl_client_verify always;")
GOOD = (200, "SUCCESS")
REVOKED = (400, "FAILED:certificate revoked")
FAILED = (400, "FAILED:certificate status request failed")


@pytest.fixture
def serve_clients(serve, clients):
    def start(text="ssl_ocsp on;", **configuration):
        site = Site()
        files = {**site.files, "conf/root.crt": clients.root.pem}
        return serve(f"{TLS} {VERIFY} {text}", files=files, **configuration)
    return start


def test_clients_that_are_good_and_clients_that_are_not(serve_clients, clients):
    server = serve_clients()
    own = clients.issue()
    assert clients.get(server, own) == GOOD
    for does, result in (("revoked", REVOKED), ("unknown", (400, "FAILED:certificate status unknown")),
                         *((way, FAILED) for way in ("try_later", "garbage", "wrong_signer", "expired", "closes"))):
        clients.responder.does = does
        assert clients.get(server, own) == result, does
    server.wait_for_log(r"\[info\] .* client SSL certificate verify error: certificate revoked, client: 127.0.0.1")
    server.wait_for_log(r"\[error\] \d+#\d+: \*\d+ OCSP response not successful \(3: trylater\) while requesting "
                        r"certificate status, responder: 127.0.0.1, peer: 127.0.0.1:\d+$")
    assert len(clients.responder.asked) == 8


def test_nobody_is_asked_about_who_is_not_trusted(serve_clients, clients):
    server = serve_clients()
    stranger = Clients(clients.responder, clients.directory)
    stranger.root = Authority("stranger")
    status, verdict = stranger.get(server, stranger.issue())
    assert (status, verdict.split(":")[0]) == (400, "FAILED")
    assert not clients.responder.asked


def test_the_certificates_above_are_asked_about_too(serve_clients, clients):
    middle = clients.responder.knows(Authority("middle", clients.root, [responder_at(clients.responder.url)]))
    client = clients.issue(issuer=middle)
    answers = {client.certificate.serial_number: "good", middle.certificate.serial_number: "revoked"}
    clients.responder.response = lambda serial, _: (
        middle if serial == client.certificate.serial_number else clients.root
    ).ocsp_response(clients.responder.known[serial], answers[serial])
    assert clients.get(serve_clients("ssl_ocsp leaf;"), client) == GOOD
    assert clients.responder.asked == [client.certificate.serial_number]
    server = serve_clients("ssl_ocsp on;")
    assert clients.get(server, client) == REVOKED
    assert clients.responder.asked[1:] == [client.certificate.serial_number, middle.certificate.serial_number]
    answers[middle.certificate.serial_number] = "good"
    assert clients.get(server, client) == GOOD


def test_answers_are_kept_for_all_workers_and_over_reloads(serve_clients, clients):
    server = serve_clients("ssl_ocsp on; ssl_ocsp_cache shared:ocsp:1m;")
    good, bad = clients.issue("good"), clients.issue("bad")
    assert clients.get(server, good) == GOOD
    clients.responder.does = "revoked"
    for _ in range(4):
        assert (clients.get(server, good), clients.get(server, bad)) == (GOOD, REVOKED)
    server.reload()
    assert (clients.get(server, good), clients.get(server, bad)) == (GOOD, REVOKED)
    assert clients.responder.asked == [one.certificate.serial_number for one in (good, bad)]


def test_a_resumed_session_is_asked_about_again(serve_clients, clients):
    server = serve_clients()
    own = clients.issue()
    tls = clients.context(own)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    with server.client(2, tls=tls) as client:
        assert client.get("/").status == 200
        session = client.socket.session
    clients.responder.does = "revoked"
    with server.client(2, tls=tls, session=session) as client:
        assert client.get("/").header("Verify") == REVOKED[1]
        assert client.socket.session_reused


def test_responders_of_clients_may_be_configured(serve_clients, clients):
    server = serve_clients(f"ssl_ocsp on; ssl_ocsp_responder {clients.responder.url};")
    assert clients.get(server, clients.issue(named=False)) == GOOD
    other = serve_clients()
    assert clients.get(other, clients.issue(named=False)) == FAILED
    other.wait_for_log(r"\[error\] .* no OCSP responder URL in certificate while SSL handshaking, client: 127.0.0.1")


def test_a_client_waits_for_a_silent_responder_and_nobody_else_does(serve_clients, clients):
    server = serve_clients("ssl_ocsp on; client_header_timeout 3s;")
    clients.responder.does = "silent"
    with socket.create_connection(("127.0.0.1", server.port(2)), WAIT_SECONDS) as plain:
        with clients.context(clients.issue()).wrap_socket(plain) as waiting:
            waiting.sendall(b"GET / HTTP/1.0\r\n\r\n")
            wait_until(lambda: clients.responder.asked, "the responder to be asked")
            clients.responder.does = "good"
            assert [clients.get(server, clients.issue("other")) for _ in range(8)] == [GOOD] * 8  # on all workers
            assert waiting.recv(100).startswith(b"HTTP/1.1 400 ")
    server.wait_for_log(r"OCSP responder timed out \(110: Connection timed out\) while requesting certificate status")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_the_server_ends_while_responders_are_silent(serve_clients, clients, number):
    clients.responder.does = "silent"
    server = serve_clients(f"ssl_ocsp on; ssl_stapling on; ssl_stapling_responder {clients.responder.url}; "
                           "client_header_timeout 1s;")
    wait_until(lambda: len(clients.responder.asked) == 1, "the staple to be asked for")
    with socket.create_connection(("127.0.0.1", server.port(2)), WAIT_SECONDS) as plain:
        with clients.context(clients.issue()).wrap_socket(plain):
            wait_until(lambda: len(clients.responder.asked) == 2, "the client to be asked about")
            assert server.stop(number) == 0


def test_settings_that_contradict(refuses, stands_only_in):
    files = Site().files
    for text, sentence in {
        "ssl_ocsp on; ssl_verify_client optional_no_ca;":
            '"ssl_ocsp" is incompatible with "ssl_verify_client optional_no_ca"',
        "ssl_ocsp on; ssl_ocsp_responder https://a;":
            'invalid URL prefix in OCSP responder "https://a" in "ssl_ocsp_responder"',
        "ssl_ocsp on; ssl_ocsp_responder http://a:b;": 'invalid port in OCSP responder "a:b" in "ssl_ocsp_responder"',
        "ssl_ocsp_cache shared:a:1m; ssl_session_cache shared:a:1m;":
            'the shared memory zone "a" is already declared for a different use',
    }.items():
        refuses(sentence, server=f"{TLS} {text}", files=files)
    stands_only_in("ssl_ocsp on;", "http server")


def test_early_requests_wait_for_the_responder_too(serve_clients, clients):
    server = serve_clients("ssl_ocsp on; ssl_early_data on; add_header Early $ssl_early_data always;")
    own, session, early = clients.issue(), clients.directory / "session", clients.directory / "early"
    clients.context(own)  # writes its file
    request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    early.write_text(request)
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port(2)}", "-servername", "localhost",
               "-cert", str(clients.directory / f"{own.certificate.serial_number}.pem"), "-ign_eof"]

    def talk(*options, says=None):
        return subprocess.run([*command, *options], input=says, capture_output=True, text=True,
                              timeout=WAIT_SECONDS).stdout
    assert "HTTP/1.1 200 " in talk("-sess_out", str(session), says=request)
    clients.responder.does = "revoked"
    said = talk("-sess_in", str(session), "-early_data", str(early), says="")
    assert "Early data was accepted" in said
    assert "HTTP/1.1 400 " in said and f"Verify: {REVOKED[1]}" in said
    assert len(clients.responder.asked) == 2
