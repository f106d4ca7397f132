"""An OCSP responder for tests, in threads of the test, that does what it is told: well or badly."""

import datetime
import http.server
import threading

from cryptography.hazmat.primitives import serialization
from cryptography.x509 import ocsp

from .certificates import HOUR, Authority

CONTENT_TYPE = "application/ocsp-response"


class Responder:
    """Answers for one authority. `does` says what: "good", "revoked", "unknown", or one of the ways below."""

    def __init__(self, authority, does="good", lasts=HOUR):
        self.authority = authority
        self.does = does
        self.lasts = lasts   # what it says is good for so long
        self.known = {}      # certificates by serial number
        self.asked = []      # serial numbers, in the order they came
        self.closing = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def port(self):
        return self.server.server_address[1]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def knows(self, *certificates):
        for one in certificates:
            self.known[one.certificate.serial_number] = one
        return certificates[0]

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def handler(self):
        responder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                serial = ocsp.load_der_ocsp_request(body).serial_number
                does = responder.does
                responder.asked.append(serial)
                way = getattr(responder, does, None)
                if way:
                    way(self, serial)
                else:
                    self.answer(responder.response(serial, does))

            def answer(self, response, content_type=CONTENT_TYPE):
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(response)))
                self.end_headers()
                self.wfile.write(response)

            def log_message(self, *_):
                pass
        return Handler

    def response(self, serial, status="good", **how):
        return self.authority.ocsp_response(self.known[serial], status, **{"ends": self.lasts, **how})

    # --- ways to do it badly

    def try_later(self, handler, _):
        refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
        handler.answer(refusal.public_bytes(serialization.Encoding.DER))

    def garbage(self, handler, _):
        handler.answer(b"garbage")

    def broken(self, handler, serial):
        handler.answer(self.response(serial)[:-40] + b"?" * 40)

    def page(self, handler, serial):
        handler.answer(self.response(serial), "text/html")

    def missing(self, handler, _):
        handler.send_error(404)

    def wrong_signer(self, handler, serial):
        impostor = Authority("root")  # the name is right, the key is not
        handler.answer(impostor.ocsp_response(self.known[serial], ends=self.lasts))

    def wrong_certificate(self, handler, _):
        other = self.authority.issue("other")
        handler.answer(self.authority.ocsp_response(other))

    def expired(self, handler, serial):
        handler.answer(self.response(serial, begins=-2 * HOUR, ends=-datetime.timedelta(minutes=6)))

    def silent(self, *_):
        self.closing.wait()

    def closes(self, handler, serial):
        handler.send_response(200)
        handler.send_header("Content-Type", CONTENT_TYPE)
        handler.end_headers()
        handler.wfile.write(self.response(serial)[:40])

    def huge(self, handler, _):
        handler.send_response(200)
        handler.send_header("Content-Type", CONTENT_TYPE)
        handler.end_headers()
        self.pour(handler, b"\x30\x84\x7f\xff\xff\xff" + bytes(65536))

    def endless_head(self, handler, _):
        handler.send_response(200)
        handler.end_headers = lambda: None
        self.pour(handler, b"X: y\r\n" * 10000)

    def pour(self, handler, piece):
        try:
            handler.flush_headers()
            while not self.closing.is_set():
                handler.wfile.write(piece)
        except OSError:
            pass  # nobody listens any more, as it should be
