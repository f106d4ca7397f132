"""The same requests to nginx and to the server under test: whatever a client sees of the answers must be the same."""

import re

from .client import Client

# What differs between any two servers, or two moments.
IGNORED = {"server", "date"}


def answer_of(port, method, target, headers=(), version="1.1", ignored=()):
    """Status line, fields and body. Fields of one name stay in order; that of different ones means nothing."""
    with Client(port) as client:
        answer = client.request(method, target, headers, version=version)
    left_out = IGNORED | {name.lower() for name in ignored}
    fields = [(name, re.sub(r"\b\d{20}\b", "BOUNDARY", value.replace(f":{port}", ":PORT")))
              for name, value in answer.headers if name.lower() not in left_out]
    body = answer.body.replace(b"<center>nginx</center>", b"<center>ringx</center>")
    fields.sort(key=lambda field: field[0].lower())
    body = re.sub(rb"\b\d{20}\b", b"BOUNDARY", body.replace(str(port).encode(), b"PORT"))
    return answer.status, answer.reason, fields, body


def compare(ports, requests, ignored=(), any_order=False):
    """Each request is a target, or a tuple of what answer_of() takes after the port; fields are compared in their order
    or in any."""
    different = {}
    for request in requests:
        request = ("GET", request) if isinstance(request, str) else request
        theirs, ours = (answer_of(port, *request, ignored=ignored) for port in ports)
        if any_order:
            theirs[2].sort()
            ours[2].sort()
        if theirs != ours:
            different[str(request)] = theirs, ours
    assert not different, f"{len(different)} of {len(requests)} answers differ:\n" + "\n".join(
        f"{request}\n  nginx: {theirs}\n  ours:  {ours}" for request, (theirs, ours) in list(different.items())[:10])
