// modules/log/log_directives.h - access_log, log_format and open_log_file_cache: what is logged where, and how.
//
// Formats belong to the http block, and buffers to files: all access_log lines about a file must agree on its buffer.
// A block that has an access_log of its own, or `off`, does without those of the blocks around it.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "conf/language.h"
#include "http/variables.h"
#include "modules/log/log_format.h"
#include "modules/log/log_sink.h"
#include "modules/log/named_logs.h"

namespace ringx::http {

// One access_log line.
struct AccessLog {
    std::shared_ptr<LogFile> file;  // null: the path has variables
    Template path;
    const LogFormat* format = nullptr;
    const LogBuffering* buffering = nullptr;  // of the file
    std::optional<Template> condition;        // log only when it is neither empty nor "0"
};

struct LogSettings {
    std::vector<const AccessLog*> logs;
    bool off = false;
    Setting<NamedLogRules> named_logs;

    // Only in the http block.
    std::map<std::string_view, const LogFormat*> formats;
    const LogFormat* preset_json = nullptr;  // once it is used
    std::map<const LogFile*, LogBuffering*> bufferings;
    const AccessLog* default_log = nullptr;  // of servers without access_log, once there is one

    void inherit(const LogSettings& outer);
    void complete(conf::Completion& completion);

    bool is_on() const { return !off && !logs.empty(); }
};

extern constinit conf::Slot<LogSettings> log_settings;

void set_access_log(LogSettings& settings, conf::Binding& binding);
void add_log_format(LogSettings& settings, conf::Binding& binding);
void set_open_log_file_cache(LogSettings& settings, conf::Binding& binding);

}  // namespace ringx::http
