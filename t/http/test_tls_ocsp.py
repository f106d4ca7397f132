"""Whether certificates were revoked: what is stapled to the server's, and what is asked about the client's."""

import re
import subprocess

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from harness.certificates import HOUR, Authority, responder_at
from harness.responder import Responder
from harness.waiting import WAIT_SECONDS, wait_until

TLS = "listen 127.0.0.1:%PORT2% ssl; ssl_certificate own.crt; ssl_certificate_key own.key;"


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


def stapled(server, *options):
    """What the server shows of its certificate, as openssl prints it: "good", "revoked" …; None: nothing."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port(2)}", "-status", *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WAIT_SECONDS)
    assert "Verification" in done.stdout, done.stdout + done.stderr
    status = re.search(r"Cert Status: (\w+)", done.stdout)
    assert status or "OCSP response: no response sent" in done.stdout
    return status and status[1]


def wait_for_staple(server):
    return wait_until(lambda: stapled(server), "a response to be stapled")


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
    server.wait_for_log("nobody.invalid could not be resolved while requesting certificate status, "
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
