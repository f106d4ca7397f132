#include "modules/log/named_logs.h"

#include <sys/stat.h>

#include <iterator>

#include "http/core_settings.h"

namespace ringx::http {
namespace {

bool has_root(Request& request) {
    std::string root(request.core->root.evaluate(request));
    struct stat status;
    return stat(root.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

void NamedLogs::forget(Entries::iterator entry) {
    by_path_.erase(entry->path);
    entries_.erase(entry);
}

NamedLogs::Entry& NamedLogs::find(std::string_view path, const NamedLogRules& rules) {
    uint64_t now = loop_.clock().now_ms();
    while (!entries_.empty()) {
        auto oldest = std::prev(entries_.end());
        if (oldest->used_ms + rules.inactive_ms > now && entries_.size() <= rules.files_max) break;
        forget(oldest);
    }
    auto known = by_path_.find(path);
    if (known != by_path_.end()) {
        entries_.splice(entries_.begin(), entries_, known->second);
    } else {
        entries_.emplace_front().path = path;
        by_path_.emplace(entries_.front().path, entries_.begin());
    }
    Entry& entry = entries_.front();
    entry.used_ms = now;
    ++entry.uses;
    return entry;
}

// Opens the file unless it is open and still the one the path means.
Result<> NamedLogs::make_ready(Entry& entry, const NamedLogRules& rules) {
    uint64_t now = loop_.clock().now_ms();
    if (entry.file && now < entry.checked_ms + rules.valid_ms) return {};
    entry.checked_ms = now;
    struct stat status;
    if (entry.file && stat(entry.path.c_str(), &status) == 0 && status.st_dev == entry.device &&
        status.st_ino == entry.inode) {
        return {};
    }
    entry.file.emplace(entry.path);
    auto opened = entry.file->open();
    if (opened && fstat(entry.file->fd(), &status) < 0) opened = fail("fstat");
    if (!opened) {
        entry.file.reset();
        return opened;
    }
    entry.device = status.st_dev;
    entry.inode = status.st_ino;
    return {};
}

void NamedLogs::write(std::string_view path, std::string_view line, const NamedLogRules& rules, Request& request) {
    if (!has_root(request)) return;
    Entry& entry = find(path, rules);
    if (auto ready = make_ready(entry, rules); !ready) {
        request.log().write(Level::crit, request.log_context(), ready.error(), "{}() \"{}\" failed",
                            ready.error().call, path);
        return;
    }
    auto written = entry.file->write(line);
    if (!written) losses_.lines_lost(request.log(), loop_.clock().now_ms(), written.error(), path);
    if (entry.uses < rules.min_uses || rules.files_max == 0) entry.file.reset();
}

}  // namespace ringx::http
