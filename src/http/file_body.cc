#include "http/file_body.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "event/wait.h"
#include "http/conditional.h"
#include "http/core_settings.h"

namespace ringx::http {
namespace {

// What one call of next() gives at most. With O_DIRECT each step is a wait for the disk, so steps are longer.
constexpr size_t step_bytes = 64 << 10;
constexpr size_t direct_step_bytes = 512 << 10;

// The bytes of a file that open_file_cache holds without content, because it was changed a moment ago. In the arena;
// nothing when that would have to wait, or the file is not as long as it was.
std::optional<std::string_view> read_at_once(Request& request, const OpenFile& file) {
    char* bytes = request.arena.text(file.size);
    iovec into{bytes, file.size};
    ssize_t got = ::preadv2(file.fd.get(), &into, 1, 0, RWF_NOWAIT);
    if (got != static_cast<ssize_t>(file.size)) return std::nullopt;
    return std::string_view(bytes, file.size);
}

// Reads piece after piece.
class PieceReader : public BodySource {
 public:
    PieceReader(Loop& loop, FileRef file, std::span<const Piece> pieces, size_t alignment)
        : loop_(loop), file_(std::move(file)), pieces_(pieces), alignment_(alignment) {}

    Task<Result<std::string_view>> next() override {
        while (!pieces_.empty() && done_ == pieces_[0].size()) {
            pieces_ = pieces_.subspan(1);
            done_ = 0;
        }
        if (pieces_.empty()) co_return std::string_view();
        const Piece& piece = pieces_[0];
        if (piece.bytes_of_file == 0) {
            done_ = piece.size();
            co_return piece.memory;
        }
        uint64_t from = piece.offset + done_;
        uint64_t left = piece.bytes_of_file - done_;
        auto got = co_await read(from, left);
        if (got) done_ += got->size();
        co_return got;
    }

 private:
    struct Free {
        void operator()(char* memory) const { std::free(memory); }
    };

    // At least one of the `bytes` bytes of the file at `from`, which is not at its end.
    Task<Result<std::string_view>> read(uint64_t from, uint64_t bytes) {
        bool direct = file_->is_direct;
        size_t step = direct ? std::max(direct_step_bytes, alignment_) : step_bytes;
        if (buffer_ == nullptr) {
            buffer_.reset(static_cast<char*>(std::aligned_alloc(alignment_, step)));
            CHECK(buffer_ != nullptr);
        }
        // Direct reads begin and end at multiples of the alignment; what is too much is skipped.
        uint64_t begin = direct ? from & ~(uint64_t{alignment_} - 1) : from;
        uint64_t skipped = from - begin;
        uint64_t wanted = direct ? step : std::min<uint64_t>(step, bytes);

        iovec into{buffer_.get(), wanted};
        ssize_t at_once = direct ? -1 : ::preadv2(file_->fd.get(), &into, 1, static_cast<off_t>(begin), RWF_NOWAIT);
        Result<int> got = static_cast<int>(at_once);
        if (at_once < 0) {
            Wait wait(loop_, Operation::Kind::read, file_->fd.get(), "read");
            wait.data = buffer_.get();
            wait.bytes = static_cast<uint32_t>(wanted);
            wait.offset = begin;
            got = co_await wait;
        }
        if (!got) co_return std::unexpected(got.error());
        auto there = static_cast<uint64_t>(*got);
        // The file is shorter than it was when its length was promised.
        if (there <= skipped) co_return fail("read", ENODATA);
        co_return std::string_view(buffer_.get() + skipped, std::min(there - skipped, bytes));
    }

    Loop& loop_;
    FileRef file_;
    std::span<const Piece> pieces_;
    uint64_t done_ = 0;  // of the first piece
    size_t alignment_;
    std::unique_ptr<char, Free> buffer_;
};

}  // namespace

void set_file_body(Request& request, Response& response, FileRef file) {
    response.content_length = file->size;
    if (file->size == 0) return;
    // Whether the body is wanted at all is known only at the end of the pipeline.
    bool reads = !file->has_content && file->size <= content_bytes_max && !file->is_direct && !request.is_head() &&
                 !may_send_less(request);
    if (reads && file->is_remembered) {
        if (auto bytes = read_at_once(request, *file)) return response.set_body(*bytes);
    } else if (reads && file->read_content() == 0) {
        file->fd.reset();  // however slow the client, it costs no descriptor
    }
    response.set_body(file->has_content ? Piece{file->content, 0, 0} : Piece{{}, 0, file->size});
    response.file = std::move(file);
}

BodySource* read_pieces(Request& request, Response& response) {
    CHECK(response.source == nullptr);
    std::span<const Piece> pieces = response.pieces;
    if (pieces.empty() && response.single.size() > 0) {
        auto one = request.arena.make_array<Piece>(1);
        one[0] = response.single;
        pieces = one;
    }
    response.pieces = {};
    response.single = {};
    // Every disk and file system is content with a page; directio_alignment may ask for more.
    size_t alignment = std::bit_ceil(std::max<size_t>(4096, *request.core->directio_alignment));
    return request.arena.make<PieceReader>(request.worker->loop, response.file, pieces, alignment);
}

}  // namespace ringx::http
