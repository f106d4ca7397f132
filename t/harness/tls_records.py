"""Clients of TLS whose records are in the test's hands, and records of TLS 1.3 as no library would send them: whatever
type and content, sealed with the client's keys."""

import ssl
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

ALERT, HANDSHAKE, DATA = 21, 22, 23


class Wire:
    """A client whose TLS happens in memory, so that each flight can be sent in part, or changed, or not at all."""

    def __init__(self, server, context, **how):
        self.client = server.client(2, **how)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.client.close()

    def send(self, data):
        self.client.send(data)

    def receive(self):
        data = self.client.socket.recv(65536)
        assert data, "the server ended the connection"
        self.incoming.write(data)

    def until_it_can(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.receive()

    def sealed(self, data):
        """As one record."""
        self.tls.write(data)
        return self.outgoing.read()

    def read(self):
        return self.until_it_can(lambda: self.tls.read(65536))


class Sealer:
    """A client's side of TLS_AES_128_GCM_SHA256, from after the handshake on (RFC 8446 section 5)."""

    def __init__(self, key_log):
        """`key_log`: the text of a file of SSLContext.keylog_filename; the last handshake in it counts."""
        lines = [line.split() for line in key_log.splitlines()]
        self.use(bytes.fromhex([line[2] for line in lines if line[0] == "CLIENT_TRAFFIC_SECRET_0"][-1]))

    def use(self, secret):
        self.secret, self.number = secret, 0
        self.cipher, self.iv = AESGCM(expanded(secret, b"key", 16)), expanded(secret, b"iv", 12)

    def seal(self, kind, content):
        inner = content + bytes([kind])
        header = struct.pack("!BHH", DATA, 0x0303, len(inner) + 16)
        nonce = (int.from_bytes(self.iv, "big") ^ self.number).to_bytes(12, "big")
        self.number += 1
        return header + self.cipher.encrypt(nonce, inner, header)

    def key_update(self, wants_ours=True):
        """The message, and from then on the keys that it is about."""
        record = self.seal(HANDSHAKE, b"\x18\x00\x00\x01" + bytes([wants_ours]))
        self.use(expanded(self.secret, b"traffic upd", 32))
        return record


def expanded(secret, label, size):
    """HKDF-Expand-Label of RFC 8446 section 7.1, without a context."""
    name = b"tls13 " + label
    info = struct.pack("!HB", size, len(name)) + name + b"\x00"
    return HKDFExpand(hashes.SHA256(), size, info).derive(secret)
