"""Prometheus and promtool, if they are there: installed, or unpacked by contrib/install-deps."""

import os
import shutil

UNPACKED = os.path.join(os.path.dirname(__file__), "..", "..", "objs", "peers", "usr", "bin")


def program(name):
    """The path of `prometheus` or `promtool`; None when it is not there."""
    return shutil.which(name) or shutil.which(name, path=UNPACKED)
