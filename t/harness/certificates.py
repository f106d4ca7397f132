"""Certificates for tests: authorities, what they issue and revoke, and self-signed ones for servers nobody judges."""

import datetime
import functools

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)


def make_key(kind="ec"):
    """A new private key: "ec" (P-256), "rsa" (2048 bits) or "rsa4096"."""
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 4096 if kind == "rsa4096" else 2048)


def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def responder_at(url):
    """The extension of a certificate that names its OCSP responder."""
    access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url))
    return x509.AuthorityInformationAccess([access])


class Certificate:
    """A certificate with its key, both as objects and as PEM text; `chain` has those of its issuers behind it."""

    def __init__(self, certificate, key, issuers=()):
        self.certificate = certificate
        self.key = key
        self.issuers = issuers

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def chain(self):
        return self.pem + "".join(issuer.pem for issuer in self.issuers)

    @property
    def key_pem(self):
        return self.encrypted_key_pem(None)

    def encrypted_key_pem(self, password):
        way = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, way).decode()

    def fingerprint(self, algorithm=hashes.SHA256):
        return self.certificate.fingerprint(algorithm()).hex()


class Authority(Certificate):
    """Issues certificates. `Authority("root").issue("client")`"""

    def __init__(self, name, issuer=None, extensions=()):
        key = make_key()
        certificate = sign(name, key, issuer, days=3650, ca=True, extensions=extensions)
        super().__init__(certificate, key, (issuer, *issuer.issuers) if issuer else ())
        self.revoked = []

    def issue(self, name, hosts=(), days=365, kind="ec", key=None, extensions=()):
        """`days` from now on, or until as many days ago when negative. The chain leaves out the root."""
        key = key or make_key(kind)
        certificate = sign(name, key, self, days, hosts, extensions=extensions)
        return Certificate(certificate, key, tuple(one for one in (self, *self.issuers) if one.issuers))

    def ocsp_response(self, issued, status="good", begins=-HOUR, ends=HOUR, signer=None):
        """What its responder says of a certificate, DER; `begins` and `ends` are relative to now. `signer` may be
        somebody else, who shows his own certificate."""
        now = datetime.datetime.utcnow()
        revoked = now - DAY if status == "revoked" else None
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=issued.certificate, issuer=self.certificate, algorithm=hashes.SHA1(),
            cert_status=ocsp.OCSPCertStatus[status.upper()], this_update=now + begins,
            next_update=now + ends if ends else None, revocation_time=revoked, revocation_reason=None)
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, (signer or self).certificate)
        if signer:
            builder = builder.certificates([signer.certificate])
        return builder.sign((signer or self).key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def revoke(self, issued):
        self.revoked.append(issued.certificate.serial_number)

    @property
    def crl(self):
        """The list of what it revoked, as PEM text."""
        now = datetime.datetime.utcnow()
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(now - DAY).next_update(now + DAY)
        for serial in self.revoked:
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - DAY).build()
            builder = builder.add_revoked_certificate(one)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def sign(name, key, issuer=None, days=365, hosts=(), ca=False, extensions=()):
    now = datetime.datetime.utcnow()
    start, end = (now - DAY, now + (days + 0.5) * DAY) if days > 0 else (now + (days - 1) * DAY, now + days * DAY)
    builder = x509.CertificateBuilder().subject_name(name_of(name)).public_key(key.public_key())
    builder = builder.issuer_name(issuer.certificate.subject if issuer else name_of(name))
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer.key if issuer else key, hashes.SHA256())


def self_signed(name="localhost", kind="ec", days=365):
    """The same one for all tests of a process."""
    return known_self_signed(name, kind, days)


@functools.cache
def known_self_signed(name, kind, days):
    key = make_key(kind)
    return Certificate(sign(name, key, days=days, hosts=(name,)), key)
