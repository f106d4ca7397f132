"""Whether certificates were revoked: what is stapled to the server's."""

import re
import subprocess

import pytest

from harness.certificates import Authority
from harness.waiting import WAIT_SECONDS

TLS = "listen 127.0.0.1:%PORT2% ssl; ssl_certificate own.crt; ssl_certificate_key own.key;"


class Site:
    """An authority, a certificate of it, and their files."""

    def __init__(self, **how):
        self.root = Authority("root")
        self.own = self.root.issue("localhost", ("localhost",), **how)

    @property
    def files(self):
        return {"conf/own.crt": self.own.pem + self.root.pem, "conf/own.key": self.own.key_pem,
                "conf/root.crt": self.root.pem}


def stapled(server, *options):
    """What the server shows of its certificate, as openssl prints it: "good", "revoked" …; None: nothing."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port(2)}", "-status", *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WAIT_SECONDS)
    assert "Verification" in done.stdout, done.stdout + done.stderr
    status = re.search(r"Cert Status: (\w+)", done.stdout)
    assert status or "OCSP response: no response sent" in done.stdout
    return status and status[1]


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
