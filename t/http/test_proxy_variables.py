"""What is known of an exchange with an origin afterwards: the variables of the log."""

import re

import pytest

from harness.backend import Answer, response

NAMES = ["addr", "last_addr", "status", "connect_time", "header_time", "response_time", "response_length", "bytes_sent",
         "bytes_received"]
FORMAT = "log_format seen '" + "|".join(f"$upstream_{name}" for name in NAMES) + "';"
TIME = r"\d+\.\d{3}"


@pytest.fixture
def seen(proxied, backend):
    """The variables after one request, by name, and the origins; `answers` of a group when there are several."""
    def ask(*answers, directives="", target="/", method="GET", body=b""):
        others = [backend(answer) for answer in answers[1:]]
        group = "".join(f"server {other.address} max_fails=0;" for other in others)
        server, origin = proxied(
            answers[0], http=f"{FORMAT} upstream app {{ server %BACKEND% weight=100 max_fails=0; {group} }}",
            server=f"access_log logs/seen.log seen; location / {{ proxy_pass http://app; {directives} }} "
                   "location /own { return 200 own; }")
        with server.client() as client:
            client.send_request(method, target, body=body)
            client.read_response(method)
        line = server.wait_for_log("^.+$", "logs/seen.log")[0].group()
        return dict(zip(NAMES, line.split("|"))), [origin, *others]
    return ask


def test_of_one_exchange(seen):
    values, (origin,) = seen(response("hello"))
    assert (values["addr"], values["status"], values["response_length"]) == (origin.address, "200", "5")
    for name in ("connect_time", "header_time", "response_time"):
        assert re.fullmatch(TIME, values[name]), name
    assert float(values["connect_time"]) <= float(values["header_time"]) <= float(values["response_time"])
    assert int(values["bytes_received"]) == len(response("hello"))
    assert int(values["bytes_sent"]) == len(origin.connections[0].received)


def test_of_a_body(seen):
    values, (origin,) = seen(response("hello"), method="POST", body=b"abc" * 1000)
    assert int(values["bytes_sent"]) == len(origin.connections[0].received)


@pytest.mark.parametrize("framing", ["chunked", "none"])
def test_of_a_body_without_a_length(seen, framing):
    data = response("hello", framing=framing)
    values, _ = seen(Answer(data, "finish"))
    assert values["response_length"] in ("5", str(len(data.partition(b"\r\n\r\n")[2])))  # nginx counts chunks, too
    assert int(values["bytes_received"]) == len(data)


def test_of_two_exchanges(seen):
    values, origins = seen(Answer(b"", "close"), response("hello"))
    assert values["addr"] == ", ".join(origin.address for origin in origins)
    assert values["last_addr"] == origins[-1].address
    assert values["status"] == "502, 200"
    assert values["response_length"] == "0, 5"
    assert re.fullmatch(f"{TIME}, {TIME}", values["response_time"])
    assert re.fullmatch(f"-, {TIME}", values["header_time"])


def test_of_one_that_could_not_be_reached(proxied):
    server, origin = proxied(response("hello"), http=FORMAT, server="access_log logs/seen.log seen; "
                             "location / { proxy_pass http://%BACKEND%; }")
    origin.refuse()
    assert server.get("/").status == 502
    values = dict(zip(NAMES, server.wait_for_log("^.+$", "logs/seen.log")[0].group().split("|")))
    assert (values["addr"], values["status"], values["connect_time"], values["header_time"]) == (
        origin.address, "502", "-", "-")
    assert (values["bytes_sent"], values["bytes_received"]) == ("0", "0")


def test_of_none(seen):
    values, _ = seen(response("hello"), target="/own")
    assert set(values.values()) == {"-"}


def test_of_two_groups(proxied, backend):
    second = backend(response("second"))
    server, first = proxied(response("no", status=404), http=FORMAT, server=f"""
        access_log logs/seen.log seen; location / {{ proxy_pass http://%BACKEND%; proxy_intercept_errors on;
        error_page 404 = @second; }} location @second {{ proxy_pass http://{second.address}; }}""")
    assert server.get("/").text == "second"
    values = dict(zip(NAMES, server.wait_for_log("^.+$", "logs/seen.log")[0].group().split("|")))
    assert values["addr"] == f"{first.address} : {second.address}"
    assert values["status"] == "404 : 200"


def test_fields_of_the_response(proxied):
    server, _ = proxied(response("hello", "X-Own-Field: a", "X-Own-Field: b", "Server: theirs", "Set-Cookie: c=d; e"),
                        'add_header X-Seen "$upstream_http_x_own_field|$upstream_http_server|$upstream_cookie_c|'
                        '$upstream_http_none|$upstream_http_content_length";')
    assert server.get("/").header("X-Seen") in ("a, b|theirs|d||5", "a|theirs|d||5")


def test_hidden_fields_have_variables(proxied):
    server, _ = proxied(response("hello", "X-A: b"), "proxy_hide_header X-A; add_header X-Seen $upstream_http_x_a;")
    answer = server.get("/")
    assert (answer.header("X-A"), answer.header("X-Seen")) == (None, "b")


def test_the_upstream_is_in_lines_of_the_error_log(proxied):
    server, origin = proxied(Answer(b"", "close"))
    assert server.get("/a?b").status == 502
    server.wait_for_log(rf'request: "GET /a\?b HTTP/1.1", upstream: "http://{origin.address}/a\?b", host: "localhost"')
