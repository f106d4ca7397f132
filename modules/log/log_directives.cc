#include "modules/log/log_directives.h"

#include <algorithm>

#include "base/format.h"
#include "build.h"
#include "net/error_log.h"

namespace ringx::http {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view combined_name = "combined";
constexpr std::string_view json_name = "json";
constexpr size_t gzip_buffer_bytes = 65536;  // of a compressed log without buffer=

LogSettings& of_http(conf::Block& block) {
    conf::Block* at = &block;
    while (at->context() != conf::http && at->outer() != nullptr) at = at->outer();
    return log_settings.in(*at);
}

// Null when there is no such format yet: they must be defined before they are used. Case does not matter, as in nginx.
// Many configurations of nginx's declare a `json` of their own: from there on, it is theirs.
const LogFormat* find_format(LogSettings& http, Arena& arena, VariableNames& names, std::string_view name) {
    for (const auto& [known, format] : http.formats) {
        if (conf::same_keyword(known, name)) return format;
    }
    if (conf::same_keyword(combined_name, name)) {
        return http.formats[combined_name] = arena.make<LogFormat>(LogFormat::combined(arena, names));
    }
    if (!conf::same_keyword(json_name, name)) return nullptr;
    if (http.preset_json == nullptr) http.preset_json = arena.make<LogFormat>(LogFormat::json(arena, names));
    return http.preset_json;
}

LogBuffering& buffering_of(LogSettings& http, Arena& arena, const LogFile& file) {
    LogBuffering*& buffering = http.bufferings[&file];
    if (buffering == nullptr) buffering = arena.make<LogBuffering>();
    return *buffering;
}

// "NAME=" and what follows.
std::optional<std::string_view> value_of(std::string_view word, std::string_view name) {
    if (!word.starts_with(name) || !word.substr(name.size()).starts_with('=')) return std::nullopt;
    return word.substr(name.size() + 1);
}

// Reads the parameters that follow the format.
class ParameterReader {
 public:
    ParameterReader(conf::Binding& binding, AccessLog& log) : binding_(binding), log_(log) {}

    LogBuffering buffering;

    // False when a mistake was reported.
    bool read(const conf::Word& word) {
        if (auto value = value_of(word.text, "buffer")) return read_buffer(word, *value);
        if (auto value = value_of(word.text, "flush")) return read_flush(word, *value);
        if (word.text == "gzip") return read_gzip(word, "1");
        if (auto value = value_of(word.text, "gzip")) return read_gzip(word, *value);
        if (auto value = value_of(word.text, "if")) return read_condition(word, *value);
        return refuse(word, "invalid parameter", word.text);
    }

 private:
    bool refuse(const conf::Word& word, std::string_view what, std::string_view value) {
        binding_.mistake(word, text::format("{} \"{}\"", what, value));
        return false;
    }

    bool read_buffer(const conf::Word& word, std::string_view value) {
        auto size = conf::parse<conf::Size>(value);
        if (!size || size->bytes == 0) return refuse(word, "invalid buffer size", value);
        buffering.bytes = size->bytes;
        return true;
    }

    bool read_flush(const conf::Word& word, std::string_view value) {
        auto time = conf::parse<milliseconds>(value);
        if (!time || *time == milliseconds::zero()) return refuse(word, "invalid flush time", value);
        buffering.flush_ms = static_cast<uint64_t>(time->count());
        return true;
    }

    bool read_gzip(const conf::Word& word, std::string_view value) {
        auto level = conf::parse<int>(value);
        if (!level || *level < 1 || *level > 9) return refuse(word, "invalid compression level", value);
        buffering.gzip_level = *level;
        if (buffering.bytes == 0) buffering.bytes = gzip_buffer_bytes;
        return true;
    }

    bool read_condition(conf::Word word, std::string_view value) {
        word.text = value;
        log_.condition = Template::compile(binding_, word);
        return log_.condition.has_value();
    }

    conf::Binding& binding_;
    AccessLog& log_;
};

// All lines about a file share its buffer; those that ask for none take what others asked for.
const LogBuffering* agree_on_buffering(conf::Binding& binding, const LogFile& file, const LogBuffering& wanted) {
    LogBuffering& agreed = buffering_of(of_http(binding.block()), binding.arena(), file);
    if (wanted.bytes == 0) return &agreed;
    if (agreed.bytes != 0 && agreed != wanted) {
        const conf::Word& path = binding.words()[0];
        binding.mistake(path, text::format("access_log \"{}\" already defined with conflicting parameters", path.text));
    }
    agreed = wanted;
    return &agreed;
}

bool choose_destination(conf::Binding& binding, AccessLog& log) {
    conf::Word word = binding.words()[0];
    if (word.text.find('$') == word.text.npos || word.text.starts_with("syslog:")) {
        log.file = find_log_file(binding, word);
        return log.file != nullptr;
    }
    word.text = binding.full_path(word.text);
    auto path = Template::compile(binding, word);
    if (path) log.path = std::move(*path);
    return path.has_value();
}

bool choose_buffering(conf::Binding& binding, AccessLog& log, const LogBuffering& wanted) {
    const conf::Word& path = binding.words()[0];
    if (wanted.flush_ms > 0 && wanted.bytes == 0) {
        binding.mistake(path, text::format("no buffer is defined for access_log \"{}\"", path.text));
        return false;
    }
    if (wanted.bytes > 0 && log.file == nullptr) {
        binding.mistake(path, "buffered logs cannot have variables in name");
        return false;
    }
    if (wanted.bytes > 0 && !log.file->takes_many_lines()) {
        binding.mistake(path, "logs to syslog cannot be buffered");
        return false;
    }
    if (log.file != nullptr) log.buffering = agree_on_buffering(binding, *log.file, wanted);
    return true;
}

}  // namespace

void set_access_log(LogSettings& settings, conf::Binding& binding) {
    auto words = binding.words();
    if (words[0].text == "off") {
        settings.off = true;
        if (words.size() > 1) binding.mistake(words[1], text::format("invalid parameter \"{}\"", words[1].text));
        return;
    }
    auto* log = binding.arena().make<AccessLog>();
    if (!choose_destination(binding, *log)) return;

    std::string_view name = words.size() > 1 ? words[1].text : combined_name;
    log->format = find_format(of_http(binding.block()), binding.arena(), variable_names.in(binding.block()), name);
    if (log->format == nullptr) {
        return binding.mistake(words[1], text::format("unknown log format \"{}\"", name));
    }
    ParameterReader parameters(binding, *log);
    for (const conf::Word& word : words.subspan(std::min<size_t>(words.size(), 2))) {
        if (!parameters.read(word)) return;
    }
    if (choose_buffering(binding, *log, parameters.buffering)) settings.logs.push_back(log);
}

void add_log_format(LogSettings& settings, conf::Binding& binding) {
    auto words = binding.words();
    const conf::Word& name = words[0];
    if (name.text == combined_name || settings.formats.contains(name.text)) {
        return binding.mistake(name, text::format("duplicate \"log_format\" name \"{}\"", name.text));
    }
    auto text = words.subspan(1);
    auto form = LogFormat::Form::log;
    if (auto value = value_of(text[0].text, "escape")) {
        if (*value == "json") {
            form = LogFormat::Form::json;
        } else if (*value == "none") {
            form = LogFormat::Form::none;
        } else if (*value != "default") {
            return binding.mistake(text[0], text::format("unknown log format escaping \"{}\"", *value),
                                   "expected default, json or none");
        }
        text = text.subspan(1);
    }
    Arena& arena = binding.arena();
    auto format = LogFormat::compile(arena, variable_names.in(binding.block()), form, text);
    if (!format) return binding.mistake(*format.error().word, std::move(format.error().sentence));
    settings.formats[name.text] = arena.make<LogFormat>(std::move(*format));
}

void set_open_log_file_cache(LogSettings& settings, conf::Binding& binding) {
    auto& setting = settings.named_logs;
    if (setting.given) return binding.duplicate();
    setting.given = true;
    NamedLogRules& rules = setting.value;
    rules = {};
    bool off = false;
    auto read = [&](const conf::Word& word) {
        auto time = [](std::string_view text, uint64_t& into) {
            auto seconds = conf::parse<std::chrono::seconds>(text);
            if (seconds) into = static_cast<uint64_t>(seconds->count()) * 1000;
            return seconds.has_value();
        };
        auto number = [](std::string_view text, uint32_t& into) {
            auto count = conf::parse<uint32_t>(text);
            if (count) into = *count;
            return count.has_value();
        };
        if (word.text == "off") return off = true;
        if (auto value = value_of(word.text, "max")) return number(*value, rules.files_max);
        if (auto value = value_of(word.text, "inactive")) return time(*value, rules.inactive_ms);
        if (auto value = value_of(word.text, "valid")) return time(*value, rules.valid_ms);
        if (auto value = value_of(word.text, "min_uses")) return number(*value, rules.min_uses);
        return false;
    };
    for (const conf::Word& word : binding.words()) {
        if (!read(word)) {
            return binding.mistake(word, text::format("invalid \"open_log_file_cache\" parameter \"{}\"", word.text));
        }
    }
    if (off) rules.files_max = 0;
    if (!off && rules.files_max == 0) {
        binding.mistake(binding.name_word(), "\"open_log_file_cache\" must have \"max\" parameter");
    }
}

void LogSettings::inherit(const LogSettings& outer) {
    if (off || !logs.empty()) return;
    logs = outer.logs;
    off = outer.off;
}

void LogSettings::complete(conf::Completion& completion) {
    conf::Block& block = completion.block();
    if (block.context() != conf::server || off || !logs.empty()) return;
    LogSettings& http = of_http(block);
    if (http.default_log == nullptr) {
        Arena& arena = completion.arena();
        auto* log = arena.make<AccessLog>();
        log->file = log_files.in(block).get(completion.full_path(RINGX_HTTP_LOG_PATH));
        log->format = find_format(http, arena, variable_names.in(block), combined_name);
        log->buffering = &buffering_of(http, arena, *log->file);
        http.default_log = log;
    }
    logs.push_back(http.default_log);
}

}  // namespace ringx::http
