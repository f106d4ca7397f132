"""How a target becomes a path, and that no path leads out of the root."""

import os

import pytest

FILES = {
    "html/page.txt": "page", "html/a/b/file": "ab", "html/a/file": "a", "html/file": "root",
    "html/with space": "space", "html/100%": "percent", "html/ques?tion": "question", "html/ha#sh": "hash",
    "html/é": "utf8", "html/...": "three dots", "html/.hidden": "hidden", "html/a..b": "dots inside",
    "html/back\\slash": "backslash", "html/plus+sign": "plus", "html/semi;colon": "semicolon",
    "secret": "SECRET", "html-sibling/secret": "SECRET",
}

SERVED = {
    "/page.txt": "page",
    "/./page.txt": "page",
    "/a/../page.txt": "page",
    "/a/./../page.txt": "page",
    "/a/b/../../page.txt": "page",
    "/nowhere/../page.txt": "page",
    "//page.txt": "page",
    "///a////b//file": "ab",
    "/a//../file": "root",
    "/%70age.txt": "page",
    "/page%2Etxt": "page",
    "/a%2ffile": "a",
    "/a%2Fb/file": "ab",
    "/a/%2e%2e/page.txt": "page",
    "/a/.%2e/page.txt": "page",
    "/a/%2e./page.txt": "page",
    "/a%2f..%2fpage.txt": "page",
    "/with%20space": "space",
    "/100%25": "percent",
    "/ques%3Ftion": "question",
    "/ha%23sh": "hash",
    "/%C3%A9": "utf8",
    "/%c3%a9?query": "utf8",
    "/\xc3\xa9": "utf8",
    "/...": "three dots",
    "/.hidden": "hidden",
    "/a..b": "dots inside",
    "/back%5Cslash": "backslash",
    "/back\\slash": "backslash",
    "/plus+sign": "plus",
    "/semi;colon": "semicolon",
    "/page.txt?/../secret": "page",
    "/page.txt#/../secret": "page",
    "/a/.": None,
    "/a/b/..": None,
}

# Whatever the answer is, it must not be the secret.
HOSTILE = [
    "/../secret", "/..", "/../", "/a/../../secret", "/a/b/../../../secret", "/%2e%2e/secret", "/%2e%2e%2fsecret",
    "/..%2fsecret", "/.%2e/secret", "/%2e./secret", "/a/%2e%2e/%2e%2e/secret", "/a%2f..%2f..%2fsecret", "/..%5csecret",
    "/..\\secret", "/..%c0%afsecret", "/%c0%ae%c0%ae/secret", "/%252e%252e/secret", "/..%00/secret", "/page.txt%00",
    "/a/..;/../secret", "/....//secret", "/.../../../secret", "//../secret", "///../../secret", "/./../secret",
    "/a/./.././../secret", "/page.txt/../../secret", "/html/../../secret", "/../html-sibling/secret",
    "/%2e%2e%2e/secret",
    "/%", "/%2", "/%zz", "/%u002e%u002e/secret", "/-sibling/secret", "/.%00./secret", "/?/../secret", "/..?", "/..#",
    "http://localhost/../secret", "http://localhost/%2e%2e/secret", "http://localhost/..%2fsecret",
]


@pytest.fixture
def server(serve):
    return serve(files=FILES)


def test_targets_are_decoded_once_and_normalised(server):
    wrong = {}
    with server.client() as client:
        for target, text in SERVED.items():
            answer = client.get(target)
            if (answer.status, answer.text) != (200, text) and (text is not None or answer.status != 403):
                wrong[target] = answer
    assert wrong == {}


def check_nothing_leaks(server, targets):
    leaks = {}
    for target in targets:
        for headers in ({}, {"Range": "bytes=0-"}):
            answer = server.get(target, headers)
            if b"SECRET" in answer.body:
                leaks[target] = answer
    assert leaks == {}


def test_no_target_leads_out_of_the_root(server):
    check_nothing_leaks(server, HOSTILE)


def test_no_target_leads_out_of_an_alias(serve):
    server = serve("location /alias/ { alias html/a/; } location /b { alias html/a/b; }", files=FILES)
    targets = ["/alias" + target for target in HOSTILE if target.startswith("/")]
    targets += ["/alias/../../secret", "/alias/../../../secret", "/alias/%2e%2e/file/../../secret"]
    check_nothing_leaks(server, targets)


def test_no_target_leads_out_of_an_alias_with_captures(serve):
    server = serve("location ~ ^/files/(.*)$ { alias html/a/$1; }", files=FILES)
    assert server.get("/files/file").text == "a"
    check_nothing_leaks(server, ["/files" + target for target in HOSTILE if target.startswith("/")])


def test_an_alias_replaces_the_prefix_as_text(serve):
    server = serve("location /i { alias html/a/; } location /j/ { alias html/a/; }", files=FILES)
    assert server.get("/ifile").text == "a"
    assert server.get("/i/file").text == "a"
    assert server.get("/j/file").text == "a"
    assert server.get("/jfile").status == 404


def test_merge_slashes_off_keeps_them(serve):
    server = serve('merge_slashes off; location / { return 200 "$uri"; } location /a//b { return 200 double; }')
    assert server.get("//x///y").text == "//x///y"
    assert server.get("/a//b").text == "double"
    assert server.get("/a//../b").text == "/a/b"


def test_the_variables_of_a_target(serve):
    server = serve('return 200 "$request_uri|$uri|$document_uri|$args|$query_string|$is_args|$arg_name|$request";')
    answer = server.get("/a%20b/../c//d?name=va%20lue&other")
    assert answer.text == ("/a%20b/../c//d?name=va%20lue&other|/c/d|/c/d|name=va%20lue&other|name=va%20lue&other|?|"
                           "va%20lue|GET /a%20b/../c//d?name=va%20lue&other HTTP/1.1")


def test_a_file_is_no_folder(server):
    assert server.get("/page.txt/").status == 404
    assert server.get("/page.txt/more").status == 404


def test_a_path_longer_than_the_file_system_allows_is_414(server):
    server.expect(r"\[error\]|\[crit\]")
    assert server.get("/" + "a" * 300).status == 404
    assert server.get("/" + "a/" * 3000).status in (404, 414)


def test_special_files_are_not_served(server):
    os.mkfifo(server.path("html/pipe"), 0o666)
    answer = server.get("/pipe")
    assert answer.status == 404
    assert server.get("/page.txt").text == "page"
