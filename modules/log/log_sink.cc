#include "modules/log/log_sink.h"

#include <limits.h>
#define ZLIB_CONST
#include <zlib.h>

#include "base/check.h"
#include "http/request.h"

namespace ringx::http {
namespace {

constexpr uint64_t report_interval_ms = 60'000;

// As much as a pipe takes in one piece, so that the lines of several workers do not mix.
constexpr size_t turn_bytes_max = PIPE_BUF;

// A member of a gzip file (RFC 1952): members may follow one another, so each flush makes a whole one.
std::string gzip_member(std::string_view text, int level) {
    z_stream stream{};
    constexpr int gzip_window_bits = 15 + 16;
    constexpr int memory_level = 9;
    CHECK(deflateInit2(&stream, level, Z_DEFLATED, gzip_window_bits, memory_level, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string member(deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<const Bytef*>(text.data());
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(member.data());
    stream.avail_out = static_cast<uInt>(member.size());
    CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    member.resize(stream.total_out);
    deflateEnd(&stream);
    return member;
}

}  // namespace

void LossReport::lines_lost(const Log& errors, uint64_t now_ms, Error error, std::string_view name) {
    if (now_ms < next_ms_) return;
    next_ms_ = now_ms + report_interval_ms;
    errors.write(Level::alert, error, "{}() to \"{}\" failed", error.call, name);
}

LogSink::LogSink(Loop& loop, std::shared_ptr<const LogFile> file) : loop_(loop), file_(std::move(file)) {
    file_->before_exchange([this] { flush(); });
}

LogSink::~LogSink() {
    flush();
    file_->before_exchange(nullptr);
}

void LogSink::add(const LogFormat& format, const LogBuffering& buffering, Request& request) {
    if (buffering != buffering_) {
        flush();
        buffering_ = buffering;
    }
    size_t begin = waiting_.size();
    if (begin == 0) errors_ = request.log();
    format.append_to(waiting_, request);
    waiting_ += '\n';

    size_t bytes_max = !file_->takes_many_lines() ? 0 : buffering_.bytes > 0 ? buffering_.bytes : turn_bytes_max;
    if (waiting_.size() > bytes_max) {
        write(std::string_view(waiting_).substr(0, begin));
        waiting_.erase(0, begin);
        if (waiting_.size() > bytes_max) return flush();
    }
    flush_soon();
}

// Makes sure that what waits does not wait for ever.
void LogSink::flush_soon() {
    if (buffering_.bytes == 0) {
        if (!end_of_turn_.linked()) loop_.defer(end_of_turn_);
    } else if (buffering_.flush_ms > 0 && !timer_.set()) {
        loop_.set_timer(timer_, buffering_.flush_ms);
    }
}

void LogSink::flush() {
    write(waiting_);
    waiting_.clear();
    loop_.timers().stop(timer_);
    end_of_turn_.unlink();
}

void LogSink::write(std::string_view lines) {
    if (lines.empty()) return;
    Result<> written = buffering_.gzip_level > 0 ? file_->write(gzip_member(lines, buffering_.gzip_level))
                                                 : file_->write(lines);
    if (!written) losses_.lines_lost(errors_, loop_.clock().now_ms(), written.error(), file_->name());
}

}  // namespace ringx::http
