#include "http/output.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "http/page_cache.h"

namespace ringx::http {
namespace {

constexpr int iovecs_max = 64;

// Of a file, where it cannot be sent without a copy: one turn's work when it is encrypted.
constexpr size_t copied_bytes_max = 64 * 1024;

// Text that has grown beyond this gives its memory back when it is sent.
constexpr size_t text_bytes_kept = 64 * 1024;

}  // namespace

Output& Output::operator=(Output&& other) noexcept {
    if (this == &other) return *this;
    text_ = std::move(other.text_);
    other.text_.clear();
    sent_of_text_ = std::exchange(other.sent_of_text_, 0);
    pieces_ = std::exchange(other.pieces_, {});
    sent_of_piece_ = std::exchange(other.sent_of_piece_, 0);
    file_ = std::exchange(other.file_, -1);
    use_sendfile_ = other.use_sendfile_;
    nopush_ = other.nopush_;
    step_bytes_max_ = other.step_bytes_max_;
    budget_ = std::exchange(other.budget_, no_limit);
    warm_until_ = std::exchange(other.warm_until_, 0);
    error_ = other.error_;
    return *this;
}

void Output::set_body(std::span<const Piece> pieces, int file, const HowToSend& how) {
    pieces_ = pieces;
    sent_of_piece_ = 0;
    file_ = file;
    use_sendfile_ = how.sendfile;
    nopush_ = how.nopush;
    uint64_t most = how.step_bytes_max == 0 ? window_bytes_max : how.step_bytes_max;
    step_bytes_max_ = std::min<uint64_t>(most, window_bytes_max);
    warm_until_ = 0;
}

Output::Window Output::window() const {
    const Piece& piece = pieces_.front();
    uint64_t bytes = std::min({piece.bytes_of_file - sent_of_piece_, step_bytes_max_, budget_});
    return {piece.offset + sent_of_piece_, static_cast<uint32_t>(bytes)};
}

uint64_t Output::unsent() const {
    uint64_t bytes = text_.size() - sent_of_text_;
    for (const Piece& piece : pieces_) bytes += piece.size();
    return bytes - sent_of_piece_;
}

Flushed Output::flush(Stream& stream, Follows after) {
    while (!empty()) {
        if (budget_ == 0) break;
        bool file_is_due = text_.empty() && pieces_.front().bytes_of_file > 0;
        Flushed result = file_is_due ? flush_file(stream, after) : flush_memory(stream, after);
        if (result != Flushed::all) return result;
    }
    bool goes_with_end = after == Follows::end && stream.awaits_end();
    if (!goes_with_end && stream.push() < 0) return not_sent("send");
    return empty() ? Flushed::all : Flushed::paced;
}

// By errno.
Flushed Output::not_sent(const char* call) {
    if (errno == EAGAIN) return Flushed::full;
    return errno == EINTR ? Flushed::all : fail_with(call, errno);
}

// Sends the text and the pieces of memory that follow it.
Flushed Output::flush_memory(Stream& stream, Follows after) {
    iovec parts[iovecs_max];
    int count = 0;
    size_t bytes = 0;
    auto add = [&](const char* from, size_t size) {
        parts[count++] = {const_cast<char*>(from), size};
        bytes += size;
    };
    if (!text_.empty()) add(text_.data() + sent_of_text_, text_.size() - sent_of_text_);
    size_t piece = 0;
    for (; piece < pieces_.size() && pieces_[piece].bytes_of_file == 0 && count < iovecs_max; ++piece) {
        size_t sent = piece == 0 ? sent_of_piece_ : 0;
        add(pieces_[piece].memory.data() + sent, pieces_[piece].memory.size() - sent);
    }

    bool is_cut = bytes > budget_;
    while (bytes > budget_) {
        iovec& last = parts[count - 1];
        size_t too_much = std::min<size_t>(bytes - budget_, last.iov_len);
        last.iov_len -= too_much;
        bytes -= too_much;
        if (last.iov_len == 0) --count;
    }
    // What follows is sent at once: the head shares its packet with the beginning of the file.
    bool file_follows = piece < pieces_.size() && pieces_[piece].bytes_of_file > 0;
    Follows follows = Follows::nothing;
    if (piece == pieces_.size()) follows = after;
    if (piece < pieces_.size() && (nopush_ || !file_follows)) follows = Follows::more;
    if (is_cut) follows = Follows::nothing;
    ssize_t sent = stream.send({parts, static_cast<size_t>(count)}, follows);
    if (sent < 0) return not_sent("send");
    advance(static_cast<uint64_t>(sent));
    bool is_full = static_cast<size_t>(sent) < bytes && stream.is_sent_as_it_is();
    return is_full ? Flushed::full : Flushed::all;
}

// Sends one step of the file.
Flushed Output::flush_file(Stream& stream, Follows after) {
    Window step = window();
    bool may_be_cold = step.offset + step.bytes > warm_until_;
    if (!use_sendfile_ || !stream.is_sent_as_it_is()) return copy_file(stream, step, may_be_cold, after);
    if (may_be_cold && !is_cached(file_, step.offset, step.bytes)) return Flushed::cold;

    auto offset = static_cast<off_t>(step.offset);
    ssize_t sent = sendfile(stream.fd(), file_, &offset, step.bytes);
    if (sent < 0 && (errno == EINVAL || errno == ENOSYS)) {
        use_sendfile_ = false;  // some file systems cannot; copying always works
        return Flushed::all;
    }
    if (sent < 0) return not_sent("sendfile");
    if (sent == 0) return fail_with("sendfile", 0);
    advance(static_cast<uint64_t>(sent));
    if (pieces_.empty()) return Flushed::all;
    return static_cast<uint64_t>(sent) == step.bytes ? Flushed::step : Flushed::all;
}

Flushed Output::copy_file(Stream& stream, Window step, bool may_be_cold, Follows after) {
    char buffer[copied_bytes_max];
    iovec part{buffer, std::min<size_t>(step.bytes, sizeof buffer)};
    ssize_t got = preadv2(file_, &part, 1, static_cast<off_t>(step.offset), may_be_cold ? RWF_NOWAIT : 0);
    if (got < 0 && errno == EOPNOTSUPP) got = preadv2(file_, &part, 1, static_cast<off_t>(step.offset), 0);
    if (got < 0 && errno == EAGAIN) return Flushed::cold;
    if (got <= 0) return fail_with("pread", got < 0 ? errno : 0);

    part.iov_len = static_cast<size_t>(got);
    bool is_last = pieces_.size() == 1 && sent_of_piece_ + part.iov_len == pieces_.front().bytes_of_file;
    Follows follows = Follows::nothing;
    if (is_last) follows = after;
    if (part.iov_len < step.bytes) follows = Follows::more;
    ssize_t sent = stream.send({&part, 1}, follows);
    if (sent < 0) return not_sent("send");
    advance(static_cast<uint64_t>(sent));
    return pieces_.empty() ? Flushed::all : Flushed::step;
}

void Output::advance(uint64_t sent) {
    if (budget_ != no_limit) budget_ -= sent;
    if (!text_.empty()) {
        uint64_t of_text = std::min<uint64_t>(sent, text_.size() - sent_of_text_);
        sent_of_text_ += of_text;
        sent -= of_text;
        if (sent_of_text_ == text_.size()) {
            if (text_.capacity() > text_bytes_kept) {
                text_ = std::string();
            } else {
                text_.clear();
            }
            sent_of_text_ = 0;
        }
    }
    while (!pieces_.empty()) {
        uint64_t left = pieces_.front().size() - sent_of_piece_;
        if (sent < left) break;
        sent -= left;
        sent_of_piece_ = 0;
        pieces_ = pieces_.subspan(1);
    }
    sent_of_piece_ += sent;
}

Flushed Output::fail_with(const char* call, int number) {
    error_ = {call, number};
    return Flushed::failed;
}

}  // namespace ringx::http
