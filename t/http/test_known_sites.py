"""Configurations of the shapes people publish: each passes -t, and behaves; and those of Debian's nginx package."""

import os
import shutil

import pytest

from harness.nginx import UNPACKED

# --- a boilerplate for static sites: one server, sensible types and expiry, hidden files and backups denied

BOILERPLATE = r"""
    server_tokens off;
    types_hash_max_size 2048;
    sendfile on; tcp_nopush on; keepalive_timeout 20s;
    gzip on; gzip_comp_level 5; gzip_min_length 256; gzip_proxied any; gzip_vary on;
    gzip_types text/css application/javascript image/svg+xml;
    map $sent_http_content_type $site_expires {
        default 1M; text/css 1y; application/javascript 1y; text/html epoch; ~image/ 30d; "" off;
    }
    map $sent_http_content_type $site_policy { ~*text/html "default-src 'self'"; }
    server { listen 127.0.0.1:%PORT% default_server; return 444; }
    server { listen 127.0.0.1:%PORT%; server_name www.boiler.example; return 301 $scheme://boiler.example$request_uri; }
    server {
        listen 127.0.0.1:%PORT%;
        server_name boiler.example;
        root html;
        index index.html;
        expires $site_expires;
        add_header X-Content-Type-Options nosniff always;
        add_header Content-Security-Policy $site_policy always;
        error_page 404 /404.html;
        location = /404.html { internal; }
        location ~* /\.(?!well-known\/) { deny all; }
        location ~* (?:\#.*\#|\.(?:bak|conf|dist|fla|in[ci]|log|orig|psd|sh|sql|sw[op])|~)$ { deny all; }
        location ~* ^(.+)\.(?:\d+)\.(js|css|png)$ { try_files $uri $1.$2; }
        location = /favicon.ico { access_log off; log_not_found off; }
    }
"""

BOILERPLATE_FILES = {
    "html/index.html": "<p>home</p>" * 40, "html/404.html": "nothing here", "html/.git/config": "secret",
    "html/.well-known/security.txt": "contact", "html/backup.sql": "secret", "html/app.js": "code();" * 60,
}


def test_a_boilerplate_site(serve):
    server = serve(http=BOILERPLATE, files=BOILERPLATE_FILES)
    server.expect(r"access forbidden by rule")

    def get(path, host="boiler.example", **headers):
        return server.get(path, {"Host": host, **{key.replace("_", "-"): value for key, value in headers.items()}})

    home = get("/")
    assert (home.status, home.header("X-Content-Type-Options")) == (200, "nosniff")
    assert home.header("Content-Security-Policy") == "default-src 'self'"
    assert home.header("Cache-Control") == "no-cache"
    script = get("/app.1234.js", Accept_Encoding="gzip")
    assert (script.status, script.header("Content-Encoding"), script.header("Vary")) == (200, "gzip", "Accept-Encoding")
    assert script.header("Cache-Control") == "max-age=31536000"
    assert script.header("Content-Security-Policy") is None
    missing = get("/nothing")
    assert (missing.status, missing.text, missing.header("X-Content-Type-Options")) == (404, "nothing here", "nosniff")
    assert [get(path).status for path in ("/.git/config", "/backup.sql", "/404.html")] == [403, 403, 404]
    assert get("/.well-known/security.txt").text == "contact"
    moved = get("/a?b=c", host="www.boiler.example")
    assert (moved.status, moved.header("Location")) == (301, "http://boiler.example/a?b=c")
    with server.client() as client:
        client.send("GET / HTTP/1.1\r\nHost: unknown\r\n\r\n")
        assert client.is_closed()


# --- a PHP front controller, without the PHP: what would go to FastCGI is answered in its place

FRONT_CONTROLLER = r"""
    index index.php index.html;
    client_max_body_size 64k;
    location = /favicon.ico { log_not_found off; access_log off; }
    location = /robots.txt { allow all; log_not_found off; access_log off; }
    location / { try_files $uri $uri/ /index.php?$args; }
    location ~ ^/(?:app|config|vendor)/ { deny all; return 404; }
    location ~* /(?:uploads|files)/.*\.php$ { deny all; }
    location ~ [^/]\.php(/|$) {
        set $script $uri;
        set $path_info "";
        if ($uri ~ ^(.+?\.php)(/.*)$) { set $script $1; set $path_info $2; }
        if (!-f $document_root$script) { return 404; }
        return 200 "$script|$path_info|$args|$request_uri";
    }
    location ~* \.(?:css|js|png)$ { expires max; log_not_found off; }
    rewrite ^/feed/?$ /index.php?feed=rss2 last;
    if ($request_uri ~* "/xmlrpc\.php") { return 403; }
"""


def test_a_front_controller(serve):
    server = serve(FRONT_CONTROLLER, files={
        "html/index.php": "", "html/admin/index.php": "", "html/style.css": "css", "html/files/evil.php": "",
        "html/config/db.php": ""})
    server.expect(r"access forbidden by rule")
    assert server.get("/").text == "/index.php|||/"
    assert server.get("/posts/hello?page=2").text == "/index.php||page=2|/posts/hello?page=2"
    assert server.get("/index.php/extra/path?x").text == "/index.php|/extra/path|x|/index.php/extra/path?x"
    assert server.get("/admin/").text == "/admin/index.php|||/admin/"
    assert server.get("/admin").header("Location").endswith("/admin/")
    assert server.get("/feed/?a=b").text == "/index.php||feed=rss2&a=b|/feed/?a=b"
    assert server.get("/style.css").header("Cache-Control") == "max-age=315360000"
    refused = ("/nothing.php", "/files/evil.php", "/config/db.php", "/xmlrpc.php")
    assert [server.get(path).status for path in refused] == [404, 403, 404, 403]


# --- a single-page application: hashed assets for ever, everything else is the application

SINGLE_PAGE = r"""
    index index.html;
    location /assets/ { expires 1y; add_header Cache-Control "public, immutable"; try_files $uri =404; }
    location = /index.html { add_header Cache-Control no-store; }
    location /api/ { default_type application/json; error_page 404 = @no_api; try_files $uri @no_api; }
    location @no_api { default_type application/json; return 404 '{"error":"$uri"}'; }
    location / { try_files $uri $uri/ /index.html; }
"""


def test_a_single_page_application(serve):
    server = serve(SINGLE_PAGE, files={"html/index.html": "app", "html/assets/a.js": "js", "html/api/v1": "{}"})
    for path in ("/", "/users/7/edit", "/users?sort=name", "/index.html"):
        answer = server.get(path)
        assert (answer.status, answer.text, answer.header("Cache-Control")) == (200, "app", "no-store")
    asset = server.get("/assets/a.js")
    assert asset.header_values("Cache-Control") == ["max-age=31536000", "public, immutable"]
    assert server.get("/assets/b.js").status == 404
    assert (server.get("/api/v1").text, server.get("/api/v2").text) == ("{}", '{"error":"/api/v2"}')


# --- a hardened static site: few methods, small requests, no links, fields that browsers obey

HARDENED = r"""
    server_tokens off;
    client_body_buffer_size 1k; client_max_body_size 1k; client_header_buffer_size 1k;
    large_client_header_buffers 2 1k; client_header_timeout 10s; client_body_timeout 10s; keepalive_timeout 5 5;
    send_timeout 10s; reset_timedout_connection on; ignore_invalid_headers on; max_ranges 1;
    disable_symlinks on from=$document_root;
    if ($request_method !~ ^(GET|HEAD)$) { return 405; }
    if ($http_user_agent ~* (?:nikto|sqlmap)) { return 403; }
    if ($args ~* "(?:<|%3C).*script") { return 403; }
    add_header X-Frame-Options DENY always;
    location / { limit_except GET { deny all; } }
    location /private/ { allow 192.0.2.0/24; deny all; }
    location ~ /\. { deny all; access_log off; log_not_found off; }
"""


def test_a_hardened_site(serve):
    server = serve(HARDENED, files={"html/index.html": "safe", "html/private/x": "", "html/.htaccess": ""})
    server.expect(r"access forbidden by rule|disable_symlinks|Too many levels")
    os.symlink("/etc/hostname", server.path("html/link"))
    answer = server.get("/")
    assert (answer.text, answer.header("X-Frame-Options"), answer.header("Server")) == ("safe", "DENY", "ringx")
    assert [server.request(method, "/").status for method in ("POST", "DELETE", "OPTIONS")] == [405, 405, 405]
    assert server.get("/", {"User-Agent": "sqlmap/1.0"}).status == 403
    assert server.get("/?q=%3Cscript%3E").status == 403
    assert [server.get(path).status for path in ("/private/x", "/.htaccess", "/link")] == [403, 403, 403]
    assert server.get("/" + "a" * 2000).status == 414


# --- canonical hosts: one name, one form of each path

CANONICAL = r"""
    map $host $canonical { default ""; ~^(?:www\.)?(?<name>(?:one|two)\.example)$ $name; }
    server { listen 127.0.0.1:%PORT% default_server; server_name _; return 421; }
    server {
        listen 127.0.0.1:%PORT%;
        server_name .one.example .two.example;
        root html;
        if ($canonical = "") { return 404; }
        if ($host != $canonical) { return 301 http://$canonical$request_uri; }
        if ($request_uri ~ ^/(.+)/index\.html) { return 301 /$1/$is_args$args; }
        rewrite ^/(.*)\.htm$ /$1.html permanent;
        location ~ ^(.+[^/])/$ { if (!-d $request_filename) { return 301 $1$is_args$args; } }
        location / { try_files $uri $uri/ =404; }
    }
"""


def test_canonical_redirects(serve):
    server = serve(http=CANONICAL, files={"html/a/index.html": "a"})

    def leads_to(host, path):
        answer = server.get(path, {"Host": host})
        return answer.status, (answer.header("Location") or answer.text).replace(f":{server.port()}", "")

    assert leads_to("www.one.example", "/a/?b=c") == (301, "http://one.example/a/?b=c")
    assert leads_to("WWW.two.example", "/x%20y") == (301, "http://two.example/x%20y")
    assert leads_to("one.example", "/a/index.html?q") == (301, "http://one.example/a/?q")
    assert leads_to("one.example", "/x/y.htm") == (301, "http://one.example/x/y.html")
    assert leads_to("one.example", "/nothing/?q") == (301, "http://one.example/nothing?q")
    assert leads_to("one.example", "/a/") == (200, "a")
    assert leads_to("other.one.example", "/")[0] == 404
    assert leads_to("unknown", "/")[0] == 421


# --- Debian's package

def debians_folder():
    unpacked = os.path.join(os.path.dirname(UNPACKED), "..", "..", "etc", "nginx")
    return next((path for path in ("/etc/nginx", unpacked) if os.path.exists(f"{path}/nginx.conf")), None)


def test_debians_configuration(new_server):
    """What the package installs is served as it is, but for its folders and its port."""
    installed = debians_folder()
    if installed is None:
        pytest.skip("Debian's nginx is not there")
    server = new_server(files={"html/index.html": "welcome", "html/folder/index.nginx-debian.html": "folder"})
    conf = server.path("conf")
    shutil.rmtree(conf)
    shutil.copytree(installed, conf, symlinks=False, ignore=shutil.ignore_patterns("modules-*"))
    shutil.copy(f"{conf}/sites-available/default", f"{conf}/sites-enabled/default")  # the package links it
    places = {"/etc/nginx/": f"{conf}/", "/var/log/nginx/": server.path("logs/"),
              "/run/nginx.pid": server.path("logs/server.pid"), "/var/www/html": server.path("html"),
              "listen 80 ": f"listen {server.port()} ", "listen [::]:80 ": f"listen [::]:{server.port()} "}
    for name in ("nginx.conf", "sites-enabled/default"):
        text = server.read(f"conf/{name}")
        for old, new in places.items():
            text = text.replace(old, new)
        server.write(f"conf/{name}", text)
    os.rename(f"{conf}/nginx.conf", f"{conf}/server.conf")

    done = server.run("-t")
    assert done.returncode == 0, done.stderr
    server.start("-g", "daemon off;")
    answer = server.get("/", {"Accept-Encoding": "gzip"})
    assert (answer.status, answer.text, answer.header("Content-Type")) == (200, "welcome", "text/html")
    assert server.get("/folder/").text == "folder"
    assert server.get("/folder").header("Location") == f"http://localhost:{server.port()}/folder/"
    assert server.get("/nothing").status == 404
    server.wait_for_log(r'"GET /nothing HTTP/1\.1" 404 ', "logs/access.log")
