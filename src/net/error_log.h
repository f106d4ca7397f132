// net/error_log.h - the error_log directive: which Log a block of the configuration writes to.
//
// Destinations are collected in the tree's LogFiles, so that each is opened once, by the master; a block's Log is made
// when the block is complete. Before that, and in a tree without error_log, the built-in default holds.
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

 private:
    std::vector<std::shared_ptr<LogFile>> files_;
};

extern constinit conf::Slot<LogFiles> log_files;

extern const conf::Section error_log_section;
extern const conf::Section log_files_section;

// The error log of a block.
const Log& error_log(const conf::Block& block);

}  // namespace ringx
