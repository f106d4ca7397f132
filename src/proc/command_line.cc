#include "proc/command_line.h"

#include "base/format.h"
#include "build.h"

namespace ringx::proc {

namespace {

// The words of the command line, one after the other.
class Words {
 public:
    explicit Words(std::span<const std::string_view> words) : words_(words) {}
    std::optional<std::string_view> next() {
        if (at_ == words_.size()) return std::nullopt;
        return words_[at_++];
    }

 private:
    std::span<const std::string_view> words_;
    size_t at_ = 0;
};

using Wrong = std::optional<std::string>;  // the sentence, or nothing

Wrong set_signal(CommandLine& line, std::string_view name) {
    using Signal = CommandLine::Signal;
    static constexpr struct {
        std::string_view name;
        Signal signal;
    } signals[] = {
        {"stop", Signal::stop}, {"quit", Signal::quit}, {"reload", Signal::reload}, {"reopen", Signal::reopen}};
    for (auto& known : signals) {
        if (known.name != name) continue;
        line.signal = known.signal;
        return std::nullopt;
    }
    return text::format("invalid option: \"-s {}\"", name);
}

Wrong set_value(CommandLine& line, char letter, std::string_view value) {
    switch (letter) {
        case 's': return set_signal(line, value);
        case 'p': line.prefix = value; break;
        case 'c': line.conf_path = value; break;
        case 'e': line.error_log = value; break;
        case 'g': line.globals = value; break;
    }
    return std::nullopt;
}

Wrong set_flag(CommandLine& line, char letter) {
    switch (letter) {
        case '?':
        case 'h': line.version = line.help = true; break;
        case 'v': line.version = true; break;
        case 'V': line.version = line.build = true; break;
        case 't': line.test = true; break;
        case 'T': line.test = line.dump = true; break;
        case 'q': line.quiet = true; break;
        default: return text::format("invalid option: \"{}\"", letter);
    }
    return std::nullopt;
}

// What a letter takes; empty for one that takes nothing.
std::string_view value_of(char letter) {
    switch (letter) {
        case 'p': return "directory name";
        case 'c':
        case 'e': return "file name";
        case 'g':
        case 's': return "parameter";
        default: return {};
    }
}

Wrong read_cluster(CommandLine& line, std::string_view letters, Words& words) {
    while (!letters.empty()) {
        char letter = letters.front();
        letters.remove_prefix(1);
        std::string_view wanted = value_of(letter);
        if (wanted.empty()) {
            if (auto wrong = set_flag(line, letter)) return wrong;
            continue;
        }
        std::optional<std::string_view> value = letters.empty() ? words.next() : letters;
        if (!value || value->empty()) return text::format("option \"-{}\" requires {}", letter, wanted);
        return set_value(line, letter, *value);
    }
    return std::nullopt;
}

Wrong read_long(CommandLine& line, std::string_view word, Words& words) {
    std::string_view name = word.substr(2);
    if (name == "help") return set_flag(line, 'h');
    if (name == "version") return set_flag(line, 'v');
    if (name == "directives") {
        line.directives = true;
        return std::nullopt;
    }
    std::optional<std::string_view> value;
    if (size_t equals = name.find('='); equals != name.npos) {
        value = name.substr(equals + 1);
        name = name.substr(0, equals);
    }
    if (!line.quick) line.quick.emplace();
    if (!line.quick->takes(name)) return text::format("invalid option: \"--{}\"", name);
    if (line.quick->takes_value(name)) {
        if (!value) value = words.next();
        if (!value || value->empty()) return text::format("option \"--{}\" requires a value", name);
    } else if (value) {
        return text::format("option \"--{}\" takes no value", name);
    }
    return line.quick->set(name, value.value_or(""));
}

}  // namespace

std::expected<CommandLine, std::string> CommandLine::parse(std::span<const std::string_view> arguments) {
    CommandLine line;
    line.doctor = !arguments.empty() && arguments[0] == "doctor";
    Words words(arguments.subspan(line.doctor ? 1 : 0));
    while (auto word = words.next()) {
        Wrong wrong;
        if (word->starts_with("--")) {
            wrong = read_long(line, *word, words);
        } else if (word->starts_with("-")) {
            wrong = read_cluster(line, word->substr(1), words);
        } else {
            wrong = text::format("invalid option: \"{}\"", *word);
        }
        if (wrong) return std::unexpected(*wrong);
    }
    if (line.doctor && (line.test || line.signal != Signal::none)) {
        return std::unexpected(std::string("\"doctor\" does not go with -t, -T or -s"));
    }
    return line;
}

std::string usage() {
    return text::format(
        "Usage: server [-?hvVtTq] [-s signal] [-p prefix]\n"
        "              [-e filename] [-c filename] [-g directives]\n"
        "       server --root directory [--listen address:port] [--workers number]\n"
        "       server doctor [-p prefix] [-c filename] [-g directives]\n"
        "\n"
        "Options:\n"
        "  -?,-h         : this help\n"
        "  -v            : show version and exit\n"
        "  -V            : show version and configure options then exit\n"
        "  -t            : test configuration and exit\n"
        "  -T            : test configuration, dump it and exit\n"
        "  -q            : suppress non-error messages during configuration testing\n"
        "  -s signal     : send signal to a master process: stop, quit, reopen, reload\n"
        "  -p prefix     : set prefix path (default: {0}/)\n"
        "  -e filename   : set error log file (default: {1})\n"
        "  -c filename   : set configuration file (default: {2})\n"
        "  -g directives : set global directives out of configuration file\n"
        "  doctor        : look at the system and the configuration, and say what to do\n"
        "\n"
        "Serving a directory without a configuration file:\n"
        "{3}",
        RINGX_PREFIX, RINGX_ERROR_LOG_PATH, RINGX_CONF_PATH, quick_serve_usage());
}

}  // namespace ringx::proc
