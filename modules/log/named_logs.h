// modules/log/named_logs.h - logs whose path has variables in it: files that come and go with the requests.
//
// They are opened by the worker, with its rights, for every line; open_log_file_cache keeps the most used ones open and
// looks from time to time whether the path still means the same file. As in nginx a line is only written when the root
// of the request exists, so that a Host that means nothing makes no files. All of this asks the file system, so it
// happens on the worker's thread for logs: what is below `private` is touched by that thread alone.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/log.h"
#include "http/request.h"
#include "modules/log/log_sink.h"

namespace ringx::http {

// What open_log_file_cache says.
struct NamedLogRules {
    uint32_t files_max = 0;  // 0: none is kept open
    uint64_t inactive_ms = 10'000;
    uint64_t valid_ms = 60'000;
    uint32_t min_uses = 1;
};

class NamedLogs {
 public:
    // REQUIRES: loop and thread have ended their work for it before it is destroyed.
    NamedLogs(Loop& loop, LogThread& thread) : loop_(loop), thread_(thread) {}

    // A line on its way.
    struct Line {
        std::string root;  // of the request
        std::string path;
        std::string text;
        NamedLogRules rules;
        Log errors;  // of the request
    };
    // Appends the line to the file at its path.
    void write(Line line);

 private:
    struct Entry {
        std::string path;
        std::optional<LogFile> file;  // open
        uint32_t uses = 0;
        uint64_t used_ms = 0;
        uint64_t checked_ms = 0;
        uint64_t device = 0, inode = 0;
    };
    using Entries = std::list<Entry>;  // last used first

    void append(const Line& line);
    void report(const Line& line, Level level, Error error);
    Entry& find(std::string_view path, const NamedLogRules& rules);
    Result<> make_ready(Entry& entry, const NamedLogRules& rules);
    void forget(Entries::iterator entry);

    Loop& loop_;
    LogThread& thread_;
    uint64_t now_ms_ = 0;
    Entries entries_;
    std::unordered_map<std::string_view, Entries::iterator> by_path_;
    uint64_t next_report_ms_ = 0;

    LossReport losses_;  // the loop's
};

}  // namespace ringx::http
