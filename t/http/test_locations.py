"""Which location answers: exact, longest prefix, what is nested, and regular expressions."""

import pytest


def answers(server, targets):
    with server.client() as client:
        return {target: client.get(target).text for target in targets}


def check(serve, locations, expected):
    server = serve(locations)
    assert answers(server, expected) == expected


def test_exact_beats_everything(serve):
    check(serve, """
        location / { return 200 root; }
        location = / { return 200 exact-root; }
        location /a { return 200 prefix; }
        location ~ a { return 200 regex; }
        location = /a { return 200 exact; }
    """, {"/": "exact-root", "/a": "exact", "/a/": "regex", "/ab": "regex", "/x": "root", "/?a": "exact-root"})


def test_the_longest_prefix_wins_in_any_order(serve):
    check(serve, """
        location /a/b { return 200 ab; }
        location / { return 200 root; }
        location /a/bc/d { return 200 abcd; }
        location /a { return 200 a; }
        location /a/b/ { return 200 ab-slash; }
        location /a/bc { return 200 abc; }
    """, {"/": "root", "/a": "a", "/ab": "a", "/a/": "a", "/a/b": "ab", "/a/b/": "ab-slash", "/a/b/c": "ab-slash",
          "/a/bc": "abc", "/a/bcd": "abc", "/a/bc/d": "abcd", "/a/bc/": "abc", "/a/c": "a", "/b": "root"})


def test_a_prefix_is_plain_text(serve):
    check(serve, "location /st { return 200 st; } location / { return 200 root; }",
          {"/st": "st", "/std": "st", "/s": "root", "/ST": "root"})


def test_without_a_root_location_the_server_answers(serve):
    server = serve("location /a { return 200 a; }")
    assert server.get("/").text == "hello\n"
    assert server.get("/a").text == "a"


def test_the_first_regex_in_the_file_wins(serve):
    check(serve, """
        location /a { return 200 prefix; }
        location ~ \\.x$ { return 200 x; }
        location ~ ^/a { return 200 begins; }
        location ~ \\.longer\\.x$ { return 200 never; }
    """, {"/a.x": "x", "/a": "begins", "/b.longer.x": "x", "/a/b": "begins"})


def test_regexes_know_case(serve):
    check(serve, """
        location / { return 200 root; }
        location ~ /Exact$ { return 200 sensitive; }
        location ~* /any$ { return 200 insensitive; }
    """, {"/Exact": "sensitive", "/exact": "root", "/any": "insensitive", "/ANY": "insensitive"})


def test_captures_of_the_location_are_variables(serve):
    check(serve, """
        location ~ ^/(\\d+)/(?<word>[a-z]+)$ { return 200 $1-$2-$word; }
        location ~ ^/(.*)$ { return 200 $1-$2; }
    """, {"/12/abc": "12-abc-abc", "/other": "other-"})


def test_a_final_prefix_keeps_regexes_out(serve):
    check(serve, """
        location ^~ /final { return 200 final; }
        location /final/longer { return 200 longer; }
        location ~ x$ { return 200 regex; }
    """, {"/finalx": "final", "/final/longerx": "regex", "/final/longer": "longer", "/x": "regex"})


def test_the_modifier_may_touch_the_path(serve):
    check(serve, """
        location =/exact { return 200 exact; }
        location ^~/final { return 200 final; }
        location ~^/regex { return 200 regex; }
        location ~*^/any { return 200 any; }
        location / { return 200 root; }
    """, {"/exact": "exact", "/final/x": "final", "/regex": "regex", "/ANY": "any", "/": "root"})


def test_nested_locations_are_searched_first(serve):
    check(serve, """
        location /a {
            location /a/b { return 200 nested; }
            location = /a/exact { return 200 nested-exact; }
            location ~ y$ { return 200 nested-regex; }
            return 200 outer;
        }
        location ~ x$ { return 200 regex; }
    """, {"/a": "outer", "/a/b": "nested", "/a/bx": "regex", "/a/by": "nested-regex", "/a/exact": "nested-exact",
          "/a/x": "regex", "/a/y": "nested-regex"})


def test_final_counts_on_its_own_level_only(serve):
    check(serve, """
        location /a {
            location ^~ /a/final { return 200 nested-final; }
            location ~ y$ { return 200 nested-regex; }
            return 200 outer;
        }
        location ~ x$ { return 200 regex; }
        location ^~ /b {
            location /b/c { return 200 bc; }
            location ~ y$ { return 200 b-regex; }
            return 200 b;
        }
    """, {"/a/finaly": "nested-final", "/a/finalx": "regex", "/ay": "nested-regex", "/ax": "regex",
          "/bx": "b", "/by": "b-regex", "/b/cx": "bc", "/b/cy": "b-regex"})


def test_a_regex_may_contain_locations(serve):
    check(serve, """
        location ~ ^/r {
            location ~ x$ { return 200 inner-regex; }
            location ~* /exact$ { return 200 inner-any; }
            return 200 outer;
        }
        location ~ x$ { return 200 later; }
    """, {"/r": "outer", "/rx": "inner-regex", "/r/EXACT": "inner-any", "/x": "later"})


def test_matching_is_done_on_the_decoded_path(serve):
    check(serve, """
        location / { return 200 root; }
        location "/a b" { return 200 space; }
        location = /merged/path { return 200 merged; }
        location ~ ^/\\xc3\\xa9$ { return 200 utf8; }
        location /up { return 200 up; }
    """, {"/a%20b": "space", "/a%2520b": "root", "/merged//path": "merged", "/merged///./path": "merged",
          "/%6derged/path": "merged", "/x/../up": "up", "/x/%2e%2e/up": "up", "/up/..": "root", "/%c3%a9": "utf8",
          "/merged%2fpath": "merged", "/u%70?/merged/path": "up"})


def test_settings_are_inherited_by_nested_locations_and_handlers_are_not(serve):
    server = serve("""
        location /a {
            default_type text/outer;
            location /a/b { default_type text/inner; location /a/b/c { } }
            location /a/c { }
            return 200 outer;
        }""", files={"html/a/b/c/file": "c", "html/a/b/file": "b", "html/a/c/file": "c"})
    assert server.get("/a/b/file").header("Content-Type") == "text/inner"
    assert server.get("/a/b/c/file").header("Content-Type") == "text/inner"
    assert server.get("/a/c/file").header("Content-Type") == "text/outer"
    assert server.get("/a/x").text == "outer"


def test_a_named_location_is_reached_from_inside_only(serve):
    server = serve("error_page 404 @named; location @named { return 200 $uri; }")
    assert server.get("/missing").text == "/missing"
    assert server.get("/@named").text == "/@named"
    assert server.get("@named").status == 400


def test_internal_locations_answer_404_to_clients(serve):
    server = serve("error_page 404 /internal/page.html; location /internal { internal; }",
                   files={"html/internal/page.html": "page"})
    answer = server.get("/missing")
    assert (answer.status, answer.text) == (404, "page")
    answer = server.get("/internal/page.html")
    assert (answer.status, answer.text) == (404, "page")
    assert server.get("/internal/other.html").text == "page"


def test_the_index_is_looked_for_in_other_locations_too(serve):
    server = serve("location = /folder/index.html { return 200 moved; } location /folder/ { index index.html; }",
                   files={"html/folder/index.html": "file"})
    assert server.get("/folder/").text == "moved"


@pytest.mark.parametrize("locations, sentence", [
    ("location /a { } location /a { }", 'duplicate location "/a"'),
    ("location = /a { } location = /a { }", 'duplicate location "/a"'),
    ("location @a { } location @a { }", 'duplicate location "@a"'),
    ("location /a { location /b { } }", 'location "/b" is outside location "/a"'),
    ("location = /a { location /a/b { } }", 'location "/a/b" cannot be inside the exact location "/a"'),
    ("location @a { location /b { } }", 'location "/b" cannot be inside the named location "@a"'),
    ("location /a { location @b { } }", 'named location "@b" can be on the server level only'),
    ("location ~ ( { }", "pcre2_compile() failed: missing closing parenthesis"),
    ("location ! /a { }", 'invalid location modifier "!"'),
])
def test_locations_that_make_no_sense_are_refused(new_server, locations, sentence):
    server = new_server(server=locations)
    server.expect(r"\[emerg\]")
    done = server.run("-t")
    assert done.returncode == 1
    assert sentence in done.stderr
