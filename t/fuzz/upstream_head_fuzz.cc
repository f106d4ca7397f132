// t/fuzz/upstream_head_fuzz.cc - heads of responses from upstream: every split of the same bytes is the same response.
//
// The first byte chooses the method, the limits and a split point; the rest is what a backend sends. Fed whole, in two
// parts, and byte by byte, the parser must agree with itself, and where a head ends the body must be clear.
#include <cstdint>

#include "base/check.h"
#include "http/text.h"
#include "http/upstream_head.h"

using namespace ringx::http;
using Progress = UpstreamHeadParser::Progress;
using Kind = Progress::Kind;

namespace {

void check_head(const UpstreamHead& head, Method method) {
    CHECK(head.status >= 100 && head.status <= 999 && head.content_length <= INT64_MAX);
    size_t framings = 0;
    for (const UpstreamHead::Field& field : head.fields) {
        CHECK(!field.name.empty() && trim(field.value) == field.value);
        for (char c : field.name) CHECK(token_bytes[c]);
        for (char c : field.value) CHECK(!control_bytes[c]);
        CHECK(recognise_upstream_field(field.name) == field.id);
        framings += field.id == UpstreamField::content_length || field.id == UpstreamField::transfer_encoding;
    }
    CHECK(framings <= 1);
    using Framing = UpstreamHead::Framing;
    bool has_no_body = method == Method::head || head.status < 200 || head.status == 204 || head.status == 304;
    CHECK((head.framing == Framing::none) == has_no_body);
    if (!has_no_body) CHECK((head.framing == Framing::until_close) == (framings == 0));
}

void check_same(const Progress& a, const UpstreamHead& x, const Progress& b, const UpstreamHead& y) {
    CHECK(a.kind == b.kind && a.head_bytes == b.head_bytes && std::string_view(a.reason) == b.reason);
    if (a.kind != Kind::done) return;
    CHECK(x.status == y.status && x.reason == y.reason && x.framing == y.framing && x.keep_alive == y.keep_alive);
    CHECK(x.content_length == y.content_length && x.fields.size() == y.fields.size());
    for (size_t i = 0; i < x.fields.size(); ++i) {
        CHECK(x.fields[i].name == y.fields[i].name && x.fields[i].value == y.fields[i].value);
        CHECK(x.fields[i].hop_by_hop == y.fields[i].hop_by_hop);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    Method method = (data[0] & 1) != 0 ? Method::head : Method::get;
    UpstreamHeadParser::Limits limits;
    if ((data[0] & 2) != 0) limits = {.head_bytes_max = 128, .fields_max = 4};
    std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);

    UpstreamHead whole_head;
    UpstreamHeadParser whole_parser;
    Progress whole = whole_parser.parse(bytes, method, whole_head, limits);
    CHECK(whole.head_bytes <= std::min<size_t>(bytes.size(), limits.head_bytes_max));
    if (whole.kind == Kind::done) check_head(whole_head, method);

    UpstreamHead head;
    UpstreamHeadParser parser;
    Progress progress = parser.parse(bytes.substr(0, bytes.size() * (data[0] >> 2) / 64), method, head, limits);
    if (progress.kind == Kind::need_more) progress = parser.parse(bytes, method, head, limits);
    check_same(whole, whole_head, progress, head);

    parser.restart();
    progress = {};
    for (size_t end = 0; end <= bytes.size() && progress.kind == Kind::need_more; ++end) {
        progress = parser.parse(bytes.substr(0, end), method, head, limits);
    }
    check_same(whole, whole_head, progress, head);
    return 0;
}
