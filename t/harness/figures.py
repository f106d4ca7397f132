"""What a server counts, as a scrape of it says."""

import re

from harness.waiting import wait_until

LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


class Figures:
    """What a scrape has said: the values of samples by name and labels."""

    def __init__(self, text):
        self.samples = {}
        self.types = {}
        helped = set()
        for line in text.splitlines():
            if line.startswith("# HELP "):
                helped.add(line.split(" ", 3)[2])
            elif line.startswith("# TYPE "):
                name, kind = line.split(" ")[2:]
                assert name in helped and name not in self.types, line
                self.types[name] = kind
            elif line != "# EOF":
                name, labels, value = LINE.fullmatch(line).groups()
                key = name, frozenset(LABEL.findall(labels or ""))
                assert key not in self.samples, f"{line} is there twice"
                self.samples[key] = float(value)

    def sum(self, name, **labels):
        wanted = set(labels.items())
        return sum(value for (known, of), value in self.samples.items() if known == "ringx_" + name and wanted <= of)


def figures(server):
    answer = server.get("/metrics")
    assert answer.status == 200
    assert answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    return Figures(answer.text)


def figures_with(asked, name, value, **labels):
    """A client may have its answer, and ask another worker, before the one that gave it has counted."""
    def counted():
        now = figures(asked)
        return now if now.sum(name, **labels) >= value else None
    return wait_until(counted, f"{name} of {value}")
