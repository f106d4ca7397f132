#include "http/body_filter.h"

#include <algorithm>
#include <memory>

#include "event/next_turn.h"
#include "http/file_body.h"

namespace ringx::http {
namespace {

constexpr size_t buffer_bytes = 32 << 10;

// After so much input others have their turn, however little came out.
constexpr size_t turn_bytes_max = 32 << 10;

class TransformedBody : public BodySource {
 public:
    TransformedBody(Loop& loop, BodySource& source, BodyTransform& transform)
        : loop_(loop), source_(source), transform_(transform) {}

    Task<Result<std::string_view>> next() override {
        if (buffer_ == nullptr) buffer_ = std::make_unique_for_overwrite<char[]>(buffer_bytes);
        size_t filled = 0;
        for (;;) {
            Result<size_t> made = step(std::span(buffer_.get() + filled, buffer_bytes - filled));
            if (!made) co_return std::unexpected(made.error());
            filled += *made;
            std::string_view out(buffer_.get(), filled);
            bool is_due = after_ == After::end || (after_ == After::pause && filled > 0);
            if (filled == buffer_bytes || (is_due && input_.empty())) co_return out;

            if (!input_.empty()) {
                NextTurn turn(loop_);
                co_await turn;
                continue;
            }
            after_ = After::more;
            if (!pulling_) pulling_ = source_.next();
            if (!pulling_.done() && std::exchange(holds_back_, false)) {
                after_ = After::pause;
                continue;
            }
            Result<std::string_view> data = co_await pulling_;
            pulling_ = {};
            if (!data) co_return data;
            input_ = *data;
            holds_back_ = true;
            if (data->empty()) after_ = After::end;
        }
    }

    void stalled() override { source_.stalled(); }
    void cancel() override { source_.cancel(); }

    Task<void> close() override {
        if (pulling_) {
            source_.cancel();
            Result<std::string_view> unwanted = co_await pulling_;
            (void)unwanted;
            pulling_ = {};
        }
        co_await source_.close();
    }

 private:
    using After = BodyTransform::After;

    // Works on the next slice of the input.
    Result<size_t> step(std::span<char> room) {
        if (slice_.empty()) {
            slice_ = input_.substr(0, turn_bytes_max);
            input_.remove_prefix(slice_.size());
        }
        return transform_.step(slice_, input_.empty() ? after_ : After::more, room);
    }

    Loop& loop_;
    BodySource& source_;
    BodyTransform& transform_;
    std::unique_ptr<char[]> buffer_;
    std::string_view input_;                    // what the source gave, and was not begun yet
    std::string_view slice_;                    // of it: what the transform works on
    After after_ = After::more;
    bool holds_back_ = false;                   // the transform may hold bytes that did not come out yet
    Task<Result<std::string_view>> pulling_;    // the source's next bytes, while they are waited for
};

}  // namespace

void transform_body(Request& request, Response& response, BodyTransform& transform) {
    BodySource* source = response.source != nullptr ? response.source : read_pieces(request, response);
    response.source = request.arena.make<TransformedBody>(request.worker->loop, *source, transform);
    response.content_length = std::nullopt;
}

void forget_identity(Request& request, Response& response) {
    response.content_length = std::nullopt;
    response.ranges_allowed = false;
    if (response.etag.starts_with('"')) response.etag = request.arena.join({"W/", response.etag});
}

bool is_small_in_memory(const Response& response, size_t bytes_max) {
    if (response.source != nullptr || response.pieces.size() > 1) return false;
    const Piece& piece = response.pieces.empty() ? response.single : response.pieces[0];
    return piece.bytes_of_file == 0 && piece.memory.size() <= bytes_max;
}

}  // namespace ringx::http
