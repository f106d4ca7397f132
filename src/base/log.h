// base/log.h - the error log: who may write what where, and the form of a line.
//
// A Log is a set of destinations, each with the mildest level it admits. Destinations are shared: every path is opened
// once, by the master, and when it is opened anew (rotation) the new file takes the place of the old under the same
// descriptor number, so that nobody who writes has to know. What a log cannot write is dropped: there is no place left
// to complain to. Lines have nginx's form:
//     2026/11/21 02:51:35 [error] 12#12: *3 open() "/x" failed (2: No such file or directory), client: 127.0.0.1
// or are JSON objects with the same content.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/format.h"
#include "base/result.h"

namespace ringx {

// Most severe first; a destination admits its own level and all before it.
enum class Level : uint8_t { emerg = 1, alert, crit, error, warn, notice, info, debug };

std::string_view level_name(Level level);
std::optional<Level> parse_level(std::string_view name);

class LogThread;
struct LogBacklog;
class RecentErrors;
struct SyslogTarget;

// One open destination: a file, standard error, a socket of syslog, or a ring in memory, where the newest lines are.
class LogFile {
 public:
    // A path; "stderr"; "memory:SIZE"; or "syslog:server=ADDRESS[,facility=..][,tag=..][,severity=..][,nohostname]".
    // REQUIRES: what follows "syslog:" was accepted by parse_syslog, and what follows "memory:" by parse_ring_bytes.
    explicit LogFile(std::string name);
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;
    ~LogFile();

    const std::string& name() const { return name_; }
    bool is_file() const { return !syslog_ && ring_bytes_ == 0 && name_ != "stderr"; }
    // Otherwise each line is a record of its own.
    bool takes_many_lines() const { return !syslog_; }

    // Opens it, or opens it anew: the descriptor number stays. Files are created with mode 0644 and appended to. A
    // symbolic link is not followed when its directory belongs to somebody other than root or us.
    Result<> open();
    // Puts `opened`, which another process opened, in the place of the descriptor.
    void adopt(Fd opened);
    // Writes to the descriptor of `other` from now on, which closes with the last who shares it.
    void share(const LogFile& other) { open_ = other.open_; }
    bool is_shared() const { return open_.use_count() > 1; }
    // -1 before it is opened; never 0, 1 or 2.
    int fd() const { return open_ ? open_->fd.get() : -1; }

    // Whoever keeps lines back writes them in `call`, before another file takes the place of this one. One at a time;
    // null: nobody any more.
    // REQUIRES: it is open.
    void before_exchange(std::function<void()> call) const;

    // Lines that would have to wait, for a disk or a reader, are left to the thread from now on; null: not any more.
    // REQUIRES: it is open.
    void use_thread(LogThread* thread) const;

    // Errors that a Log has for it are also remembered there, as all processes do. REQUIRES: that outlives it.
    void remember_in(RecentErrors& recent) { recent_ = &recent; }
    RecentErrors* recent_errors() const { return recent_; }

    // Writes the whole text, which ends in a newline, as one record; short writes of files are continued. Syslog gets
    // the severity of `level`, or without one that of its name.
    Result<> write(std::string_view text, std::optional<Level> level = {}) const;

 private:
    struct Open {
        Fd fd;
        std::function<void()> before_exchange;
        LogThread* thread = nullptr;
        std::shared_ptr<LogBacklog> backlog;  // of the thread
        bool is_regular = false;
        std::chrono::steady_clock::time_point slow_until;
    };

    Result<> write_or_leave(std::string_view text) const;

    std::string name_;
    std::unique_ptr<const SyslogTarget> syslog_;
    size_t ring_bytes_ = 0;  // 0: no ring
    RecentErrors* recent_ = nullptr;
    std::shared_ptr<Open> open_;
};

inline constexpr std::string_view memory_prefix = "memory:";

// How large a ring in memory is to be: bytes, or with k or m. Nothing when that is no size, or a line has no room.
std::optional<size_t> parse_ring_bytes(std::string_view text);

// Collects what is known beside a message, in the form its line has.
class LogTail {
 public:
    LogTail(std::string& line, bool json) : line_(line), json_(json) {}

    void add(std::string_view name, std::string_view value) { append(name, value, ""); }     // client: 127.0.0.1
    void quote(std::string_view name, std::string_view value) { append(name, value, "\""); }  // host: "example.com"

 private:
    void append(std::string_view name, std::string_view value, std::string_view quotes);

    std::string& line_;
    bool json_;
};

// Where a message belongs: the number of its connection and what is known about the request.
struct LogContext {
    uint64_t connection = 0;  // 0: none
    void (*describe)(const void* object, LogTail& tail) = nullptr;  // adds client, server, request …
    const void* object = nullptr;
    std::string_view doing = {};  // "reading client request line": follows the message, and its error, after " while "
};

// A level in the place of those that logs are configured with, while there is one. Where it is kept is said later.
class PresentLevel {
 public:
    // REQUIRES: no other thread is there yet; the number lives as long as any log. 0: as configured.
    void keep_at(const std::atomic<uint8_t>& number) { number_ = &number; }
    Level or_else(Level configured) const {
        uint8_t number = number_ != nullptr ? number_->load(std::memory_order_relaxed) : 0;
        return number != 0 ? Level{number} : configured;
    }

 private:
    const std::atomic<uint8_t>* number_ = nullptr;
};

class Log {
 public:
    struct Destination {
        std::shared_ptr<LogFile> file;
        Level level = Level::error;
        bool json = false;
    };

    void add(Destination destination);
    const std::vector<Destination>& destinations() const { return destinations_; }

    void obey(std::shared_ptr<const PresentLevel> present) { present_ = std::move(present); }
    bool admits(Level level) const { return level <= now(mildest_); }

    template <typename... Args>
    void write(Level level, text::format_string<Args...> form, Args&&... args) const {
        if (admits(level)) write_line(level, {}, {}, text::text_of(form), text::make_format_args(args...));
    }

    // With the error as nginx shows it, "(2: No such file or directory)", behind the message.
    template <typename... Args>
    void write(Level level, Error error, text::format_string<Args...> form, Args&&... args) const {
        if (admits(level)) write_line(level, {}, error, text::text_of(form), text::make_format_args(args...));
    }

    template <typename... Args>
    void write(Level level, const LogContext& context, text::format_string<Args...> form, Args&&... args) const {
        if (admits(level)) write_line(level, context, {}, text::text_of(form), text::make_format_args(args...));
    }

    template <typename... Args>
    void write(Level level, const LogContext& context, Error error, text::format_string<Args...> form,
               Args&&... args) const {
        if (admits(level)) write_line(level, context, error, text::text_of(form), text::make_format_args(args...));
    }

 private:
    Level now(Level configured) const { return present_ != nullptr ? present_->or_else(configured) : configured; }
    void write_line(Level level, const LogContext& context, Error error, std::string_view form,
                    text::format_args args) const;

    std::vector<Destination> destinations_;
    Level mildest_ = Level{0};
    std::shared_ptr<const PresentLevel> present_;  // copies of a log outlive its tree
};

// "2: No such file or directory", without the brackets.
std::string describe(Error error);

}  // namespace ringx
