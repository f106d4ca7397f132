// modules/log/module.cc - access logs: one line for each request, in each log of the location where it ended.
//
// What waits to be written, and files that are kept open, belong to the worker and outlive generations: a reload loses
// no line and opens no file anew.
#include <memory>
#include <vector>

#include "base/check.h"
#include "http/core_settings.h"
#include "http/module.h"
#include "modules/log/log_directives.h"

namespace ringx::http {

constinit conf::Slot<LogSettings> log_settings;

namespace {

// A worker's sinks, by the number of their descriptor, which is one file's as long as there is a sink for it.
class Sinks {
 public:
    explicit Sinks(Loop& loop) : named(loop, thread_), loop_(loop) {}

    LogSink& of(const std::shared_ptr<LogFile>& file) {
        CHECK(file->fd() >= 0);
        auto place = static_cast<size_t>(file->fd());
        if (place >= by_fd_.size() || by_fd_[place] == nullptr) add(place, file);
        return *by_fd_[place];
    }

    NamedLogs named;

 private:
    void add(size_t place, const std::shared_ptr<LogFile>& file) {
        for (auto& sink : by_fd_) {
            if (sink != nullptr && !sink->is_used()) sink.reset();
        }
        if (place >= by_fd_.size()) by_fd_.resize(place + 1);
        by_fd_[place] = std::make_unique<LogSink>(loop_, thread_, file);
    }

    Loop& loop_;
    LogThread thread_;  // ends before `named`, which it works for, and after the sinks
    std::vector<std::unique_ptr<LogSink>> by_fd_;
};

bool is_wanted(const AccessLog& log, Request& request) {
    if (!log.condition) return true;
    std::string_view value = log.condition->evaluate(request);
    return !value.empty() && value != "0";
}

Sinks& sinks_of(Request& request) { return request.worker->states.get<Sinks>(request.worker->loop); }

NamedLogs::Line named_line(const AccessLog& log, const LogSettings& settings, Request& request) {
    return {std::string(request.core->root.evaluate(request)), std::string(log.path.evaluate(request)), {},
            *settings.named_logs, request.log()};
}

void log_request(Request& request) {
    const LogSettings& settings = log_settings.in(*request.block);
    Sinks& sinks = sinks_of(request);
    for (const AccessLog* log : settings.logs) {
        if (!is_wanted(*log, request)) continue;
        if (log->file != nullptr) {
            sinks.of(log->file).add(*log->format, *log->buffering, request);
            continue;
        }
        NamedLogs::Line line = named_line(*log, settings, request);
        log->format->append_to(line.text, request);
        line.text += '\n';
        sinks.named.write(std::move(line));
    }
}

// The lines of a request that has become a tunnel, and where they go. Conditions are asked when it begins.
class BegunLines final : public Outlasting {
 public:
    BegunLines(const LogSettings& settings, Request& request) : errors_(request.log()) {
        for (const AccessLog* log : settings.logs) {
            if (!is_wanted(*log, request)) continue;
            Begun& line = lines_.emplace_back(log->file, LogBuffering(), nullptr, log->format->begin(request));
            if (log->file != nullptr) line.buffering = *log->buffering;
            else line.named = std::make_unique<NamedLogs::Line>(named_line(*log, settings, request));
        }
    }

    void log(Request& end) override {
        Sinks& sinks = sinks_of(end);
        for (Begun& line : lines_) {
            if (line.file != nullptr) {
                sinks.of(line.file).add(line.text, line.buffering, errors_, end);
                continue;
            }
            line.text.append_to(line.named->text, end);
            line.named->text += '\n';
            sinks.named.write(std::move(*line.named));
        }
    }

 private:
    struct Begun {
        std::shared_ptr<LogFile> file;
        LogBuffering buffering;
        std::unique_ptr<NamedLogs::Line> named;  // null: `file`
        LogFormat::Begun text;
    };
    std::vector<Begun> lines_;
    Log errors_;
};

std::unique_ptr<Outlasting> begin_lines(Request& request) {
    const LogSettings& settings = log_settings.in(*request.block);
    if (!settings.is_on()) return nullptr;
    return std::make_unique<BegunLines>(settings, request);
}

constexpr auto everywhere = conf::http | conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::custom<&set_access_log>("access_log", everywhere | conf::if_in_location | conf::limit_except,
                                  conf::at_least_one, "Where requests are logged, and in which format.")
        .shown_as("off | path [format [buffer=size] [gzip[=level]] [flush=time] [if=condition]]"),
    conf::custom<&add_log_format>("log_format", conf::http, {2, conf::Arity::unlimited},
                                  "A format for access_log: text with variables.")
        .shown_as("name [escape=default|json|none] string ..."),
    conf::custom<&set_open_log_file_cache, &LogSettings::named_logs>(
        "open_log_file_cache", everywhere, {1, 4}, "How many logs with variables in their path are kept open.")
        .shown_as("off | max=number [inactive=time] [min_uses=number] [valid=time]"),
};

}  // namespace

extern constinit const Module log_module = {
    .name = "log",
    .directives = directives,
    .settings = &log_settings,
    .applies = [](const conf::Block& block) { return log_settings.in(block).is_on(); },
    .log = log_request,
    .outlast = begin_lines,
};

}  // namespace ringx::http
