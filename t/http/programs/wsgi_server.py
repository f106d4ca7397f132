"""wsgi_server.py PORT - a WSGI application behind the standard library's server, which speaks HTTP/1.0."""

import hashlib
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.validate import validator


def application(environ, start_response):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(size) if size else b""
    text = "\n".join([environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"],
                      environ.get("HTTP_X_FORWARDED_FOR", "-"), hashlib.sha256(body).hexdigest()])
    fields = [("Content-Type", "text/plain")]
    if environ["PATH_INFO"] != "/unknown_length":
        fields.append(("Content-Length", str(len(text))))
    start_response("200 OK", fields)
    return [text.encode()]


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_):
        pass


with make_server("127.0.0.1", int(sys.argv[1]), validator(application), handler_class=QuietHandler) as server:
    print("ready", flush=True)
    server.serve_forever()
