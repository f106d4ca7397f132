"""Requests as the strictest upstream server would read them (RFC 9112).

What two readers might understand differently is no request but an Ambiguous: whoever forwards such bytes lets one of
its clients speak for another. So it is not asked what most servers would do with a bare LF or two lengths.
"""

import re

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(rb"(%s) ([\x21-\x7e\x80-\xff]+) HTTP/(1\.[01])" % TOKEN)
FIELD = re.compile(rb"(%s):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t -~\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*" % TOKEN)
CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,16}")  # extensions are for one connection: nobody forwards them
LENGTH = re.compile(r"[0-9]{1,18}")


class Ambiguous(AssertionError):
    """Bytes that are no request, or more than one, depending on who reads them."""


class Request:
    """One request: `method`, `target`, `version`, `headers` as they came, `body` without its framing, `raw` bytes."""

    def __init__(self, head):
        lines = split_lines(head)
        match = REQUEST_LINE.fullmatch(lines[0])
        require(match, "no request line", lines[0])
        self.method, self.target, self.version = (part.decode("latin-1") for part in match.groups())
        self.headers = read_fields(lines[1:])
        self.trailers = []
        self.head = head
        self.body = self.raw = b""
        self.chunked = self.is_chunked()
        self.length = 0 if self.chunked else self.content_length()
        require(len(self.header_values("Host")) == 1 or self.version == "1.0", "not one Host", head)

    def header(self, name, default=None):
        """The value of a header that may appear once."""
        values = self.header_values(name)
        assert len(values) < 2, f"{name} appears {len(values)} times"
        return values[0] if values else default

    def header_values(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def is_chunked(self):
        codings = self.header_values("Transfer-Encoding")
        if not codings:
            return False
        require([coding.lower() for coding in codings] == ["chunked"], "a coding that is not chunked", self.head)
        require(self.version == "1.1", "Transfer-Encoding in HTTP/1.0", self.head)
        require(not self.header_values("Content-Length"), "Transfer-Encoding beside Content-Length", self.head)
        return True

    def content_length(self):
        lengths = self.header_values("Content-Length")
        require(len(lengths) < 2 and all(LENGTH.fullmatch(length) for length in lengths), "which length?", self.head)
        return int(lengths[0]) if lengths else 0

    def __repr__(self):
        return f"<{self.method} {self.target} {self.headers} {self.body[:200]!r}>"


def require(claim, what, where):
    if not claim:
        raise Ambiguous(f"{what}: {where[:500]!r}")


def split_lines(head):
    lines = head.split(b"\r\n")
    for line in lines:
        require(not re.search(rb"[\r\n\0]", line), "a bare CR, LF or NUL", head)
    return lines


def read_fields(lines):
    fields = []
    for line in lines:
        match = FIELD.fullmatch(line)
        require(match, "no field", line)
        fields.append(tuple(part.decode("latin-1") for part in match.groups()))
    return fields


def read_head(data):
    """The request whose head begins the bytes and what is behind that head; nothing if it is not there as a whole."""
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        require(not re.search(rb"\n\r?\n", data), "the end of a head to some", data)
        return None
    return Request(head), rest


def read_request(data):
    """The request that begins the bytes and what is behind it; nothing if it is not there as a whole."""
    found = read_head(data)
    if not found:
        return None
    request, rest = found
    found = read_chunks(request, rest) if request.chunked else read_length(request, rest)
    if found is None:
        return None
    request.raw = data[:len(data) - len(found)]
    return request, found


def read_length(request, rest):
    if len(rest) < request.length:
        return None
    request.body = rest[:request.length]
    return rest[request.length:]


def read_chunks(request, rest):
    body = []
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            return None
        require(CHUNK_SIZE.fullmatch(line), "no size of a chunk", line)
        size = int(line, 16)
        if size == 0:
            break
        if len(rest) < size + 2:
            return None
        require(rest[size:size + 2] == b"\r\n", "a chunk without its end", rest[size:size + 20])
        body.append(rest[:size])
        rest = rest[size + 2:]
    request.body = b"".join(body)
    if rest.startswith(b"\r\n"):
        return rest[2:]
    trailers, end, rest = rest.partition(b"\r\n\r\n")
    if not end:
        return None
    request.trailers = read_fields(split_lines(trailers))
    return rest


def read_requests(data):
    """All requests in the bytes, and those of the last that are none yet."""
    requests = []
    while data and (found := read_request(data)):
        request, data = found
        requests.append(request)
    return requests, data
