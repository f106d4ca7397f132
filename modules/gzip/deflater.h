// modules/gzip/deflater.h - zlib's compressors, kept by each worker for use after use.
//
// A compressor is a quarter of a megabyte that is cleared, not allocated, when it serves the next answer. It is made
// for a level, a window and a table of hashes; answers whose length is known and small get small ones, which are
// cleared faster. A few of each kind are kept.
#pragma once

#define ZLIB_CONST
#include <zlib.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/body_filter.h"

namespace ringx::http {

struct DeflateShape {
    int level;
    int window_bits;
    int memory_level;

    // As large as a body of so many bytes has use for.
    DeflateShape fitted_to(uint64_t bytes) const;

    friend bool operator==(const DeflateShape&, const DeflateShape&) = default;
};

class Deflater {
 public:
    explicit Deflater(const DeflateShape& shape);
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;
    ~Deflater() { deflateEnd(&stream_); }

    // Compresses into a gzip stream; see BodyTransform::step().
    size_t step(std::string_view& input, BodyTransform::After after, std::span<char> room);

    // Room enough for the whole stream of so many bytes.
    size_t bytes_max(size_t bytes) { return deflateBound(&stream_, bytes); }

    uint64_t bytes_in() const { return stream_.total_in; }
    uint64_t bytes_out() const { return stream_.total_out; }
    const DeflateShape& shape() const { return shape_; }
    void reset() { deflateReset(&stream_); }

 private:
    z_stream stream_{};
    DeflateShape shape_;
};

// Those of a worker.
class Deflaters {
 public:
    struct GiveBack {
        Deflaters* pool = nullptr;
        void operator()(Deflater* deflater) const { pool->give_back(deflater); }
    };
    using Lease = std::unique_ptr<Deflater, GiveBack>;

    // REQUIRES: the lease ends before the worker's states do.
    Lease take(const DeflateShape& shape);

    std::string scratch;  // for what is compressed at once

 private:
    void give_back(Deflater* deflater);

    std::vector<std::unique_ptr<Deflater>> idle_;  // used last: at the end
};

}  // namespace ringx::http
