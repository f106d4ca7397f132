"""Files, conditions and ranges: the same answers as nginx's, however files are read and sent."""

import pytest

from harness.pairs import compare

TEXT = "".join(f"{number:06}\n" for number in range(10000))  # 70,000 bytes: beyond the buffers of both
FILES = {
    "html/ten": "0123456789", "html/empty": "", "html/large.txt": TEXT, "html/page.html": "<p>page</p>\n",
    "html/only/one.txt": "the only file\n", "html/only/.hidden": "hidden", "html/none/.hidden": "hidden",
    "html/folder/index.html": "index of folder", "html/folder/other.htm": "other index", "html/noindex/file": "file",
}

# Folders of the site, which all hold the same files, and how these are sent.
WAYS = {
    "plain": "", "copied": "sendfile off;", "sent": "sendfile on; tcp_nopush on;",
    "chunks": "sendfile on; sendfile_max_chunk 4k;", "delayed": "tcp_nodelay off;", "direct": "directio 512;",
    "buffers": "sendfile off; output_buffers 1 4k; postpone_output 0; read_ahead 4k;", "threads": "aio threads;",
    "kept": "open_file_cache max=10; open_file_cache_min_uses 1;", "untagged": "etag off;",
    "no-ranges": "max_ranges 0;", "two-ranges": "max_ranges 2;", "not-since": "if_modified_since off;",
    "before": "if_modified_since before;", "untyped": "types { } default_type a/b;", "closing": "keepalive_timeout 0;",
    "counted": "keepalive_requests 1;",
}
SITE = "server_tokens off;\nserver { listen 127.0.0.1:%PORT%; root html;\n" + "".join(
    f"location /{name}/ {{ alias html/; {text} }}\n" for name, text in WAYS.items()) + """
    location /only/ { random_index on; }
    location /none/ { random_index on; }
    location /folder/ { random_index off; index none.html other.htm index.html; }
    location /first/ { alias html/folder/; }
    location /noindex/ { index a b; }
    location /absolute/ { index /ten; }
}
"""

RANGES = ["bytes=0-3", "bytes=5-", "bytes=-3", "bytes=0-", "bytes=3-3", "bytes=10-", "bytes=-0", "bytes=-20",
          "bytes=0-3,5-6", "bytes=0-1,2-3,4-5", "bytes=5-6,0-1", "bytes=0-3,20-30", "bytes=20-30,40-50", "bytes=3-2",
          "bytes=a-b", "bytes=", "bytes=-", "bytes= 0-3", "bytes=0-3 ", "bytes=0 - 3", "BYTES=0-3", "chunks=0-3",
          "bytes=0-3,", "bytes=,0-3", "bytes=0-99999999999999999999", "bytes=1-2-3"]
LONG_AGO, LATER = "Thu, 01 Jan 1970 00:00:10 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
CONDITIONS = [
    {"If-Modified-Since": LONG_AGO}, {"If-Modified-Since": LATER}, {"If-Modified-Since": "never"},
    {"If-Unmodified-Since": LONG_AGO}, {"If-Unmodified-Since": LATER}, {"If-Unmodified-Since": "never"},
    {"If-None-Match": "*"}, {"If-None-Match": '"x"'}, {"If-None-Match": 'W/"x", "y"'}, {"If-Match": "*"},
    {"If-Match": '"x"'}, {"If-Match": "x"}, {"If-None-Match": '"x"', "If-Modified-Since": LATER},
    {"If-Match": "*", "If-Unmodified-Since": LONG_AGO}, {"Range": "bytes=0-3", "If-Range": '"x"'},
    {"Range": "bytes=0-3", "If-Range": LONG_AGO}, {"Range": "bytes=0-3", "If-Range": LATER},
    {"Range": "bytes=0-3", "If-Range": ""}, {"Range": "bytes=0-3", "If-Modified-Since": LONG_AGO},
]


@pytest.fixture
def ports(beside_nginx):
    return beside_nginx(SITE, FILES)


def test_files_are_sent_alike_however_they_are_read(ports):
    names = ["ten", "empty", "large.txt", "page.html", "missing", "folder", "folder/"]
    requests = [(method, f"/{way}/{name}") for way in WAYS for name in names for method in ("GET", "HEAD")]
    requests += [("GET", f"/{way}/large.txt", {"Range": "bytes=65000-69000"}) for way in WAYS]
    requests += [(method, f"/plain/{name}") for name in names for method in ("POST", "PUT", "OPTIONS", "DELETE")]
    requests += [("GET", f"/{way}/{name}", (), "1.0") for way in ("plain", "closing", "chunks") for name in names]
    compare(ports, requests)


def test_ranges_are_read_alike(ports):
    requests = [("GET", f"/{way}/ten", {"Range": text}) for way in ("plain", "no-ranges", "two-ranges")
                for text in RANGES]
    requests += [("GET", f"/plain/{name}", {"Range": text}) for name in ("empty", "large.txt") for text in RANGES]
    requests += [("HEAD", "/plain/ten", {"Range": text}) for text in RANGES]
    requests += [("GET", "/plain/ten", {"Range": text}, "1.0") for text in RANGES]
    compare(ports, requests)


def test_conditions_are_decided_alike(ports):
    compare(ports, [(method, f"/{way}/ten", fields) for fields in CONDITIONS for method in ("GET", "HEAD")
                    for way in ("plain", "untagged", "not-since", "before")])


def test_indexes_are_found_alike(ports):
    compare(ports, [(method, path) for method in ("GET", "HEAD", "POST") for path in
                    ("/only/", "/only", "/none/", "/folder/", "/first/", "/noindex/", "/noindex", "/absolute/", "/")])
