"""An origin server for tests that does, byte for byte, what a test says: well or badly.

Either the test plays it by hand, one connection at a time and without threads:

    peer = origin.accept()
    request = peer.read_request()
    peer.send(response("hello")[:20])
    peer.reset()

or it has an `answer` for every request and plays by itself: bytes, an Answer, or a function of the connection and the
request that gives one of these, or nothing when it has done all there was to do. What it receives is read by the
strictest of parsers and kept; `close()` gives what was wrong with it.
"""

import contextlib
import http
import os
import re
import select
import socket
import threading
import traceback
from dataclasses import dataclass

from . import strict
from .client import Endpoint
from .ports import free_port, release
from .waiting import WAIT_SECONDS, wait_until


def response(body=b"", *fields, status=200, framing="length", version="1.1"):
    """A whole response. `framing` is "length", "chunked", or "none", whose end is that of the connection."""
    body = body.encode() if isinstance(body, str) else body
    reason = http.HTTPStatus(status).phrase if status in http.HTTPStatus._value2member_map_ else "Other"
    own = {"length": [f"Content-Length: {len(body)}"], "chunked": ["Transfer-Encoding: chunked"], "none": []}[framing]
    lines = [f"HTTP/{version} {status} {reason}", *own, *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + (chunks(body) if framing == "chunked" else body)


def begin(length, *fields):
    """The head of a response whose body the test sends as it likes."""
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {length}", *fields, "", ""]).encode()


def answered_with(client, origin, data):
    """Asks an origin that a test plays by hand, which answers with so much; gives its end of the connection."""
    client.send_request("GET", "/")
    peer = origin.accept()
    peer.read_request()
    peer.send(data)
    return peer


def chunks(*parts, trailers=()):
    """The parts as chunks, and the last chunk with the trailer fields."""
    data = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part)
    return data + b"0\r\n" + "".join(f"{field}\r\n" for field in trailers).encode("latin-1") + b"\r\n"


@dataclass
class Answer:
    """`then`: "keep" the connection, "finish" sending, "close" or "reset" it, or "say_goodbye" of TLS. `when`: the
    "request" is there as a whole, its "head" is, or the connection is "made". `step`: how many bytes are sent, and
    received, at a time."""


    data: bytes = b""
    then: str = "keep"
    when: str = "request"
    step: int = 0


class Connection(Endpoint):
    """The origin's end of a connection. `received` are all bytes that came, `requests` what was read of them, which
    is added to those `heard` by the origin, too."""

    def __init__(self, connected, heard):
        super().__init__(connected)
        self.received = b""
        self.requests = []
        self.heard = heard
        self.lock = threading.Lock()
        self.leaving = self.closed = False
        if connected.family == socket.AF_INET:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fill(self):
        had = len(self.input)
        more = super().fill()
        self.received += self.input[had:]
        return more

    def read_head(self):
        """The next request, of which only the head need be there; nothing at the end of the stream."""
        while not (found := strict.read_head(self.input)):
            if not self.fill():
                return None
        return found[0]

    def read_request(self):
        """The next request; nothing at the end of the stream. What was there of one that was cut off stays in input."""
        while not (found := strict.read_request(self.input)):
            if not self.fill():
                return None
        request, self.input = found
        self.requests.append(request)
        self.heard.append(request)
        return request

    def send_slowly(self, data, step=1):
        """Sends so many bytes at a time, each when those before it were received."""
        for at in range(0, len(data), step):
            self.send(data[at:at + step])
            self.wait_until_received()

    def wait_until_received(self):
        """Waits until the other side has taken everything out of its socket."""
        wait_until(lambda: unread(self.socket) == 0, "the bytes to be received")

    def has_ended(self):
        """Waits until the other side has closed or says that it will send no more; what came before is in input."""
        while self.fill():
            pass
        return True

    def secure(self, tls):
        self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.resumed = self.socket.session_reused

    def say_goodbye(self):
        """Says the end of TLS before it closes."""
        with contextlib.suppress(OSError):
            self.socket.unwrap()
        self.close()

    def close(self):
        with self.lock:  # end() may come from another thread
            self.closed = True
            self.socket.close()

    def end(self):
        """Ends it in both directions. Not close(), when it plays by itself: its thread may wait for this socket."""
        with self.lock, contextlib.suppress(OSError):
            if not self.closed:
                self.socket.shutdown(socket.SHUT_RDWR)


class Backend:
    """`address` is for proxy_pass and `server`. `connections` and `requests` are in the order they came. With
    `tls`, an ssl.SSLContext, it is spoken from the first byte."""

    def __init__(self, answer=None, unix=None, tls=None):
        self.port = None if unix else free_port()
        self.address = f"unix:{unix}" if unix else f"127.0.0.1:{self.port}"
        self.unix = unix
        self.tls = tls
        self.connections = []
        self.requests = []
        self.faults = []
        self.threads = []
        self.closing = False
        self.listener = self.acceptor = self.leave = None
        self.answer = answer
        self.listen()

    @property
    def last(self):
        """The newest request."""
        return self.requests[-1]

    def wait_for_requests(self, count):
        wait_until(lambda: len(self.requests) >= count, f"{count} requests at the origin")
        return self.requests

    def wait_for_ends(self):
        """Until connections whose last answer ended them are closed: nobody can take such a one for idle any more."""
        wait_until(lambda: all(connection.closed for connection in self.connections if connection.leaving),
                   "the ends of connections to the origin")

    # --- the listening socket

    def listen(self):
        """Opens it: at the start, or again."""
        self.listener = socket.socket(socket.AF_UNIX if self.unix else socket.AF_INET)
        self.listener.settimeout(WAIT_SECONDS)
        if self.unix:
            self.listener.bind(self.unix)
            os.chmod(self.unix, 0o666)  # the workers run as another user
        else:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(512)
        if self.answer is not None:
            left, self.leave = socket.socketpair()
            self.acceptor = self.begin(self.accept_all, left)

    def refuse(self):
        """Closes it: from now on nobody can connect. Connections go on."""
        if self.listener.fileno() < 0:
            return
        if self.acceptor:
            self.leave.close()
            self.acceptor.join()
        self.listener.close()
        if self.unix:
            os.unlink(self.unix)

    def close(self):
        """Ends all of it; gives what was wrong."""
        self.closing = True
        self.refuse()
        for connection in self.connections:
            connection.end()
        for thread in self.threads:
            thread.join()
        for connection in self.connections:
            connection.close()
        if self.port:
            release(self.port)
        return self.faults

    # --- by hand

    def accept(self):
        """The next connection."""
        connection = Connection(self.listener.accept()[0], self.requests)
        self.connections.append(connection)
        if self.tls:
            connection.secure(self.tls)
        return connection

    def is_alone(self):
        """Whether nobody waits to be accepted."""
        return not select.select([self.listener], [], [], 0)[0]

    # --- by itself

    def begin(self, work, end):
        thread = threading.Thread(target=self.guarded, args=(work, end), daemon=True)
        self.threads.append(thread)
        thread.start()
        return thread

    def guarded(self, work, end):
        try:
            work(end)
        except OSError:
            pass  # the other side is gone, or the test is over
        except Exception as fault:  # the test's thread tells about it
            if not self.closing or isinstance(fault, strict.Ambiguous):
                self.faults.append(traceback.format_exc())
        finally:
            end.close()

    def accept_all(self, left):
        while left not in select.select([self.listener, left], [], [])[0]:
            connection = Connection(self.listener.accept()[0], self.requests)
            self.connections.append(connection)
            self.begin(self.converse, connection)

    def converse(self, connection):
        if self.tls:
            connection.secure(self.tls)
        answer = self.answer
        if isinstance(answer, Answer) and answer.when == "made":
            self.give(connection, answer)
            connection.has_ended()
        elif isinstance(answer, Answer) and answer.when == "head":
            if connection.read_head():
                self.give(connection, answer)
                connection.has_ended()
        else:
            while not connection.closed and (request := connection.read_request()):
                answer = self.answer
                self.give(connection, answer(connection, request) if callable(answer) else answer)

    @staticmethod
    def give(connection, answer):
        if answer is None:
            return
        answer = Answer(answer) if isinstance(answer, bytes) else answer
        connection.leaving = answer.then != "keep"
        if answer.step:
            connection.send_slowly(answer.data, answer.step)
        else:
            connection.send(answer.data)
        if connection.leaving:
            getattr(connection, answer.then)()


def unread(connected):
    """How many bytes sent over this TCP connection its other end has not taken yet."""
    (_, port), (_, peer_port) = connected.getsockname(), connected.getpeername()
    with open("/proc/net/tcp") as file:
        rows = re.findall(rf":{peer_port:04X} \w+:{port:04X} \w\w \w+:(\w+)", file.read())
    return int(rows[0], 16) if rows else 0
