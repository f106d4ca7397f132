"""contrib/bench/flame_graph.py: stacks as perf prints them become boxes as wide as their part of the samples."""

import importlib.util
import os
import xml.etree.ElementTree

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SVG = "{http://www.w3.org/2000/svg}"
SCRIPT = """\
\tffffffff81234567 tcp_sendmsg ([kernel.kallsyms])
\t    7f0000001234 __send (/usr/lib/x86_64-linux-gnu/libc.so.6)
\t    555500001234 ringx::http::(anonymous namespace)::answer<int>(ringx::Request&, char) (/x/objs/server)
\t    555500000001 main (/x/objs/server)

\t    555500001111 ringx::Table<std::pair<int, int> >::find(int) const (/x/objs/server)
\t    555500000001 main (/x/objs/server)

\t    555500001111 ringx::Table<std::pair<int, int> >::find(int) const (/x/objs/server)
\t    555500000001 main (/x/objs/server)

\t    555500001111 ringx::Table<std::pair<int, int> >::find(int) const (/x/objs/server)
\t    555500000001 main (/x/objs/server)
"""


@pytest.fixture(scope="module")
def flame_graph():
    path = os.path.join(TOP, "contrib", "bench", "flame_graph.py")
    spec = importlib.util.spec_from_file_location("flame_graph", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_equal_stacks_are_counted_together(flame_graph):
    program = "server"
    assert flame_graph.stacks_in(SCRIPT) == {
        (("main", program), ("Table::find", program)): 3,
        (("main", program), ("http::answer", program), ("__send", "libc.so.6"),
         ("tcp_sendmsg", "[kernel.kallsyms]")): 1,
    }


@pytest.mark.parametrize("function, name", [
    ("main", "main"),
    ("[unknown]", "[unknown]"),
    ("ringx::http::(anonymous namespace)::Turn::go(ringx::Request&)", "http::Turn::go"),
    ("void ringx::Log::write<std::span<char> >(ringx::Level)", "void Log::write"),
    ("(anonymous namespace)::run()", "run"),
])
def test_names_are_short(flame_graph, function, name):
    assert flame_graph.short(function) == name


def test_boxes_have_the_width_of_their_part(flame_graph):
    image = xml.etree.ElementTree.fromstring(flame_graph.picture("a <row> & more", flame_graph.stacks_in(SCRIPT)))
    boxes = {}
    for group in image.iter(SVG + "g"):
        box = group.find(SVG + "rect")
        boxes[group.find(SVG + "title").text] = tuple(float(box.get(name)) for name in ("x", "y", "width"))
    whole = boxes["main (server): 100.00%"]
    often = boxes["Table::find (server): 75.00%"]
    once = boxes["http::answer (server): 25.00%"]
    kernel = boxes["tcp_sendmsg ([kernel.kallsyms]): 25.00%"]
    assert whole[2] == float(image.get("width"))
    assert often[2] == 0.75 * whole[2] and once[2] == 0.25 * whole[2]
    assert (often[0], once[0]) == (0, often[2])  # beside each other, in the order of their names
    assert whole[1] > once[1] == often[1] > kernel[1]  # what is called is above
    assert "a <row> & more: 4 samples" in "".join(image.itertext())
