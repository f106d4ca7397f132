// t/fuzz/bench_responses_fuzz.cc - what a load generator reads: every split of the same bytes is the same responses.
//
// The first byte chooses the method and a split point; the rest is what a server sends. Fed whole, in two parts, and
// byte by byte, with heads remembered and without, the reader must find the same responses with the same ends.
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "bench/response_reader.h"

using namespace ringx;
using namespace ringx::bench;
using Kind = ResponseReader::Step::Kind;

namespace {

struct Response {
    uint64_t end;  // how many bytes had come
    uint16_t status;
    bool keep_alive;
    friend bool operator==(const Response&, const Response&) = default;
};

struct Found {
    std::vector<Response> responses;
    Kind last = Kind::done;
    bool begun = false;
    bool until_close = false;
    friend bool operator==(const Found&, const Found&) = default;
};

class Reading {
 public:
    Reading(http::Method method, bool remembers) : reader_(method), remembers_(remembers) {}

    void feed(std::string_view bytes) {
        while (!bytes.empty() && !is_bad()) {
            if (!remembers_) known_ = {};
            ResponseReader::Step step = reader_.feed(bytes, known_);
            CHECK(step.consumed > 0 && step.consumed <= bytes.size());
            CHECK(step.kind != Kind::need_more || step.consumed == bytes.size());
            bytes.remove_prefix(step.consumed);
            position_ += step.consumed;
            found_.last = step.kind;
            if (step.kind == Kind::done) {
                CHECK(reader_.status() >= 200 && reader_.status() <= 999 && !reader_.has_begun());
                found_.responses.push_back({position_, reader_.status(), reader_.keep_alive()});
            }
        }
    }
    Found end() {
        found_.begun = !is_bad() && reader_.has_begun();
        found_.until_close = !is_bad() && reader_.ends_with_stream();
        return found_;
    }

 private:
    bool is_bad() const { return found_.last == Kind::bad_head || found_.last == Kind::bad_body; }

    ResponseReader reader_;
    KnownHead known_;
    Found found_;
    uint64_t position_ = 0;
    bool remembers_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    http::Method method = (data[0] & 1) != 0 ? http::Method::head : http::Method::get;
    std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    size_t split = bytes.size() * (data[0] >> 1) / 128;

    Reading whole(method, true);
    whole.feed(bytes);
    const Found found = whole.end();
    for (bool remembers : {true, false}) {
        Reading halves(method, remembers), single(method, remembers);
        halves.feed(bytes.substr(0, split));
        halves.feed(bytes.substr(split));
        CHECK(halves.end() == found);
        for (size_t i = 0; i < bytes.size(); ++i) single.feed(bytes.substr(i, 1));
        CHECK(single.end() == found);
    }
    return 0;
}
