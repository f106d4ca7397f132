// t/fuzz/chunked_fuzz.cc - chunked bodies: every split of the same bytes is the same body.
//
// The first byte is the size of the parts fed. A body that was taken is encoded again and must come back unchanged, and
// of the trailers that are kept nothing is left over.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "http/chunked.h"
#include "http/text.h"
#include "http/upstream_body.h"

using namespace ringx::http;
using Kind = ChunkedDecoder::Step::Kind;

namespace {

struct Body {
    Kind kind = Kind::need_more;
    std::string payload;
    std::string trailers;
    size_t consumed = 0;
};

Body decode(std::string_view bytes, size_t part) {
    Body body;
    ChunkedDecoder decoder;
    decoder.keep_trailers(body.trailers);
    while (!bytes.empty() && body.kind != Kind::done && body.kind != Kind::bad) {
        ChunkedDecoder::Step step = decoder.feed(bytes.substr(0, part));
        CHECK(step.consumed > 0 && step.consumed <= part && step.consumed <= bytes.size());
        CHECK(step.data.empty() == (step.kind != Kind::data));
        body.kind = step.kind;
        body.payload += step.data;
        body.consumed += step.consumed;
        bytes.remove_prefix(step.consumed);
    }
    if (body.kind == Kind::data) body.kind = Kind::need_more;
    return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    Body whole = decode(bytes, SIZE_MAX);
    for (size_t part : {size_t{1}, size_t{1} + data[0]}) {
        Body parts = decode(bytes, part);
        CHECK(parts.kind == whole.kind && parts.payload == whole.payload && parts.consumed == whole.consumed);
        CHECK(parts.trailers == whole.trailers);
    }
    if (whole.kind != Kind::done) return 0;
    CHECK(whole.trailers.ends_with("\r\n") && bytes.substr(0, whole.consumed).ends_with(whole.trailers));
    std::string_view rest = whole.trailers;
    while (auto trailer = take_trailer(rest)) CHECK(!trailer->name.empty() && trim(trailer->value) == trailer->value);
    CHECK(rest == "\r\n");

    std::string again;
    if (!whole.payload.empty()) {
        again.append(ChunkHead(whole.payload.size()).text()).append(whole.payload).append(chunk_end);
    }
    again += last_chunk;
    Body same = decode(again, SIZE_MAX);
    CHECK(same.kind == Kind::done && same.payload == whole.payload && same.consumed == again.size());
    return 0;
}
