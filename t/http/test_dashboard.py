"""`dashboard`: the page as it is sent. What a browser makes of it is in test_dashboard_page.py."""

import base64
import hashlib
import os
import re

import pytest

from harness.server import TOP

PAGE = "location /dashboard/ { dashboard; }"


def test_the_page_is_one_document(serve):
    answer = serve(PAGE).get("/dashboard/")
    assert answer.status == 200
    assert answer.header("Content-Type") == "text/html; charset=utf-8"
    assert not re.search(r"@[A-Z]+@", answer.text)
    assert '<meta name="api" content="../api/">' in answer.text
    # Nothing that would have to be asked for.
    assert not re.search(r"<(?:link|script|img)[^>]+(?:src|href)=(?!\"data:)", answer.text)


def test_its_policy_admits_its_own_style_and_script_only(serve):
    answer = serve(PAGE).get("/dashboard/")
    rules = dict(rule.strip().partition(" ")[::2] for rule in answer.header("Content-Security-Policy").split(";"))
    for kind in ("style", "script"):
        content = re.search(f"<{kind}>(.*?)</{kind}>", answer.text, re.S).group(1)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"
    for name in ("base-uri", "form-action", "frame-ancestors"):
        assert rules[name] == "'none'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Referrer-Policy") == "no-referrer"


def test_it_is_asked_for_again_and_not_sent_again(serve):
    server = serve(PAGE)
    answer = server.get("/dashboard/")
    assert answer.header("Cache-Control") == "no-cache"
    again = server.request("GET", "/dashboard/", [("If-None-Match", answer.header("ETag"))])
    assert (again.status, again.body) == (304, b"")
    assert again.header("ETag") == answer.header("ETag")
    assert server.request("GET", "/dashboard/", [("If-None-Match", '"else"')]).status == 200


def test_head_has_no_body_and_nothing_else_is_allowed(serve):
    server = serve(PAGE)
    head = server.request("HEAD", "/dashboard/")
    assert (head.status, int(head.header("Content-Length"))) == (200, len(server.get("/dashboard/").body))
    assert server.request("POST", "/dashboard/", [("Content-Length", "0")]).status == 405


def test_only_the_location_itself_is_the_page(serve):
    server = serve(PAGE + "location = /exact { dashboard; } location ~ ^/by-regex { dashboard; }")
    assert server.get("/dashboard/below").status == 404
    slashless = server.get("/dashboard")
    assert slashless.status == 301 and slashless.header("Location").endswith("/dashboard/")
    assert '<meta name="api" content="api/">' in server.get("/exact").text
    assert server.get("/by-regex/anything").status == 200


@pytest.mark.parametrize("given, meant", [
    ("/api/", "/api/"), ("/ops/api", "/ops/api/"), ("../../a&b/", "../../a&amp;b/"), ("./x:y/", "./x:y/"),
])
def test_the_api_may_be_elsewhere_on_the_host(serve, given, meant):
    server = serve(f"location /dashboard/ {{ dashboard api={given}; }}")
    assert f'<meta name="api" content="{meant}">' in server.get("/dashboard/").text


@pytest.mark.parametrize("given", [
    "//evil.example/", "http://evil.example/", "javascript:x", "a\\b", "a b", "/a?b", "/a#",
])
def test_the_api_is_nowhere_else(refuses, given):
    refuses('invalid path "', server=f'location /d/ {{ dashboard "api={given}"; }}')


def test_its_parameter_has_a_name(refuses):
    refuses('invalid parameter "/api/"', server="location /d/ { dashboard /api/; }")
    refuses('"dashboard" directive is duplicate', server="location /d/ { dashboard; dashboard; }")


def test_it_stands_in_locations(stands_only_in):
    stands_only_in("dashboard ;", "location")


def test_access_is_the_locations(serve):
    server = serve("location /dashboard/ { dashboard; deny all; }")
    assert server.get("/dashboard/").status == 403
    server.expect("access forbidden")


def test_a_reload_changes_the_page(serve):
    server = serve(PAGE)
    before = server.get("/dashboard/")
    server.configure(server="location /dashboard/ { dashboard api=/elsewhere/; }")
    server.reload()
    after = server.get("/dashboard/")
    assert 'content="/elsewhere/"' in after.text
    assert after.header("ETag") != before.header("ETag")


def test_the_configuration_we_are_installed_with_has_it(new_server):
    with open(os.path.join(TOP, "conf", "server.conf")) as file:
        text = re.sub(r"listen +80;", "listen 127.0.0.1:%PORT%;", file.read())
    server = new_server(config="daemon off; " + text).start()
    page = server.get("/dashboard/")
    assert page.status == 200
    api = re.search('<meta name="api" content="../([^"]+)">', page.text).group(1)
    assert server.get(f"/{api}stats").status == 200
