"""Records of TLS and what they carry: neither borders of records nor of segments mean anything, in both directions."""

import ssl

import pytest

from harness.certificates import self_signed
from harness.tls import LISTEN, OWN, VERSIONS, context, pair
from harness.tls_records import ALERT, DATA, Sealer, Wire

BIG = b"0123456789abcdef" * (1 << 19)  # more than sockets hold
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
BIG_REQUEST = b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n"
SEALABLE = "ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;"


@pytest.fixture
def serve_tls(serve):
    def start(text="", listen=LISTEN, **configuration):
        return serve(http=f"server {{ {listen} {OWN} root html; client_max_body_size 0; {text}"
                          " location /told { return 200 told; } } server { listen 127.0.0.1:%PORT%; }",
                     files={**pair("own", self_signed()), "html/big": BIG}, **configuration)
    return start


class Talk(Wire):
    """A conversation whose handshake is done; `behind` is sent together with its end."""

    def __init__(self, server, version, behind=b"", **how):
        self.context = context(version)
        self.context.keylog_filename = server.path("keys")
        super().__init__(server, self.context, **how)
        self.until_it_can(self.shake_hands)
        self.send(self.outgoing.read() + behind)
        self.got = b""

    def shake_hands(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            self.send(self.outgoing.read())
            raise

    def ask(self, data, record_bytes=16384, segment_bytes=1 << 20):
        for start in range(0, len(data), segment_bytes * record_bytes):
            part = data[start:start + segment_bytes * record_bytes]
            sealed = b"".join(self.sealed(part[i:i + record_bytes]) for i in range(0, len(part), record_bytes))
            for i in range(0, len(sealed), segment_bytes):
                self.send(sealed[i:i + segment_bytes])

    def take(self, count):
        while len(self.got) < count:
            self.got += self.read()
        taken, self.got = self.got[:count], self.got[count:]
        return taken

    def response(self):
        while b"\r\n\r\n" not in self.got:
            self.got += self.read()
        head, self.got = self.got.split(b"\r\n\r\n", 1)
        length = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")][0]
        return head.split(b"\r\n")[0], self.take(int(length.split()[1]))


def chunked(body, size):
    chunks = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


@pytest.mark.parametrize("record_bytes, body_bytes", [(1, 3000), (17, 40000), (1000, 1 << 20), (16384, 4 << 20)])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_body_in_records_of_any_size(serve_tls, version, record_bytes, body_bytes):
    """Of the chunks each has to be where the one before it ends."""
    server = serve_tls()
    body = chunked(BIG[:body_bytes], 777)
    head = b"POST /told HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Talk(server, version) as talk:
        for _ in range(2):
            talk.ask(head + body, record_bytes)
            assert talk.response() == (b"HTTP/1.1 200 OK", b"told")
        talk.ask(REQUEST)
        assert talk.response() == (b"HTTP/1.1 200 OK", b"hello\n")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_byte_in_a_segment_of_its_own(serve_tls, version):
    server = serve_tls()
    body = b"POST /told HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" + b"x" * 100
    with Talk(server, version) as talk:
        talk.ask(body + REQUEST, record_bytes=50, segment_bytes=1)
        assert talk.response() == (b"HTTP/1.1 200 OK", b"told")
        assert talk.response() == (b"HTTP/1.1 200 OK", b"hello\n")


@pytest.mark.parametrize("version", VERSIONS)
def test_many_requests_in_a_record_and_one_over_many(serve_tls, version):
    server = serve_tls()
    with Talk(server, version) as talk:
        talk.ask(REQUEST * 100 + BIG_REQUEST + REQUEST * 100, 16384)
        talk.ask(REQUEST * 50, 7)
        for number in range(251):
            status, body = talk.response()
            assert status == b"HTTP/1.1 200 OK" and body == (BIG if number == 100 else b"hello\n")


@pytest.mark.parametrize("sendfile", ["on", "off"])
@pytest.mark.parametrize("version", VERSIONS)
def test_who_reads_late_gets_all_of_it(serve_tls, version, sendfile):
    server = serve_tls(f"sendfile {sendfile};")
    with Talk(server, version, room=4096) as talk, Talk(server, version) as other:
        talk.ask(BIG_REQUEST + REQUEST)
        talk.take(1)  # it is being sent, and soon the sockets are full
        for _ in range(3):
            other.ask(BIG_REQUEST)
            assert other.response()[1] == BIG
        talk.got = b"H" + talk.got
        assert talk.response()[1] == BIG
        assert talk.response()[1] == b"hello\n"


def test_keys_change_while_much_is_being_sent(serve_tls):
    server = serve_tls(SEALABLE)
    with Talk(server, "1.3", room=4096) as talk:
        sealer = Sealer(server.read("keys"))
        talk.send(sealer.seal(DATA, BIG_REQUEST))
        for part in range(16):
            talk.send(sealer.key_update(part % 2 == 0))
            talk.got += talk.read()
        talk.send(sealer.seal(DATA, REQUEST))
        assert talk.response()[1] == BIG
        assert talk.response()[1] == b"hello\n"


@pytest.mark.parametrize("behind", [b"", b"\x17\x03\x03\x00\x20" + b"?" * 32, b"GET / HTTP/1.1\r\n\r\n" * 1000])
def test_what_comes_behind_the_end_changes_nothing(serve_tls, behind):
    server = serve_tls(SEALABLE)
    with Talk(server, "1.3", room=4096) as talk:
        sealer = Sealer(server.read("keys"))
        talk.send(sealer.seal(DATA, BIG_REQUEST) + sealer.seal(ALERT, b"\x01\x00") + behind)
        assert talk.response()[1] == BIG
        talk.client.take_all()


@pytest.mark.parametrize("begun", [b"", b"\x17", b"\x17\x03\x03\x00\x50", b"\x17\x03\x03\x00\x50" + b"?" * 79])
def test_tickets_come_though_no_request_does(serve_tls, begun):
    """More of them than the socket takes at once, and a record that has begun behind the handshake."""
    tickets = 250
    server = serve_tls(f"ssl_conf_command NumTickets {tickets};", LISTEN.replace(";", " sndbuf=4608;"))
    with Talk(server, "1.3", begun, room=2304) as talk:
        count = 0
        while count < tickets * 200:
            count += len(talk.client.socket.recv(65536))
