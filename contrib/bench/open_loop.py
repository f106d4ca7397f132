"""Latencies as clients see them who do not wait for each other.

A file of 1 KB is asked for at a fixed rate, whatever became of the requests before: each request has its time, and its
latency counts from that time. So a server that stops for a while is charged for every request it kept waiting.
"""

import select
import socket
import time

from rig import BadRun
from stalls import without_stalls

REQUEST = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
CONNECTIONS_MAX = 900  # select() knows descriptors below 1024


class OpenLoop:
    """Asks for a file at a fixed rate for as long as it is told to, on as many connections as are needed for that. A
    request that fails ends the run; with `forgiving`, it is kept in `failures`."""

    def __init__(self, port, target, rate, forgiving=False):
        self.port, self.request, self.interval = port, REQUEST % target.encode(), 1 / rate
        self.forgiving, self.failures = forgiving, []
        self.idle, self.waiting = [], {}
        self.waits = []  # (due, done) of each request
        self.answer_size = None

    def run(self, go_on):
        start = time.perf_counter() + 0.01
        number = 0
        while go_on():
            due = start + number * self.interval
            while (now := time.perf_counter()) < due:
                self.receive(due - now)
            self.ask(due)
            self.receive(0)
            number += 1
        deadline = time.perf_counter() + 30
        while self.waiting and time.perf_counter() < deadline:
            self.receive(1)
        if self.waiting:
            raise BadRun(f"{len(self.waiting)} requests for the hot file had no answer in 30 s")
        for sock in self.idle:
            sock.close()
        return self.waits

    def ask(self, due):
        sock = self.idle.pop() if self.idle else self.connect()
        sock.send(self.request)
        self.waiting[sock] = [due, 0]

    def connect(self):
        if len(self.waiting) >= CONNECTIONS_MAX:
            raise BadRun(f"{CONNECTIONS_MAX} requests for the hot file wait: the server does not keep up")
        sock = socket.create_connection(("127.0.0.1", self.port), 10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def receive(self, seconds):
        for sock in select.select(list(self.waiting), [], [], max(0, seconds))[0]:
            data = sock.recv(65536)
            state = self.waiting[sock]
            if not data or (state[1] == 0 and not data.startswith(b"HTTP/1.1 200")):
                self.fail(sock, data)
                continue
            state[1] += len(data)
            if self.answer_size is None:
                self.answer_size = data.index(b"\r\n\r\n") + 4 + 1024
            if state[1] >= self.answer_size:
                self.waits.append((state[0], time.perf_counter()))
                del self.waiting[sock]
                self.idle.append(sock)

    def fail(self, sock, data):
        if not self.forgiving:
            raise BadRun(f"the hot file: {data[:100]!r}")
        self.failures.append(data.partition(b"\r\n")[0].decode("latin-1") or "closed")
        del self.waiting[sock]
        sock.close()


def milliseconds(waits, stalls=()):
    ordered = sorted(without_stalls(waits, stalls))
    at = {name: ordered[int(share * (len(ordered) - 1))] * 1000
          for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("max", 1))}
    return {"requests": len(ordered), **at}


def for_seconds(seconds):
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() < end
