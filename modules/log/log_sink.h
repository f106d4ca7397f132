// modules/log/log_sink.h - a worker's way to one log file: at once, or through a buffer, perhaps compressed.
//
// Without a buffer the lines of a turn of the loop are written together at its end. With one, lines are written when
// the next does not fit, when the oldest has waited long enough, before the file is rotated, and when the worker ends.
// What would have to wait is written by a thread. What cannot be written is lost, and said in the error log, at most
// once a minute.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/log_thread.h"
#include "event/loop.h"
#include "modules/log/log_format.h"

namespace ringx::http {

struct LogBuffering {
    size_t bytes = 0;       // 0: none
    uint64_t flush_ms = 0;  // 0: lines may wait for ever
    int gzip_level = 0;     // 0: not compressed

    friend bool operator==(const LogBuffering&, const LogBuffering&) = default;
};

// Says in the error log that lines are lost, at most once a minute.
class LossReport {
 public:
    void lines_lost(const Log& errors, uint64_t now_ms, Error error, std::string_view name);

 private:
    uint64_t next_ms_ = 0;
};

class LogSink {
 public:
    // REQUIRES: the file is open; loop and thread outlive the sink.
    LogSink(Loop& loop, LogThread& thread, std::shared_ptr<const LogFile> file);
    LogSink(const LogSink&) = delete;
    LogSink& operator=(const LogSink&) = delete;
    ~LogSink();

    // Adds the request's line. `buffering` may have changed since the last one.
    void add(const LogFormat& format, const LogBuffering& buffering, Request& request);
    // The same with one that was begun; who reads these errors is told of lines that are lost.
    void add(const LogFormat::Begun& line, const LogBuffering& buffering, const Log& errors, Request& end);

    // Writes what waits.
    void flush();

    // Whether a generation still writes to the file.
    bool is_used() const { return file_.use_count() > 1 || file_->is_shared(); }

 private:
    struct FlushTimer : Timer {
        explicit FlushTimer(LogSink& sink) : sink(sink) {}
        void expire() override { sink.flush(); }
        LogSink& sink;
    };
    struct EndOfTurn : Deferred {
        explicit EndOfTurn(LogSink& sink) : sink(sink) {}
        void run() override { sink.flush(); }
        LogSink& sink;
    };

    size_t begin_line(const LogBuffering& buffering, const Log& errors);
    void end_line(size_t begin);
    void flush_soon();
    void write(std::string_view lines);
    bool write_now(std::string_view& lines);
    void lines_lost(Error error);

    Loop& loop_;
    LogThread& thread_;
    std::shared_ptr<const LogFile> file_;
    Log errors_;  // of the request whose line waits longest
    LogBuffering buffering_;
    std::string waiting_;
    LossReport losses_;
    std::shared_ptr<LogBacklog> backlog_ = std::make_shared<LogBacklog>();
    uint64_t slow_until_ms_ = 0;
    FlushTimer timer_{*this};
    EndOfTurn end_of_turn_{*this};
};

}  // namespace ringx::http
