"""valid_referers, secure_link, browsers, empty_gif and random_index: beside nginx, and what they refuse."""

import base64
import hashlib
import time

import pytest

from harness.pairs import compare

# --- referers

REFERERS = r"""
server_tokens off;
server {
    listen 127.0.0.1:%PORT%;
    server_name site.org *.site.net mail.* .dots.org ~^re\d+\.com$;
    location / { return 200 "none given [$invalid_referer]"; }
    location /names { valid_referers server_names; return 200 "[$invalid_referer]"; }
    location /all { valid_referers none blocked server_names *.example.com example.* www.example.org/galleries/
                    .both.com ~\.google\. ~^Path/x$; return 200 "[$invalid_referer]";
        location /all/nested { return 200 "[$invalid_referer]"; }
        location /all/own { valid_referers other.com; return 200 "[$invalid_referer]"; } }
    location /blocked { valid_referers blocked a.com; return 200 "[$invalid_referer]"; }
    location /none { valid_referers none a.com; return 200 "[$invalid_referer]"; }
    location /regex { valid_referers ~a.com; return 200 "[$invalid_referer]"; }
}
"""

REFERER_VALUES = [
    None, "", "-", "x", "http://", "http://i.r", "http://i.ru", "ftp://site.org/", "http://site.org",
    "HTTP://SITE.ORG/x", "https://site.org:8080/x", "http://a.site.net/", "http://site.net/", "http://mail.org/",
    "http://mail/", "http://dots.org/", "http://a.dots.org", "http://re12.com/", "http://rex.com/",
    "http://a.example.com/", "http://example.com/", "http://example.net/x", "http://www.example.org/",
    "http://www.example.org/galleries", "http://www.example.org/galleries/x", "http://www.example.org:80/galleries/",
    "http://both.com/", "http://x.both.com/", "http://www.google.com/", "http://x/www.google.com", "http://path/x",
    "http://path/xy", "http://" + "a" * 300 + ".com/", "http://a.com/", "http://a.com", "https://a.com",
    "http://other.com/", "http://[::1]/x", "http://site.org@evil.com/", "http://site.org.evil.com/", "http:/site.org/",
]


@pytest.mark.parametrize("target", ["/", "/names", "/all", "/all/nested", "/all/own", "/blocked", "/none", "/regex"])
def test_referers_are_judged_as_nginx_judges_them(beside_nginx, target):
    compare(beside_nginx(REFERERS, {}),
            [("GET", target, {} if value is None else {"Referer": value}) for value in REFERER_VALUES])


def test_names_that_follow_count_too(serve):
    server = serve(http="""server { listen 127.0.0.1:%PORT%; valid_referers server_names; server_name late.org;
                           return 200 "[$invalid_referer]"; }""")
    assert server.get("/", {"Referer": "http://late.org/"}).text == "[]"
    assert server.get("/", {"Referer": "http://early.org/"}).text == "[1]"


# --- secure links

LINKS = r"""
server_tokens off;
server {
    listen 127.0.0.1:%PORT%;
    location /md5 { secure_link $arg_hash,$arg_expires; secure_link_md5 "$arg_expires$uri secret";
        return 200 "$secure_link|$secure_link_expires"; location /md5/nested { return 200 "$secure_link"; } }
    location /forever { secure_link $arg_hash; secure_link_md5 "$uri secret"; return 200 "[$secure_link]"; }
    location /half { secure_link $arg_hash; return 200 "[$secure_link]"; }
    location /p/ { secure_link_secret word; return 200 "[$secure_link]"; }
    location /q { secure_link_secret ""; return 200 "[$secure_link]"; }
    location /nothing { return 200 "[$secure_link$secure_link_expires]"; }
}
"""


def link_hash(text):
    return base64.urlsafe_b64encode(hashlib.md5(text.encode()).digest()).decode()


def test_links_are_checked_as_nginx_checks_them(beside_nginx):
    ports = beside_nginx(LINKS, {})
    now = int(time.time())
    requests = ["/md5", "/forever", "/half?hash=x", "/nothing", "/p/", "/q/x/y"]
    for expires in (now + 1000, now - 1000, 0, -5, "x", "", "99999999999999999999"):
        good = link_hash(f"{expires}/md5 secret")
        for value in (good, good.rstrip("="), good[:-4], "x" + good[1:], good + "x", good.replace("-", "+")):
            requests.append(f"/md5?hash={value}&expires={expires}")
    for number in range(20):
        good = link_hash(f"/forever/{number} secret")
        requests += [f"/forever/{number}?hash={good}", f"/forever/{number}?hash={good[:22]}",
                     f"/forever/{number + 1}?hash={good}", f"/forever/{number}?hash={good.replace('_', '/')}"]
    for link in ("a.txt", "a/b/c", "x?y=z", "%41"):
        good = hashlib.md5(f"{link}word".encode()).hexdigest()
        requests += [f"/p/{good}/{link}", f"/p/{good.upper()}/{link}", f"/p/{good[1:]}/{link}", f"/p/{good}/",
                     f"/p/{good}", f"/p/{good[:-1]}g/{link}", f"/p/x/{good}/{link}", f"/p//{good}/{link}"]
    compare(ports, requests)


# --- browsers

BROWSERS = """
server_tokens off;
ancient_browser_value old;
server {
    listen 127.0.0.1:%PORT%;
    location / { return 200 "[$modern_browser|$ancient_browser|$msie]"; }
    location /modern { modern_browser msie 5.5; modern_browser gecko 1.0.0; modern_browser safari 413;
        modern_browser konqueror 3.4.1; modern_browser_value new; return 200 "[$modern_browser|$ancient_browser]";
        location /modern/nested { modern_browser unlisted; return 200 "[$modern_browser|$ancient_browser]"; } }
    location /opera { modern_browser Opera 8.0; modern_browser unlisted; ancient_browser Lynx Links netscape4;
        return 200 "[$modern_browser|$ancient_browser]"; }
    location /ancient { ancient_browser MSIE 4 netscape4; modern_browser unlisted;
        return 200 "[$modern_browser|$ancient_browser]"; }
}
"""

AGENTS = [
    None, "", "x", "Opera/7.50 (X11; FreeBSD i386; U)  [en]", "Mozilla/5.0 (X11; FreeBSD i386; U) Opera 7.50  [en]",
    "Mozilla/4.0 (compatible; MSIE 6.0; X11; FreeBSD i386) Opera 7.50  [en]", "Opera/8.0 (Windows NT 5.1; U; ru)",
    "Opera/9.01 (X11; FreeBSD 6 i386; U; en)", "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
    "Mozilla/4.0 (compatible; MSIE 5.5; Windows NT 5.1)", "Mozilla/4.0 (compatible; MSIE 5.4999; Windows)",
    "Mozilla/4.0 (compatible; MSIE 5", "MSIE 6.0", "MSIE 6", "Mozilla/5.0 (X11; U; Linux i686; en-US; rv:1.0.0) Gecko",
    "Mozilla/5.0 (X11; U; Linux; rv:0.9.9) Gecko", "Mozilla/5.0 (X11) AppleWebKit/125.2 (KHTML) Safari/125.7",
    "Mozilla/5.0 (X11) AppleWebKit/413 (KHTML) Safari/413", "Mozilla/5.0 (compatible; Konqueror/3.1; Linux)",
    "Mozilla/5.0 (compatible; Konqueror/3.4; Linux)", "Mozilla/5.0 (compatible; Konqueror/3.4.1)",
    "Mozilla/5.0 (compatible; Konqueror/3.4.1.5)", "Mozilla/4.72 [en] (X11; U; Linux)", "Mozilla/4.72 ", "Lynx/2.8",
    "Links (2.1)", "curl/7.88", "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
]


@pytest.mark.parametrize("target", ["/", "/modern", "/modern/nested", "/opera", "/ancient"])
def test_browsers_are_told_apart_as_nginx_does(beside_nginx, target):
    compare(beside_nginx(BROWSERS, {}),
            [("GET", target, {} if agent is None else {"User-Agent": agent}) for agent in AGENTS])


# --- pictures and files by chance

def test_the_picture_is_that_of_nginx(beside_nginx):
    ports = beside_nginx("""server_tokens off; server { listen 127.0.0.1:%PORT%; location /x { empty_gif;
                            location /x/nested { return 200 nested; } } }""", {})
    compare(ports, [(method, "/x", headers) for method in ("GET", "HEAD", "POST", "PUT", "DELETE")
                    for headers in ({}, {"If-Modified-Since": "Mon, 28 Sep 1970 06:00:00 GMT"}, {"Range": "bytes=0-1"})]
            + ["/x/nested", "/x/y"])


def test_any_file_of_a_directory_may_come(serve):
    files = {f"html/some/{name}": name for name in ("a", "b", "c", ".hidden", "folder/x")}
    server = serve("location /some/ { random_index on; index a; } location /some/b { return 200 redirected; }",
                   files=files)
    seen = set()
    for _ in range(200):
        answer = server.get("/some/")
        assert answer.status == 200
        seen.add(answer.text)
        if len(seen) == 3:
            break
    assert seen == {"a", "redirected", "c"}


def test_without_files_the_index_has_its_turn(serve):
    server = serve("location / { random_index on; } location /none/ { random_index on; autoindex on; }",
                   files={"html/none/folder/x": "x", "html/empty/.hidden": "x"})
    assert "folder/" in server.get("/none/").text
    assert server.get("/empty/").status == 403
    assert server.get("/missing/").status == 404
    assert server.request("PUT", "/empty/").status == 405
    assert server.get("/none/folder").status == 301


# --- what is refused

MISTAKES = [
    ("server { valid_referers; }", 'invalid number of arguments in "valid_referers" directive in %CONF%:1'),
    ("valid_referers a;", '"valid_referers" directive is not allowed here in %CONF%:1'),
    ("server { valid_referers none; location / { } }", 'the "none" or "blocked" referers are specified in the '
     '"valid_referers" directive without any valid referer'),
    ('server { valid_referers ""; }', 'invalid referer "" in %CONF%:1'),
    ("server { valid_referers ~; }", 'empty regex in "~" in %CONF%:1'),
    ("server { valid_referers ~(; }", 'pcre2_compile() failed: missing closing parenthesis in "("'),
    ("server { valid_referers a a; }", 'conflicting parameter "a" in %CONF%:1'),
    ("server { valid_referers a.*.b; }", 'invalid hostname or wildcard "a.*.b" in %CONF%:1'),
    ("referer_hash_max_size 1;", '"referer_hash_max_size" directive is not allowed here'),
    ("server { referer_hash_max_size 1k; }", '"referer_hash_max_size" directive invalid number in %CONF%:1'),
    ("server { referer_hash_bucket_size x; }", '"referer_hash_bucket_size" directive invalid number in %CONF%:1'),
    ("secure_link;", 'invalid number of arguments in "secure_link" directive in %CONF%:1'),
    ("secure_link a; secure_link b;", '"secure_link" directive is duplicate in %CONF%:1'),
    ("secure_link_md5 a b;", 'invalid number of arguments in "secure_link_md5" directive in %CONF%:1'),
    ("secure_link_md5 a; secure_link_md5 b;", '"secure_link_md5" directive is duplicate in %CONF%:1'),
    ("secure_link_secret a; secure_link_secret b;", '"secure_link_secret" directive is duplicate in %CONF%:1'),
    ("secure_link_secret a b;", 'invalid number of arguments in "secure_link_secret" directive in %CONF%:1'),
    ("server { location / { secure_link_secret a; secure_link $uri; } }",
     '"secure_link_secret" cannot be mixed with "secure_link" and "secure_link_md5" in %CONF%:1'),
    ("modern_browser x;", '"modern_browser" directive invalid value in %CONF%:1'),
    ("modern_browser x 1;", 'unknown browser name "x" in %CONF%:1'),
    ("modern_browser msie 1x;", 'invalid browser version "1x" in %CONF%:1'),
    ("modern_browser msie 1 2;", 'invalid number of arguments in "modern_browser" directive in %CONF%:1'),
    ("ancient_browser;", 'invalid number of arguments in "ancient_browser" directive in %CONF%:1'),
    ("modern_browser_value;", 'invalid number of arguments in "modern_browser_value" directive in %CONF%:1'),
    ("ancient_browser_value a b;", 'invalid number of arguments in "ancient_browser_value" directive in %CONF%:1'),
    ("server { empty_gif; }", '"empty_gif" directive is not allowed here in %CONF%:1'),
    ("server { location / { empty_gif on; } }", 'invalid number of arguments in "empty_gif" directive in %CONF%:1'),
    ("server { random_index on; }", '"random_index" directive is not allowed here in %CONF%:1'),
    ("server { location / { random_index maybe; } }",
     'invalid value "maybe" in "random_index" directive, it must be "on" or "off" in %CONF%:1'),
    ("server { location / { random_index on; random_index on; } }", '"random_index" directive is duplicate'),
]


@pytest.mark.parametrize("config, sentence", MISTAKES, ids=[config[:50] for config, _ in MISTAKES])
def test_each_mistake_has_the_words_of_nginx(refusal_of, config, sentence):
    assert sentence in refusal_of(f"http {{ {config} }}")
