"""Servers that speak TLS, one for each kind of handshake that is measured, and their certificates.

All contenders get one cipher and one group, so that none is measured with another's. Where full handshakes are wanted
there is nothing to resume a session with.
"""

import functools

from rig import TOP  # noqa: F401  (which makes the harness of the tests found)

from harness.certificates import self_signed

# The numbers of %PORTN%.
KEEP_ALIVE, FULL_P256, FULL_RSA, RESUMED_1_2, RESUMED_1_3, FULL_RSA_4096 = range(2, 8)

FULL = "ssl_session_tickets off; ssl_session_cache off;"
KINDS = {
    KEEP_ALIVE: ("ec", "TLSv1.3", ""),
    FULL_P256: ("ec", "TLSv1.3", FULL),
    FULL_RSA: ("rsa", "TLSv1.3", FULL),
    RESUMED_1_2: ("ec", "TLSv1.2", ""),
    RESUMED_1_3: ("ec", "TLSv1.3", ""),
    FULL_RSA_4096: ("rsa4096", "TLSv1.3", FULL),
}
COMMON = """\
ssl_ciphers ECDHE+AESGCM+AES128;
ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
ssl_ecdh_curve X25519;
"""
# Fails when the session is a new one: a client may do so once for each of its connections.
RESUMED = """\
location = /resumed {
    if ($ssl_session_reused = .) { return 503; }
    return 200 "resumed\\n";
}
"""


def http(numbers, server=""):
    """The servers of these kinds, for the http block."""
    text = COMMON
    for number in numbers:
        key, protocol, sessions = KINDS[number]
        text += (f"server {{ listen 127.0.0.1:%PORT{number}% ssl; root html; {server}\n{RESUMED}"
                 f"ssl_certificate {key}.crt; ssl_certificate_key {key}.key; ssl_protocols {protocol}; {sessions} }}\n")
    return text


@functools.cache
def files(numbers):
    found = {}
    for key in {KINDS[number][0] for number in numbers}:
        certificate = self_signed(kind=key)
        found |= {f"conf/{key}.crt": certificate.pem, f"conf/{key}.key": certificate.key_pem}
    return found
