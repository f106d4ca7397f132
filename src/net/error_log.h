// net/error_log.h - the error_log directive: which Log a block of the configuration writes to.
//
// Destinations are collected in the tree's LogFiles, so that each is opened once, by the master; a block's Log is made
// when the block is complete. A main block that names no file also writes to the default log.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "conf/language.h"

namespace ringx {

// All destinations of logs that a tree names, error logs and access logs alike. It lives in the tree's main block.
class LogFiles {
 public:
    // The destination of that name, the same one for the same name.
    std::shared_ptr<LogFile> get(std::string_view name);
    const std::vector<std::shared_ptr<LogFile>>& all() const { return files_; }
    // Continues with the open files of `before` where names are equal.
    void take_over(const LogFiles& before);

    // Where the error logs of all blocks go, and from which level on, each once.
    const std::vector<Log::Destination>& error_logs() const { return error_logs_; }
    void add_error_log(const Log::Destination& destination);
    // What they obey for the time being.
    const std::shared_ptr<PresentLevel>& present_level() { return present_level_; }

    // What any Log of the tree has to say of errors is also remembered there.
    void remember_in(RecentErrors& recent);
    // Null in a tree that is only looked at.
    const RecentErrors* recent_errors() const { return recent_; }

 private:
    std::vector<std::shared_ptr<LogFile>> files_;
    std::vector<Log::Destination> error_logs_;
    std::shared_ptr<PresentLevel> present_level_ = std::make_shared<PresentLevel>();
    RecentErrors* recent_ = nullptr;
};

extern constinit conf::Slot<LogFiles> log_files;

// What `error_log` and `access_log` name: a path becomes absolute by the prefix, "stderr" and "syslog:…" stay.
// Complains and gives null when there can be no such destination.
std::shared_ptr<LogFile> find_log_file(conf::Binding& binding, const conf::Word& word);

// A file of the bundle that no disk can hold: it names the log of a configuration without error_log (`server -e`), and
// so reaches the workers with the rest. Without it that is the path given to configure.
inline constexpr std::string_view default_error_log_path = "/dev/null/error_log";

extern const conf::Section error_log_section;
extern const conf::Section log_files_section;

// The error log of a block.
const Log& error_log(const conf::Block& block);

}  // namespace ringx
