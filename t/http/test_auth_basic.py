"""`auth_basic`: names and passwords in every format a user file may have, and how `satisfy` joins them to addresses."""

import base64
import hashlib
import os
import signal

import pytest

SALTED = base64.b64encode(hashlib.sha1(b"secret" + b"salt").digest() + b"salt").decode()
HASHES = {
    "plain": "{PLAIN}secret",
    "sha": "{SHA}" + base64.b64encode(hashlib.sha1(b"secret").digest()).decode(),
    "ssha": "{SSHA}" + SALTED,
    "apr1": "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0",
    "bcrypt": "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
    "yescrypt": "$y$j9T$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlEu9",
    "sha512": "$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00",
    "sha256": "$5$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6",
    "md5": "$1$salt$ez2vlPGdaLYkJam5pWs/Y1",
    "des": "abNANd1rDfiNc",
}
USERS = "# users\n" + "".join(f"{name}:{value}:a comment\n" for name, value in HASHES.items()) + \
    "windows:{PLAIN}secret\r\nempty:\nplain:{PLAIN}second\nbad:$nonsense\nlast:{PLAIN}secret"
AUTH = "auth_basic realm; auth_basic_user_file users;"


def basic(user, password="secret"):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def protected(new_server):
    def start(server=AUTH, **how):
        files = {"conf/users": USERS, **how.pop("files", {})}
        return new_server(server=server, files=files, **how).start()
    return start


@pytest.mark.parametrize("user", [*HASHES, "windows", "last"])
def test_each_format_is_understood(protected, user):
    server = protected()
    assert server.get("/", basic(user)).status == 200
    for wrong in ("Secret", "secre", "secret1", "x", "", "sec\0ret"):
        assert server.get("/", basic(user, wrong)).status == 401
    server.wait_for_log(rf'\[error\] .* user "{user}": password mismatch, client: 127.0.0.1', count=6)


def test_who_brings_nothing_is_asked(protected):
    answer = protected().get("/")
    assert (answer.status, answer.header("WWW-Authenticate")) == (401, 'Basic realm="realm"')
    assert "<h1>401 Authorization Required</h1>" in answer.text


@pytest.mark.parametrize("value", [
    "", "Basic", "Basic ", "Basic  ", "Bearer x", "Basic !!!", "Basic " + base64.b64encode(b"plain").decode(),
    "Basic " + base64.b64encode(b":secret").decode(), "Digest " + base64.b64encode(b"plain:secret").decode(),
])
def test_what_is_no_name_and_password_is_none(protected, value):
    server = protected("error_log logs/error.log info; " + AUTH)
    assert server.get("/", {"Authorization": value}).status == 401
    server.wait_for_log(r"\[info\] .* no user/password was provided for basic authentication")


def test_the_scheme_may_be_written_in_any_case(protected):
    value = basic("plain")["Authorization"].replace("Basic ", "bASIC   ")
    assert protected().get("/", {"Authorization": value}).status == 200


def test_unknown_users_are_refused(protected):
    server = protected()
    assert server.get("/", basic("nobody")).status == 401
    server.wait_for_log(rf'\[error\] .* user "nobody" was not found in "{server.path("conf/users")}"')


def test_the_first_line_of_a_user_counts(protected):
    server = protected()
    assert server.get("/", basic("plain", "second")).status == 401


@pytest.mark.parametrize("user", ["bad", "empty"])
def test_a_hash_nobody_knows_is_our_trouble(protected, user):
    server = protected()
    assert server.get("/", basic(user)).status == 500
    server.wait_for_log(r"\[crit\] .* crypt_r\(\) failed \(22: Invalid argument\)")


def test_a_missing_file_lets_nobody_in(protected):
    server = protected("auth_basic realm; auth_basic_user_file nowhere;")
    assert server.get("/").status == 401
    assert server.get("/", basic("plain")).status == 403
    server.wait_for_log(rf'\[error\] .* open\(\) "{server.path("conf/nowhere")}" failed \(2: No such file')


def test_a_file_that_cannot_be_read_lets_nobody_in(protected):
    server = protected("auth_basic realm; auth_basic_user_file /proc;")
    assert server.get("/", basic("plain")).status == 500


def test_changes_of_the_file_are_seen(protected):
    server = protected()
    assert server.get("/", basic("new")).status == 401
    server.write("conf/users", USERS + "\nnew:{PLAIN}secret\n")
    assert server.get("/", basic("new")).status == 200
    server.write("conf/users.tmp", "new:{PLAIN}another\n")
    os.rename(server.path("conf/users.tmp"), server.path("conf/users"))
    assert server.get("/", basic("new")).status == 401
    assert server.get("/", basic("new", "another")).status == 200
    os.unlink(server.path("conf/users"))
    assert server.get("/", basic("new", "another")).status == 403


def test_it_can_be_switched_off(protected):
    server = protected(AUTH + "location /off { auth_basic off; } "
                              'location /var { auth_basic $arg_realm; auth_basic_user_file $arg_file; }',
                       files={"html/off": "", "html/var": "", "conf/others": "other:{PLAIN}secret\n"})
    assert server.get("/off").status == 200
    assert server.get("/var?realm=off").status == 200
    answer = server.get("/var?realm=two")
    assert (answer.status, answer.header("WWW-Authenticate")) == (401, 'Basic realm="two"')
    assert server.get("/var?realm=a&file=others", basic("other")).status == 200
    assert server.get(f"/var?realm=a&file={server.path('conf/others')}", basic("other")).status == 200
    assert server.get("/var?realm=a&file=others", basic("plain")).status == 401


def test_without_a_file_nobody_is_asked(protected):
    assert protected("auth_basic realm;").get("/").status == 200
    assert protected("auth_basic_user_file users;").get("/").status == 200


def test_the_user_is_known_and_logged(protected):
    server = protected()
    server.get("/", basic("bcrypt"))
    server.wait_for_log(r"^127\.0\.0\.1 - bcrypt \[", name="logs/access.log")


def test_many_at_once_are_all_answered(protected):
    server = protected()
    clients = [server.client() for _ in range(20)]
    for number, client in enumerate(clients):
        client.send_request("GET", "/", basic("bcrypt", "secret" if number % 2 else "guess"))
    assert [client.read_response().status for client in clients] == [401, 200] * 10
    for client in clients:
        client.close()


def test_who_leaves_meanwhile_does_no_harm(protected):
    server = protected()
    for _ in range(10):
        with server.client() as client:
            client.send_request("GET", "/", basic("yescrypt"))
    assert server.get("/", basic("plain")).status == 200


# --- satisfy

@pytest.mark.parametrize("rules, with_password, without", [
    ("satisfy any; allow 127.0.0.1; deny all;", 200, 200),
    ("satisfy any; deny all;", 200, 401),
    ("satisfy any; deny 1.2.3.4;", 200, 401),
    ("satisfy all; allow 127.0.0.1; deny all;", 200, 401),
    ("satisfy all; deny all;", 403, 403),
    ("allow all;", 200, 401),
])
def test_satisfy_joins_addresses_and_passwords(protected, rules, with_password, without):
    server = protected(rules + AUTH)
    assert server.get("/", basic("sha")).status == with_password
    answer = server.get("/")
    assert answer.status == without
    assert (answer.header("WWW-Authenticate") is not None) == (without == 401)
    assert server.get("/", basic("sha", "wrong")).status == without


def test_the_page_of_401_keeps_the_question(protected):
    server = protected(AUTH + "error_page 401 /page.html; location = /page.html { auth_basic off; }",
                       files={"html/page.html": "who are you?"})
    answer = server.get("/")
    assert (answer.status, answer.text) == (401, "who are you?")
    assert answer.header("WWW-Authenticate") == 'Basic realm="realm"'


# --- auth_delay

def test_a_refusal_may_be_late(protected):
    server = protected("auth_delay 50ms; " + AUTH)
    with server.client() as client:
        assert client.get("/").status == 401
        assert client.get("/", basic("plain")).status == 200
    server.wait_for_log(r"\[info\] .* delaying unauthorized request")


def test_who_leaves_before_a_late_refusal_is_logged_so(protected):
    server = protected("auth_delay 1h; " + AUTH)
    with server.client() as client:
        client.send_request("GET", "/")
        server.wait_for_log("delaying unauthorized request")
    server.wait_for_log("client prematurely closed connection")
    server.wait_for_log(r'"GET / HTTP/1.1" 499 0 ', name="logs/access.log")


def test_a_late_refusal_with_satisfy_any(protected):
    server = protected("auth_delay 50ms; satisfy any; deny all; " + AUTH)
    assert server.get("/").status == 401
    server.wait_for_log("delaying unauthorized request")
    assert server.get("/", basic("plain")).status == 200


def test_a_server_that_ends_does_not_wait_for_late_refusals(protected):
    server = protected("auth_delay 1h; " + AUTH)
    with server.client() as client:
        client.send_request("GET", "/")
        server.wait_for_log("delaying unauthorized request")
        assert server.stop(signal.SIGTERM) == 0


MISTAKES = [
    ("auth_basic;", 'invalid number of arguments in "auth_basic" directive'),
    ("auth_basic a b;", 'invalid number of arguments in "auth_basic" directive'),
    ("auth_basic a; auth_basic b;", '"auth_basic" directive is duplicate'),
    ("auth_basic $nonsense;", 'unknown "nonsense" variable'),
    ("auth_basic_user_file;", 'invalid number of arguments in "auth_basic_user_file" directive'),
    ("auth_basic_user_file a; auth_basic_user_file b;", '"auth_basic_user_file" directive is duplicate'),
]


@pytest.mark.parametrize("text, sentence", MISTAKES, ids=[text for text, _ in MISTAKES])
def test_mistakes_have_the_words_of_nginx(refuses, text, sentence):
    refuses(sentence, server=text)


@pytest.mark.parametrize("text", ["auth_basic a;", "auth_basic_user_file a;"])
def test_they_stand_in_http_server_and_location_only(stands_only_in, text):
    stands_only_in(text, "http server location")
