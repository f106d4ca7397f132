"""The same over TLS to nginx and to this server: handshakes, certificates of clients, variables and refusals.

Left out is where we differ on purpose: a server that asks for certificates is not reached without being named,
protocols are those of the server that is named, and the order of ciphers is ours.
"""

import itertools
import re
import ssl

import pytest

from harness import Client
from harness.certificates import Authority, self_signed
from harness.tls import VERSIONS
from harness.tls import context as tls_context

SHOWN = ("$scheme $https $ssl_protocol $ssl_cipher $ssl_server_name $ssl_session_reused $ssl_client_verify $ssl_curve "
         "$ssl_client_s_dn $ssl_client_i_dn $ssl_client_serial $ssl_client_fingerprint $ssl_client_v_start "
         "$ssl_client_v_end $ssl_client_v_remain $ssl_client_s_dn_legacy $ssl_client_i_dn_legacy $ssl_alpn_protocol "
         "$ssl_ciphers $ssl_curves")
SERVER = """
server {
    listen 127.0.0.1:%PORT% ssl; root html; server_tokens off; %TEXT%
    ssl_certificate own.crt; ssl_certificate_key own.key; ssl_client_certificate ca.crt; ssl_crl ca.crl;
    location /shown { return 200 "SHOWN"; }
    location /escaped { return 200 $ssl_client_escaped_cert; }
    location /raw { return 200 $ssl_client_raw_cert; }
    location /cert { add_header X-Cert $ssl_client_cert; return 200 $ssl_client_cert; }
    location /d { alias html; }
}
""".replace("SHOWN", SHOWN)
SERVERS = {
    "open.test": "", "closed.test": "ssl_verify_client on;", "asking.test": "ssl_verify_client optional;",
    "curious.test": "ssl_verify_client optional_no_ca;", "*.wild.test": "ssl_verify_client optional;",
    "pages.test": "ssl_verify_client on; error_page 495 496 497 =200 /why;"
                  "location = /why { return 200 $request_uri; }",
    "deep.test": "ssl_verify_client on; ssl_verify_depth 0;",
}


@pytest.fixture
def ports(beside_nginx):
    text = "ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers off;" + "".join(
        SERVER.replace("%TEXT%", f"server_name {name}; {text}") for name, text in SERVERS.items())
    authority = Authority("ca")
    inner = Authority("inner", authority)
    clients = {"nobody": None, "good": authority.issue("good"), "old": authority.issue("old", days=-3),
               "revoked": authority.issue("revoked"), "stranger": Authority("other").issue("stranger"),
               "self": self_signed("self"), "deep": inner.issue("deep")}
    authority.revoke(clients["revoked"])
    own = self_signed()
    files = {"conf/own.crt": own.pem, "conf/own.key": own.key_pem, "conf/ca.crt": authority.pem,
             "conf/ca.crl": authority.crl + inner.crl, "html/page": "page", "html/d/page": "page"}
    return beside_nginx(text, files), clients


def context(tmp_path, certificate, version):
    path = certificate and tmp_path / "client.pem"
    if certificate:
        path.write_text(certificate.key_pem + certificate.chain)
    tls = tls_context(version, path)
    tls.set_alpn_protocols(["http/1.1"])
    return tls


def outcome(port, tls, sni, host, targets):
    """What a client sees: an alert, or each answer."""
    seen = []
    try:
        with Client(port, tls=tls, sni=sni) as client:
            for target in targets:
                answer = client.get(target, {"Host": host})
                body = answer.text.replace("<center>nginx</center>", "<center>ringx</center>")
                location = answer.header("Location", "").replace(f":{port}", ":PORT")
                seen.append((target, answer.status, answer.reason, answer.header("Connection"), location, body))
                if answer.header("Connection") == "close":
                    break
    except ssl.SSLError as error:
        seen.append(re.sub(r" \(_ssl.*", "", str(error)))
    return seen


TARGETS = ["/shown", "/page", "/none", "/escaped", "/raw", "/cert", "/d"]


@pytest.mark.parametrize("version", VERSIONS)
def test_clients_are_met_alike(ports, tmp_path, version):
    both, clients = ports
    different = {}
    count = 0
    for name, certificate in clients.items():
        tls = context(tmp_path, certificate, version)
        for server in ("open.test", "closed.test", "asking.test", "curious.test", "x.wild.test", "pages.test",
                       "deep.test", "other.test"):
            theirs, ours = (outcome(port, tls, server, server, TARGETS) for port in both)
            count += 1
            if theirs != ours:
                different[name, server] = theirs, ours
    assert count > 50
    assert not different, f"{len(different)} of {count} differ:\n" + "\n".join(
        f"{case}\n  nginx: {theirs}\n  ours:  {ours}" for case, (theirs, ours) in list(different.items())[:5])


@pytest.mark.parametrize("version", VERSIONS)
def test_names_that_differ_are_judged_alike(ports, tmp_path, version):
    both, clients = ports
    tls = context(tmp_path, clients["good"], version)
    names = ["open.test", "closed.test", "asking.test", "a.wild.test", "b.wild.test", "other.test"]
    for sni, host in itertools.product(names[:-1], names):  # who names nobody we know is told 421 instead of 400
        theirs, ours = (outcome(port, tls, sni, host, ["/shown", "/page"]) for port in both)
        assert theirs == ours, (sni, host)


def test_plain_requests_are_told_alike(ports):
    both, _ = ports
    for host in ("open.test", "pages.test", "other.test"):
        for target in ("/page", "/d", "/a?b"):
            answers = []
            for port in both:
                with Client(port) as client:
                    answer = client.get(target, {"Host": host})
                    body = answer.text.replace("<center>nginx</center>", "<center>ringx</center>")
                    answers.append((answer.status, answer.reason, answer.header("Connection"), body))
            assert answers[0] == answers[1], (host, target)


@pytest.mark.parametrize("version", VERSIONS)
def test_certificates_are_found_by_name_alike(beside_nginx, tmp_path, version):
    names = ["a.test", "b.test", "default"]
    files = {f"conf/{name}.{kind}": text for name in names
             for kind, text in (("crt", self_signed(name).pem), ("key", self_signed(name).key_pem))}
    both = beside_nginx("""
        ssl_protocols TLSv1.2 TLSv1.3;
        map $ssl_server_name $name { hostnames; *.b.test b.test; c.test none; default $ssl_server_name; '' default; }
        server { listen 127.0.0.1:%PORT% ssl; ssl_certificate $name.crt; ssl_certificate_key $name.key;
                 return 200 "$name $ssl_server_name"; }""", files)
    tls = context(tmp_path, None, version)
    for sni in ("a.test", "b.test", "x.b.test", "c.test", "d.test", None):
        theirs, ours = (outcome(port, tls, sni, "h", ["/"]) for port in both)
        assert theirs == ours, sni
