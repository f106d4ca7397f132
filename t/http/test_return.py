"""`return`: an answer from the configuration, before access control and files."""

import pytest

REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required",
    403: "Forbidden", 404: "Not Found", 405: "Not Allowed", 406: "Not Acceptable", 408: "Request Time-out",
    409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed", 413: "Request Entity Too Large",
    414: "Request-URI Too Large", 415: "Unsupported Media Type", 416: "Requested Range Not Satisfiable",
    421: "Misdirected Request", 429: "Too Many Requests", 500: "Internal Server Error", 501: "Not Implemented",
    502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out",
    505: "HTTP Version Not Supported", 507: "Insufficient Storage",
}

REDIRECTS = {
    301: ("Moved Permanently", "301 Moved Permanently"), 302: ("Moved Temporarily", "302 Found"),
    303: ("See Other", "303 See Other"), 307: ("Temporary Redirect", "307 Temporary Redirect"),
    308: ("Permanent Redirect", "308 Permanent Redirect"),
}


def test_each_status_has_its_reason_and_its_page(serve):
    server = serve("".join(f"location /{code} {{ return {code}; }} " for code in REASONS))
    for code, reason in REASONS.items():
        answer = server.get(f"/{code}")
        assert (answer.status, answer.reason) == (code, reason)
        if code < 400:
            assert answer.body == b""
        else:
            title = "401 Authorization Required" if code == 401 else f"{code} {reason}"
            assert answer.header("Content-Type") == "text/html"
            assert answer.text == (f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}"
                                   f"</h1></center>\r\n<hr><center>{answer.header('Server')}</center>\r\n</body>\r\n"
                                   "</html>\r\n")


def test_a_status_without_a_reason_has_none(serve):
    answer = serve("return 599;").get("/")
    assert (answer.status, answer.reason, answer.body, answer.header("Content-Length")) == (599, "", b"", "0")


@pytest.mark.parametrize("code", [200, 201, 404, 500, 599])
def test_a_text_is_the_body(serve, code):
    answer = serve(f'return {code} "some text";').get("/page.html")
    assert (answer.status, answer.text) == (code, "some text")
    assert answer.header("Content-Length") == "9"
    assert answer.header("Content-Type") == "text/html"


def test_the_type_of_a_text_is_that_of_the_path(serve):
    server = serve("return 200 text;")
    assert server.get("/a.css").header("Content-Type") == "text/css"
    assert server.get("/a").header("Content-Type") == "application/octet-stream"


@pytest.mark.parametrize("code", [204, 304])
def test_answers_that_have_no_body_have_none(serve, code):
    server = serve(f"return {code} text;")
    with server.client() as client:
        answer = client.get("/")
        assert (answer.status, answer.header("Content-Length"), answer.body) == (code, None, b"")
        assert client.get("/").status == code


def test_444_closes_without_an_answer(serve):
    with serve("location / { return 444; }").client() as client:
        client.send_request("GET", "/")
        assert client.take_all() == b""


def test_variables_are_filled_in(serve):
    server = serve('return 200 "$request_method $uri $is_args$args $http_name ${host}!";')
    answer = server.get("/a%20b?c=d", {"Name": "value"})
    assert answer.text == "GET /a b ?c=d value localhost!"


@pytest.mark.parametrize("code", REDIRECTS)
def test_redirects_have_a_location_and_a_page(serve, code):
    answer = serve(f"return {code} http://elsewhere/path?query;").get("/")
    reason, title = REDIRECTS[code]
    assert (answer.status, answer.reason, answer.header("Location")) == (code, reason, "http://elsewhere/path?query")
    assert f"<h1>{title}</h1>" in answer.text


def test_a_url_alone_is_a_302(serve):
    server = serve("location /a { return https://elsewhere/$uri; } location /b { return $scheme://other/; }")
    answer = server.get("/a/c")
    assert (answer.status, answer.header("Location")) == (302, "https://elsewhere//a/c")
    answer = server.get("/b")
    assert (answer.status, answer.header("Location")) == (302, "http://other/")


def test_return_of_the_server_comes_before_locations(serve):
    server = serve("return 200 server; location / { return 200 location; }")
    assert server.get("/").text == "server"


def test_the_first_return_counts(serve):
    assert serve("return 200 one; return 200 two;").get("/").text == "one"


def test_return_is_not_inherited_by_nested_locations(serve):
    server = serve("location /a { return 200 outer; location /a/b { } }", files={"html/a/b": "file"})
    assert server.get("/a/b").text == "file"


def test_head_gets_the_length_and_no_body(serve):
    server = serve('location /page { return 404; } location / { return 200 "some text"; }')
    with server.client() as client:
        answer = client.request("HEAD", "/")
        assert (answer.status, answer.header("Content-Length")) == (200, "9")
        assert client.request("HEAD", "/page").status == 404
        assert client.get("/").text == "some text"


def test_a_long_text_arrives_whole(serve):
    text = "0123456789" * 300
    server = serve('return 200 "' + "${uri}" * 100 + text + '";')
    assert server.get("/abcdefghi").text == "/abcdefghi" * 100 + text


def test_answers_above_400_go_through_error_page(serve):
    server = serve("error_page 404 /page.html; location /plain { return 404; } location /text { return 404 text; }",
                   files={"html/page.html": "page"})
    assert server.get("/plain").text == "page"
    assert server.get("/text").text == "text"


@pytest.mark.parametrize("arguments, sentence", [
    ("1000", 'invalid return code "1000"'),
    ("abc", 'invalid return code "abc"'),
    ("/path", 'invalid return code "/path"'),
    ("-1", 'invalid return code "-1"'),
    ("http://a b", 'invalid return code "http://a"'),
    ("200 a b", 'invalid number of arguments in "return" directive'),
    ("", 'invalid number of arguments in "return" directive'),
    ("200 $unknown_one", 'unknown "unknown_one" variable'),
])
def test_returns_that_make_no_sense_are_refused(new_server, arguments, sentence):
    server = new_server(server=f"return {arguments};")
    server.expect(r"\[emerg\]")
    done = server.run("-t")
    assert done.returncode == 1
    assert sentence in done.stderr
