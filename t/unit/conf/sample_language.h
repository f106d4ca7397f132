// conf/sample_language.h - a small language with directives of every kind, for the tests of conf.
//
// It has the blocks of http, a module with a setting of each type, and one that watches inheritance and completion.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/directive.h"
#include "conf/language.h"
#include "conf/load.h"
#include "conf/setting.h"

namespace ringx::conf::sample {

enum class Balance : uint8_t { round_robin, least_busy, hash };

constexpr std::array<Choice<Balance>, 3> choices(Balance) {
    return {{{"round_robin", Balance::round_robin}, {"least_busy", Balance::least_busy}, {"hash", Balance::hash}}};
}

// What opens blocks.
struct Core {
    std::vector<std::pair<std::string_view, std::string_view>> types;
};

// A member of every type.
struct Settings {
    Setting<std::string_view> root{"html"};
    Setting<bool> sendfile{false};
    Setting<unsigned> level{1};
    Setting<int> priority{0};
    Setting<Size> buffer{4096};
    Setting<Offset> body_max{1 << 20};
    Setting<std::chrono::milliseconds> timeout{std::chrono::seconds(60)};
    Setting<std::chrono::seconds> expires{};
    Setting<Buffers> buffers{{8, 4096}};
    Setting<Balance> balance{Balance::round_robin};
    Setting<Flags<Balance>> allowed{};
    Setting<std::vector<std::string_view>> index{{"index.html"}};
    Setting<std::string_view> answer{};  // never inherited
    Setting<unsigned> pair{};
};

// Settings with the two optional members; only servers and locations have it.
struct Watched {
    static constexpr Context of_each = server;

    Setting<std::string_view> tag{"-"};
    std::string path;

    void inherit(const Watched& outer);
    void complete(Completion& completion);
};

extern constinit Slot<Settings> settings;
extern constinit Slot<Watched> watched;

// The language, put together once.
const Language& language();

// Loads this text as /conf/server.conf with prefix /prefix/.
Tree load_text(std::string_view text, std::string_view globals = {});
Tree load_bundle(Bundle& bundle, std::string_view globals = {});

// Every mistake as the error log has it.
std::vector<std::string> lines(const std::vector<Mistake>& mistakes);

}  // namespace ringx::conf::sample
