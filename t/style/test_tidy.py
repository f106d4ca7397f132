"""t/tidy finds what it is there for, and only that."""

import importlib.machinery
import importlib.util
import os

import pytest

PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tidy")


@pytest.fixture
def tidy():
    loader = importlib.machinery.SourceFileLoader("tidy", PATH)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tidy", loader))
    loader.exec_module(module)
    return module


def found(tidy, path, text):
    lines = text.splitlines()
    tidy.check_name(path)
    tidy.check_size(path, lines)
    tidy.check_text(path, lines)
    tidy.check_cpp(path, text, lines)
    return [finding.split(": ", 1)[1] for finding in tidy.findings]


def source(body, path="src/event/x.cc"):
    return f"// {path} - a file.\n//\n// With words.\n{body}\n"


@pytest.mark.parametrize("statement", [
    "auto r = co_await f();",
    "r = co_await f(a, b);",
    "co_await f();",
    "co_return co_await f();",
    "if (auto r = co_await f(); !r || !z) co_return 2;",
    "if (auto r = co_await f(x, y)) { co_return 3; }",
    "std::size_t n = co_await x.y<int>(a->b, std::span(c));",
    "for (;;) { auto got = co_await f(); if (!got) break; }",
    "for (int i = 0; i < 3; i++) co_await f();",
    "case 3: co_return co_await f();",
    "else r = co_await f();",
    "while (x && y) { co_await f(); }",
    "if (auto r = co_await f(); !r) co_return co_await g();",
    "if (a && b) co_await f();",
    "// if (co_await f()) is wrong",
    'log("co_await f() && g()");',
])
def test_awaits_alone_are_allowed(tidy, statement):
    assert found(tidy, "src/event/x.cc", source(f"Task<int> g() {{\n    {statement}\n}}")) == []


@pytest.mark.parametrize("statement", [
    "if (co_await f()) x();",
    "while (!co_await f()) x();",
    "switch (co_await f()) {}",
    "for (auto x : co_await f()) y();",
    "x(co_await f());",
    "auto r = co_await f() && y;",
    "auto r = y || co_await f();",
    "auto r = (co_await f()).value();",
    "auto r = x ? co_await f() : 2;",
    "auto r = co_await f(Options{.x = 2});",
    "auto r = co_await f({1, 2});",
    "auto r = co_await f([s = x] { return 1; });",
    "auto [a, b] = co_await f();",
    "auto r = co_await f(co_await g());",
    "int x = 1 + co_await f();",
    "if (auto r = co_await f({1}); !r) y();",
    "if (auto r = co_await f(); co_await g()) y();",
    "while (auto r = co_await f()) y();",
    "if ((x = co_await f()) == 2) y();",
])
def test_awaits_within_something_are_found(tidy, statement):
    assert len(found(tidy, "src/event/x.cc", source(f"Task<int> g() {{\n    {statement}\n}}"))) == 1


@pytest.mark.parametrize("path, include", [
    ("src/base/x.cc", "conf/lexer.h"),
    ("src/event/x.cc", "conf/lexer.h"),
    ("src/conf/x.cc", "event/task.h"),
    ("src/net/x.cc", "http/request.h"),
    ("src/http/x.cc", "stream/session.h"),
    ("src/proc/x.cc", "modules/static/module.h"),
    ("modules/static/x.cc", "proc/master.h"),
    ("modules/static/x.cc", "modules/proxy/module.h"),
])
def test_an_include_against_the_arrows_is_found(tidy, path, include):
    assert any("may not know" in text for text in found(tidy, path, source(f'#include "{include}"', path)))


@pytest.mark.parametrize("path, include", [
    ("src/http/x.cc", "base/result.h"),
    ("src/main.cc", "proc/master.h"),
    ("modules/static/x.cc", "http/request.h"),
    ("src/proc/x.cc", "build.h"),
])
def test_an_include_along_the_arrows_is_allowed(tidy, path, include):
    assert found(tidy, path, source(f'#include "{include}"', path)) == []


@pytest.mark.parametrize("path, text, finding", [
    ("src/net/x.h", "int x;", "no #pragma once"),
    ("src/net/x.cc", "int f() {\n" + "    f();\n" * 80 + "}", "a function of"),
    ("src/net/x.cc", "int x;\n" * 600, "lines, more than"),
    ("src/net/x.cc", "int x;" + " " * 130 + "int y;", "columns, more than"),
    ("src/net/x.cc", "int x; ", "blanks at the end"),
    ("src/net/x.cc", "auto x = new X;", "naked new"),
    ("src/net/x.cc", "int f() { usleep(1); }", "sleeps"),
    ("src/net/x.cc", "// " + "TO" + "DO: all", "unfinished"),
    ("src/net/string_utils.cc", "int x;", "says nothing"),
])
def test_each_other_rule_finds_its_case(tidy, path, text, finding):
    assert any(finding in one for one in found(tidy, path, source(text, path)))
