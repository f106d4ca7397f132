#include "modules/gzip/deflater.h"

#include "base/check.h"

namespace ringx::http {
namespace {

constexpr int gzip_format = 16;  // added to the window's bits
constexpr size_t idle_max = 16;

}  // namespace

DeflateShape DeflateShape::fitted_to(uint64_t bytes) const {
    DeflateShape fitted = *this;
    constexpr uint64_t reserve = 262;  // what zlib keeps free of a window
    while (fitted.window_bits > 9 && bytes + reserve < uint64_t{1} << (fitted.window_bits - 1)) {
        --fitted.window_bits;
        if (fitted.memory_level > 1) --fitted.memory_level;
    }
    return fitted;
}

Deflater::Deflater(const DeflateShape& shape) : shape_(shape) {
    CHECK(deflateInit2(&stream_, shape.level, Z_DEFLATED, shape.window_bits + gzip_format, shape.memory_level,
                       Z_DEFAULT_STRATEGY) == Z_OK);
}

size_t Deflater::step(std::string_view& input, BodyTransform::After after, std::span<char> room) {
    using After = BodyTransform::After;
    stream_.next_in = reinterpret_cast<const Bytef*>(input.data());
    stream_.avail_in = static_cast<uInt>(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(room.data());
    stream_.avail_out = static_cast<uInt>(room.size());
    int flush = after == After::end ? Z_FINISH : after == After::pause ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    int result = deflate(&stream_, flush);
    // Z_BUF_ERROR: there was nothing to do.
    CHECK(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
    input.remove_prefix(input.size() - stream_.avail_in);
    return room.size() - stream_.avail_out;
}

Deflaters::Lease Deflaters::take(const DeflateShape& shape) {
    for (size_t at = idle_.size(); at-- > 0;) {
        if (idle_[at]->shape() != shape) continue;
        Deflater* deflater = idle_[at].release();
        idle_.erase(idle_.begin() + static_cast<ptrdiff_t>(at));
        deflater->reset();
        return Lease(deflater, GiveBack{this});
    }
    return Lease(std::make_unique<Deflater>(shape).release(), GiveBack{this});
}

void Deflaters::give_back(Deflater* deflater) {
    if (idle_.size() == idle_max) idle_.erase(idle_.begin());
    idle_.emplace_back(deflater);
}

}  // namespace ringx::http
