"""Access rules, passwords, limits and clients' addresses under nginx and under this server: answers must be the same.

Limits leak so slowly, or refuse so surely, that both servers are asked within one drop.
"""

import base64
import random

import pytest

from harness.pairs import compare

USERS = """\
# a comment
plain:{PLAIN}secret
sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
ssha:{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0:with a comment
apr1:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0
bcrypt:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a
yescrypt:$y$j9T$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlEu9
md5:$1$salt$ez2vlPGdaLYkJam5pWs/Y1
des:abNANd1rDfiNc
plain:{PLAIN}second
nothing:
windows:{PLAIN}secret\r
last:{PLAIN}secret"""
FILES = {"conf/users": USERS, "html/page.html": "the page", "html/index.html": "index"}

ACCESS = """
server_tokens off;
limit_req_zone $arg_key zone=rate:64k rate=1r/m;
limit_req_zone $arg_other zone=other:64k rate=1r/m;
limit_conn_zone $arg_key zone=connections:64k;
server {
    listen 127.0.0.1:%PORT%;
    root html;
    location /free { return 200 "free $remote_user"; }
    location /deny { deny all; }
    location /allow { allow 127.0.0.1; deny all; }
    location /net/ { alias html/; deny 10.0.0.0/8; allow 127.0.0.0/8; deny all; }
    location /out/ { alias html/; deny 127.0.0.0/31; }
    location /v6/ { alias html/; allow ::1; deny ::/0; }
    location /basic/ { alias html/; auth_basic "a realm"; auth_basic_user_file users; }
    location /off/ { alias html/; auth_basic off; auth_basic_user_file users; }
    location /nofile/ { alias html/; auth_basic x; }
    location /missing/ { alias html/; auth_basic x; auth_basic_user_file missing; }
    location /variable/ { alias html/; auth_basic $arg_realm; auth_basic_user_file $arg_file; }
    location /any/ { alias html/; satisfy any; deny all; auth_basic x; auth_basic_user_file users; }
    location /anyin/ { alias html/; satisfy any; allow all; auth_basic x; auth_basic_user_file users; }
    location /anynone/ { alias html/; satisfy any; deny 1.2.3.4; auth_basic x; auth_basic_user_file users; }
    location /anydeny/ { alias html/; satisfy any; deny all; }
    location /all/ { alias html/; satisfy all; allow all; auth_basic x; auth_basic_user_file users; }
    location /alldeny/ { alias html/; satisfy all; deny all; auth_basic x; auth_basic_user_file users; }
    location /delay/ { alias html/; auth_delay 1ms; auth_basic x; auth_basic_user_file users; }
    location /page401/ { alias html/; auth_basic x; auth_basic_user_file users; error_page 401 /page.html; }
    location /page200/ { alias html/; auth_basic x; auth_basic_user_file users; error_page 401 =200 /page.html; }
    location /page403/ { alias html/; deny all; error_page 403 /page.html; }
    location /named/ { deny all; error_page 403 @named; }
    location @named { return 200 "named $uri"; }
    location /return/ { deny all; return 200 returned; }
    location /rate/ { alias html/; limit_req zone=rate; }
    location /burst/ { alias html/; limit_req zone=rate burst=2 nodelay; limit_req_status 429; }
    location /two/ { alias html/; limit_req zone=rate burst=5 nodelay; limit_req zone=other; }
    location /dry/ { alias html/; limit_req zone=rate; limit_req_dry_run on; }
    location /busy/ { alias html/; limit_req zone=rate; error_page 503 /page.html; }
    location /conn/ { alias html/; limit_conn connections 1; }
}
"""

CREDENTIALS = [None, "", "Basic", "Basic ", "Basic !", "Bearer abc"] + [
    "Basic " + base64.b64encode(text.encode()).decode() for text in
    ["", ":", ":secret", "plain", "plain:", "plain:secret", "plain:second", "plain:wrong", "sha:secret", "sha:wrong",
     "ssha:secret", "ssha:wrong", "apr1:secret", "apr1:wrong", "bcrypt:secret", "bcrypt:wrong", "yescrypt:secret",
     "yescrypt:wrong", "md5:secret", "md5:wrong", "des:secret", "des:secretsecret", "last:secret", "last:secret ",
     "windows:secret", "unknown:secret", "# a comment:x", "plain:secret:more"]]
LOCATIONS = ["/free", "/deny", "/allow", "/net/", "/out/", "/v6/", "/basic/", "/off/", "/nofile/", "/missing/",
             "/variable/?realm=r&file=users", "/variable/?realm=off", "/variable/?realm=r&file=nowhere", "/any/",
             "/anyin/", "/anynone/", "/anydeny/", "/all/", "/alldeny/", "/delay/", "/page401/", "/page200/",
             "/page403/", "/named/x", "/return/"]


def test_access_is_granted_alike(beside_nginx):
    ports = beside_nginx(ACCESS, FILES)
    for credentials in CREDENTIALS:
        headers = {} if credentials is None else {"Authorization": credentials}
        compare(ports, [("GET", location, headers) for location in LOCATIONS], any_order=True)
    compare(ports, [(method, location) for method in ("HEAD", "POST", "DELETE") for location in LOCATIONS],
            any_order=True)


@pytest.mark.parametrize("seed", range(3))
def test_limits_refuse_alike(beside_nginx, seed):
    ports = beside_nginx(ACCESS, FILES)
    choose = random.Random(seed)
    requests = [f"/{choose.choice(['rate', 'burst', 'two', 'dry', 'busy', 'conn'])}/"
                f"?key={choose.choice('abcdef')}&other={choose.choice('xyz')}" for _ in range(60)]
    compare(ports, requests + ["/rate/", "/rate/?key=", "/two/?key=new", "/two/?other=x"], any_order=True)


REALIP = """
server_tokens off;
server {
    listen 127.0.0.1:%PORT%;
    location / { return 200 "$remote_addr"; }
    location /real/ { set_real_ip_from 127.0.0.1; deny 6.6.6.6; }
    location /field/ { set_real_ip_from 127.0.0.1; real_ip_header Client-IP; deny 6.6.6.6; }
    location /list/ { set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; deny 6.6.6.6; }
    location /walk/ { set_real_ip_from 127.0.0.1; set_real_ip_from 10.0.0.0/8; real_ip_header X-Forwarded-For;
                      real_ip_recursive on; deny 6.6.6.6; }
    location /trust/ { set_real_ip_from 0.0.0.0/0; real_ip_header X-Forwarded-For; real_ip_recursive on; deny 6.6.6.6; }
}
server {
    listen 127.0.0.1:%PORT%;
    server_name whole;
    set_real_ip_from 127.0.0.0/8;
    set_real_ip_from 10.0.0.0/8;
    real_ip_header X-Forwarded-For;
    real_ip_recursive on;
    location / { return 200 "$remote_addr"; }
}
"""

LISTS = ["6.6.6.6", "1.1.1.1", "6.6.6.6, 1.1.1.1", "1.1.1.1, 6.6.6.6", "6.6.6.6, 10.0.0.1", "10.0.0.1, 6.6.6.6",
         "6.6.6.6,10.0.0.1,10.0.0.2", "6.6.6.6,,10.0.0.1,", "x, 6.6.6.6", "6.6.6.6, x", "6.6.6.6, x, 10.0.0.1",
         "6.6.6.6:80", "6.6.6.6:x", "6.6.6.6:0", "[::1]:80", "::1", "[::1]", "6.6.6", "6.6.6.6.6", "6.6.6.256", "", ",",
         " , 6.6.6.6 , ", "1.1.1.1 6.6.6.6", "2001:db8::1, 10.0.0.1", "unix:", "localhost", "80", "::ffff:6.6.6.6",
         "6.6.6.6, ::1, 10.0.0.1", "[2001:db8::1]:99, 10.1.1.1"]


def test_clients_are_found_alike(beside_nginx):
    ports = beside_nginx(REALIP, {"html/real/x": ""})
    requests = []
    for value in LISTS:
        for name, location in (("X-Real-IP", "/real/"), ("Client-IP", "/field/"), ("X-Forwarded-For", "/list/"),
                               ("X-Forwarded-For", "/walk/"), ("X-Forwarded-For", "/trust/")):
            requests.append(("GET", location, {name: value}))
        requests.append(("GET", "/", {"X-Forwarded-For": value, "Host": "whole"}))
        requests.append(("GET", "/", [("Host", "whole"), ("X-Forwarded-For", value), ("X-Forwarded-For", "10.0.0.9")]))
        requests.append(("GET", "/walk/", [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", value)]))
    compare(ports, requests, any_order=True)
