"""One configuration, judged by `-t` of nginx and of the server under test: taken, or refused with which sentence."""

import os
import re
import subprocess

from .nginx import NGINX
from .server import binary

# A line of the configuration stands in main, events, http, upstream, server, location, or an if of the latter two.
BLOCKS = {
    "m": "%LINE% events {} http { %OWN% server {} }",
    "e": "events { %LINE% } http { %OWN% server {} }",
    "h": "events {} http { %OWN% %LINE% server {} }",
    "u": "events {} http { %OWN% upstream u { %LINE% server 127.0.0.1; } server {} }",
    "s": "events {} http { %OWN% server { %LINE% } }",
    "l": "events {} http { %OWN% server { location / { %LINE% } } }",
    "i": "events {} http { %OWN% server { location / { if ($uri) { %LINE% } } } }",
}

# What nginx would otherwise make outside of the prefix; not where the line is about it.
OWN_PATHS = ("access_log", "client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path", "uwsgi_temp_path",
             "scgi_temp_path")


def configuration(block, line):
    own = " ".join(f"{name} logs/{name};" for name in OWN_PATHS if block != "h" or name not in line)
    text = BLOCKS[block].replace("%OWN%", own).replace("%LINE%", line)
    pid = "" if block == "m" and "pid " in line else "pid logs/x.pid; "
    return pid + "error_log logs/x.log; " + text


def said_by(command, name):
    """Whether a configuration was accepted, and the complaints about it, each up to its place."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
    complaints = re.findall(rf"^{name}: \[(emerg|warn)\] (.*?)(?: in \S+:\d+)?$", done.stderr, re.M)
    complaints = [(level, re.sub(r'^(invalid value "[^"]*") in "\w+" directive$', r"\1", sentence))
                  for level, sentence in complaints]
    first = [complaint for complaint in complaints if complaint[0] == "emerg"][:1]  # nginx goes no further
    return done.returncode == 0, first or complaints


def compare(prefix, lines):
    """The lines, pairs of a block and a text, that the two judge differently, with what they say."""
    different = []
    path = os.path.join(prefix, "conf/server.conf")
    for block, line in lines:
        with open(path, "w") as file:
            file.write(configuration(block, line))
        theirs = said_by([NGINX, "-t", "-p", prefix, "-c", path, "-e", os.path.join(prefix, "logs/nginx.log")], "nginx")
        ours = said_by([binary(), "-t", "-p", prefix, "-c", path], "server")
        if theirs != ours:
            different.append(f"{block}: {line}\n  nginx: {theirs}\n  ours:  {ours}")
    return different
