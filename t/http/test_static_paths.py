"""How paths become files: root, alias, index, symbolic links, and everything that is no file."""

import os
import re
import socket
import threading

import pytest


def test_alias_replaces_the_location(serve):
    server = serve("""
        location /img/ { alias pictures/; }
        location /st { alias html/; }
        location ~ ^/re/(.+)$ { alias pictures/$1; }
        location = /one { alias pictures/a.png; }
    """, files={"pictures/a.png": "png", "pictures/sub/index.html": "sub", "html/index.html": "home"})
    assert server.get("/img/a.png").text == "png"
    assert server.get("/img/a.png").header("Content-Type") == "image/png"
    assert server.get("/img/sub/").text == "sub"
    assert server.get("/img/sub").header("Location").endswith("/img/sub/")
    assert server.get("/re/a.png").text == "png"
    assert server.get("/one").text == "png"
    assert server.get("/img/").status == 403


def test_nothing_reached_by_an_alias_lies_above_it(serve):
    server = serve("location /img/ { alias pictures/; } location ~ ^/re/(.+)$ { alias pictures/$1; }",
                   files={"pictures/a.png": "png", "secret": "secret"})
    for target in ("/img/../secret", "/img/%2e%2e/secret", "/img/..%2fsecret", "/re/../secret", "/re/%2e%2e%2fsecret",
                   "/img/%2e%2e%2fsecret", "/img//../secret", "/img/..\\secret", "/img/a.png%00.html"):
        answer = server.get(target)
        assert answer.status in (400, 404), target
        assert "secret" not in answer.text


def test_root_of_the_inner_location_counts(serve):
    server = serve("location /a/ { root other; location /a/b/ { root third; } }",
                   files={"other/a/f": "other", "third/a/b/f": "third"})
    assert server.get("/a/f").text == "other"
    assert server.get("/a/b/f").text == "third"


# --- directories

def test_index_files_are_tried_in_order(serve):
    server = serve("index first.html second.html;", files={"html/a/second.html": "2", "html/b/second.html": "2",
                                                           "html/b/first.html": "1"})
    assert server.get("/a/").text == "2"
    assert server.get("/b/").text == "1"
    assert server.get("/a/?x=1").text == "2"


def test_an_absolute_index_is_elsewhere(serve):
    server = serve("index none.html /fallback.html;", files={"html/a/x": "", "html/fallback.html": "fallback"})
    assert server.get("/a/").text == "fallback"


def test_the_location_of_the_index_file_counts(serve):
    server = serve("location ~ [.]html$ { types { text/x-test html; } }", files={"html/a/index.html": "a"})
    assert server.get("/a/").header("Content-Type") == "text/x-test"


def test_a_directory_without_index_is_forbidden(serve):
    server = serve(files={"html/a/x": "", "html/index.html": ""})
    assert server.get("/a/").status == 403
    server.wait_for_log(r'\[error\] .*directory index of ".*/html/a/" is forbidden, client: ')


def test_a_directory_that_is_not_there_is_not_found(serve):
    server = serve()
    assert server.get("/none/").status == 404
    server.wait_for_log(r'\[error\] .*"[^"]*/html/none/index\.html" is not found \(2: No such file or directory\)')


def test_the_redirect_to_a_directory_keeps_the_query_and_is_escaped(serve):
    server = serve(files={"html/a b%/x": "", "html/line\r\nX-Evil: 1/x": ""})
    location = server.get("/a%20b%25?q=1&r").header("Location")
    assert location == f"http://localhost:{server.port()}/a%20b%25/?q=1&r"
    answer = server.get("/line%0d%0aX-Evil:%201")
    assert answer.status == 301
    assert not answer.header_values("X-Evil")


# --- what cannot be served

def test_the_error_log_says_what_was_missing(serve):
    server = serve("location /quiet/ { log_not_found off; }")
    assert server.get("/quiet/missing").status == 404
    assert server.get("/missing").status == 404
    server.wait_for_log(r'\[error\] .*open\(\) "[^"]*/html/missing" failed \(2: No such file or directory\), client: ')
    assert "quiet" not in server.error_log


@pytest.mark.parametrize("target, status", [
    ("/file/below", 404), ("/file/", 404), ("/" + "x" * 300, 404), ("/fifo", 404), ("/socket", 500), ("/loop", 403),
    ("/private", 403), ("/closed/file", 403), ("/closed/", 403),
])
def test_the_status_tells_why(serve, new_server, target, status):
    if os.geteuid() != 0:
        pytest.skip("workers that run as the owner may read everything")
    server = new_server(files={"html/file": "x", "html/private": "x", "html/closed/file": "x"})
    os.mkfifo(server.path("html/fifo"))
    os.symlink("loop", server.path("html/loop"))
    os.chmod(server.path("html/private"), 0o600)
    os.chmod(server.path("html/closed"), 0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(server.path("html/socket"))
    server.start()
    assert server.get(target).status == status


def test_a_fifo_stops_nobody(new_server):
    server = new_server(files={"html/page": "page"})
    os.mkfifo(server.path("html/fifo"))
    server.start()
    for _ in range(5):
        assert server.get("/fifo").status == 404
        assert server.get("/page").text == "page"
    server.wait_for_log(r'\[crit\] .*"[^"]*/html/fifo" is not a regular file')


def test_post_to_a_file_is_not_allowed_and_to_nothing_not_found(serve):
    server = serve(files={"html/file": "x", "html/folder/x": ""})
    assert server.request("POST", "/file", body=b"a=1").status == 405
    assert server.request("POST", "/missing").status == 404
    assert server.request("POST", "/folder").status == 301
    assert server.request("PUT", "/missing").status == 405


@pytest.mark.parametrize("name, kind", [
    ("a.html", "text/html"), ("a.HTML", "text/html"), ("a.tar.gz", "application/gzip"), ("a", "x/default"),
    (".html", "x/default"), ("a.", "x/default"), ("a.b.unknown", "x/default"), ("dir.html/file", "x/default"),
    ("a.eightlet", "x/eight"), ("a.eightletters", "x/long"), ("a.eightlets", "x/default"), ("a.eightle", "x/default"),
])
def test_the_extension_tells_the_type(serve, name, kind):
    server = serve("types { text/html html; application/gzip gz; x/no EIGHTLETTERS; x/eight eightlet; "
                   "x/long eightletters; } default_type x/default;", files={f"html/{name}": "x"})
    assert server.get("/" + name).header("Content-Type") == kind


# --- symbolic links

@pytest.fixture
def linked(new_server):
    """A server whose locations differ in what they do with links; /LOCATION/x reaches html/x."""
    server = new_server(files={"html/dir/file": "inside", "secret": "outside"}, server="""
        location /off/ { alias html/; }
        location /on/ { alias html/; disable_symlinks on from=%PREFIX%/html; }
        location /all/ { alias %PREFIX%/html/; disable_symlinks on; }
        location /owner/ { alias html/; disable_symlinks if_not_owner from=%PREFIX%/html; }
        location /cached/ { alias html/; disable_symlinks on from=%PREFIX%/html; open_file_cache max=10; }
        location /uncached/ { alias html/; open_file_cache max=10; }
    """)
    os.symlink("dir", server.path("html/to-dir"))
    os.symlink("file", server.path("html/dir/to-file"))
    os.symlink("../../secret", server.path("html/dir/out"))
    return server


@pytest.mark.parametrize("path", ["dir/to-file", "to-dir/file", "dir/out"])
def test_links_are_refused_on_demand(linked, path):
    linked.start()
    assert linked.get(f"/off/{path}").status == 200
    assert linked.get(f"/owner/{path}").status == 200
    for location in ("on", "all", "cached"):
        assert linked.get(f"/{location}/{path}").status == 403
        assert linked.get(f"/{location}/dir/file").text == "inside"
    linked.wait_for_log(r'openat\(\) "[^"]*" failed \(40: Too many levels of symbolic links\)')


def test_a_link_of_another_owner_is_refused(linked):
    if os.geteuid() != 0:
        pytest.skip("only root can give links away")
    os.lchown(linked.path("html/dir/out"), 12345, 12345)
    linked.start()
    assert linked.get("/owner/dir/out").status == 403
    assert linked.get("/owner/dir/to-file").text == "inside"


def test_the_cache_knows_which_rule_a_file_was_opened_by(linked):
    linked.start()
    for _ in range(2):
        assert linked.get("/uncached/dir/out").text == "outside"
        assert linked.get("/cached/dir/out").status == 403


def test_a_link_below_the_trusted_root_is_found_in_any_directory_page(linked):
    linked.start()
    assert linked.get("/on/dir/").status == 403
    assert not re.search("outside", linked.get("/on/dir/").text)


def test_variables_may_say_what_is_trusted(new_server):
    server = new_server(server="disable_symlinks on from=$document_root;", files={"real/file": "x", "html2/a": "x"})
    os.rename(server.path("html"), server.path("was"))
    os.symlink("real", server.path("html"))
    os.symlink("file", server.path("real/link"))
    server.start()
    assert server.get("/file").text == "x"
    assert server.get("/link").status == 403


@pytest.mark.parametrize("location", ["on", "owner", "cached"])
def test_a_link_that_flips_leads_nowhere_outside(new_server, location):
    if location == "owner" and os.geteuid() != 0:
        pytest.skip("only root can give files away")
    server = new_server(files={"html/dir/x": "", "secret": "outside"}, server="""
        location /on/ { alias html/; disable_symlinks on from=%PREFIX%/html; }
        location /owner/ { alias html/; disable_symlinks if_not_owner from=%PREFIX%/html; }
        location /cached/ { alias html/; disable_symlinks on from=%PREFIX%/html;
                            open_file_cache max=10; open_file_cache_valid 0s; }
    """)
    if location == "owner":
        os.chown(server.path("secret"), 12345, 12345)
    server.start()
    over = threading.Event()

    def flip():
        name = server.path("html/dir/file")
        while not over.is_set():
            server.write("html/dir/inside", "inside")
            os.rename(server.path("html/dir/inside"), name)
            os.symlink("../../secret", server.path("html/dir/link"))
            os.rename(server.path("html/dir/link"), name)

    thread = threading.Thread(target=flip)
    thread.start()
    try:
        with server.client() as client:
            statuses = set()
            for _ in range(1000):
                answer = client.get(f"/{location}/dir/file")
                statuses.add(answer.status)
                assert "outside" not in answer.text
    finally:
        over.set()
        thread.join()
    assert statuses <= {200, 403, 404} and 403 in statuses
