"""What clients of TLS do wrong or slowly, at each step: they stall, dribble, go away, do not read, send what is broken.

All of it ends in bounded time and memory, and the next client is served.
"""

import functools
import re
import select
import shutil
import ssl
import subprocess

import pytest

from harness import tls_records
from harness.certificates import Authority, self_signed
from harness.tls import LISTEN, OWN, VERSIONS, pair
from harness.tls import context as context_of
from harness.tls_records import ALERT, DATA, HANDSHAKE, Sealer
from harness.waiting import WAIT_SECONDS, wait_until

SERVER = (f"server {{ {LISTEN} {OWN} root html; ssl_client_certificate ca.crt; ssl_verify_client optional; %TEXT% }}"
          "server { listen 127.0.0.1:%PORT%; stub_status; access_log off; }")
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
BIG_BYTES = 64 << 20
KEPT_BYTES_MAX = 16 << 20  # beyond this a worker holds what a client does not read


@pytest.fixture
def serve_tls(serve):
    """Starts a server that asks for certificates, so that handshakes have all there may be in them."""
    authority = Authority("ca")
    client = authority.issue("client")

    def start(text="", http="", files=None, **configuration):
        files = {**pair("own", self_signed()), "conf/ca.crt": authority.pem,
                 "client.pem": client.key_pem + client.chain, **(files or {})}
        return serve(http=http + SERVER.replace("%TEXT%", text), files=files, **configuration)
    return start


@functools.cache
def context(server, version):
    tls = context_of(version, server.path("client.pem"))
    tls.set_alpn_protocols(["http/1.1", *(f"or/{number}" for number in range(100))])  # so that the hello is long
    return tls


class Wire(tls_records.Wire):
    def __init__(self, server, version, **how):
        super().__init__(server, context(server, version), **how)


# --- flights: each is made when those before it were sent, and not sent itself


def hello(wire):
    with pytest.raises(ssl.SSLWantReadError):
        wire.tls.do_handshake()
    return wire.outgoing.read()


def second_flight(wire):
    """The certificate, the proof, the end: what a client says when it has read the server's first."""
    wire.send(hello(wire))
    said = b""
    while not said:
        wire.receive()
        try:
            wire.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        said = wire.outgoing.read()
    return said


def shake_hands(wire):
    wire.send(second_flight(wire))
    wire.until_it_can(wire.tls.do_handshake)


def request(wire):
    shake_hands(wire)
    return wire.sealed(REQUEST)


def long_request(wire):
    shake_hands(wire)
    return wire.sealed(REQUEST[:-2] + b"X: " + b"x" * 10000)


def many_records(wire):
    shake_hands(wire)
    return b"".join(wire.sealed(b"G") for _ in range(1000))


FLIGHTS = [hello, second_flight, request]


def changed(data, place):
    return data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1:]


def places_in(data):
    """Where to cut it, or to change it: each byte of the first header, then some of all there are."""
    return [*range(6), *range(6, len(data), 31)]


def others(server):
    """How many connections there are beside the one that asks."""
    return int(re.search(r"Active connections: (\d+)", server.get("/").text).group(1)) - 1


def is_served(server, version):
    with Wire(server, version) as wire:
        wire.send(request(wire))
        return wire.read().endswith(b"hello\n")


# --- who is slow


# A flight, and how much of it is sent: a share, or so many bytes.
STEPS = [(hello, 0), (hello, 3), (hello, 0.5), (hello, -1), (hello, 1.0), (second_flight, 0.5), (second_flight, -1),
         (request, 0), (request, 3), (request, 0.5), (many_records, 1.0)]


@pytest.mark.parametrize("version", VERSIONS)
def test_who_stalls_at_any_step_is_sent_away(serve_tls, version):
    """Every other limit is longer than a test waits."""
    server = serve_tls(http="client_header_timeout 2s;")
    wires = []
    for flight, share in STEPS:
        wires.append(Wire(server, version))
        data = flight(wires[-1])
        wires[-1].send(data[:int(len(data) * share)] if isinstance(share, float) else data[:share])
    wait_until(lambda: others(server) == 0, "the connections to end")
    for wire in wires:
        wire.client.take_all()
        wire.client.close()
    server.wait_for_log(r"client timed out \(110: Connection timed out\)", count=len(STEPS))


def has_ended(client):
    """Whether the server has ended the connection, without waiting for it."""
    try:
        return bool(select.select([client.socket], [], [], 0)[0]) and not client.socket.recv(65536)
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("flight", [hello, second_flight, long_request, many_records])
@pytest.mark.parametrize("version", VERSIONS)
def test_bytes_one_by_one_prolong_nothing(serve_tls, version, flight):
    """There are more of them than the time allows."""
    server = serve_tls(http="client_header_timeout 1s;")
    with Wire(server, version) as wire:
        rest = iter(flight(wire))

        def ended_while_sending():
            try:
                wire.send(bytes([next(rest)]))
            except (ConnectionResetError, BrokenPipeError):
                return True
            return has_ended(wire.client)

        wait_until(ended_while_sending, "the connection to end")
    server.wait_for_log(r"client timed out \(110: Connection timed out\)")


def memory_of(server):
    total = 0
    for pid in server.workers():
        with open(f"/proc/{pid}/smaps_rollup") as file:
            total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1)) << 10
    return total


@pytest.mark.parametrize("version", VERSIONS)
def test_who_does_not_read_is_sent_away_and_takes_no_memory(serve_tls, version):
    server = serve_tls(http="send_timeout 1s;", files={"html/big": b"0123456789abcdef" * (BIG_BYTES // 16)})
    assert is_served(server, version)
    before = memory_of(server)
    with Wire(server, version, room=4096) as wire:
        shake_hands(wire)
        wire.send(wire.sealed(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n"))
        most = 0

        def is_gone():
            nonlocal most
            most = max(most, memory_of(server) - before)
            return others(server) == 0

        wait_until(is_gone, "the connection to end")
    assert most < KEPT_BYTES_MAX
    server.wait_for_log(r"client timed out \(110: Connection timed out\) while sending response to client")
    assert server.error_log.count("client timed out") == 1


# --- who goes away, or sends what is broken


@pytest.mark.parametrize("flight", FLIGHTS)
@pytest.mark.parametrize("version", VERSIONS)
def test_who_goes_at_any_byte_is_gone(serve_tls, version, flight):
    server = serve_tls()
    with Wire(server, version) as wire:
        places = places_in(flight(wire))
    for place in places:
        with Wire(server, version) as wire:
            wire.send(flight(wire)[:place])
            wire.client.finish()
            wire.client.take_all()
    wait_until(lambda: others(server) == 0, "the connections to end")
    assert is_served(server, version)
    assert "[crit]" not in server.error_log


@pytest.mark.parametrize("flight", FLIGHTS)
@pytest.mark.parametrize("version", VERSIONS)
def test_whatever_byte_is_wrong_the_connection_ends(serve_tls, version, flight):
    server = serve_tls()
    with Wire(server, version) as wire:
        places = places_in(flight(wire))
    for place in places:
        with Wire(server, version) as wire:
            wire.send(changed(flight(wire), place))
            wire.client.finish()  # where what is wrong is a length, more is waited for
            wire.client.take_all()
    wait_until(lambda: others(server) == 0, "the connections to end")
    assert is_served(server, version)
    assert "[crit]" not in server.error_log


BROKEN_RECORDS = {
    "its last byte differs": (lambda record: changed(record, len(record) - 1), "BAD_RECORD_MAC"),
    "its first byte differs": (lambda record: changed(record, 5), "BAD_RECORD_MAC"),
    "it is too long": (lambda record: record[:3] + b"\xff\xff" + record[5:], "RECORD_OVERFLOW"),
    "it has no known type": (lambda record: b"\x63" + record[1:], "UNEXPECTED_MESSAGE|BAD_RECORD_MAC"),
    "it comes twice": (lambda record: record + record, "BAD_RECORD_MAC"),
    "it was not sealed": (lambda record: record[:3] + bytes([0, len(REQUEST)]) + REQUEST, "BAD_RECORD_MAC"),
}


@pytest.mark.parametrize("what", BROKEN_RECORDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_broken_record_is_answered_by_an_alert(serve_tls, version, what):
    server = serve_tls()
    breaks, alert = BROKEN_RECORDS[what]
    with Wire(server, version) as wire:
        wire.send(breaks(request(wire)))
        with pytest.raises(ssl.SSLError) as refused:
            while wire.read():
                pass
        assert re.search(alert, refused.value.reason)
        wire.client.take_all()
    assert is_served(server, version)


def sealer_of(wire, server):
    """Makes records for a connection of TLS 1.3 whose handshake is done here."""
    wire.tls.context.keylog_filename = server.path("keys")
    shake_hands(wire)
    return Sealer(server.read("keys"))


def many(sealer, kind, content):
    return b"".join(sealer.seal(kind, content) for _ in range(5000))


# What nobody may say, or not so often; and how it is answered.
SAYINGS = {
    "records without data": (lambda sealer: many(sealer, DATA, b""), "UNEXPECTED_MESSAGE"),
    "warnings": (lambda sealer: many(sealer, ALERT, b"\x01\x5a"), "UNEXPECTED_MESSAGE"),
    "a hello": (lambda sealer: sealer.seal(HANDSHAKE, b"\x01\x00\x00\x00"), "UNEXPECTED_MESSAGE"),
    "a ticket": (lambda sealer: sealer.seal(HANDSHAKE, b"\x04\x00\x00\x00"), "UNEXPECTED_MESSAGE"),
    "a message without end": (lambda sealer: sealer.seal(HANDSHAKE, b"\x18\xff\xff\xff\x01"), "."),
    "an empty message": (lambda sealer: sealer.seal(HANDSHAKE, b""), "UNEXPECTED_MESSAGE"),
    "an update of no kind": (lambda sealer: sealer.seal(HANDSHAKE, b"\x18\x00\x00\x01\x02"), "ILLEGAL_PARAMETER"),
    "a type of no kind": (lambda sealer: sealer.seal(99, b"?"), "UNEXPECTED_MESSAGE"),
    "nothing but padding": (lambda sealer: sealer.seal(0, b"\x00" * 100), "UNEXPECTED_MESSAGE"),
    "too much in a record": (lambda sealer: sealer.seal(DATA, b"x" * 16400), "RECORD_OVERFLOW"),
}


@pytest.mark.parametrize("what", SAYINGS)
def test_what_may_not_be_said_is_answered_by_an_alert(serve_tls, what):
    server = serve_tls("ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;")
    says, alert = SAYINGS[what]
    with Wire(server, "1.3") as wire:
        wire.send(says(sealer_of(wire, server)))
        with pytest.raises(ssl.SSLError) as refused:
            wire.read()
        assert re.search(alert, refused.value.reason)
        wire.client.take_all()
    assert is_served(server, "1.3")


def test_keys_that_are_changed_without_end_take_no_memory(serve_tls):
    """Each change asks for one of ours, and nothing is read."""
    server = serve_tls("ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;")
    assert is_served(server, "1.3")
    before = memory_of(server)
    with Wire(server, "1.3", room=4096) as wire:
        sealer = sealer_of(wire, server)
        wire.client.socket.settimeout(1)
        for _ in range(50):
            try:
                wire.send(b"".join(sealer.key_update() for _ in range(200)))
            except OSError:
                break  # it was ended, or more is not taken
        assert memory_of(server) - before < KEPT_BYTES_MAX
    wait_until(lambda: others(server) == 0, "the connection to end")
    assert is_served(server, "1.3")


def test_keys_are_changed_between_requests(serve_tls):
    server = serve_tls("ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;")
    with Wire(server, "1.3") as wire:
        sealer = sealer_of(wire, server)
        for wants_ours in (True, False, True):
            wire.send(sealer.key_update(wants_ours) + sealer.seal(DATA, REQUEST))
            assert wire.read().endswith(b"hello\n")


@pytest.mark.parametrize("beginning", [
    b"\x16\x03\x01\x00\x00", b"\x16\x03\x01\xff\xff" + b"x" * 100, b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
    b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", b"\x16\x03\x01\x00\x01\x0e", b"\x16\x00\x00\x00\x05\x01\x00\x00\x01\x00",
    b"\x16\x03\x01\x00\x2a\x01\x00\x00\x26\x03\x03" + b"r" * 32 + b"\x00\x00\x00\x00\x00\x00",
    b"\x14\x03\x03\x00\x01\x01", b"\x15\x03\x03\x00\x02\x02\x28", b"\x17\x03\x03\x00\x01x", b"\x18\x03\x03\x00\x01x",
    b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"c" * 37], ids=lambda data: data[:10].hex())
def test_what_is_no_hello_ends_the_connection(serve_tls, beginning):
    server = serve_tls()
    with server.client(2) as client:
        client.send(beginning)
        client.finish()
        client.take_all()
    wait_until(lambda: others(server) == 0, "the connection to end")
    assert "[crit]" not in server.error_log


def test_nobody_shakes_hands_twice(serve_tls):
    server = serve_tls()
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port(2)}", "-tls1_2"], input="R\n",
                          capture_output=True, text=True, timeout=WAIT_SECONDS)
    assert "RENEGOTIATING" in done.stdout + done.stderr and "no renegotiation" in done.stderr
    wait_until(lambda: others(server) == 0, "the connection to end")


# --- who does it right


@pytest.mark.parametrize("version", VERSIONS)
def test_every_byte_in_a_record_of_its_own(serve_tls, version):
    server = serve_tls()
    with Wire(server, version) as wire:
        shake_hands(wire)
        wire.send(b"".join(wire.sealed(bytes([byte])) for byte in REQUEST * 3))
        got = b""
        while got.count(b"hello\n") < 3:
            got += wire.read()
    assert got.count(b"HTTP/1.1 200 OK\r\n") == 3


@pytest.mark.parametrize("version", [["--tls-max", "1.2"], ["--tlsv1.3"]], ids=VERSIONS)
def test_curl_asks_again_on_a_connection(serve_tls, version):
    server = serve_tls(files={"html/big": b"0123456789abcdef" * (1 << 16)})
    at = f"https://127.0.0.1:{server.port(2)}"
    done = subprocess.run(["curl", "-sSk", *version, "-w", "%{num_connects} %{size_download}\n",
                           "-o", "/dev/null", f"{at}/big", "-o", "/dev/null", at],
                          capture_output=True, text=True, timeout=WAIT_SECONDS)
    assert (done.stdout, done.stderr) == ("1 1048576\n0 6\n", "")


def test_h2load_counts_no_failure(serve_tls):
    if not shutil.which("h2load"):
        pytest.skip("no h2load here")
    server = serve_tls(files={"html/some": b"0123456789" * 5000})
    done = subprocess.run(["h2load", "--h1", "-t1", "-c20", "-n2000", f"https://127.0.0.1:{server.port(2)}/some"],
                          capture_output=True, text=True, timeout=WAIT_SECONDS)
    assert re.search(r"^requests: .* 2000 succeeded, 0 failed, 0 errored, 0 timeout$", done.stdout, re.M), done.stdout
    assert "(100000000) data" in re.sub(r", (?=\d+\.)", "", done.stdout)
