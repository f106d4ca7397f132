"""nginx beside the server under test, with the same text in its http block."""

import os
import shutil
import signal
import subprocess

from .ports import free_port, release
from .waiting import WAIT_SECONDS, wait_until

# contrib/install-deps unpacks one where none is installed.
UNPACKED = os.path.join(os.path.dirname(__file__), "..", "..", "objs", "peers", "usr", "sbin", "nginx")
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx") or UNPACKED

# Only what nginx would otherwise write outside of the prefix.
CONFIGURATION = """\
daemon off;
master_process off;
pid logs/nginx.pid;
error_log logs/nginx.log %LEVEL%;
events { worker_connections 512; }
http {
    client_body_temp_path logs/body; proxy_temp_path logs/proxy; fastcgi_temp_path logs/fastcgi;
    uwsgi_temp_path logs/uwsgi; scgi_temp_path logs/scgi;
    access_log off;
    include mime.types;
    default_type application/octet-stream;
"""


def is_installed():
    return shutil.which(NGINX) is not None


class Nginx:
    """Runs below the prefix of a server under test."""

    def __init__(self, server, text, level="crit"):
        self.port = free_port()
        text = CONFIGURATION.replace("%LEVEL%", level) + text.replace("%PORT%", str(self.port)) + "}\n"
        path = server.write("conf/nginx.conf", text)
        command = [NGINX, "-p", server.prefix, "-c", path, "-e", server.path("logs/nginx.log")]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        wait_until(lambda: self.has_started(server), "nginx to listen")

    def has_started(self, server):
        assert self.process.poll() is None, "nginx did not start"
        return server.read("logs/nginx.pid") == f"{self.process.pid}\n"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(WAIT_SECONDS)
        release(self.port)
