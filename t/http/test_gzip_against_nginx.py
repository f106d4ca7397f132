"""Compression by the same configuration under nginx and under this server: fields and bodies must be the same.

The compressed bytes may differ, what they stand for may not. Left out are the fields every server writes its own way.
"""

import gzip
import zlib

import pytest

from harness import Client

TEXT = "".join(f"line {number} of a text that repeats itself\n" for number in range(400))
FILES = {
    "html/page.html": TEXT, "html/page.txt": TEXT, "html/page.css": TEXT, "html/tiny.html": "tiny",
    "html/exact.html": "x" * 20, "html/short.html": "x" * 19, "html/empty.html": "", "html/image.png": TEXT,
    "html/large.html": TEXT * 200, "html/none": TEXT, "html/404.html": TEXT,
    "html/only.html.gz": gzip.compress(TEXT.encode()), "html/both.html": "the plain file, long enough for gzip\n",
    "html/both.html.gz": gzip.compress(b"the other file"), "html/folder.html": "beside a folder\n",
    "html/folder.html.gz/x": "", "html/damaged.html.gz": gzip.compress(TEXT.encode())[:-40],
    "html/two.html.gz": gzip.compress(b"first ") + gzip.compress(b"second"),
}

SITE = """
server_tokens off;
gzip on;
server {
    listen 127.0.0.1:%PORT%;
    root html;
    location /plain/ { alias html/; gzip off; }
    location /all/ { alias html/; gzip_types *; gzip_vary on; }
    location /css/ { alias html/; gzip_types text/css text/plain; gzip_comp_level 9; gzip_window 1k; gzip_hash 512; }
    location /long/ { alias html/; gzip_min_length 1000; }
    location /zero/ { alias html/; gzip_min_length 0; }
    location /old/ { alias html/; gzip_http_version 1.0; }
    location /any/ { alias html/; gzip_proxied any; }
    location /auth/ { alias html/; gzip_proxied auth; }
    location /expired/ { alias html/; gzip_proxied expired no-cache no-store private; }
    location /etag/ { alias html/; gzip_proxied no_etag; }
    location /noetag/ { alias html/; gzip_proxied no_etag; etag off; }
    location /noie/ { alias html/; gzip_disable msie6 "curl/[12]" Bot; }
    location /error/ { alias html/; gzip_vary on; error_page 404 /404.html; }
    location /return { default_type text/html; return 200 "a text that is long enough to be compressed"; }
    location /403 { return 403; }
    location /500 { return 500; }
    location /text { default_type text/plain; return 200 "a text that is long enough to be compressed"; }
    location /gz/ { alias html/; gzip_static on; }
    location /gzvary/ { alias html/; gzip_static on; gzip_vary on; gzip off; }
    location /always/ { alias html/; gzip_static always; gzip_vary on; }
    location /gunzip/ { alias html/; gzip_static always; gunzip on; gzip_vary on; }
}
"""

GZIP = {"Accept-Encoding": "gzip"}
ACCEPTED = [None, "gzip", "GZIP", "gzip, deflate, br", "deflate, gzip", "deflate,gzip", "x-gzip", "xgzip,gzip", "br",
            "gzip;q=0", "gzip;q=0.0", "gzip;q=0.001", "gzip; q=1", "gzip ;q=1.000", "gzip;q=1.001", "gzip;q=0.0001",
            "gzip;q=", "gzip;q", "gzip;", "gzip;x=1", "gzip;Q=0.5", "gzip;q=0.5x", "gzip;q=2", "gzip,;q=0", "gzip;q=0,",
            "gzip;q=1.", "gzip;q=0.", "gzipp", "*", "", "gzi", "identity, gzip;q=0.2, br", "gzip;q =1", "  gzip",
            "gzip x"]
PREFIXES = ["", "/plain", "/all", "/css", "/long", "/zero", "/error"]
PAGES = ["page.html", "page.txt", "page.css", "tiny.html", "exact.html", "short.html", "empty.html", "image.png",
         "large.html", "none", "missing.html"]
AGENTS = ["Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", "Mozilla/4.0 (compatible; MSIE 6.0; NT 5.1; SV1)",
          "Mozilla/4.0 (compatible; MSIE 5.5; Windows)", "MSIE 7.0 x", "MSIE 6.", "curl/1.0", "curl/7.0", "a bot", ""]
OWN = {"server", "date"}


def readable(answer, body):
    if answer.header("Content-Encoding") != "gzip" or not body:
        return body
    unpacked = b""
    while body:
        member = zlib.decompressobj(31)
        try:
            unpacked += member.decompress(body) + member.flush()
        except zlib.error as error:
            return unpacked, str(error)
        body = member.unused_data
    return unpacked


def answer_of(port, method, target, headers, version):
    with Client(port) as client:
        answer = client.request(method, target, headers, version=version)
    fields = sorted((name.lower(), value.replace(f":{port}", ":PORT")) for name, value in answer.headers
                    if name.lower() not in OWN)
    body = readable(answer, answer.body)
    if isinstance(body, bytes):
        body = body.replace(b"nginx", b"").replace(b"ringx", b"")
    compressed = answer.header("Content-Encoding") == "gzip" or answer.status >= 400
    if compressed:  # its size is that of what each server compresses
        fields = [field for field in fields if field[0] != "content-length"]
    return answer.status, fields, body


def compare(ports, requests):
    different = []
    for request in requests:
        theirs, ours = (answer_of(port, *request) for port in ports)
        if theirs != ours:
            different.append(f"{request}\n  nginx: {str(theirs)[:700]}\n  ours:  {str(ours)[:700]}")
    assert not different, f"{len(different)} answers differ:\n" + "\n".join(different[:10])


@pytest.fixture
def ports(beside_nginx):
    return beside_nginx(SITE, FILES)


def test_accept_encoding_is_read_alike(ports):
    compare(ports, [("GET", "/page.html", {} if value is None else {"Accept-Encoding": value}, "1.1")
                    for value in ACCEPTED])


def test_the_same_answers_are_compressed(ports):
    requests = [("GET", f"{prefix}/{page}", headers, "1.1") for prefix in PREFIXES for page in PAGES
                for headers in (GZIP, {})]
    requests += [("GET", target, GZIP, "1.1") for target in ("/return", "/403", "/500", "/text", "/x")]
    compare(ports, requests)


def test_head_says_what_get_would(ports):
    compare(ports, [("HEAD", f"{prefix}/{page}", GZIP, "1.1") for prefix in ("", "/all", "/plain")
                    for page in PAGES if page != "empty.html"])


def test_old_clients_and_proxies_get_the_same(ports):
    requests = [("GET", f"{prefix}/page.html", GZIP, "1.0") for prefix in ("", "/old", "/plain")]
    for prefix in ("", "/any", "/auth", "/expired", "/etag", "/noetag"):
        requests += [("GET", f"{prefix}/page.html", GZIP | more, "1.1")
                     for more in ({"Via": "1.1 x"}, {"Via": "1.1 x", "Authorization": "Basic x"}, {"Via": ""})]
    compare(ports, requests)


def test_the_same_browsers_are_spared(ports):
    compare(ports, [("GET", "/noie/page.html", GZIP | {"User-Agent": agent}, "1.1") for agent in AGENTS])


def test_conditions_and_ranges_are_of_the_plain_answer(ports):
    with Client(ports[1]) as client:
        plain = client.get("/page.html")
        compressed = client.get("/page.html", GZIP)
    requests = []
    for tag in (plain.header("ETag"), compressed.header("ETag"), '"x"', "*"):
        requests += [("GET", "/page.html", GZIP | {field: tag}, "1.1") for field in ("If-None-Match", "If-Match")]
    requests += [("GET", "/page.html", GZIP | {"Range": "bytes=0-9"} | more, "1.1")
                 for more in ({}, {"If-Range": plain.header("ETag")})]
    requests += [("GET", "/page.html", GZIP | {"If-Modified-Since": plain.header("Last-Modified")}, "1.1")]
    compare(ports, requests)


def test_files_compressed_beforehand_are_chosen_alike(ports):
    requests = [(method, f"/{prefix}/{page}", headers, version)
                for prefix in ("gz", "gzvary", "always", "gunzip")
                for page in ("both.html", "only.html", "page.html", "folder.html", "missing.html", "two.html", "")
                for method, headers, version in (("GET", GZIP, "1.1"), ("GET", {}, "1.1"), ("HEAD", GZIP, "1.1"),
                                                 ("HEAD", {}, "1.1"), ("POST", GZIP, "1.1"), ("GET", {}, "1.0"))]
    requests += [("GET", "/gz/both.html", GZIP | {"Range": "bytes=0-3"}, "1.1")]
    compare(ports, requests)
