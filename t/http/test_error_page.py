"""`error_page` in all its forms."""

import pytest

PAGES = {"html/missing.html": "missing page", "html/other.html": "other page", "html/page.txt": "text\n"}


def test_a_path_answers_with_the_original_status(serve):
    server = serve("error_page 404 /missing.html;", files=PAGES)
    answer = server.get("/nothing")
    assert (answer.status, answer.reason, answer.text) == (404, "Not Found", "missing page")
    assert answer.header("Content-Type") == "text/html"
    assert answer.header("Connection") == "keep-alive"


def test_several_codes_share_a_page(serve):
    server = serve("error_page 403 404 405 /missing.html;", files=PAGES)
    assert server.get("/nothing").status == 404
    assert server.request("DELETE", "/page.txt").text == "missing page"


def test_each_line_has_its_codes_and_the_first_match_counts(serve):
    server = serve("error_page 404 /missing.html; error_page 404 405 /other.html;", files=PAGES)
    assert server.get("/nothing").text == "missing page"
    assert server.request("DELETE", "/page.txt").text == "other page"


def test_equals_with_a_code_forces_it(serve):
    server = serve("error_page 404 =200 /missing.html;", files=PAGES)
    answer = server.get("/nothing")
    assert (answer.status, answer.reason, answer.text) == (200, "OK", "missing page")


def test_equals_takes_the_status_of_the_target(serve):
    server = serve("error_page 404 = /made; location = /made { return 203 made; }")
    answer = server.get("/nothing")
    assert (answer.status, answer.text) == (203, "made")


def test_a_target_that_returns_keeps_the_original_status_without_equals(serve):
    server = serve("error_page 404 /made; location = /made { return 203 made; }")
    answer = server.get("/nothing")
    assert (answer.status, answer.text) == (404, "made")


def test_a_url_is_a_redirect(serve):
    server = serve("error_page 404 http://elsewhere/lost?from=$uri;")
    answer = server.get("/nothing")
    assert (answer.status, answer.header("Location")) == (302, "http://elsewhere/lost?from=/nothing")


@pytest.mark.parametrize("code", [301, 303, 307, 308])
def test_a_url_may_have_a_code_of_redirects(serve, code):
    server = serve(f"error_page 404 ={code} http://elsewhere/;")
    answer = server.get("/nothing")
    assert (answer.status, answer.header("Location")) == (code, "http://elsewhere/")


def test_a_url_with_another_code_is_302(serve):
    assert serve("error_page 404 =200 http://elsewhere/;").get("/nothing").status == 302


def test_a_path_turns_the_method_into_get(serve):
    server = serve("error_page 405 =200 /made; location = /made { return 200 $request_method; }", files=PAGES)
    assert server.request("DELETE", "/page.txt").text == "GET"


def test_head_stays_head(serve):
    server = serve("error_page 404 /missing.html;", files=PAGES)
    with server.client() as client:
        answer = client.request("HEAD", "/nothing")
        assert (answer.status, answer.header("Content-Length")) == (404, "12")
        assert client.get("/page.txt").text == "text\n"


def test_a_named_location_keeps_method_path_and_query(serve):
    server = serve('error_page 404 405 = @named; location @named { return 200 "$request_method $uri $args"; }',
                   files=PAGES)
    assert server.get("/nothing?a=b").text == "GET /nothing a=b"
    assert server.request("DELETE", "/page.txt").text == "DELETE /page.txt "


def test_a_named_location_that_is_not_there_is_500(serve):
    server = serve("error_page 404 @nowhere;")
    assert server.get("/nothing").status == 500
    server.wait_for_log(r'\[error\] .*could not find named location "@nowhere"')


def test_variables_choose_the_page(serve):
    server = serve("error_page 404 405 /$status.html;", files={"html/404.html": "four", "html/405.html": "five"})
    assert server.get("/nothing").text == "four"
    assert server.request("DELETE", "/index.html").text == "five"


def test_the_page_may_have_a_query(serve):
    server = serve("error_page 404 =200 /made?a=b; location = /made { return 200 $args; }")
    assert server.get("/nothing?c=d").text == "a=b"


def test_the_page_loses_the_query_of_the_request(serve):
    server = serve('error_page 404 =200 /made; location = /made { return 200 "[$args]"; }')
    assert server.get("/nothing?c=d").text == "[]"


def test_a_missing_page_falls_back_to_the_built_in_one(serve):
    server = serve("error_page 403 404 /nowhere.html;")
    answer = server.get("/nothing")
    assert answer.status == 404
    assert "<h1>404 Not Found</h1>" in answer.text


def test_an_error_of_the_page_is_not_handled_again(serve):
    server = serve("error_page 404 /made; error_page 403 /other.html; location = /made { return 403; }", files=PAGES)
    answer = server.get("/nothing")
    assert answer.status == 403
    assert "<h1>403 Forbidden</h1>" in answer.text


def test_recursive_error_pages_handles_it_again(serve):
    server = serve("recursive_error_pages on; error_page 404 /made; error_page 403 /other.html; "
                   "location = /made { return 403; }", files=PAGES)
    answer = server.get("/nothing")
    assert (answer.status, answer.text) == (403, "other page")


def test_recursion_ends(serve):
    server = serve("recursive_error_pages on; error_page 404 /nowhere.html;")
    answer = server.get("/nothing")
    assert answer.status in (404, 500)
    assert server.get("/").text == "hello\n"


def test_an_inner_list_replaces_the_outer_one(serve):
    server = serve("error_page 404 /missing.html; error_page 405 /other.html; "
                   "location /inner/ { error_page 405 /missing.html; }", files={**PAGES, "html/inner/file": "file"})
    assert "<h1>404 Not Found</h1>" in server.get("/inner/nothing").text
    assert server.request("DELETE", "/inner/file").text == "missing page"
    assert server.request("DELETE", "/page.txt").text == "other page"


def test_the_page_is_found_in_its_own_location(serve):
    server = serve("error_page 404 /errors/page.html; location /errors/ { internal; default_type text/plain; types { } "
                   "alias html/elsewhere/; }", files={"html/elsewhere/page.html": "aliased"})
    answer = server.get("/nothing")
    assert (answer.status, answer.text, answer.header("Content-Type")) == (404, "aliased", "text/plain")


def test_ranges_and_conditions_do_not_apply_to_error_pages(serve):
    server = serve("error_page 404 /missing.html;", files=PAGES)
    answer = server.get("/nothing", {"Range": "bytes=0-3"})
    assert (answer.status, answer.text, answer.header("Content-Range")) == (404, "missing page", None)
    answer = server.get("/nothing", {"If-Modified-Since": "Fri, 31 Dec 2100 00:00:00 GMT"})
    assert (answer.status, answer.text) == (404, "missing page")


def test_a_bad_request_may_have_a_page(serve):
    server = serve("error_page 400 /missing.html;", files=PAGES)
    with server.client() as client:
        client.send("GET / HTTP/1.1\r\n\r\n")
        answer = client.read_response()
        assert (answer.status, answer.text, answer.header("Connection")) == (400, "missing page", "close")
        assert client.is_closed()


def test_redirects_keep_their_location(serve):
    server = serve("location /a { error_page 301 /missing.html; return 301 /b; }", files=PAGES)
    answer = server.get("/a")
    assert (answer.status, answer.text) == (301, "missing page")
    assert answer.header("Location") == f"http://localhost:{server.port()}/b"


def test_416_keeps_what_belongs_to_it(serve):
    server = serve("error_page 416 /missing.html;", files=PAGES)
    answer = server.get("/page.txt", {"Range": "bytes=100-"})
    assert (answer.status, answer.text, answer.header("Content-Range")) == (416, "missing page", "bytes */5")


def test_the_error_page_is_what_is_logged(serve):
    server = serve("error_page 404 =200 /missing.html;", files=PAGES)
    server.get("/nothing")
    server.wait_for_log(r'"GET /nothing HTTP/1\.1" 200 12 ', "logs/access.log")


@pytest.mark.parametrize("arguments, sentence", [
    ("404", 'invalid number of arguments in "error_page" directive'),
    ("abc /page", 'invalid value "abc"'),
    ("299 /page", 'value "299" must be between 300 and 599'),
    ("600 /page", 'value "600" must be between 300 and 599'),
    ("499 /page", 'invalid value "499"'),
    ("404 =abc /page", 'invalid value "=abc"'),
    ("=200 /page", 'invalid value "=200"'),
])
def test_error_pages_that_make_no_sense_are_refused(new_server, arguments, sentence):
    server = new_server(server=f"error_page {arguments};")
    server.expect(r"\[emerg\]")
    done = server.run("-t")
    assert done.returncode == 1
    assert sentence in done.stderr
