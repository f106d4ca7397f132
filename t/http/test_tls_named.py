"""Certificates whose names have variables: found when a client greets, read by the worker, kept for a while."""

import os
import ssl
import subprocess

import pytest

from harness.certificates import Authority, self_signed
from harness.client import Client
from harness.tls import LISTEN, OWN, VERSIONS, context, der, pair, shown
from harness.waiting import WAIT_SECONDS

BY_NAME = "ssl_certificate certs/$ssl_server_name.crt; ssl_certificate_key certs/$ssl_server_name.key;"


def files_of(*names, kind="ec"):
    files = {}
    for name in names:
        files |= pair(f"certs/{name}", self_signed(name, kind))
    return files


@pytest.fixture
def serve_named(serve):
    """Starts servers with that text in the http block, and one of plain HTTP on the first port."""
    def start(http, files=None, **how):
        return serve(http=f"{http} server {{ listen 127.0.0.1:%PORT%; }}", files=files, **how)
    return start


def is_refused(server, sni):
    with pytest.raises(ssl.SSLError, match="(?i)alert internal error"):
        shown(server, sni=sni)
    return True


@pytest.mark.parametrize("version", VERSIONS)
def test_the_name_of_the_file_is_the_name_of_the_server(serve_named, version):
    server = serve_named(f"server {{ {LISTEN} {BY_NAME} return 200 $ssl_server_name; }}", files_of("a.test", "b.test"))
    for sni, name in (("a.test", "a.test"), ("b.test", "b.test"), ("A.Test", "a.test")):
        with server.client(2, tls=context(version), sni=sni) as client:
            assert client.socket.getpeercert(True) == der(self_signed(name))
            assert client.get("/").text == sni
    for sni, file in (("c.test", "c.test"), (None, "")):
        assert is_refused(server, sni)
        server.wait_for_log(rf'\[error\] .* cannot load certificate "{server.path("conf/certs")}/{file}.crt": open\(\) '
                            r"failed \(2: No such file or directory\) while SSL handshaking, client: 127.0.0.1, ")
    server.wait_for_log(r"\[info\] .* SSL_do_handshake\(\) failed \(SSL: error:.*cert cb error")
    assert shown(server, sni="a.test") == der(self_signed("a.test"))


def test_names_come_from_maps_and_addresses_too(serve_named):
    one = self_signed("one")
    maps = ("map $ssl_server_name $chosen { hostnames; default one; *.b.test two; none ''; }"
            f'map $ssl_server_name $key {{ default "data:{one.key_pem}"; }}'
            f'map $ssl_server_name $chain {{ default "{one.pem}"; }}')
    files = files_of("one", "two") | pair("certs/127.0.0.1", self_signed("address"))
    for text, names in (
            ("%PREFIX%/conf/certs/$chosen", {"a": "one", None: "one", "a.b.test": "two"}),
            ("certs/$remote_addr", {"a": "address", None: "address"}),
            ("certs/$proxy_protocol_addr$http_host$request_uri${ssl_cipher}one", {"a": "one"})):
        server = serve_named(f"{maps} server {{ {LISTEN} ssl_certificate {text}.crt;"
                             f"ssl_certificate_key {text}.key; }}", files)
        for sni, name in names.items():
            assert shown(server, sni=sni) == der(self_signed(name))
    server = serve_named(f"{maps} server {{ {LISTEN} ssl_certificate data:$chain; ssl_certificate_key $key; }}")
    assert shown(server) == der(one)


def test_captures_of_a_servers_name_can_be_used(serve_named):
    server = serve_named(fr"server {{ {LISTEN} {OWN} }} server {{ {LISTEN} server_name ~^(\w+)\.(?<zone>.+)$;"
                         "ssl_certificate certs/$zone-$1.crt; ssl_certificate_key certs/$zone-$1.key; }",
                         files_of("b.test-a") | pair("own", self_signed("own")))
    for sni, name in (("a.b.test", "b.test-a"), ("A.B.Test", "b.test-a"), ("test", "own"), (None, "own")):
        assert shown(server, sni=sni) == der(self_signed(name))


def test_each_server_of_an_address_has_its_own_way(serve_named):
    """A server without certificates uses those of the default server, whatever their names are."""
    server = serve_named(f"{BY_NAME} server {{ {LISTEN} }} server {{ {LISTEN} server_name b.test; }}"
                         f"server {{ {LISTEN} server_name c.test; {OWN} }}"
                         "server { listen 127.0.0.1:%PORT2%; server_name d.test; ssl_reject_handshake off; }",
                         files_of("a.test", "b.test", "c.test", "d.test") | pair("own", self_signed("own")))
    for sni, name in (("a.test", "a.test"), ("b.test", "b.test"), ("c.test", "own"), ("d.test", "d.test")):
        assert shown(server, sni=sni) == der(self_signed(name))


def test_who_is_refused_causes_no_reading(serve_named):
    server = serve_named(f"{BY_NAME} server {{ {LISTEN} ssl_reject_handshake on; }}"
                         f"server {{ {LISTEN} server_name a.test; }}", files_of("a.test"))
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        shown(server, sni="b.test")
    assert shown(server, sni="a.test") == der(self_signed("a.test"))
    assert "cannot load" not in server.error_log


def test_one_of_each_type_whether_its_name_is_known_or_not(serve_named):
    server = serve_named(f"server {{ {LISTEN} {BY_NAME} ssl_certificate rsa.crt; ssl_certificate_key rsa.key; }}",
                         files_of("a.test") | pair("rsa", self_signed("rsa", "rsa")))
    for cipher, certificate in (("ECDHE-ECDSA-AES128-GCM-SHA256", self_signed("a.test")),
                                ("ECDHE-RSA-AES128-GCM-SHA256", self_signed("rsa", "rsa"))):
        tls = context("1.2")
        tls.set_ciphers(cipher)
        assert shown(server, sni="a.test", tls=tls) == der(certificate)


def test_chains_passwords_and_slow_keys(serve_named):
    inner = Authority("inner", Authority("root"))
    issued = inner.issue("chain.test", ("chain.test",))
    server = serve_named(f"server {{ {LISTEN} {BY_NAME} ssl_password_file passwords; ssl_certificate_cache max=5; }}",
                         files_of("long.test", kind="rsa4096") | pair("certs/chain.test", issued)
                         | pair("certs/locked.test", self_signed("locked"), password="open sesame")
                         | {"conf/passwords": "wrong\nopen sesame\n"})
    for _ in range(3):
        assert shown(server, sni="locked.test") == der(self_signed("locked"))
        assert shown(server, sni="long.test") == der(self_signed("long.test", "rsa4096"))
        said = greet(server, "chain.test", "-showcerts").stdout
        assert said.count("BEGIN CERTIFICATE") == 2 and inner.pem.strip() in said


def greet(server, name, *options):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port(2)}", "-servername", name, *options]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WAIT_SECONDS)


def test_no_name_leads_to_another_directory(serve_named):
    """What is no host name is no name at all, as for the choice of a server."""
    server = serve_named(f"server {{ {LISTEN} {BY_NAME} }}",
                         pair("own", self_signed()) | files_of("sub/a") | pair("certs/", self_signed("nameless")))
    nameless = self_signed("nameless").pem.strip()
    for name in ("../own", "sub/../../own", "sub/a", server.path("conf/own"), "..", ".", "./own", "a..b", "[::1]",
                 "[::..]", "own:1", "a b", "own\n", "\\..\\own", "a\x7f", "ö"):
        assert nameless in greet(server, name).stdout, name
    for name in ("%2e%2e%2fown", ".a", "-a", "~a", "$a", "*"):
        assert "BEGIN CERTIFICATE" not in greet(server, name).stdout, name
        assert f'cannot load certificate "{server.path("conf/certs")}/{name}.crt": open()' in server.error_log


def test_what_is_no_certificate_is_told_and_harms_nobody(serve_named):
    big = "x" * (1 << 20) + "y"
    other = self_signed("other")
    files = files_of("good", "nokey", "nochain", "unlike", "big", "folder", "pipe", "swapped")
    files |= {"conf/certs/big.crt": big, "conf/certs/nochain.crt": "", "conf/certs/unlike.key": other.key_pem,
              "conf/certs/swapped.crt": other.key_pem}
    del files["conf/certs/folder.crt"], files["conf/certs/pipe.crt"], files["conf/certs/nokey.key"]
    server = serve_named(f"server {{ {LISTEN} {BY_NAME} ssl_certificate_cache max=3; }}", files)
    os.mkdir(server.path("conf/certs/folder.crt"))
    os.mkfifo(server.path("conf/certs/pipe.crt"))
    directory = server.path("conf/certs")
    for name, why in (
            ("nokey", f'cannot load certificate key "{directory}/nokey.key": open() failed (2: No such file or'),
            ("nochain", f'cannot load certificate "{directory}/nochain.crt": PEM_read_bio_X509_AUX() failed (SSL: '),
            ("unlike", f'X509_check_private_key("{directory}/unlike.key") failed (SSL: error:05800074:x509 '),
            ("swapped", f'cannot load certificate "{directory}/swapped.crt": PEM_read_bio_X509_AUX() failed'),
            ("big", f'cannot load certificate "{directory}/big.crt": read() failed (27: File too large)'),
            ("folder", f'cannot load certificate "{directory}/folder.crt": open() failed (21: Is a directory)'),
            ("pipe", f'cannot load certificate "{directory}/pipe.crt": open() failed (22: Invalid argument)')):
        for _ in range(2):  # it is not remembered
            assert is_refused(server, name)
        assert server.error_log.count(why) == 2, why
        assert shown(server, sni="good") == der(self_signed("good"))


def test_keys_in_the_configuration_are_not_told(serve_named):
    server = serve_named('map $ssl_server_name $key { default "data:SECRET"; } server {'
                         f'{LISTEN} ssl_certificate own.crt; ssl_certificate_key $key; }}', pair("own", self_signed()))
    assert is_refused(server, "a")
    server.wait_for_log(r'cannot load certificate key "data:": PEM_read_bio_PrivateKey\(\) failed')
    assert "SECRET" not in server.error_log


def test_workers_need_rights_to_them(serve_named):
    if os.geteuid() != 0:
        pytest.skip("only root has workers of another user")
    server = serve_named(f"server {{ {LISTEN} {BY_NAME} }}", files_of("a.test"))
    os.chmod(server.path("conf/certs/a.test.key"), 0o600)
    assert is_refused(server, "a.test")
    server.wait_for_log(r'cannot load certificate key ".*/a.test.key": open\(\) failed \(13: Permission denied\)')


def replace(server, name, certificate):
    """As those do who renew certificates: the files are new ones under the old names."""
    for path, text in pair(f"certs/{name}", certificate).items():
        server.write(path + ".new", text)
        os.rename(server.path(path + ".new"), server.path(path))


@pytest.mark.parametrize("cache", ["", "ssl_certificate_cache off;", "ssl_certificate_cache max=2 valid=0;"])
def test_a_renewed_certificate_is_shown_at_once(serve_named, cache):
    server = serve_named(f"server {{ {LISTEN} {BY_NAME} {cache} }}", files_of("a.test"), workers=1)
    for name in ("a.test", "renewed", "renewed", "again"):
        replace(server, "a.test", self_signed(name))
        assert shown(server, sni="a.test") == der(self_signed(name))
    os.unlink(server.path("conf/certs/a.test.crt"))
    assert is_refused(server, "a.test")


def test_the_cache_keeps_what_was_used_last_and_a_reload_empties_it(serve_named):
    names = [f"{letter}.test" for letter in "abc"]
    server = serve_named(f"ssl_certificate_cache max=2 inactive=1h valid=1h; server {{ {LISTEN} {BY_NAME} }}"
                         f"server {{ {LISTEN} server_name c.test; {BY_NAME} }}", files_of(*names), workers=1)
    for name in names[:2]:
        assert shown(server, sni=name) == der(self_signed(name))
    for name in names[:2]:
        replace(server, name, self_signed("renewed"))
        assert shown(server, sni=name) == der(self_signed(name))
    assert shown(server, sni="c.test") == der(self_signed("c.test"))  # in place of a.test
    assert shown(server, sni="b.test") == der(self_signed("b.test"))
    assert shown(server, sni="a.test") == der(self_signed("renewed"))
    server.reload()
    assert shown(server, sni="b.test") == der(self_signed("renewed"))


@pytest.mark.parametrize("form", ["1.2 id", "1.2 ticket", "1.3"])
def test_sessions_go_on_where_the_same_certificate_is_shown(serve_named, form):
    server = serve_named(f"ssl_session_cache shared:tls:1m; map $ssl_server_name $of {{ default $ssl_server_name;"
                         f"c.test b.test; }} server {{ {LISTEN} {BY_NAME.replace('ssl_server_name', 'of')}"
                         f"return 200 $ssl_session_reused; }}", files_of("a.test", "b.test"), workers=1)
    tls = context(form.split()[0])
    if form.endswith("id"):
        tls.options |= ssl.OP_NO_TICKET

    def visit(sni, session=None):
        with Client(server.port(2), tls=tls, sni=sni, session=session) as client:
            said = client.get("/").text
            assert said == ("r" if client.socket.session_reused else ".")
            return client.socket.session, said
    first, said = visit("b.test")
    assert said == "."
    assert [visit(name, first)[1] for name in ("b.test", "c.test", "a.test", "b.test")] == ["r", "r", ".", "r"]


def test_configurations_are_good_without_the_files(new_server):
    server = new_server(http=f"server {{ listen 127.0.0.1:%PORT% ssl; {BY_NAME} ssl_stapling on; }}")
    done = server.run("-t")
    assert done.returncode == 0
    assert '[warn] "ssl_stapling" ignored for certificates whose names have variables' in done.stderr
