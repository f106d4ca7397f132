"""What becomes of the fields of a request: which are dropped, and what variables see of the others."""

import pytest


def seen(serve, value, fields, directives=""):
    server = serve(f'{directives} return 200 "{value}";')
    return server.get("/", fields).text


@pytest.mark.parametrize("directives, text", [("", ""), ("underscores_in_headers off;", ""),
                                              ("underscores_in_headers on;", "value"),
                                              ("ignore_invalid_headers off;", "value")])
def test_names_with_underscores_are_dropped_unless_allowed(serve, directives, text):
    assert seen(serve, "$http_some_name", {"Some_Name": "value"}, directives) == text


def test_a_name_with_a_hyphen_is_not_shadowed_by_one_with_an_underscore(serve):
    fields = [("Some_Name", "forged"), ("Some-Name", "value")]
    assert seen(serve, "$http_some_name", fields) == "value"


def test_names_with_odd_bytes_are_dropped(serve):
    assert seen(serve, "$http_host", [("Ho$st", "forged"), ("Host", "real")]) == "real"


@pytest.mark.parametrize("name", ["Name", "NAME", "name", "nAmE"])
def test_names_are_compared_without_case(serve, name):
    assert seen(serve, "$http_name", {name: "Value"}) == "Value"


def test_blanks_around_values_are_no_part_of_them(serve):
    assert seen(serve, "[$http_name]", {"Name": " \t a  b\t "}) == "[a  b]"


def test_lines_of_the_same_name_are_joined(serve):
    assert seen(serve, "$http_accept|$http_name", [("Accept", "a"), ("Name", "1"), ("accept", "b"), ("NAME", "2")]) == \
        "a, b|1, 2"


def test_cookies_are_joined_by_semicolons(serve):
    assert seen(serve, "$http_cookie|$cookie_b", [("Cookie", "a=1"), ("Cookie", "b=2; c=3")]) == "a=1; b=2; c=3|2"


def test_a_field_that_is_not_there_is_empty(serve):
    assert seen(serve, "[$http_name]", {}) == "[]"


def test_nothing_of_one_request_is_left_for_the_next(serve):
    server = serve('return 200 "[$http_name][$args][$arg_a][$content_length][$http_cookie]";')
    with server.client() as client:
        first = client.request("POST", "/?a=b", {"Name": "value", "Cookie": "c"}, b"body")
        assert first.text == "[value][a=b][b][4][c]"
        assert client.get("/").text == "[][][][][]"
