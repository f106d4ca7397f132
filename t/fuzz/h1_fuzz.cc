// t/fuzz/h1_fuzz.cc - request heads: every split of the same bytes is the same request.
//
// The first byte chooses the limits and a split point; the rest is what a client sends. Fed whole, in two parts, and
// byte by byte, the parser must agree with itself, and a head it takes must be one that cannot be read in two ways.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/check.h"
#include "http/h1_parser.h"
#include "http/text.h"

using namespace ringx::http;
using Kind = Progress::Kind;

namespace {

bool is_within(std::string_view part, std::string_view whole) {
    if (part.empty() || part == "/") return true;  // the path of absolute-form may be a literal
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void check_fields(const RequestHead& head, std::string_view bytes) {
    size_t hosts = 0;
    size_t framings = 0;
    for (const Field& field : head.fields) {
        CHECK(!field.name.empty() && is_within(field.name, bytes) && is_within(field.value, bytes));
        for (char c : field.name) CHECK(token_bytes[c]);
        for (char c : field.value) CHECK(!control_bytes[c]);
        CHECK(trim(field.value) == field.value);
        CHECK(recognise_header(field.name) == field.id);
        CHECK(head.find(field.id) <= &field);
        hosts += field.id == Header::host;
        framings += field.id == Header::content_length || field.id == Header::transfer_encoding;
    }
    CHECK(hosts == 1 || (hosts == 0 && head.minor_version == 0));
    CHECK(framings == (head.framing == Framing::none ? 0u : 1u));
}

void check_head(const RequestHead& head, std::string_view bytes) {
    for (std::string_view part : {head.request_line, head.method_text, head.target, head.uri, head.path, head.query,
                                  head.scheme, head.authority, head.host.name, head.host.port}) {
        CHECK(is_within(part, bytes));
        for (char c : part) CHECK(!control_bytes[c]);
    }
    CHECK(!head.target.empty() && head.target.find(' ') == std::string_view::npos);
    CHECK(head.path.starts_with('/') || head.form == Target::asterisk || head.form == Target::authority);
    CHECK(head.content_length <= INT64_MAX);
    check_fields(head, bytes);
}

void check_same(const Progress& a, const RequestHead& x, const Progress& b, const RequestHead& y) {
    CHECK(a.kind == b.kind && a.status == b.status && a.head_bytes == b.head_bytes);
    CHECK(std::string_view(a.reason) == b.reason);
    if (a.kind != Kind::done) return;
    CHECK(x.method == y.method && x.target == y.target && x.path == y.path && x.query == y.query);
    CHECK(x.host.name == y.host.name && x.framing == y.framing && x.content_length == y.content_length);
    CHECK(x.keep_alive == y.keep_alive && x.expect_continue == y.expect_continue);
    CHECK(x.fields.size() == y.fields.size());
    for (size_t i = 0; i < x.fields.size(); ++i) {
        CHECK(x.fields[i].name == y.fields[i].name && x.fields[i].value == y.fields[i].value);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    HeadLimits limits;
    limits.underscores_in_headers = data[0] & 1;
    limits.ignore_invalid_headers = data[0] & 2;
    if (data[0] & 4) limits = {.line_bytes_max = 64, .head_bytes_max = 256, .fields_max = 4};
    std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);

    RequestHead whole_head;
    H1Parser whole_parser;
    Progress whole = whole_parser.parse(bytes, whole_head, limits);
    CHECK((whole.status != 0) == (whole.kind == Kind::bad));
    CHECK(whole.head_bytes <= bytes.size());
    if (whole.kind == Kind::done) check_head(whole_head, bytes);

    RequestHead head;
    H1Parser parser;
    Progress progress = parser.parse(bytes.substr(0, bytes.size() * (data[0] >> 3) / 32), head, limits);
    if (progress.kind == Kind::need_more) progress = parser.parse(bytes, head, limits);
    check_same(whole, whole_head, progress, head);

    parser.restart();
    progress = {};
    for (size_t end = 0; end <= bytes.size() && progress.kind == Kind::need_more; ++end) {
        progress = parser.parse(bytes.substr(0, end), head, limits);
    }
    check_same(whole, whole_head, progress, head);
    return 0;
}
