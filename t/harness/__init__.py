"""Black-box tests: a real server on free ports below a temporary prefix, and a client that sees every byte.

Tests wait for conditions and never for time. The fixtures are in t/conftest.py.
"""

from .client import Client, Response
from .server import Server, StartFailed, binary, is_alive, open_files, paused
from .waiting import WAIT_SECONDS, wait_until

__all__ = ["Client", "Response", "Server", "StartFailed", "WAIT_SECONDS", "binary", "is_alive", "open_files", "paused",
           "wait_until"]
