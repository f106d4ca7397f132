"""bench over TLS: names, verification, sessions, and servers that end it badly."""

import ssl

import pytest

from harness.backend import Answer, response
from harness.bench import measured, run
from harness.certificates import Authority, self_signed
from harness.tls import OWN, pair


@pytest.fixture
def secure(serve):
    """A server for `localhost` with TLS on its first port; gives it and the name of its authority's file."""
    def start(text=""):
        authority = Authority("ca")
        places = f"{text} location / {{ return 200 hello; }}"
        server = serve(http=f"server {{ listen 127.0.0.1:%PORT% ssl; {OWN} {places} }}",
                       files=pair("own", authority.issue("localhost", ["localhost"])))
        return server, server.write("ca.crt", authority.pem)
    return start


@pytest.mark.parametrize("how", [[], ["--pipeline", "4"], ["--close"], ["-r", "500"], ["-t", "2"]], ids=" ".join)
def test_counts_are_the_same_as_without(engine, secure, how):
    server, _ = secure()
    result = measured("--engine", engine, "-c", 4, "-n", 10, *how, f"https://127.0.0.1:{server.port()}/")
    assert result["statuses"] == {"200": 40} and result["failures"]["all"] == 0 and result["tls_resumed"] == 0


def test_certificates_are_verified_on_demand(engine, secure):
    server, ca = secure()
    port = server.port()
    good = ["--engine", engine, "-c", 2, "-n", 2]
    assert measured(*good, "--ca", ca, f"https://localhost:{port}/")["answers"] == 4
    assert measured(*good, "--ca", ca, "--sni", "localhost", f"https://127.0.0.1:{port}/")["answers"] == 4
    for arguments, reason in ((["--ca", ca, f"https://127.0.0.1:{port}/"], 'does not match "127.0.0.1"'),
                              (["--verify", f"https://localhost:{port}/"], "certificate verify error")):
        done = run(*good, *arguments)
        assert done.returncode == 1 and reason in done.stderr, done.stderr


def test_the_name_is_told(engine, secure):
    server, _ = secure("location /name { if ($ssl_server_name = other) { return 204; } return 404; }")
    base = ["--engine", engine, "-c", 1, "-n", 1]
    url = f"https://localhost:{server.port()}/name"
    assert measured(*base, "--sni", "other", url)["statuses"] == {"204": 1}
    assert measured(*base, url)["statuses"] == {"404": 1}


def test_sessions_are_resumed_on_demand(engine, secure):
    server, _ = secure("ssl_session_cache shared:tls:1m;")
    url = f"https://127.0.0.1:{server.port()}/"
    result = measured("--engine", engine, "-c", 1, "-n", 10, "--close", "--resume", url)
    assert result["answers"] == 10 and result["tls_resumed"] == 9
    assert measured("--engine", engine, "-c", 1, "-n", 10, "--close", url)["tls_resumed"] == 0


def test_who_speaks_no_tls_is_a_failure_of_tls(engine, backend):
    done = run("--engine", engine, "-c", 1, "-n", 1, f"https://{backend(Answer(response(), when='made')).address}/")
    assert done.returncode == 1 and "SSL_do_handshake() failed" in done.stderr


def test_an_answer_until_the_end_that_was_cut_off_is_a_failure(engine, backend, tmp_path):
    one = self_signed()
    (tmp_path / "pem").write_text(one.key_pem + one.pem)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "pem")
    for then, statuses in (("say_goodbye", {"200": 1}), ("close", {})):
        origin = backend(Answer(response("hello", framing="none"), then), tls=tls)
        result = measured("--engine", engine, "-c", 1, "-n", 1, f"https://{origin.address}/")
        assert result["statuses"] == statuses
        assert result["failures"]["cut"] == (0 if statuses else 1)
