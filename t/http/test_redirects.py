"""What a Location says: absolute or not, with which host and which port."""

import pytest

FILES = {"html/folder/index.html": "folder\n", "html/a b/é/index.html": "named\n"}


def location(server, target="/folder", host=None, **how):
    headers = {"Host": host} if host else {}
    answer = server.get(target, headers, **how)
    assert answer.status == 301
    return answer.header("Location")


def test_a_folder_is_redirected_to_the_host_that_was_asked_for(serve):
    server = serve(files=FILES)
    assert location(server, host="example.com") == f"http://example.com:{server.port()}/folder/"
    assert location(server, host="Example.COM:1234") == f"http://example.com:{server.port()}/folder/"
    assert location(server, "http://target/folder", host="field") == f"http://target:{server.port()}/folder/"


def test_without_a_host_it_is_the_address(serve):
    server = serve(files=FILES)
    assert location(server, version="1.0") == f"http://127.0.0.1:{server.port()}/folder/"


def test_the_query_is_kept(serve):
    server = serve(files=FILES)
    assert location(server, "/folder?a=b&c=%20") == f"http://localhost:{server.port()}/folder/?a=b&c=%20"


def test_the_path_is_encoded_again(serve):
    server = serve(files=FILES)
    assert location(server, "/a%20b/%c3%a9") == f"http://localhost:{server.port()}/a%20b/%C3%A9/"
    answer = server.get("/a%20b/%c3%a9/")
    assert answer.text == "named\n"


def test_absolute_redirect_off_leaves_the_path(serve):
    server = serve("absolute_redirect off; location /away { return 302 /other; }", files=FILES)
    assert location(server) == "/folder/"
    assert server.get("/away").header("Location") == "/other"


def test_port_in_redirect_off_leaves_out_the_port(serve):
    assert location(serve("port_in_redirect off;", files=FILES)) == "http://localhost/folder/"


@pytest.mark.parametrize("name, host", [("www.example.com", "www.example.com"), ("*.example.com", "*.example.com"),
                                        ('""', "asked")])
def test_server_name_in_redirect_names_the_server(serve, name, host):
    server = serve(http=f"server {{ listen 127.0.0.1:%PORT%; server_name {name}; root html; "
                        "server_name_in_redirect on; }", files=FILES)
    assert location(server, host="asked") == f"http://{host}:{server.port()}/folder/"


def test_relative_targets_of_return_become_absolute(serve):
    server = serve("location /a { return 301 /b?c=d; } location /c { return 302 relative; } "
                   "location /d { return 303 //other/path; }")
    assert server.get("/a").header("Location") == f"http://localhost:{server.port()}/b?c=d"
    assert server.get("/c").header("Location") == "relative"
    assert server.get("/d").header("Location") == f"http://localhost:{server.port()}//other/path"


def test_a_unix_socket_has_no_port(serve):
    server = serve(http="server { listen unix:%PREFIX%/http.sock; listen 127.0.0.1:%PORT%; root html; }", files=FILES)
    with server.client(unix=server.path("http.sock")) as client:
        assert client.get("/folder").header("Location") == "http://localhost/folder/"


def test_no_byte_of_the_path_ends_the_line(serve):
    server = serve('location /return { return 302 $uri; }', files={"html/x\r\ny/index.html": "bad name"})
    assert location(server, "/x%0d%0ay") == f"http://localhost:{server.port()}/x%0D%0Ay/"
    answer = server.get("/return/%0d%0aInjected:%20yes")
    assert answer.header("Injected") is None
