// t/fuzz/directives_fuzz.cc - random configurations out of the directives this server was built with, loaded as by -t.
//
// The bytes are choices: which directive stands in which block, how many arguments it has, and whether those are words
// that may fit or any bytes. Whatever was chosen, nothing crashes; and where nginx does not allow a directive in that
// block, or with so many arguments (nginx_rules.h), its line is refused. A configuration that is taken becomes a site.
//
// Seeds are choices among the directives of the day: what fuzzing finds belongs into a test in words besides.
#include <grp.h>
#include <netdb.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/format.h"
#include "conf/load.h"
#include "conf/mistake.h"
#include "http/module.h"
#include "http/protocol.h"
#include "net/error_log.h"
#include "net/system_needs.h"
#include "net/temp_paths.h"
#include "net/ticket_keys.h"
#include "net/worker_rights.h"
#include "net/zones.h"
#include "proc/core_settings.h"
#include "t/fuzz/nginx_rules.h"

// No name is looked up: that would ask files and other machines.
extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) { return EAI_NONAME; }
extern "C" passwd* getpwnam(const char*) { return nullptr; }
extern "C" group* getgrnam(const char*) { return nullptr; }

namespace {

using namespace ringx;
using conf::Context;

constexpr std::array blocks = {conf::main,         conf::events,         conf::http,
                               conf::server,       conf::location,       conf::upstream,
                               conf::if_in_server, conf::if_in_location, conf::limit_except};
constexpr std::string_view conf_path = "/p/conf/server.conf";
constexpr size_t counts_end = 10;  // bits of Rule::counts

// Words that some directive takes. Those of its own syntax are taken besides.
constexpr std::string_view plausible[] = {
    "on", "off", "0", "1", "-1", "10", "65536", "4294967296", "9223372036854775807", "18446744073709551616", "1.5",
    "1k", "8m", "1g", "1s", "5m", "1d2h", "1h 30m", "max", "epoch", "@15h30m", "-1s", "modified", "$uri", "${uri}",
    "$arg_x", "$http_", "$x", "$1", "$2x", "$", "${", "$nonsense", "a$uri/b", "/", "/a", "/a/b", "/a/$1", "a", "a.org",
    "*.a.org", ".a.org", "a.*", "*.a.*", "~^(?<name>.+)$", "~(", "~", "~*", "=", "^~", "!~", "!=", "-f", "!-e", "-x",
    "^/a(.*)$", "\\.php$", "(", "[", "@a", "=404", "=", "404", "301", "200", "500", "999", "http://a.org/$uri",
    "127.0.0.1", "127.0.0.1:8080", "127.0.0.1:8080-8083", "*:80", "80", "[::1]:80", "[::]", "::/0", "10.0.0.0/8",
    "10.0.0.1-10.0.0.9", "2001:db8::/32", "unix:", "unix:/a", "all", "any", "none", "default", "default_server",
    "reuseport", "backlog=5", "so_keepalive=1m::2", "proxy_protocol", "zone=a", "zone=a:32k", "zone=a:", "rate=1r/s",
    "burst=5", "nodelay", "delay=2", "combined", "syslog:server=127.0.0.1", "buffer=4k", "flush=1s", "gzip=9",
    "if=$uri", "escape=json", "level=1", "always", "GET", "POST", "last", "break", "redirect", "permanent",
    "text/plain", "text/html", "*", "html", "msie6", "inactive=5s", "min_uses=2", "valid=1s", "max=2", "50%", "0.01%",
    "include", "part", "hostnames", "volatile", "ranges", "delete", "proxy", "auto", "01", "threads=2", "X=y", "",
};

const conf::Language& language() {
    static const conf::Language all = [] {
        std::vector<conf::Section> list = {proc::core_section,  proc::events_section, log_files_section,
                                           named_zones_section, error_log_section,    temp_paths_section,
                                           ticket_life_section, worker_rights_section, system_needs_section};
        for (const conf::Section* section : http::sections()) list.push_back(*section);
        for (const http::Module* module : http::modules()) {
            list.push_back({module->name, module->directives, module->settings});
        }
        return conf::Language(list);
    }();
    return all;
}

// A directive, what nginx says of it, and words to try.
struct Known {
    std::string_view name;
    std::vector<const conf::Directive*> rows;
    std::array<uint16_t, blocks.size()> counts{};  // by block, how many arguments nginx takes there
    std::vector<std::string> words;                // of its syntax

    const conf::Directive* row_in(Context block) const {
        auto stands = [&](const conf::Directive* row) { return row->contexts.includes(block); };
        auto found = std::ranges::find_if(rows, stands);
        return found == rows.end() ? nullptr : *found;
    }
    bool is_ours() const { return name.starts_with("uring_"); }
    bool opens_block() const { return std::ranges::any_of(rows, &conf::Directive::has_block); }
};

size_t index_of(Context block) { return static_cast<size_t>(std::ranges::find(blocks, block) - blocks.begin()); }

// "zone=name:size | off;" gives zone=name:size and off.
std::vector<std::string> words_of(const std::string& syntax) {
    std::vector<std::string> words(1);
    for (char c : syntax) {
        bool is_part = std::string_view(" |;[]{}.").find(c) == std::string_view::npos;
        if (is_part) words.back() += c;
        if (!is_part && !words.back().empty()) words.emplace_back();
    }
    if (words.back().empty()) words.pop_back();
    return words;
}

std::vector<Known> learn() {
    std::map<std::string_view, Known> all;
    for (const conf::Section& section : language().sections()) {
        for (const conf::Directive& row : section.directives) {
            Known& known = all[row.name];
            known.name = row.name;
            known.rows.push_back(&row);
            for (std::string& word : words_of(conf::arguments(row))) known.words.push_back(std::move(word));
        }
    }
    all["include"].name = "include";
    for (auto& [name, known] : all) {
        std::string in_list = text::format(" {} ", name);
        for (const nginx_rules::Rule& rule : nginx_rules::rules) {
            if (rule.names.find(in_list) == rule.names.npos) continue;
            for (size_t i = 0; i < blocks.size(); ++i) {
                if (rule.blocks.includes(blocks[i])) known.counts[i] |= rule.counts;
            }
        }
    }
    std::vector<Known> list;
    for (auto& [name, known] : all) {
        // A directive that nginx has and the table lacks: see t/fuzz/nginx_rules.
        bool has_rule = std::ranges::any_of(known.counts, [](uint16_t counts) { return counts != 0; });
        CHECK(has_rule || known.is_ours());
        list.push_back(std::move(known));
    }
    return list;
}

const std::vector<Known>& directives() {
    static const std::vector<Known> all = learn();
    return all;
}

// Those that may stand in a block of this kind.
std::span<const Known* const> directives_in(Context block) {
    static const auto by_block = [] {
        std::array<std::vector<const Known*>, blocks.size()> lists;
        for (const Known& known : directives()) {
            for (size_t i = 0; i < blocks.size(); ++i) {
                if (known.row_in(blocks[i]) != nullptr || known.name == "include") lists[i].push_back(&known);
            }
        }
        return lists;
    }();
    return by_block[index_of(block)];
}

class Writer {
 public:
    explicit Writer(std::string_view bytes) : bytes_(bytes) {}

    void write() {
        if (!one_in(32)) add("events {}");
        statements(conf::main);
        lines_ = {line_};
        add("http {");
        statements(conf::http);
        while (!bytes_.empty()) {
            lines_ = {lines_[0], line_};
            add("server {");
            statements(conf::server);
            add("}");
        }
        add("}");
    }

    const std::string& text() const { return text_; }

    // What nginx refuses of it: a directive that must not stand there, or not with so many arguments.
    struct Refused {
        std::string_view name;
        std::vector<unsigned> lines;  // its own, and those of the blocks around it
    };
    const std::vector<Refused>& refused() const { return refused_; }

 private:
    size_t choose(size_t end) {
        if (bytes_.empty()) return 0;
        size_t value = static_cast<unsigned char>(bytes_.front());
        bytes_.remove_prefix(1);
        if (end <= 256) return value % end;
        return (value << 8 | choose(256)) % end;
    }
    bool one_in(size_t n) { return choose(n) == n - 1; }

    void statements(Context block) {
        for (size_t left = choose(8); left > 0 && !bytes_.empty(); --left) statement(block);
    }

    void statement(Context block) {
        auto fitting = directives_in(block);
        bool any = fitting.empty() || one_in(24);
        const Known& known = any ? directives()[choose(directives().size())] : *fitting[choose(fitting.size())];
        uint16_t allowed = known.counts[index_of(block)];
        size_t count = choose_count(allowed);
        const conf::Directive* row = known.row_in(block);
        bool opens_block = row != nullptr ? row->has_block : known.opens_block();
        bool has_block = opens_block != one_in(64);
        bool takes = (allowed >> std::min(count, counts_end - 1) & 1) != 0 && has_block == opens_block;

        lines_.push_back(line_);
        if (!takes && !known.is_ours()) refused_.push_back({known.name, lines_});
        text_ += known.name;
        for (size_t i = 0; i < count; ++i) argument(known, i == 0, i + 1 == count);
        if (has_block) {
            inner(known.name, block);
        } else {
            add(";");
        }
        lines_.pop_back();
    }

    // The end of a line.
    void add(std::string_view text) {
        text_ += text;
        text_ += '\n';
        ++line_;
    }

    size_t choose_count(uint16_t allowed) {
        if (allowed == 0 || one_in(24)) return choose(counts_end + 2);
        size_t nth = choose(std::min(static_cast<size_t>(std::popcount(allowed)), size_t{4}));
        for (size_t count = 0;; ++count) {
            if ((allowed >> count & 1) != 0 && nth-- == 0) return count;
        }
    }

    void argument(const Known& known, bool is_first, bool is_last) {
        text_ += ' ';
        std::string word;
        if (!known.words.empty() && one_in(3)) {
            word = known.words[choose(known.words.size())];
        } else if (one_in(8)) {
            size_t length = choose(16);
            word = bytes_.substr(0, length);
            bytes_.remove_prefix(word.size());
            std::ranges::replace(word, '\n', ' ');
        } else {
            word = plausible[choose(std::size(plausible))];
        }
        bool is_condition = known.name == "if" && !one_in(16);
        if (is_condition && is_first) word.insert(0, "(");
        if (is_condition && is_last) word += ')';
        quote(word);
    }

    // Every word is one, whatever is in it.
    void quote(std::string_view word) {
        auto is_plain = [](char c) {
            return std::string_view("/$.,:=~*^!@-_+%()?<>").contains(c) || ('0' <= c && c <= '9') ||
                   ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
        };
        if (!word.empty() && std::ranges::all_of(word, is_plain)) {
            text_ += word;
            return;
        }
        text_ += '"';
        for (char c : word) {
            if (c == '"' || c == '\\') text_ += '\\';
            text_ += c;
        }
        text_ += '"';
    }

    void inner(std::string_view name, Context block) {
        add(" {");
        Context opened = opened_by(name, block);
        if (opened == Context()) {
            lines();
        } else {
            statements(opened);
        }
        add("}");
    }

    // No block of directives is opened by types, map and their like.
    static Context opened_by(std::string_view name, Context block) {
        if (name == "events") return conf::events;
        if (name == "http") return conf::http;
        if (name == "server") return conf::server;
        if (name == "location") return conf::location;
        if (name == "limit_except") return conf::limit_except;
        if (name == "upstream") return conf::upstream;
        if (name == "if") return block == conf::server ? conf::if_in_server : conf::if_in_location;
        return {};
    }

    void lines() {
        static const Known nothing;
        for (size_t left = choose(6); left > 0; --left) {
            for (size_t words = 1 + choose(3); words > 0; --words) argument(nothing, false, false);
            add(";");
        }
    }

    std::string_view bytes_;
    std::string text_;
    unsigned line_ = 1;  // the next to be written
    std::vector<unsigned> lines_;  // of the blocks that are open, and of the statement that is written
    std::vector<Refused> refused_;
};

// Each line of which something is refused has a complaint, or a block around it has one and was not looked into.
void check_refused(const Writer& writer, const std::vector<conf::Mistake>& mistakes) {
    if (mistakes.size() >= conf::Report::mistakes_max) return;
    std::set<std::string_view> positions;
    for (const conf::Mistake& mistake : mistakes) {
        if (mistake.level == Level::emerg) positions.insert(mistake.position);
    }
    for (const Writer::Refused& refused : writer.refused()) {
        bool was_told = std::ranges::any_of(refused.lines, [&](unsigned line) {
            return positions.contains(text::format(" in {}:{}", conf_path, line));
        });
        if (was_told) continue;
        std::fputs(text::format("\"{}\" of line {} was taken, nginx refuses it there, or so many arguments, in:\n{}",
                                refused.name, refused.lines.back(), writer.text()).c_str(), stderr);
        CHECK(was_told);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Writer writer({reinterpret_cast<const char*>(data), size});
    writer.write();

    conf::Bundle bundle = conf::Bundle::in_memory();
    bundle.add(default_error_log_path, "/p/logs/error.log");
    bundle.add(conf_path, writer.text());
    bundle.add("/p/conf/part", "# nothing\n");
    auto tree = std::make_shared<conf::Tree>(
        conf::load(language(), bundle, {.conf_path = conf_path, .prefix = "/p/", .globals = {}}));
    check_refused(writer, tree->mistakes());
    CHECK(tree->failed() == (std::ranges::count(tree->mistakes(), Level::emerg, &conf::Mistake::level) > 0));
    if (!tree->failed()) CHECK(http::protocol.make_site(std::move(tree)) != nullptr);
    return 0;
}
