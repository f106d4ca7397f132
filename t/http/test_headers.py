"""`add_header`, `add_trailer` and `expires`: beside nginx where it knows them, what is inherited, what is refused."""

import time
from email.utils import parsedate_to_datetime

import pytest

from harness import Client
from harness.pairs import compare

HEADERS = r"""
server_tokens off;
add_header X-Http http;
map $sent_http_content_type $by_type { default off; text/html epoch; ~^text/ max; application/json 1h; image/png x; }
map $arg_e $by_argument { default $arg_e; at @5h; }
server {
    listen 127.0.0.1:%PORT%;
    server_name headers;
    root html;
    location / { }
    location /none { add_header X-None ""; add_header X-Empty $arg_empty; }
    location /one/ { alias html/; add_header X-One one; add_header X-One two; add_header x-ONE "three $uri"; }
    location /one/nested/ { alias html/; }
    location /one/own/ { alias html/; add_header X-Own own; }
    location /known { add_header Cache-Control no-store; add_header Cache-Control private;
        add_header Link "<a>"; add_header Link "<b>"; add_header Server x;
        return 200 ok; }
    location /etag/ { alias html/; add_header ETag "\"mine\"";
        add_header Last-Modified "Sat, 01 Jan 2000 00:00:00 GMT"; }
    location /no-etag/ { alias html/; add_header ETag ""; add_header Last-Modified ""; }
    location /bad-date/ { alias html/; add_header Last-Modified "yesterday"; expires modified 1d; }
    location /sent { add_header X-Sent "$sent_http_content_type,$sent_http_location,$status,$sent_http_x_first"
                     always; return 301 /a; }
    location /types/ { alias html/; expires $by_type; add_header X-Type $sent_http_content_type; }
    location /epoch/ { alias html/; expires epoch; }
    location /max/ { alias html/; expires max; }
    location /off/ { alias html/; expires off; }
    location /hour/ { alias html/; expires 1h; location /hour/nested/ { alias html/; }
        location /hour/off/ { alias html/; expires off; } }
    location /plus/ { alias html/; expires +1h30m; }
    location /minus/ { alias html/; expires -1h; }
    location /zero/ { alias html/; expires 0; }
    location /modified/ { alias html/; expires modified 10d; }
    location /modified-zero/ { alias html/; expires modified 0; }
    location /modified-past/ { alias html/; expires modified -1d; }
    location /modified-none { expires modified 1d; return 200 ok; }
    location /variable/ { alias html/; expires $by_argument; }
    location /variable-modified/ { alias html/; expires modified $by_argument; }
    location /both/ { alias html/; expires 1d; add_header Cache-Control public; add_header X-Both $sent_http_expires; }
    location /not-html/ { alias html/; add_header X-Missing no; add_header X-Always yes always; expires 1h;
        error_page 404 /page; }
    location = /page { add_header X-Page page; add_header X-Page-Always page always; return 200 page; }
    STATUSES
    location /lines { add_header X-Lines "$uri"; return 200 $uri; }
}
"""
STATUSES = [200, 201, 202, 203, 204, 206, 226, 300, 400, 401, 403, 404, 410, 500, 503]
REDIRECTS = [301, 302, 303, 307, 308]
FIELDS = "add_header X-Usual u; add_header X-Always a always; expires 1h;"
HEADERS = HEADERS.replace("STATUSES", "\n".join(
    [f"location = /{code} {{ {FIELDS} return {code}; }} location = /{code}/text {{ {FIELDS} return {code} text; }}"
     for code in STATUSES] + [f"location = /{code} {{ {FIELDS} return {code} http://x/y; }}" for code in REDIRECTS]))

FILES = {"html/a.html": "page", "html/a.css": "style", "html/a.json": "{}", "html/a.png": "picture",
         "html/index.html": "index", "html/big.css": "0123456789" * 2000}

FOLDERS = ["one", "one/nested", "one/own", "etag", "no-etag", "bad-date", "types", "epoch", "max", "off", "hour",
           "hour/nested", "hour/off", "plus", "minus", "zero", "modified", "modified-zero", "modified-past", "both",
           "variable", "variable-modified"]


def test_fields_are_added_as_nginx_adds_them(beside_nginx):
    ports = beside_nginx(HEADERS, FILES)
    requests = ["/", "/none", "/none?empty=1", "/known", "/sent", "/lines", "/missing", "/not-html/missing"]
    requests += [f"/{code}{text}" for code in STATUSES for text in ("", "/text")] + [f"/{code}" for code in REDIRECTS]
    requests += [f"/{folder}/{name}" for folder in FOLDERS for name in ("a.html", "a.css", "a.json", "missing")]
    requests += [(method, f"/{folder}/big.css", headers) for folder in FOLDERS for method in ("GET", "HEAD")
                 for headers in ({"If-None-Match": "*"}, {"Range": "bytes=1-2"}, {"Range": "bytes=1-2,4-5"},
                                 {"If-Match": '"x"'}, {"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"})]
    compare(ports, requests, ignored=["content-type"])


@pytest.mark.parametrize("value", ["1h", "-1h", "+5", "0", "epoch", "max", "off", "", "x", "@15h", "@25h", "@1h30m",
                                   "at", "1h1h", "1d", "@-1h", "-@1h", "@24h"])
def test_a_variable_says_how_long(beside_nginx, value):
    ports = beside_nginx(HEADERS, FILES)
    requests = [f"/variable/a.css?e={value}", f"/variable-modified/a.css?e={value}"]
    compare(ports, requests)


def test_an_unsatisfiable_range_gets_its_fields_once(serve):
    server = serve("location / { add_header X-Usual u; add_header X-Always a always; }", files=FILES)
    answer = server.get("/a.css", {"Range": "bytes=100-"})
    assert answer.status == 416
    assert answer.header("X-Always") == "a"  # nginx sends it twice, and X-Usual too
    assert answer.header("X-Usual") is None


# --- what nginx 1.22 does not know

INHERIT = """
add_header X-Http 1;
add_trailer T-Http 1;
server {
    listen 127.0.0.1:%PORT%;
    add_header_inherit %HOW%;
    add_trailer_inherit %HOW%;
    SERVER
    location / { return 200; }
    location /own { add_header X-Own 1; return 200; }
    location /merge { add_header_inherit merge; add_header X-Own 1; return 200; }
    location /on { add_header_inherit on; return 200; }
    location /off { add_header_inherit off; return 200; }
}
"""


@pytest.mark.parametrize("how, own, want", [
    ("on", "", {"/": "Http", "/own": "Own", "/merge": "Own Http", "/on": "Http", "/off": ""}),
    ("on", "add_header X-Server 1;",
     {"/": "Server", "/own": "Own", "/merge": "Own Server", "/on": "Server", "/off": ""}),
    ("merge", "add_header X-Server 1;",
     {"/": "Server Http", "/own": "Own Server Http", "/merge": "Own Server Http", "/on": "Server Http", "/off": ""}),
    ("off", "", {"/": "", "/own": "Own", "/merge": "Own", "/on": "", "/off": ""}),
    ("off", "add_header X-Server 1;",
     {"/": "", "/own": "Own", "/merge": "Own Server", "/on": "Server", "/off": ""}),
])
def test_fields_are_inherited_as_asked(serve, how, own, want):
    server = serve(http=INHERIT.replace("%HOW%", how).replace("SERVER", own))
    got = {path: " ".join(name[2:] for name, _ in server.get(path).headers if name.startswith("X-")) for path in want}
    assert got == want


def test_a_time_of_day_comes_once_a_day(serve):
    server = serve("location / { expires @15h30m; return 200; }")
    answer = server.get("/")
    expires = parsedate_to_datetime(answer.header("Expires"))
    local = time.localtime(expires.timestamp())
    assert (local.tm_hour, local.tm_min, local.tm_sec) == (15, 30, 0)
    age = int(answer.header("Cache-Control").removeprefix("max-age="))
    assert 0 <= age <= 86400
    assert abs(parsedate_to_datetime(answer.header("Date")).timestamp() + age - expires.timestamp()) <= 1


# --- trailers

TRAILERS = """
server_tokens off;
server {
    listen 127.0.0.1:%PORT%;
    root html;
    add_trailer X-Sum "$body_bytes_sent $request_completion$arg_t";
    add_trailer X-Always yes always;
    add_trailer X-Empty "";
    location / { }
    location /text { return 200 text; }
    location /empty { return 200 ""; }
    location /204 { return 204; }
    location /404 { return 404; }
    location /none { add_trailer X-Lines "$arg_none"; return 200 text; }
    location /header { add_header X-Header 1; return 200 text; }
}
"""


def whole_answer(port, method, target, version, headers):
    with Client(port) as client:
        client.send_request(method, target, {"Connection": "close", **headers}, version=version)
        text = client.take_all().decode("latin-1")
    lines = [line for line in text.split("\r\n") if not line.startswith(("Server: ", "Date: "))]
    return [line.replace("nginx", "ringx") for line in lines]


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_trailers_follow_the_body_as_in_nginx(beside_nginx, version):
    ports = beside_nginx(TRAILERS, FILES)
    for method in ("GET", "HEAD"):
        for target in ("/text", "/empty", "/204", "/404", "/none", "/header", "/a.css", "/missing"):
            for headers in ({}, {"Range": "bytes=1-2"}, {"If-None-Match": "*"}):
                theirs, ours = (whole_answer(port, method, target, version, headers) for port in ports)
                # What has been sent when trailers are made is counted by each in its own way.
                theirs, ours = ([line for line in lines if not line.startswith("X-Sum")] for lines in (theirs, ours))
                assert ours == theirs, (method, target, headers)


def test_a_large_file_has_trailers_too(serve):
    content = bytes(range(256)) * 5000
    server = serve("location / { add_trailer X-T $uri; }", files={"html/large": content})
    with server.client() as client:
        client.send_request("GET", "/large")
        assert b"Transfer-Encoding: chunked" in client.take_through(b"\r\n\r\n")
        body = b""
        while size := int(client.take_through(b"\r\n"), 16):
            body += client.take(size)
            assert client.take(2) == b"\r\n"
        assert body == content
        assert client.take_through(b"\r\n\r\n") == b"X-T: /large\r\n\r\n"
        assert client.get("/index.html").status == 200


def test_trailers_have_no_lines_of_the_clients(serve):
    server = serve(http="log_format t $sent_trailer_x_t;",
                   server="access_log logs/t.log t; location / { add_trailer X-T $uri; return 200 a; }")
    with server.client() as client:
        client.send_request("GET", "/%0d%0aX-Mine:%201", {"Connection": "close"})
        assert client.take_all().endswith(b"\r\n0\r\nX-T: /  X-Mine: 1\r\n\r\n")
    assert server.wait_for_log(r"^/  X-Mine: 1$", "logs/t.log")


# --- what is refused

MISTAKES = [
    ("http { expires; }", 'invalid number of arguments in "expires" directive in %CONF%:1'),
    ("http { expires a b c; }", 'invalid number of arguments in "expires" directive in %CONF%:1'),
    ("http { expires x; }", '"expires" directive invalid value in %CONF%:1'),
    ("http { expires unmodified 1h; }", '"expires" directive invalid value in %CONF%:1'),
    ("http { expires modified epoch; }", '"expires" directive invalid value in %CONF%:1'),
    ("http { expires modified @1h; }",
     '"expires" directive daily time cannot be used with "modified" parameter in %CONF%:1'),
    ("http { expires @25h; }", '"expires" directive daily time value must be less than 24 hours in %CONF%:1'),
    ("http { expires @-1h; }", '"expires" directive invalid value in %CONF%:1'),
    ("http { expires 1h; expires 2h; }", '"expires" directive is duplicate in %CONF%:1'),
    ("http { expires $nowhere; }", 'unknown "nowhere" variable'),
    ("http { add_header a; }", 'invalid number of arguments in "add_header" directive in %CONF%:1'),
    ("http { add_header a b c d; }", 'invalid number of arguments in "add_header" directive in %CONF%:1'),
    ("http { add_header a b never; }", 'invalid parameter "never" in %CONF%:1'),
    ("http { add_trailer a; }", 'invalid number of arguments in "add_trailer" directive in %CONF%:1'),
    ("http { add_trailer a b never; }", 'invalid parameter "never" in %CONF%:1'),
    ("http { add_header_inherit maybe; }", 'invalid value "maybe" in "add_header_inherit" directive in %CONF%:1'),
    ("http { add_header_inherit on; add_header_inherit off; }", '"add_header_inherit" directive is duplicate'),
    ("http { add_trailer_inherit; }", 'invalid number of arguments in "add_trailer_inherit" directive in %CONF%:1'),
    ("http { add_trailer_inherit x; }", 'invalid value "x" in "add_trailer_inherit" directive in %CONF%:1'),
    ("add_header a b;", '"add_header" directive is not allowed here in %CONF%:1'),
    ("expires 1h;", '"expires" directive is not allowed here in %CONF%:1'),
    ("add_trailer a b;", '"add_trailer" directive is not allowed here in %CONF%:1'),
    ("add_header_inherit on;", '"add_header_inherit" directive is not allowed here in %CONF%:1'),
    ("add_trailer_inherit on;", '"add_trailer_inherit" directive is not allowed here in %CONF%:1'),
]


@pytest.mark.parametrize("config, sentence", MISTAKES, ids=[config[:50] for config, _ in MISTAKES])
def test_each_mistake_has_the_words_of_nginx(refusal_of, config, sentence):
    assert sentence in refusal_of(config)


@pytest.mark.parametrize("name", ["Last-Modified", "ETag", "X-Own"])
def test_a_value_may_be_as_long_as_a_field_of_the_client(serve, name):
    server = serve(f"location / {{ add_header {name} $http_a; return 200 ok; }}")
    with server.client() as client:
        for _ in range(3):
            assert client.get("/", {"A": "x" * 7000}).header(name) == "x" * 7000
