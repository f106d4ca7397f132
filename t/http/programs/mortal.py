"""mortal.py WAY PORT - an origin server that is killed.

WAY: "answer" requests; "hold" them; "begin" an answer with the first bytes of its head; "pour" a part of its body, too.
When no more will come of an answer it says "held", and "asked" at its first request.
"""

import os
import socketserver
import sys
import threading

WAY, PORT = sys.argv[1], int(sys.argv[2])
BODY = b"alive\n" * 100
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


def say(line):
    os.write(1, f"{line}\n".encode())  # at once, whichever thread it is


class Conversation(socketserver.StreamRequestHandler):
    first = threading.Semaphore()

    def handle(self):
        while line := self.rfile.readline():
            if line != b"\r\n":
                continue
            if self.first.acquire(blocking=False):
                say("asked")
            if WAY == "answer":
                self.request.sendall(ANSWER)
                continue
            self.request.sendall(ANSWER[:{"hold": 0, "begin": 20, "pour": len(ANSWER) - 536}[WAY]])
            say("held")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, *_):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            raise


with Server(("127.0.0.1", PORT), Conversation) as server:
    say("ready")
    server.serve_forever()
