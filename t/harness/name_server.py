"""A name server for tests, in threads of the test, that does what it is told: well or badly. Datagrams and TCP."""

import socket
import struct
import threading

A, CNAME, AAAA = 1, 5, 28
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME, REFUSED = 0, 2, 3, 5


def wire(name):
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


class Question:
    def __init__(self, message, by_tcp, port):
        self.id = message[:2]
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode())
            at += 1 + message[at]
        self.name = ".".join(labels)
        self.type = struct.unpack_from(">H", message, at + 1)[0]
        self.section = message[12:at + 5]
        self.by_tcp = by_tcp
        self.port = port


class NameServer:
    """`names` has the data of names: "a.test": "10.0.0.1" or [addresses], or {"alias": "b.test"}. `does` says how
    answers are given: "well", or one of the ways below."""

    def __init__(self, names, does="well", ttl=60):
        self.names = names
        self.does = does
        self.ttl = ttl
        self.asked = []
        self.closing = threading.Event()
        self.tcp, self.udp = sockets()
        self.port = self.udp.getsockname()[1]
        self.threads = [threading.Thread(target=serve) for serve in (self.serve_datagrams, self.serve_streams)]
        for thread in self.threads:
            thread.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def close(self):
        self.closing.set()
        for thread in self.threads:
            thread.join()
        self.udp.close()
        self.tcp.close()

    def serve_datagrams(self):
        while not self.closing.is_set():
            try:
                message, peer = self.udp.recvfrom(4096)
            except TimeoutError:
                continue
            question = Question(message, False, peer[1])
            self.asked.append(question)
            for answer in getattr(self, self.does)(question, peer):
                self.udp.sendto(answer, peer)

    def serve_streams(self):
        while not self.closing.is_set():
            try:
                peer, address = self.tcp.accept()
            except TimeoutError:
                continue
            with peer:
                peer.settimeout(5)
                size, = struct.unpack(">H", peer.recv(2, socket.MSG_WAITALL))
                question = Question(peer.recv(size, socket.MSG_WAITALL), True, address[1])
                self.asked.append(question)
                for answer in getattr(self, self.does)(question, address):
                    peer.sendall(struct.pack(">H", len(answer)) + answer)

    def answer(self, question, code=None, truncated=False):
        known = self.names.get(question.name)
        records = [] if known is None or truncated else list(self.records(known, question.type))
        code = code if code is not None else NO_SUCH_NAME if known is None else NO_ERROR
        flags = 0x8180 | code | (0x0200 if truncated else 0)
        head = question.id + struct.pack(">HHHHH", flags, 1, len(records), 0, 0)
        return head + question.section + b"".join(records)

    def records(self, known, of_type):
        def record(kind, data):
            return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, self.ttl, len(data)) + data
        if isinstance(known, dict):
            yield record(CNAME, wire(known["alias"]))
            return
        for address in [known] if isinstance(known, str) else known:
            family, kind = (socket.AF_INET6, AAAA) if ":" in address else (socket.AF_INET, A)
            if kind == of_type:
                yield record(kind, socket.inet_pton(family, address))

    # --- ways to do it, well and badly: each gives the messages to be sent

    def well(self, question, _):
        return [self.answer(question)]

    def silent(self, *_):
        return []

    def slow(self, question, _):
        self.closing.wait(0.3)
        return [self.answer(question)]

    def fails(self, question, _):
        return [self.answer(question, SERVER_FAILURE)]

    def refuses(self, question, _):
        return [self.answer(question, REFUSED)]

    def wrong_id(self, question, _):
        right = self.answer(question)
        return [bytes([right[0] ^ 1]) + right[1:]]

    def wrong_question(self, question, _):
        right = self.answer(question)
        return [right[:13] + b"x" + right[14:]]

    def wrong_port(self, question, peer):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            other.sendto(self.answer(question), peer)
        return []

    def garbage(self, *_):
        return [b"\xff" * 200]

    def loops(self, question, _):
        right = self.answer(question)
        return [right[:-16].replace(b"\xc0\x0c", b"") + b"\xc0" + bytes([len(right) - 16]) + right[-14:]]

    def cut_off(self, question, _):
        right = self.answer(question)
        return [right[:size] for size in range(len(right))]

    def storm(self, question, peer):
        return self.wrong_id(question, peer) * 1000

    def noisy(self, question, peer):
        ways = (self.wrong_id, self.wrong_question, self.garbage, self.wrong_port)
        return [b""] + [one for way in ways for one in way(question, peer)] + self.well(question, peer)

    def truncated(self, question, _):
        return [self.answer(question, truncated=not question.by_tcp)]

    def truncated_always(self, question, _):
        return [self.answer(question, truncated=True)]


def sockets():
    """For TCP and for datagrams, on one port."""
    while True:
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
            continue
        for one in (tcp, udp):
            one.settimeout(0.05)
        return tcp, udp
