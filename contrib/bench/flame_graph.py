"""Where the CPU time of a process goes, as a picture: its stacks of calls, each as wide as its part of that time.

perf takes the samples, and unwinds stacks by what compilers leave for debuggers, as no frame pointers are kept. The
picture is one SVG without scripts: callers are below, what they call is above them, and who points at a box is told its
whole name and its share.
"""

import collections
import html
import os
import re
import signal
import subprocess

FREQUENCY = 997  # samples a second: no multiple of what the machine does by itself
STACK_BYTES = 8192
WIDTH, BOX_HEIGHT, LETTER_WIDTH, MARGIN = 1400, 17, 6.6, 30
NARROWEST = 0.4  # pixels: what is narrower is left out
OURS, KERNEL, LIBRARIES = "#e8894a", "#6fa8dc", "#93c47d"


class Recording:
    """Samples of a process, from about the start of a `with` to its end; then stacks() has them."""

    def __init__(self, pid, path):
        self.pid, self.path = pid, path

    def __enter__(self):
        command = ["perf", "record", "--quiet", "--freq", str(FREQUENCY), "--call-graph", f"dwarf,{STACK_BYTES}",
                   "--output", self.path, "--pid", str(self.pid)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *unused):
        self.process.send_signal(signal.SIGINT)
        _, self.complaint = self.process.communicate()

    def stacks(self):
        """As stacks_in(); none when perf could not take any, and why is in `complaint`."""
        command = ["perf", "script", "--input", self.path, "--no-inline", "--fields", "ip,sym,dso"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        return stacks_in(done.stdout)


def stacks_in(script):
    """How many samples there were of each stack: a tuple of (function, program), the caller first."""
    counts = collections.Counter()
    for sample in script.split("\n\n"):
        frames = [frame for frame in map(frame_of, sample.splitlines()) if frame]
        if frames:
            counts[tuple(reversed(frames))] += 1
    return counts


def frame_of(line):
    """`  7f12 recv (/usr/lib/libc.so.6)` as (function, program's name); nothing where perf has lost its way."""
    match = re.fullmatch(r"\s*[0-9a-f]+ (.*) \((.*)\)", line)
    if not match or match[2] == "[unknown]":
        return None
    return short(match[1]), os.path.basename(match[2])


def short(function):
    """Without namespaces that say nothing here, templates' arguments and parameters."""
    name = function.replace("(anonymous namespace)::", "").replace("ringx::", "")
    while (shorter := re.sub(r"<[^<>]*>", "", name)) != name:
        name = shorter
    name = re.sub(r"\(.*", "", name)
    return name or function


def layout(counts):
    """The boxes: (depth, first sample, samples, function, program), where equal callers stand together."""
    boxes = []

    def place(stacks, depth, start):
        groups = {}
        for stack, count in stacks:
            if len(stack) > depth:
                groups.setdefault(stack[depth], []).append((stack, count))
        for frame, members in sorted(groups.items()):
            total = sum(count for _, count in members)
            boxes.append((depth, start, total, *frame))
            place(members, depth + 1, start)
            start += total

    place(list(counts.items()), 0, 0)
    return boxes


def color(program):
    if program.startswith("[kernel"):
        return KERNEL
    return LIBRARIES if ".so" in program or program == "[vdso]" else OURS


def picture(title, counts):
    """The SVG, as text."""
    boxes, total = layout(counts), sum(counts.values())
    height = (max(box[0] for box in boxes) + 1) * BOX_HEIGHT + 2 * MARGIN
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
             f'viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="11">',
             f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
             f'<text x="8" y="{MARGIN - 12}" font-size="14">{html.escape(title)}: {total:,} samples; the program is '
             f'<tspan fill="{OURS}">orange</tspan>, libraries <tspan fill="{LIBRARIES}">green</tspan>, the kernel '
             f'<tspan fill="{KERNEL}">blue</tspan></text>']
    for depth, start, count, function, program in boxes:
        x, width = start / total * WIDTH, count / total * WIDTH
        if width < NARROWEST:
            continue
        y = height - MARGIN - (depth + 1) * BOX_HEIGHT
        letters = int((width - 4) / LETTER_WIDTH)
        label = function if len(function) <= letters else function[:max(letters - 2, 0)] + ".."
        lines.append(f'<g><title>{html.escape(function)} ({html.escape(program)}): {count / total:.2%}</title>'
                     f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BOX_HEIGHT - 1}" '
                     f'fill="{color(program)}" stroke="#fff" stroke-width="0.5"/>'
                     + (f'<text x="{x + 2:.1f}" y="{y + 12}">{html.escape(label)}</text>' if letters > 3 else "")
                     + '</g>')
    return "\n".join(lines + ["</svg>\n"])
