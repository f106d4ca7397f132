"""A client that sends the bytes it is told to and reads one response at a time, as RFC 9112 delimits them."""

import socket
import ssl
import struct

from .waiting import WAIT_SECONDS

BLOCK = 65536
NO_LINGER = struct.pack("ii", 1, 0)


class Response:
    """One response: `status`, `reason`, `version`, `headers` as they came, `body` without its framing."""

    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.version, status, *reason = lines[0].split(" ", 2)
        self.status = int(status)
        self.reason = reason[0] if reason else ""
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        self.head = head
        self.body = b""

    def header(self, name, default=None):
        """The value of a header that may appear once."""
        values = self.header_values(name)
        assert len(values) < 2, f"{name} appears {len(values)} times"
        return values[0] if values else default

    def header_values(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.headers} {self.body[:200]!r}>"


class Endpoint:
    """One end of a connection: bytes go, and come when they are asked for."""

    def __init__(self, connected):
        self.socket = connected
        self.socket.settimeout(WAIT_SECONDS)
        self.input = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.close()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def finish(self):
        """Half-closes: says that nothing more will be sent."""
        self.socket.shutdown(socket.SHUT_WR)

    def fill(self):
        """Adds what arrives next to the input; False at the end of the stream."""
        try:
            data = self.socket.recv(BLOCK)
        except ConnectionResetError:
            data = b""
        self.input += data
        return bool(data)

    def take(self, size):
        while len(self.input) < size:
            assert self.fill(), f"the stream ended after {len(self.input)} of {size} bytes: {self.input[-200:]!r}"
        data, self.input = self.input[:size], self.input[size:]
        return data

    def take_through(self, mark):
        while mark not in self.input:
            assert self.fill(), f"the stream ended before {mark!r}: {self.input[-500:]!r}"
        return self.take(self.input.index(mark) + len(mark))

    def take_all(self):
        """Everything up to the end of the stream."""
        while self.fill():
            pass
        return self.take(len(self.input))

    def is_closed(self):
        """Waits for the server's next act: True when that is the end of the stream, False when it is bytes."""
        return not self.input and not self.fill()


class Client(Endpoint):
    """One connection. `with Client(port) as client: client.get("/")`.

    `room` is how many bytes the kernel takes for us before we read, about.
    """

    def __init__(self, port, host="127.0.0.1", tls=None, sni=None, session=None, unix=None, source=None, room=None):
        family = socket.AF_UNIX if unix else socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__(socket.socket(family))
        if unix:
            self.socket.connect(unix)
        else:
            if room:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
            if source:
                self.socket.bind((source, 0))
            self.socket.connect((host, port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is True:
            tls = ssl._create_unverified_context()
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=sni, session=session)

    # --- messages

    def read_response(self, method="GET"):
        """The next response. `method` is the request's: an answer to HEAD has no body."""
        response = Response(self.take_through(b"\r\n\r\n")[:-4])
        if method == "HEAD" or response.status < 200 or response.status in (204, 304):
            return response
        if method == "CONNECT" and response.status < 300:
            return response
        length = response.header("Content-Length")
        if (response.header("Transfer-Encoding") or "").lower() == "chunked":
            assert length is None, "both Transfer-Encoding and Content-Length"
            response.body = self.read_chunks()
        elif length is not None:
            response.body = self.take(int(length))
        else:
            response.body = self.take_all()
        return response

    def read_chunks(self):
        body = b""
        while True:
            size = int(self.take_through(b"\r\n").split(b";")[0], 16)
            if size == 0:
                break
            body += self.take(size)
            assert self.take(2) == b"\r\n", "a chunk does not end with CRLF"
        while self.take_through(b"\r\n") != b"\r\n":
            pass  # trailer fields
        return body

    def read_final_response(self, method="GET"):
        """The first that is no interim one."""
        response = self.read_response(method)
        while response.status < 200:
            response = self.read_response(method)
        return response

    def request(self, method, target, headers=(), body=b"", version="1.1"):
        """Sends one request and reads its response. `headers` is a dict or a list of pairs; Host is added to it."""
        self.send_request(method, target, headers, body, version)
        return self.read_response(method)

    def send_request(self, method, target, headers=(), body=b"", version="1.1"):
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        names = {name.lower() for name, _ in pairs}
        if "host" not in names and version != "1.0":
            pairs.insert(0, ("Host", "localhost"))
        if body and not names & {"content-length", "transfer-encoding"}:
            pairs.append(("Content-Length", len(body)))
        lines = [f"{method} {target} HTTP/{version}", *(f"{name}: {value}" for name, value in pairs), "", ""]
        self.send("\r\n".join(lines).encode("latin-1") + body)

    def get(self, target, headers=(), **how):
        return self.request("GET", target, headers, **how)
