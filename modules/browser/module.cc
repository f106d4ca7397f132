// modules/browser/module.cc - `modern_browser`, `ancient_browser`: what the User-Agent field claims to be.
//
// A browser counts as modern from the version given; one that is not listed counts as ancient unless `unlisted` says
// otherwise. Opera used to call itself MSIE too, so it is always looked for first.
#include <algorithm>
#include <optional>
#include <vector>

#include "base/format.h"
#include "http/module.h"

namespace ringx::http {
namespace {

// How a browser is recognised: the text before its version, looked for from a place on.
struct Browser {
    std::string_view name;
    std::string_view mark;
    size_t version_after;  // bytes from the beginning of the mark
    size_t mark_from;
};

// In the order they are looked for.
constexpr Browser browsers[] = {
    {"opera", "Opera", 6, 0},  // "Opera/8.0", "Opera 7.50"
    {"msie", "MSIE ", 5, std::string_view("Mozilla/4.0 (compatible; ").size()},
    {"gecko", "rv:", 3, std::string_view("Mozilla/5.0 (").size()},
    {"safari", "Safari/", 7, std::string_view("Mozilla/5.0 (").size()},
    {"konqueror", "Konqueror/", 10, std::string_view("Mozilla/5.0 (compatible; ").size()},
};

constexpr uint64_t no_version = 4001000000;  // no browser is as modern

struct Modern {
    size_t browser;  // place in the table
    uint64_t version;
};

struct Settings {
    std::vector<Modern> modern;
    std::vector<std::string_view> ancient;
    bool unlisted_is_modern = false;
    bool netscape4_is_ancient = false;
    Setting<std::string_view> modern_value{"1"};
    Setting<std::string_view> ancient_value{"1"};

    void inherit(const Settings& outer) {
        if (modern.empty() && !unlisted_is_modern) {
            modern = outer.modern;
            unlisted_is_modern = outer.unlisted_is_modern;
        }
        if (ancient.empty() && !netscape4_is_ancient) {
            ancient = outer.ancient;
            netscape4_is_ancient = outer.netscape4_is_ancient;
        }
    }
    void complete(conf::Completion&) {
        if (modern.empty()) return;
        bool has_opera = std::ranges::any_of(modern, [](const Modern& one) { return one.browser == 0; });
        if (!has_opera) modern.push_back({0, no_version});
        std::ranges::sort(modern, {}, &Modern::browser);
    }
};

constinit conf::Slot<Settings> settings;

// --- at run time

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "1.2.3" is 1020300: two digits for each part but the first. What follows the version is not looked at.
uint64_t version_in(std::string_view text) {
    uint64_t version = 0, part = 0, scale = 1000000;
    for (char c : text) {
        if (is_digit(c)) {
            part = part * 10 + static_cast<uint64_t>(c - '0');
        } else if (c == '.') {
            version += part * scale;
            part = 0;
            scale /= 100;
        } else {
            break;
        }
    }
    return version + part * scale;
}

// What follows the browser's mark; nothing when it is another browser, or says no more.
std::optional<std::string_view> version_of(const Browser& browser, std::string_view agent) {
    size_t at = agent.find(browser.mark, browser.mark_from);
    if (at == agent.npos || at + browser.version_after >= agent.size()) return std::nullopt;
    return agent.substr(at + browser.version_after);
}

bool is_ancient_by_name(const Settings& ours, std::string_view agent) {
    constexpr std::string_view mozilla = "Mozilla/";
    bool may_be_netscape = ours.netscape4_is_ancient && agent.size() > std::string_view("Mozilla/4.72 ").size();
    if (may_be_netscape && agent.starts_with(mozilla) && agent[8] > '0' && agent[8] < '5') return true;
    return std::ranges::any_of(ours.ancient, [&](std::string_view name) { return agent.contains(name); });
}

bool is_modern(Request& request, const Settings& ours) {
    const Field* field = request.head.find(Header::user_agent);
    if (field == nullptr) return ours.unlisted_is_modern;
    for (const Modern& modern : ours.modern) {
        auto version = version_of(browsers[modern.browser], field->value);
        if (version) return version_in(*version) >= modern.version;
    }
    if (!ours.modern.empty() && !ours.unlisted_is_modern) return false;
    return !is_ancient_by_name(ours, field->value) && ours.unlisted_is_modern;
}

VariableValue modern_browser(Request& request, const VariableUse&) {
    const Settings& ours = settings.in(*request.block);
    return is_modern(request, ours) ? *ours.modern_value : "";
}

VariableValue ancient_browser(Request& request, const VariableUse&) {
    const Settings& ours = settings.in(*request.block);
    return is_modern(request, ours) ? "" : *ours.ancient_value;
}

VariableValue msie(Request& request, const VariableUse&) {
    std::string_view agent = request.head.value(Header::user_agent);
    size_t at = agent.find("MSIE ");
    return at != agent.npos && at + 7 < agent.size() && !agent.contains("Opera") ? "1" : "";
}

// --- the configuration

void add_modern(Settings& settings, conf::Binding& binding) {
    auto words = binding.words();
    if (words.size() == 1) {
        if (words[0].text != "unlisted") return binding.refuse("invalid value", "expected unlisted, or name version");
        settings.unlisted_is_modern = true;
        return;
    }
    auto known = std::ranges::find_if(browsers, [&](const Browser& browser) {
        return conf::same_keyword(browser.name, words[0].text);
    });
    if (known == std::end(browsers)) {
        return binding.mistake(words[0], text::format("unknown browser name \"{}\"", words[0].text),
                               "expected opera, msie, gecko, safari or konqueror");
    }
    std::string_view version = words[1].text;
    if (!std::ranges::all_of(version, [](char c) { return is_digit(c) || c == '.'; })) {
        return binding.mistake(words[1], text::format("invalid browser version \"{}\"", version));
    }
    settings.modern.push_back({static_cast<size_t>(known - std::begin(browsers)), version_in(version)});
}

void add_ancient(Settings& settings, conf::Binding& binding) {
    for (const conf::Word& word : binding.words()) {
        if (word.text == "netscape4") {
            settings.netscape4_is_ancient = true;
        } else {
            settings.ancient.push_back(word.text);
        }
    }
}

// The last one rules: nginx refuses no second one.
void set_modern_value(Settings& settings, conf::Binding& binding) {
    settings.modern_value.give(binding.words()[0].text);
}

void set_ancient_value(Settings& settings, conf::Binding& binding) {
    settings.ancient_value.give(binding.words()[0].text);
}

constexpr auto anywhere = conf::http | conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::custom<&add_modern>("modern_browser", anywhere, {1, 2}, "From which version on a browser is modern.")
        .shown_as("browser version | unlisted"),
    conf::custom<&add_ancient>("ancient_browser", anywhere, conf::at_least_one,
                               "What the name of an ancient browser contains.")
        .shown_as("string ..."),
    conf::custom<&set_modern_value, &Settings::modern_value>("modern_browser_value", anywhere, {1, 1},
                                                             "The value of $modern_browser for one.")
        .shown_as("string"),
    conf::custom<&set_ancient_value, &Settings::ancient_value>("ancient_browser_value", anywhere, {1, 1},
                                                               "The value of $ancient_browser for one.")
        .shown_as("string"),
};

constexpr Variable variables[] = {
    {"ancient_browser", ancient_browser, false, true},
    {"modern_browser", modern_browser, false, true},
    {"msie", msie, false, true},
};

}  // namespace

extern constinit const Module browser_module = {
    .name = "browser",
    .directives = directives,
    .settings = &settings,
    .variables = variables,
};

}  // namespace ringx::http
