"""Directory listings in every form, and the directories that have none."""

import json
import os
import re
import xml.etree.ElementTree as xml

import pytest

from harness.pairs import answers_of, compare

FILES = {"html/list/b.txt": "12345", "html/list/a&b <c>.txt": "x" * 20000, "html/list/folder/file": "",
         "html/list/.hidden": "", "html/full/index.html": "index"}


def test_names_are_links_that_work(serve):
    server = serve("autoindex on;", files=FILES)
    answer = server.get("/list/")
    assert (answer.status, answer.header("Content-Type")) == (200, "text/html")
    assert "<title>Index of /list/</title>" in answer.text
    links = re.findall(r'<a href="([^"]*)">', answer.text)
    assert links == ["../", "folder/", "a%26b%20%3Cc%3E.txt", "b.txt"]
    assert server.get("/list/" + links[2]).text == FILES["html/list/a&b <c>.txt"]
    assert "a&amp;b &lt;c&gt;.txt</a>" in answer.text
    assert re.search(r'<a href="b\.txt">b\.txt</a> {46}\d\d-\w{3}-\d{4} \d\d:\d\d {19}5\r\n', answer.text)


def test_sizes_can_be_rounded(serve):
    server = serve("autoindex on; autoindex_exact_size off;", files=FILES)
    assert re.search(r"a&amp;b .*:\d\d +20K\r\n", server.get("/list/").text)


def test_an_index_file_is_better_than_a_listing(serve):
    server = serve("autoindex on;", files=FILES)
    assert server.get("/full/").text == "index"


def test_nothing_is_listed_unless_asked_for(serve):
    server = serve("location /list/folder/ { autoindex on; }", files=FILES)
    assert server.get("/list/").status == 403
    assert server.get("/list/folder/").status == 200


def test_a_missing_directory_is_not_found(serve):
    server = serve("autoindex on;")
    assert server.get("/none/").status == 404


def test_json(serve):
    server = serve("autoindex on; autoindex_format json;", files=FILES)
    answer = server.get("/list/")
    assert answer.header("Content-Type") == "application/json"
    assert [(entry["name"], entry["type"], entry.get("size")) for entry in json.loads(answer.text)] == [
        ("folder", "directory", None), ("a&b <c>.txt", "file", 20000), ("b.txt", "file", 5)]


def test_jsonp_calls_a_function_and_nothing_else(serve):
    server = serve("autoindex on; autoindex_format jsonp;", files=FILES)
    answer = server.get("/list/?callback=a.b_1")
    assert answer.header("Content-Type") == "application/javascript"
    assert re.fullmatch(r"/\* callback \*/\r\na\.b_1\(\[.*\]\);", answer.text, re.S)
    assert json.loads(server.get("/list/").text)
    assert server.get("/list/?callback=alert(1)").status == 400


def test_xml(serve):
    server = serve("autoindex on; autoindex_format xml;", files=FILES)
    answer = server.get("/list/")
    assert answer.header("Content-Type") == "text/xml; charset=utf-8"
    assert [(entry.tag, entry.text, entry.get("size")) for entry in xml.fromstring(answer.text)] == [
        ("directory", "folder", None), ("file", "a&b <c>.txt", "20000"), ("file", "b.txt", "5")]


def test_head_has_the_length_of_the_listing(serve):
    server = serve("autoindex on;", files=FILES)
    with server.client() as client:
        length = len(client.get("/list/").body)
        assert client.request("HEAD", "/list/").header("Content-Length") == str(length)
        assert client.get("/list/b.txt").text == "12345"


def test_a_large_directory_makes_nobody_wait(new_server):
    server = new_server(server="autoindex on; autoindex_format json;", files={"html/page": "page"})
    folder = os.path.dirname(server.write("html/many/0", ""))
    for number in range(1, 20000):
        os.link(f"{folder}/0", f"{folder}/{number}")
    server.start()
    with server.client() as slow, server.client() as fast:
        slow.send_request("GET", "/many/")
        for _ in range(20):
            assert fast.get("/page").text == "page"
        assert len(json.loads(slow.read_response().text)) == 20000


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_listings_are_for_reading(serve, method):
    server = serve("autoindex on;", files=FILES)
    assert server.request(method, "/list/").status in (403, 405)


# --- beside nginx

FORMS = """
server_tokens off;
server {
    listen 127.0.0.1:%PORT%;
    autoindex on;
    location /html/ { alias html/list/; }
    location /local/ { alias html/list/; autoindex_exact_size off; autoindex_localtime on; }
    location /json/ { alias html/list/; autoindex_format json; autoindex_exact_size off; }
    location /jsonp/ { alias html/list/; autoindex_format jsonp; }
    location /xml/ { alias html/list/; autoindex_format xml; autoindex_localtime on; }
}
"""

NAMES = ["a", "B", "_c", "a b", "a&b <c>\"d\"'e'", "%41", "a+b;c=d?e#f", "back\\slash", "\xe9\xe8 \u20ac", "x" * 49,
         "y" * 50, "z" * 51, "\xe9" * 49 + "z", "\xe9" * 60, "tab\tnew", "0", "dir/x", "A dir/x", "dir&<>/x",
         "d" * 60 + "/x"]


@pytest.fixture
def listings(beside_nginx, request):
    sizes = [0, 1, 9999, 10000, 1023 * 1024, (1 << 20) - 1, 1 << 20, 1536 << 10]
    files = {f"html/list/{name}": b"x" * sizes[number % len(sizes)] for number, name in enumerate(NAMES)}
    return beside_nginx(FORMS, files)


@pytest.mark.parametrize("target", ["/json/", "/jsonp/", "/jsonp/?callback=f", "/jsonp/?a=b&callback=a.b_1", "/xml/",
                                    "/json/dir/", "/xml/A%20dir/"])
def test_data_is_that_of_nginx(listings, target):
    # That we know the length is no difference in the data.
    compare(listings, [target, ("HEAD", target)], ignored=["Content-Length", "Transfer-Encoding"])


@pytest.mark.parametrize("target", ["/html/", "/local/", "/html/dir/"])
def test_lines_of_pages_are_those_of_nginx(listings, target):
    """What stands around them is our own; and we count characters where nginx, told no charset, counts bytes."""
    pages = [body for *_, body in answers_of(listings, "GET", target)]
    theirs, ours = (re.findall(rb"<a href[\x20-\x7e]*\r\n", page) for page in pages)
    assert len(ours) > 1
    assert ours == theirs
