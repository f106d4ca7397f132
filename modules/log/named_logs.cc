#include "modules/log/named_logs.h"

#include <sys/stat.h>

#include <chrono>
#include <iterator>
#include <utility>

namespace ringx::http {
namespace {

constexpr uint64_t report_interval_ms = 60'000;

uint64_t milliseconds_now() {
    using namespace std::chrono;
    return static_cast<uint64_t>(duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

bool is_directory(const std::string& root) {
    struct stat status;
    return stat(root.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

void NamedLogs::forget(Entries::iterator entry) {
    by_path_.erase(entry->path);
    entries_.erase(entry);
}

NamedLogs::Entry& NamedLogs::find(std::string_view path, const NamedLogRules& rules) {
    uint64_t now = now_ms_;
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
    uint64_t now = now_ms_;
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

void NamedLogs::write(Line line) {
    size_t bytes = sizeof line + line.root.size() + line.path.size() + line.text.size();
    Log errors = line.errors;
    std::string path = line.path;
    auto taken = thread_.run(bytes, [this, kept = std::move(line)] { append(kept); });
    if (!taken) losses_.lines_lost(errors, loop_.clock().now_ms(), taken.error(), path);
}

// Says on the loop what went wrong.
void NamedLogs::report(const Line& line, Level level, Error error) {
    loop_.post([errors = line.errors, path = line.path, level, error] {
        errors.write(level, error, "{}() \"{}\" failed", error.call, path);
    });
}

void NamedLogs::append(const Line& line) {
    if (!is_directory(line.root)) return;
    now_ms_ = milliseconds_now();
    Entry& entry = find(line.path, line.rules);
    if (auto ready = make_ready(entry, line.rules); !ready) return report(line, Level::crit, ready.error());
    auto written = thread_.write_patiently(entry.file->fd(), line.text);
    if (!written && now_ms_ >= next_report_ms_) {
        next_report_ms_ = now_ms_ + report_interval_ms;
        report(line, Level::alert, written.error());
    }
    if (entry.uses < line.rules.min_uses || line.rules.files_max == 0) entry.file.reset();
}

}  // namespace ringx::http
