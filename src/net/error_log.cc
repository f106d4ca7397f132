#include "net/error_log.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/format.h"
#include "base/syslog.h"
#include "build.h"

namespace ringx {

constinit conf::Slot<LogFiles> log_files{conf::main};

namespace {

struct ErrorLog {
    Log log;

    void complete(conf::Completion& completion);
};

constinit conf::Slot<ErrorLog> error_logs;

std::string absolute_name(const conf::LoadState& load, std::string_view name) {
    bool is_path = name != "stderr" && !name.starts_with(syslog_prefix);
    return std::string(is_path ? load.full_path(name) : name);
}

// The parts of nginx whose debugging can be asked for by itself; here they all are `debug`.
constexpr std::array<std::string_view, 7> debug_parts = {"debug_core",  "debug_alloc", "debug_mutex", "debug_event",
                                                         "debug_http", "debug_mail",  "debug_stream"};

bool is_debug_part(std::string_view name) { return std::ranges::find(debug_parts, name) != debug_parts.end(); }

// error_log FILE [LEVEL] [json]
void add_error_log(ErrorLog& settings, conf::Binding& binding) {
    Log::Destination destination;
    bool has_level = false;
    for (const conf::Word& word : binding.words().subspan(1)) {
        auto level = parse_level(word.text);
        if (level && has_level) {
            return binding.mistake(word, text::format("duplicate log level \"{}\"", word.text));
        }
        if (level) {
            destination.level = *level;
            has_level = true;
        } else if (is_debug_part(word.text)) {
            destination.level = Level::debug;
        } else if (word.text == "json" || word.text == "format=json") {
            destination.json = true;
        } else {
            return binding.mistake(word, text::format("invalid log level \"{}\"", word.text),
                                   "expected debug, info, notice, warn, error, crit, alert or emerg");
        }
    }
    const conf::Word& where = binding.words()[0];
    if (!where.text.starts_with(memory_prefix)) {
        destination.file = find_log_file(binding, where);
    } else if (std::string_view size = where.text.substr(memory_prefix.size()); parse_ring_bytes(size)) {
        destination.file = log_files.in(binding.block()).get(where.text);
    } else {
        binding.mistake(where, text::format("invalid buffer size \"{}\"", size), "expected a size from 4k on");
    }
    if (destination.file == nullptr) return;
    log_files.in(binding.block()).add_error_log(destination);
    settings.log.add(std::move(destination));
}

// A block without destinations writes where the one around it does.
void ErrorLog::complete(conf::Completion& completion) {
    conf::Block& block = completion.block();
    LogFiles& files = log_files.in(block);
    log.obey(files.present_level());
    if (block.outer() != nullptr) {
        if (log.destinations().empty()) log = error_logs.in(*block.outer()).log;
        return;
    }
    // As in nginx, syslog and memory are not enough: what goes wrong at start must be found somewhere.
    auto is_elsewhere = [](const Log::Destination& d) {
        return d.file->name().starts_with(syslog_prefix) || d.file->name().starts_with(memory_prefix);
    };
    if (!std::ranges::all_of(log.destinations(), is_elsewhere)) return;
    auto named = completion.bundle().read(default_error_log_path);
    std::string name = absolute_name(completion, named ? *named : std::string_view(RINGX_ERROR_LOG_PATH));
    Log::Destination last{.file = files.get(name), .level = Level::error, .json = false};
    files.add_error_log(last);
    log.add(std::move(last));
}

constexpr conf::Directive rows[] = {
    conf::custom<&add_error_log>(
        "error_log", conf::main | conf::http | conf::server | conf::location | conf::stream | conf::stream_server,
        conf::at_least_one, "Where errors are written, and from which level on.")
        .shown_as("file | stderr | memory:size | syslog:server=address[,parameter=value] [level] [format=json]"),
};

}  // namespace

const conf::Section error_log_section{"error_log", rows, &error_logs};
const conf::Section log_files_section{"log_files", {}, &log_files};

std::shared_ptr<LogFile> LogFiles::get(std::string_view name) {
    auto known = std::ranges::find_if(files_, [&](const auto& file) { return file->name() == name; });
    return known != files_.end() ? *known : files_.emplace_back(std::make_shared<LogFile>(std::string(name)));
}

void LogFiles::add_error_log(const Log::Destination& destination) {
    auto is_it = [&](const Log::Destination& one) {
        return one.file == destination.file && one.level == destination.level;
    };
    if (std::ranges::none_of(error_logs_, is_it)) error_logs_.push_back(destination);
}

void LogFiles::take_over(const LogFiles& before) {
    for (const auto& file : files_) {
        for (const auto& old : before.files_) {
            if (old->name() == file->name()) file->share(*old);
        }
    }
}

void LogFiles::remember_in(RecentErrors& recent) {
    recent_ = &recent;
    for (const auto& file : files_) file->remember_in(recent);
}

std::shared_ptr<LogFile> find_log_file(conf::Binding& binding, const conf::Word& word) {
    if (word.text.starts_with(syslog_prefix)) {
        auto target = parse_syslog(word.text.substr(syslog_prefix.size()));
        if (!target) {
            binding.mistake(word, target.error());
            return nullptr;
        }
    }
    return log_files.in(binding.block()).get(absolute_name(binding, word.text));
}

const Log& error_log(const conf::Block& block) { return error_logs.in(block).log; }

}  // namespace ringx
