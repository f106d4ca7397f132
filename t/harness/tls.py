"""What tests of TLS share: words of the configuration, files of certificates, and contexts of clients that judge
nobody."""

import re
import ssl
import subprocess

from .waiting import WAIT_SECONDS, wait_until

# A server with own.crt and own.key, on the second port; the first is left for plain HTTP.
LISTEN = "listen 127.0.0.1:%PORT2% ssl;"
OWN = "ssl_certificate own.crt; ssl_certificate_key own.key;"

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def pair(name, certificate, password=None):
    """The files `ssl_certificate NAME.crt` and `ssl_certificate_key NAME.key` are about."""
    return {f"conf/{name}.crt": certificate.chain, f"conf/{name}.key": certificate.encrypted_key_pem(password)}


def context(version=None, certificate=None, **attributes):
    """`version` is one of VERSIONS, `certificate` the path of a file with a key and a certificate to be shown."""
    tls = ssl._create_unverified_context()
    if version:
        tls.minimum_version = tls.maximum_version = VERSIONS[version]
    if certificate:
        tls.load_cert_chain(certificate)
    for name, value in attributes.items():
        setattr(tls, name, value)
    return tls


def shown(server, number=2, sni=None, tls=None):
    """The certificate a client is shown, DER."""
    with server.client(number, tls=tls or context(), sni=sni) as client:
        return client.socket.getpeercert(True)


def der(certificate):
    return ssl.PEM_cert_to_DER_cert(certificate.pem)


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
