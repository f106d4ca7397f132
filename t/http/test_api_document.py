"""`api`: what is answered is what openapi.json says, and every status it names can be seen.

A new endpoint needs a line for each of its statuses in SEEN: the request that gets it.
"""

import collections
import json
import signal

import jsonschema
import pytest

from harness import wait_until

JSON = {"Content-Type": "application/json"}
Asked = collections.namedtuple("Asked", "path headers body breaks", defaults=({}, b"", False))  # the configuration


def of_orders(path, takes=False):
    """What any order may be refused with, beside what is its own; and one that `takes` a body, when that is no JSON."""
    pages = [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://elsewhere.example"}]
    chunks = b"10001\r\n" + b" " * 65537 + b"\r\n0\r\n\r\n"
    refused = {
        403: [Asked("/read" + path), *(Asked("/api" + path, fields) for fields in pages)],
        413: [Asked("/api" + path, JSON, b" " * 65537)],
        415: [Asked("/api" + path, {"Content-Type": "text/plain"}, b"{}"), Asked("/api" + path, {}, b"{}")],
    }
    if takes:
        refused[413].append(Asked("/api" + path, {**JSON, "Transfer-Encoding": "chunked"}, chunks))
        refused[400] = [Asked("/api" + path, JSON, body) for body in (b"", b"{", b"[]", b'{"a": {}}')]
    return refused


def said(**members):
    return json.dumps(members).encode()


PEERS, PEER = "/upstreams/app/servers", "/upstreams/app/servers/127.0.0.1:1"

# By method and path, the requests for each status; None: a test elsewhere (503), or ten thousand servers (507).
SEEN = {
    ("get", "/health"): {200: [Asked("/api/health"), Asked("/read/health")], 503: None},
    ("get", "/stats"): {200: [Asked("/api/stats"), Asked("/read/stats"), Asked("/api/stats?steps=on")]},
    ("get", "/errors"): {200: [Asked("/api/errors")]},
    ("get", "/metrics"): {200: [Asked("/api/metrics"),
                                Asked("/api/metrics", {"Accept": "application/openmetrics-text"})]},
    ("get", "/openapi.json"): {200: [Asked("/api/openapi.json")]},
    ("get", "/upstreams"): {200: [Asked("/api/upstreams")]},
    ("get", "/upstreams/{name}"): {200: [Asked("/api/upstreams/app"), Asked("/api/upstreams/plain")],
                                   404: [Asked("/api/upstreams/none")]},
    ("post", "/upstreams/{name}/servers"): {
        **of_orders(PEERS, takes=True),
        201: [Asked("/api" + PEERS, JSON, said(server="127.0.0.1:2")),
              Asked("/api" + PEERS, JSON, said(server="[::1]:2", weight=2, max_conns=3, max_fails=4, fail_timeout=5,
                                               slow_start=6, backup=True, down=True, drain=False, route="r"))],
        404: [Asked("/api/upstreams/none/servers", JSON, said(server="127.0.0.1:2"))],
        409: [Asked("/api" + PEERS, JSON, said(server="127.0.0.1:1")),
              Asked("/api/upstreams/plain/servers", JSON, said(server="127.0.0.1:2"))],
        500: [Asked("/api/upstreams/lost/servers", JSON, said(server="127.0.0.1:2"))],
        507: None,
    },
    ("get", "/upstreams/{name}/servers/{server}"): {
        200: [Asked("/api" + PEER), Asked("/api/upstreams/app/servers/unix:%2Fnowhere")],
        404: [Asked("/api" + PEER + "1"), Asked("/api/upstreams/none/servers/127.0.0.1:1")],
    },
    ("patch", "/upstreams/{name}/servers/{server}"): {
        **of_orders(PEER, takes=True),
        200: [Asked("/api" + PEER, JSON, said(weight=3, drain=True))],
        404: [Asked("/api" + PEER + "1", JSON, said(weight=3))],
        409: [Asked("/api/upstreams/plain/servers/127.0.0.1:1", JSON, said(weight=3))],
        500: [Asked("/api/upstreams/lost/servers/127.0.0.1:1", JSON, said(weight=3))],
        507: None,
    },
    ("delete", "/upstreams/{name}/servers/{server}"): {
        **of_orders(PEER),
        204: [Asked("/api" + PEER)],
        404: [Asked("/api" + PEER)],
        409: [Asked("/api/upstreams/plain/servers/127.0.0.1:1")],
        500: [Asked("/api/upstreams/lost/servers/127.0.0.1:1")],
        507: None,
    },
    ("post", "/config/check"): {
        **of_orders("/config/check"),
        200: [Asked("/api/config/check"), Asked("/api/config/check", breaks=True)],
        503: None,
    },
    ("post", "/reload"): {
        **of_orders("/reload"), 200: [Asked("/api/reload")], 422: [Asked("/api/reload", breaks=True)], 503: None,
    },
    ("get", "/log"): {200: [Asked("/api/log")]},
    ("put", "/log"): {
        **of_orders("/log", takes=True),
        200: [Asked("/api/log", JSON, said(level="info")), Asked("/api/log", JSON, said(level=None))],
    },
    ("delete", "/log"): {**of_orders("/log"), 200: [Asked("/api/log"), Asked("/api/log", JSON, b"{}")]},
    ("get", "/zones"): {200: [Asked("/api/zones")]},
    ("get", "/zones/{zone}"): {200: [Asked("/api/zones/rate")], 404: [Asked("/api/zones/none")]},
    ("delete", "/zones/{zone}"): {
        **of_orders("/zones/rate"),
        200: [Asked("/api/zones/rate"), Asked("/api/zones/rate", JSON, b"{}")],
        404: [Asked("/api/zones/none")],
        409: [Asked("/api/zones/peers")],
    },
}

SERVER = """
    status_zone site;
    location / { status_zone files; limit_req zone=rate burst=9; }
    location /up/ { proxy_pass http://app; }
    location /api/ { api write=on; }
    location /read/ { api; }
    location = /missing { }
    location /plain/ { proxy_pass http://plain; }
    location /lost/ { proxy_pass http://lost; }
"""
HTTP = """
    limit_req_zone $remote_addr zone=rate:64k rate=9r/s;
    upstream app { zone peers 256k; server %ORIGIN%; server 127.0.0.1:1 down; server unix:/nowhere backup; }
    upstream plain { status_zone plain; server 127.0.0.1:1; }
    upstream lost { zone lost 256k; state %PREFIX%/none/lost; }
"""


@pytest.fixture
def asked(serve, backend):
    origin = backend(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    server = serve(SERVER, http=HTTP.replace("%ORIGIN%", origin.address))
    assert [server.get(path).status for path in ("/", "/up/", "/missing")] == [200, 200, 404]
    assert server.request("POST", "/api/upstreams/lost/servers", JSON, said(server="127.0.0.1:1")).status == 500
    return server


def document(server):
    return json.loads(server.get("/api/openapi.json").body)


def documented(whole):
    """Responses by method, path and status."""
    found = {}
    for path, item in whole["paths"].items():
        for method in set(item) - {"parameters"}:
            for status, response in item[method]["responses"].items():
                if "$ref" in response:
                    response = whole["components"]["responses"][response["$ref"].split("/")[-1]]
                found[method, path, int(status)] = response
    return found


def check(whole, response, answer):
    """That the answer has a type that the document knows, and what that says."""
    assert answer.header("Cache-Control") == "no-store"
    if "content" not in response:
        assert answer.body == b""
        return
    media_type = answer.header("Content-Type").split(";")[0]
    schema = response["content"][media_type]["schema"]
    if media_type == "application/json":
        jsonschema.Draft202012Validator({**schema, "components": whole["components"]}).validate(json.loads(answer.body))


def test_schemas_are_schemas(asked):
    whole = document(asked)
    for schema in whole["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_status_is_seen_and_no_other(asked):
    said = set(documented(document(asked)))
    seen = {(*operation, status) for operation, statuses in SEEN.items() for status in statuses}
    assert seen == said


@pytest.mark.parametrize("method, path", SEEN)
def test_what_is_answered_is_what_the_document_says(asked, method, path):
    whole = document(asked)
    responses = documented(whole)
    for status, requests in SEEN[method, path].items():
        for one in requests or []:
            if one.breaks:
                asked.write("conf/server.conf", "nonsense on;\nevents {}\n")
                asked.expect("nonsense")
            answer = asked.request(method.upper(), one.path, one.headers, one.body)
            assert answer.status == status, f"{one} was answered with {answer}"
            check(whole, responses[method, path, status], answer)


def test_a_worker_that_leaves_says_so_as_documented(serve):
    server = serve(SERVER, http=HTTP.replace("%ORIGIN%", "127.0.0.1:1"), workers=1)
    whole = document(server)
    with server.client() as client:
        client.send("GET /api/health HTTP/1.1\r\n")
        wait_until(lambda: server.connections() == 1, "the connection")
        server.get("/")  # what was sent before has been read by now
        server.send_signal(signal.SIGQUIT)
        server.wait_for_log("gracefully shutting down")
        client.send("Host: a\r\n\r\n")
        answer = client.read_response()
    assert answer.status == 503
    check(whole, documented(whole)["get", "/health", 503], answer)


def test_schemas_refuse_what_is_wrong(asked):
    whole = document(asked)
    right = json.loads(asked.get("/api/stats").body)
    schema = {"$ref": "#/components/schemas/Stats", "components": whole["components"]}
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(right)
    for name, value in (("api_version", 2), ("workers", []), ("upstreams", {"app": {}}), ("http", {"0": {"a": [1]}})):
        assert not validator.is_valid({**right, name: value}), name
