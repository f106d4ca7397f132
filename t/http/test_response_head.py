"""The head of an answer: which fields, in which order, and that nothing of a request can end a line in it."""

import email.utils
import time

import pytest


def test_fields_come_in_the_order_of_nginx(serve):
    answer = serve(files={"html/page.txt": "text\n"}).get("/page.txt")
    assert [name for name, _ in answer.headers] == [
        "Server", "Date", "Content-Type", "Content-Length", "Last-Modified", "Connection", "ETag", "Accept-Ranges"]


def test_the_date_is_now_and_in_the_form_of_the_standard(serve):
    server = serve()
    before = int(time.time())
    date = server.get("/").header("Date")
    at = email.utils.parsedate_to_datetime(date).timestamp()
    assert before - 1 <= at <= time.time()
    assert date == email.utils.formatdate(at, usegmt=True)


@pytest.mark.parametrize("tokens, field, page", [
    ("on", r"ringx/", r"<center>ringx/"), ("off", "ringx", "<center>ringx</center>"),
    ('"my server"', "my server", "<center>my server</center>"),
])
def test_server_tokens_says_what_the_server_is_called(serve, tokens, field, page):
    answer = serve(f"server_tokens {tokens};").get("/missing")
    assert answer.header("Server").startswith(field)
    assert page in answer.text


def test_an_empty_name_is_left_out(serve):
    assert serve('server_tokens "";').get("/").header("Server") is None


@pytest.mark.parametrize("code, fields", [
    (204, ["Server", "Date", "Connection"]),
    (304, ["Server", "Date", "Content-Type", "Connection"]),
    (301, ["Server", "Date", "Content-Type", "Content-Length", "Location", "Connection"]),
])
def test_an_answer_has_the_fields_of_its_status_only(serve, code, fields):
    answer = serve(f"return {code}" + (" /x;" if code == 301 else ";")).get("/")
    assert [name for name, _ in answer.headers] == fields


@pytest.mark.parametrize("target", ["/%0d%0aSet-Cookie:%20a", "/%0aSet-Cookie:%20a", "/%0dSet-Cookie:%20a", "/%00"])
def test_nothing_of_a_request_ends_a_line(serve, target):
    server = serve("return 302 http://elsewhere$uri;")
    answer = server.get(target)
    assert answer.header("Set-Cookie") is None
    assert b"\n" not in answer.head.replace(b"\r\n", b"") and b"\r" not in answer.head.replace(b"\r\n", b"")


def test_a_location_longer_than_any_buffer(serve):
    server = serve("return 302 http://elsewhere$request_uri;")
    target = "/" + "a" * 7000
    assert server.get(target).header("Location") == "http://elsewhere" + target
