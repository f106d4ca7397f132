#include "modules/log/log_sink.h"

#include <limits.h>

#include <algorithm>
#include <chrono>

#include "http/request.h"

namespace ringx::http {
namespace {

constexpr uint64_t report_interval_ms = 60'000;

// As much as a pipe takes in one piece, so that the lines of several workers do not mix.
constexpr size_t turn_bytes_max = PIPE_BUF;

// A write that took longer than this has waited for a disk. For a while its file is left to the thread.
constexpr std::chrono::milliseconds slow_write{10};
constexpr uint64_t slow_disk_ms = 10'000;

}  // namespace

void LossReport::lines_lost(const Log& errors, uint64_t now_ms, Error error, std::string_view name) {
    if (now_ms < next_ms_) return;
    next_ms_ = now_ms + report_interval_ms;
    errors.write(Level::alert, error, "{}() to \"{}\" failed", error.call, name);
}

LogSink::LogSink(Loop& loop, LogThread& thread, std::shared_ptr<const LogFile> file)
    : loop_(loop), thread_(thread), file_(std::move(file)) {
    file_->before_exchange([this] { flush(); });
}

LogSink::~LogSink() {
    flush();
    file_->before_exchange(nullptr);
}

void LogSink::add(const LogFormat& format, const LogBuffering& buffering, Request& request) {
    size_t begin = begin_line(buffering, request.log());
    format.append_to(waiting_, request);
    end_line(begin);
}

void LogSink::add(const LogFormat::Begun& line, const LogBuffering& buffering, const Log& errors, Request& end) {
    size_t begin = begin_line(buffering, errors);
    line.append_to(waiting_, end);
    end_line(begin);
}

size_t LogSink::begin_line(const LogBuffering& buffering, const Log& errors) {
    if (buffering != buffering_) {
        flush();
        buffering_ = buffering;
    }
    if (waiting_.empty()) errors_ = errors;
    return waiting_.size();
}

void LogSink::end_line(size_t begin) {
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
    uint64_t now_ms = loop_.clock().now_ms();
    if (int error = backlog_->error.exchange(0)) lines_lost({"write", error});

    bool in_order = backlog_->waiting == 0;
    if (buffering_.gzip_level == 0 && in_order && now_ms >= slow_until_ms_ && write_now(lines)) return;
    auto taken = thread_.write(file_->fd(), std::string(lines), buffering_.gzip_level, backlog_);
    if (!taken) lines_lost(taken.error());
}

// Writes in this thread what can be written without waiting. False when the thread has to write the rest.
bool LogSink::write_now(std::string_view& lines) {
    Result<> written;
    if (file_->takes_many_lines()) written = append_without_waiting(file_->fd(), lines);
    if (!file_->takes_many_lines() || (!written && written.error().number == EOPNOTSUPP)) {
        auto begin = std::chrono::steady_clock::now();
        written = file_->write(lines);
        auto took = std::chrono::steady_clock::now() - begin;
        if (took > slow_write) slow_until_ms_ = loop_.clock().now_ms() + slow_disk_ms;
    } else if (!written && written.error().number == EAGAIN) {
        return false;
    }
    if (!written) lines_lost(written.error());
    return true;
}

void LogSink::lines_lost(Error error) {
    losses_.lines_lost(errors_, loop_.clock().now_ms(), error, file_->name());
}

}  // namespace ringx::http
