"""Answers to many connections in one turn of a worker, which may leave together: each comes whole to its own client,
whatever the others do."""

import pytest

CLIENTS = 60

# Of different sizes, up to more than leaves together with others, and to more than a socket takes.
FILES = {f"html/{n}": f"{n} ".encode() * (1 + n * n * 40) for n in range(16)}


@pytest.fixture
def server(serve):
    text = """listen 127.0.0.1:%PORT2% sndbuf=4k;
              location /later { limit_rate 1m; }
              location /passed/ { proxy_pass http://127.0.0.1:%PORT2%/; }
              location /delayed { tcp_nodelay off; return 200 delayed; }"""
    return serve(text, workers=1, files={**FILES, "html/later": b"later " * 1000})


def ask(client, target):
    client.send_request("GET", target)


@pytest.mark.parametrize("paths", [["/"], ["/passed/", "/", "/passed/"]], ids=["ours", "of_a_server_behind"])
def test_each_client_gets_its_own(server, paths):
    clients = [server.client(2, room=4096) for _ in range(CLIENTS)]
    for turn in range(6):
        asked = [(path, place) for place, path in enumerate(paths, turn)]
        with server.paused():
            for number, client in enumerate(clients):
                for path, place in asked:
                    ask(client, f"{path}{(number + place) % 16}")
        for number, client in enumerate(clients):
            for _, place in asked:
                assert client.read_response().body == FILES[f"html/{(number + place) % 16}"]
    for client in clients:
        client.close()


def test_pipelines_of_clients_that_read_late(server):
    clients = [server.client(2, room=4096) for _ in range(CLIENTS)]
    for turn in range(4):
        with server.paused():
            for client in clients:
                for target in (3, 5, turn):
                    ask(client, f"/{target}")
    for client in clients:
        ask(client, "/later")
        ask(client, "/delayed")
        client.finish()
    for client in clients:
        for turn in range(4):
            for target in (3, 5, turn):
                assert client.read_response().body == FILES[f"html/{target}"]
        assert client.read_response().text == "later " * 1000
        assert client.read_response().text == "delayed"
        assert client.is_closed()
        client.close()


def test_clients_that_are_gone_do_not_disturb_others(server):
    clients = [server.client(2) for _ in range(CLIENTS)]
    for client in clients:
        client.get("/1")
    with server.paused():
        for number, client in enumerate(clients):
            ask(client, "/2")
            if number % 3 == 1:
                client.reset()
            elif number % 3 == 2:
                client.finish()
    for number, client in enumerate(clients):
        if number % 3 == 1:
            continue
        assert client.read_response().body == FILES["html/2"]
        if number % 3 == 2:
            assert client.is_closed()
        else:
            assert client.get("/3").body == FILES["html/3"]
        client.close()


def test_clients_of_servers_behind_that_are_gone(server):
    clients = [server.client(1) for _ in range(CLIENTS)]
    with server.paused():
        for number, client in enumerate(clients):
            ask(client, "/passed/2")
            if number % 3 == 1:
                client.reset()
            elif number % 3 == 2:
                client.send_request("GET", "/passed/3", {"Connection": "close"})
    for number, client in enumerate(clients):
        if number % 3 == 1:
            continue
        assert client.read_response().body == FILES["html/2"]
        if number % 3 == 2:
            assert client.read_response().body == FILES["html/3"]
            assert client.is_closed()
        else:
            assert client.get("/passed/4").body == FILES["html/4"]
        client.close()


def test_bodies_that_come_later(server):
    clients = [server.client(2) for _ in range(CLIENTS)]
    with server.paused():
        for client in clients:
            ask(client, "/2")
            client.send_request("POST", "/delayed", {"Content-Length": 4})
    for client in clients:
        assert client.read_response().body == FILES["html/2"]
        assert client.read_response().text == "delayed"
    with server.paused():
        for client in clients:
            client.send("body")
            ask(client, "/4")
    for client in clients:
        assert client.read_response().body == FILES["html/4"]
        client.close()
