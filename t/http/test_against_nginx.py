"""The same configuration under nginx and under this server: statuses, bodies and redirects must be the same.

Left out is what nginx takes from the default server because it has not read Host yet, and we from the server asked for.
Configurations and requests are generated from fixed seeds, so that every run asks the same. Skipped without nginx.
"""

import random
import re

import pytest

from harness import Client

FILES = {
    "html/index.html": "index", "html/a/index.html": "a index", "html/a/b/index.html": "ab index",
    "html/a/b/file.txt": "ab file", "html/a/x.php": "php", "html/b/file.txt": "b file", "html/b/a/file": "no type",
    "html/a b/c d.html": "spaces", "html/empty/.keep": "", "html/404.html": "missing page", "html/x.php": "root php",
    "html/UP.TXT": "capitals", "html/aa": "file aa", "other/a/file": "other file", "other/index.html": "other index",
}


@pytest.fixture
def both(beside_nginx):
    """Starts both servers with the same text for the http context; gives their ports."""
    return lambda text: beside_nginx("server_tokens off;\n" + text, FILES)


def answer_of(port, method, target, host, version):
    """What a client sees of an answer, without what differs between any two servers."""
    with Client(port) as client:
        headers = {} if host is None else {"Host": host}
        answer = client.request(method, target, headers, version=version)
    location = (answer.header("Location") or "").replace(f":{port}", "")
    body = re.sub(rb"<center>(nginx|ringx)</center>", b"", answer.body)
    length = answer.header("Content-Length") if answer.status < 300 else None
    return (answer.status, answer.reason, body, location, answer.header("Content-Type"), length,
            answer.header("Connection"))


def compare(ports, requests):
    different = {}
    for method, target, host, version in requests:
        theirs, ours = (answer_of(port, method, target, host, version) for port in ports)
        if theirs != ours:
            different[method, target, host, version] = theirs, ours
    assert not different, "nginx and we answer differently:\n" + "\n".join(
        f"{' '.join(map(str, request))}\n  nginx: {theirs}\n  ours:  {ours}"
        for request, (theirs, ours) in list(different.items())[:10])


# --- locations

SEGMENTS = ["a", "b", "ab", "a.php", "A", "aa", "b.txt"]


def random_path(choose, depth=3):
    return "/" + "/".join(choose.choice(SEGMENTS) for _ in range(choose.randint(0, depth)))


REGEXES = [r"\.php$", r"^/a", r"b", r"/(a+)/", r"^/(.)/(.*)$", r"\.(txt|php)$", r"a$", r"^/b/.*a", r"A", r"/$"]


def random_locations(choose, outer="", depth=0):
    """The locations of a server, or those nested in a prefix or, `outer` None, in a regex: as text, no two alike."""
    taken = set()
    text = ""
    for _ in range(choose.randint(2, 6) if depth == 0 else choose.randint(0, 3)):
        kind = choose.choice(["~ ", "~* "] if outer is None else ["", "", "^~ ", "= ", "~ ", "~* "])
        if kind.startswith("~"):
            name = choose.choice(REGEXES)
        else:
            name = outer + choose.choice(["", "/"]) * bool(outer) + random_path(choose)[1 if outer else 0:]
        key = (kind if kind in ("= ", "~ ", "~* ") else "", name)
        if not name or key in taken:
            continue
        taken.add(key)
        label = f"{depth}{kind.strip()}{name}".replace("$", "")
        nested = ""
        if depth < 2 and kind != "= ":
            nested = random_locations(choose, None if kind.startswith("~") else name, depth + 1)
        text += f'location {kind}"{name}" {{ {nested} return 200 "{label} [$1] [$2] $uri"; }}\n'
    return text


def random_target(choose):
    path = random_path(choose, 5)
    for old, new, chance in (("/a", "/./a", 0.1), ("/b", "//b", 0.1), ("a", "%61", 0.1), ("/a", "/x/../a", 0.05),
                             ("/", "%2f", 0.02), (".", "%2E", 0.1)):
        if choose.random() < chance:
            path = path[0] + path[1:].replace(old, new, 1)
    return path + choose.choice(["", "", "", "/", "?a=b", "?", "/.", "/.."])


@pytest.mark.parametrize("seed", range(4))
def test_random_locations_are_chosen_alike(both, seed):
    choose = random.Random(seed)
    hosts = [f"s{number}" for number in range(8)]
    ports = both("".join(f"server {{ listen 127.0.0.1:%PORT%; server_name {host};\n{random_locations(choose)}}}\n"
                         for host in hosts))
    compare(ports, [("GET", random_target(choose), host, "1.1") for host in hosts for _ in range(40)])


# --- servers

NAMES = ["a.org", "www.a.org", "*.a.org", ".b.org", "*.x.b.org", "www.*", "www.a.*", "mail.*", r"~^(\d+)\.a\.org$",
         r"~^m.*\.net$", '""', "b.net", "_", r"~^(?<word>w+)\.(?<rest>.+)$", "*.net", "a.*"]
HOSTS = ["a.org", "A.ORG", "www.a.org", "x.a.org", "x.y.a.org", "a.org.", "b.org", "x.b.org", "y.x.b.org", "www.z",
         "www.a.com", "www.a.b.c", "mail.b.org", "12.a.org", "mx.net", "b.net", "c.net", "_", "unknown", "localhost",
         "127.0.0.1", "[::1]", "a.org:80", "www", "www.", ".a.org", "a.x", "www.b.net", "m.x.net", None]


@pytest.mark.parametrize("seed", range(3))
def test_random_servers_are_chosen_alike(both, seed):
    choose = random.Random(seed)
    names = choose.sample(NAMES, len(NAMES))
    text = ""
    for number in range(8):
        own = " ".join(names[number * 2:number * 2 + 2])
        mark = " default_server" if number == seed else ""
        text += (f"server {{ listen 127.0.0.1:%PORT%{mark}; server_name {own}; "
                 f'return 200 "{number} $server_name $host"; }}\n')
    requests = [("GET", "/", host, "1.1" if host is not None else "1.0") for host in HOSTS]
    requests += [("GET", f"http://{host}/", "other", "1.1") for host in HOSTS if host and host != "_"]
    compare(both(text), requests)


# --- files, returns, error pages

SITE = """
server {
    listen 127.0.0.1:%PORT%;
    server_name site;
    root html;
    location = / { return 200 exact-root; }
    location /a { index index.html; location ~ \\.php$ { return 403; } location /a/b { index no.html index.html; } }
    location /b/ { alias other/; error_page 404 =200 /404.html; }
    location /bb { alias html/b; }
    location ~ ^/r/(.*)\\.txt$ { alias html/a/$1.txt; }
    location /types { types { text/one one; } default_type text/many; return 200 typed; }
    location /301 { return 301 /a/; }
    location /302 { return 302 http://elsewhere/$uri; }
    location /303 { return 303 /x?$args; }
    location /307 { return 307; }
    location /url { return http://elsewhere$request_uri; }
    location /204 { return 204; }
    location /200 { return 200; }
    location /empty { return 200 ""; }
    location /400 { return 400; }
    location /403 { return 403 forbidden; }
    location /410 { return 410; }
    location /500 { return 500; }
    location /503 { return 503; error_page 503 @sorry; }
    location @sorry { return 200 "sorry $request_method $uri"; }
    location /504 { return 504; error_page 504 = @sorry; }
    location /ep1 { return 404; error_page 404 /404.html; }
    location /ep2 { return 404; error_page 404 =200 /404.html; }
    location /ep3 { return 404; error_page 404 = /200; }
    location /ep4 { return 404; error_page 404 /410; }
    location /ep5 { return 404; error_page 404 http://elsewhere/$uri; }
    location /ep6 { return 404; error_page 404 =301 http://elsewhere/$uri; }
    location /ep7 { return 404; error_page 404 =410 /nowhere; }
    location /ep8 { return 404; error_page 404 /ep1; recursive_error_pages on; }
    location /ep9 { return 403; error_page 403 404 =202 /404.html?a=b; }
    location /ep10 { return 301 /a; error_page 301 /404.html; }
    location /ep11 { return 404; error_page 404 @nowhere; }
    location /ep12 { return 404; error_page 404 /inside; }
    location /inside { internal; return 200 inside; }
    location /hidden { internal; }
    location /small { client_max_body_size 1; return 200 small; }
    location /off { absolute_redirect off; return 301 /a; }
    location /off/a { absolute_redirect off; alias html/a; }
    location /noport { port_in_redirect off; return 301 /a; }
    location /named { server_name_in_redirect on; return 301 /a; }
}
server {
    listen 127.0.0.1:%PORT%;
    server_name server-return;
    error_page 404 /404.html;
    return 404;
}
"""

PAGES = """
server {
    listen 127.0.0.1:%PORT%;
    server_name pages;
    root html;
    error_page 403 404 405 /404.html;
    error_page 400 = /400.html;
    location = /400.html { return 200 "bad request"; }
    location /a { error_page 404 /nowhere; }
    merge_slashes off;
}
"""

TARGETS = [
    "/", "/index.html", "/a", "/a/", "/a/b", "/a/b/", "/a/b/file.txt", "/a/x.php", "/a/missing", "/b", "/b/",
    "/b/a/file", "/b/a", "/b/missing", "/bb/file.txt", "/bb/a/file", "/bb", "/r/b/file.txt", "/r/missing.txt", "/r/b",
    "/types", "/types/x.one", "/types/x.html", "/301", "/301?a=b", "/302/x%20y", "/303?q=1", "/303", "/307",
    "/url/x?y", "/204", "/200", "/200/x.html", "/empty", "/400", "/403", "/410", "/500", "/503/x", "/504/x?y", "/ep1",
    "/ep2", "/ep3", "/ep4", "/ep5/x", "/ep6/x", "/ep7", "/ep8", "/ep9", "/ep10", "/ep11", "/ep12", "/inside",
    "/hidden/x", "/off", "/off/a/b", "/off/a/b/file.txt", "/noport", "/named", "/a%20b/c%20d.html", "/a%20b", "/a b",
    "/empty/x", "/UP.TXT", "/up.txt", "/x.php", "/x.php/", "/aa", "/aa/", "/aa/x", "/missing", "/missing/", "/.",
    "/..", "/a/..", "/a/../", "/a/.", "/a/./b/", "/a//b/", "//a", "//", "/%", "/%41", "/a%2fb/", "/a%2Fb%2Ffile.txt",
    "/a/%2e%2e/aa", "/%2e%2e/", "/a?", "/a?x=y", "/a/b?x=y&z", "/a/b/file.txt?x", "/a/b/file.txt#f", "/a/b#f", "/?x",
    "http://site/a/", "http://site", "http://pages/x", "/a/b/../../aa", "/a/b/../../..", "/\x7f", "/\xe9", "/%e9",
    "/a\\b", "/a;b", "/aa%00", "/aa%20", "/a+b", "*", "a",
]


@pytest.mark.parametrize("text, host", [(SITE, "site"), (SITE, "server-return"), (SITE, "other"), (PAGES, "pages")],
                         ids=["site", "return", "default", "pages"])
def test_a_site_answers_alike(both, text, host):
    ports = both(text)
    requests = [("GET", target, host, "1.1") for target in TARGETS]
    requests += [(method, target, host, "1.1") for method in ("HEAD", "POST", "DELETE", "OPTIONS")
                 for target in TARGETS if target not in ("*",)]
    requests += [("GET", target, None, "1.0") for target in TARGETS]
    compare(ports, requests)
