// modules/gunzip/module.cc - answers that are compressed at their source, for clients that do not take gzip.
//
// The opposite of gzip, with the same rules about clients. A damaged or truncated stream ends the connection, so that
// the client cannot take what has come for the whole.
#define ZLIB_CONST
#include <zlib.h>

#include "base/check.h"
#include "http/body_filter.h"
#include "http/gzip_choice.h"
#include "http/module.h"
#include "http/text.h"

namespace ringx::http {
namespace {

struct Settings {
    Setting<bool> on{false};
};

constinit conf::Slot<Settings> settings;

constexpr auto everywhere = conf::http | conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::value<&Settings::on>("gunzip", everywhere, "Decompress answers for clients that do not take gzip."),
    conf::accepted<conf::Buffers>("gunzip_buffers", everywhere, "There is one buffer for each answer."),
};

class Gunzip : public BodyTransform {
 public:
    Gunzip() { CHECK(inflateInit2(&stream_, MAX_WBITS + gzip_format) == Z_OK); }
    ~Gunzip() override { inflateEnd(&stream_); }

    Result<size_t> step(std::string_view& input, After after, std::span<char> room) override {
        stream_.next_in = reinterpret_cast<const Bytef*>(input.data());
        stream_.avail_in = static_cast<uInt>(input.size());
        stream_.next_out = reinterpret_cast<Bytef*>(room.data());
        stream_.avail_out = static_cast<uInt>(room.size());
        bool good = inflate_members(after);
        input.remove_prefix(input.size() - stream_.avail_in);
        if (!good) return fail("inflate", EBADMSG);
        return room.size() - stream_.avail_out;
    }

 private:
    static constexpr int gzip_format = 16;  // added to the window's bits

    // Members of a gzip stream may follow one another (RFC 1952 section 2.2).
    bool inflate_members(After after) {
        for (;;) {
            if (stream_.avail_in > 0 && member_ended_) {
                inflateReset(&stream_);
                member_ended_ = false;
            }
            if (member_ended_ || stream_.avail_out == 0) return true;
            int result = inflate(&stream_, Z_SYNC_FLUSH);
            if (result == Z_STREAM_END) {
                member_ended_ = true;
                continue;
            }
            if (result != Z_OK && result != Z_BUF_ERROR) return false;
            if (stream_.avail_out == 0) return true;
            if (stream_.avail_in == 0) return after != After::end;  // the stream ends early
        }
    }

    z_stream stream_{};
    bool member_ended_ = false;
};

void filter(Request& request, Response& response) {
    const ResponseField* encoding = response.fields.find("Content-Encoding");
    if (encoding == nullptr || !equals_ignore_case(encoding->value, "gzip")) return;
    vary_by_encoding(request, response);
    if (wants_gzip(request, response)) return;
    response.fields.remove("Content-Encoding");
    forget_identity(request, response);
    if (!request.is_head()) transform_body(request, response, *request.arena.make<Gunzip>());
}

}  // namespace

extern constinit const Module gunzip_module = {
    .name = "gunzip",
    .directives = directives,
    .settings = &settings,
    .applies = [](const conf::Block& block) { return *settings.in(block).on; },
    .filter = filter,
};

}  // namespace ringx::http
