"""The same requests to nginx and to the server under test: whatever a client sees of the answers must be the same."""

import re

from .client import Client
from .waiting import wait_until

# What differs between any two servers, or two moments.
IGNORED = {"server", "date"}


def answers_of(ports, method, target, headers=(), version="1.1", ignored=()):
    """What each answers in the same second, from which both may count: status, reason, fields and body. Fields of one
    name stay in order; that of different ones means nothing."""
    def ask():
        answers = []
        for port in ports:
            with Client(port) as client:
                answers.append(client.request(method, target, headers, version=version))
        return answers if len({answer.header("Date") for answer in answers}) == 1 else None

    left_out = IGNORED | {name.lower() for name in ignored}
    return [seen(answer, port, left_out) for answer, port in zip(wait_until(ask, "answers of one second"), ports)]


def seen(answer, port, left_out):
    fields = [(name, re.sub(r"\b\d{20}\b", "BOUNDARY", value.replace(f":{port}", ":PORT")))
              for name, value in answer.headers if name.lower() not in left_out]
    body = answer.body.replace(b"<center>nginx</center>", b"<center>ringx</center>")
    fields.sort(key=lambda field: field[0].lower())
    body = re.sub(rb"\b\d{20}\b", b"BOUNDARY", body)  # before the port, whose digits may be in there
    body = re.sub(rb"\b%d\b" % port, b"PORT", body)
    return answer.status, answer.reason, fields, body


def compare(ports, requests, ignored=(), any_order=False):
    """Each request is a target, or a tuple of what answers_of() takes after the ports; fields are compared in their
    order or in any."""
    different = {}
    for request in requests:
        request = ("GET", request) if isinstance(request, str) else request
        theirs, ours = answers_of(ports, *request, ignored=ignored)
        if any_order:
            theirs[2].sort()
            ours[2].sort()
        if theirs != ours:
            different[str(request)] = theirs, ours
    assert not different, f"{len(different)} of {len(requests)} answers differ:\n" + "\n".join(
        f"{request}\n  nginx: {theirs}\n  ours:  {ours}" for request, (theirs, ours) in list(different.items())[:10])


# --- proxies before the same origin


def exchange(port, origin, data, answer):
    """The bytes of all that the origin was asked for one request, what the client sees, and in which second."""
    origin.answer = answer
    known = len(origin.requests)
    second = None
    with Client(port) as client:
        client.send(data)
        try:
            response = client.read_response(data.partition(b" ")[0].decode())
            seen_there, second = seen(response, port, IGNORED), response.header_values("Date")
        except (AssertionError, ValueError):
            seen_there = "no whole answer"
    origin.wait_for_ends()
    return ([request.raw for request in origin.requests[known:]], seen_there), second


def compare_exchanges(ports, origin, table, different):
    """Fails unless both proxies do the same with each request of the table and the origin's answer to it; but for those
    that are to be different, which they must be."""
    wrong = {}
    for name, (data, answer) in table.items():
        def ask():
            (theirs, then), (ours, now) = (exchange(port, origin, data, answer) for port in ports)
            return (theirs, ours) if then == now or None in (then, now) else None
        theirs, ours = wait_until(ask, "answers of one second")
        if (theirs != ours) != (name in different):
            wrong[name] = theirs, ours
    assert not wrong, f"{len(wrong)} of {len(table)} differ, or no longer do:\n" + "\n".join(
        f"{name}\n  nginx: {str(theirs)[:1000]}\n  ours:  {str(ours)[:1000]}"
        for name, (theirs, ours) in list(wrong.items())[:40])
