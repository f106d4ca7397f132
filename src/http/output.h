// http/output.h - what is to be sent on a connection: bytes that were formatted, then pieces of memory and of a file.
//
// flush() sends as much as the socket takes at once, and says what to wait for when that was not all. An Output is
// free to be moved while nothing is in flight: the worker has one that serves every answer which leaves at once;
// whoever must wait moves it into its own frame first.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/result.h"
#include "http/response.h"
#include "net/stream.h"

namespace ringx::http {

enum class Flushed : uint8_t {
    all,
    full,    // the socket takes no more now
    step,    // it may take more, but others have their turn first
    cold,    // the next bytes of the file, window(), are not in memory
    paced,   // as much has left as limit() allows
    failed,  // error() says why; truncated() when the file has become too short
};

class Output {
 public:
    Output() = default;
    Output(Output&& other) noexcept { *this = std::move(other); }
    Output& operator=(Output&& other) noexcept;

    // Formatted bytes go here; what has been sent of them is gone after a flush.
    std::string& text() { return text_; }

    // The body that follows the text. Pieces, memory and file live until all is sent.
    struct HowToSend {
        bool sendfile;
        bool nopush;  // the head and the beginning of the file share a packet
        uint64_t step_bytes_max;
    };
    void set_body(std::span<const Piece> pieces, int file, const HowToSend& how);

    // Formats into the memory of an output that was sent, if that is more than its own. REQUIRES: both are empty.
    void take_memory_of(Output& sent) {
        if (sent.text_.capacity() > text_.capacity()) text_.swap(sent.text_);
    }

    bool empty() const { return text_.empty() && pieces_.empty(); }
    bool has_body() const { return !pieces_.empty(); }

    // What `after` says comes from the caller as soon as all is sent: the last bytes are kept back for the moment that
    // takes, so that they share a packet with it, be it the connection's FIN, or close_notify.
    Flushed flush(Stream& stream, Follows after = Follows::nothing);

    // At most this many bytes leave before the next call of limit().
    void limit(uint64_t bytes) { budget_ = bytes; }
    static constexpr uint64_t no_limit = ~uint64_t{0};

    Error error() const { return error_; }
    bool truncated() const { return error_.number == 0; }

    // The part of the file that flush() found cold. warm() says that it has been read.
    struct Window {
        uint64_t offset;
        uint32_t bytes;
    };
    Window window() const;
    void warm() { warm_until_ = window().offset + window().bytes; }
    int file() const { return file_; }

    // Bytes that are not sent yet.
    uint64_t unsent() const;

    // The most a file is read ahead, or sent, at once.
    static constexpr uint32_t window_bytes_max = 256 * 1024;

 private:
    Flushed flush_memory(Stream& stream, Follows after);
    Flushed flush_file(Stream& stream, Follows after);
    Flushed copy_file(Stream& stream, Window step, bool may_be_cold, Follows after);
    void advance(uint64_t sent);
    Flushed not_sent(const char* call);
    Flushed fail_with(const char* call, int number);

    std::string text_;
    size_t sent_of_text_ = 0;
    std::span<const Piece> pieces_;  // what is left of them
    uint64_t sent_of_piece_ = 0;     // of the first of them
    int file_ = -1;
    bool use_sendfile_ = true;
    bool nopush_ = true;
    uint64_t step_bytes_max_ = window_bytes_max;
    uint64_t budget_ = no_limit;
    uint64_t warm_until_ = 0;  // the file has just been read up to here
    Error error_;
};

}  // namespace ringx::http
