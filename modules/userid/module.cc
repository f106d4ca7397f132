// modules/userid/module.cc - `userid`: a cookie that tells visitors apart, for logs.
//
// An id is four numbers: the service, the second, the worker, and a count. They are kept and shown as nginx does, byte
// order included, so that its cookies stay good and its logs go on. A visitor with a good cookie gets no other, unless
// the mark in it has changed or $uid_reset asks for it.
#include <arpa/inet.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "base/base64.h"
#include "base/format.h"
#include "http/field_variables.h"
#include "http/http_date.h"
#include "http/module.h"

namespace ringx::http {
namespace {

using Id = std::array<uint32_t, 4>;

constexpr int64_t expires_max = 2145916555;  // "max": 31 December 2037 23:55:55
constexpr size_t id_text_bytes = 22;         // of base64, without its padding
constexpr uint64_t no_service = UINT64_MAX;  // the address of the server stands for it

enum class State : uint8_t { off, log, v1, on };

constexpr std::array<conf::Choice<State>, 4> choices(State) {
    return {{{"off", State::off}, {"log", State::log}, {"v1", State::v1}, {"on", State::on}}};
}

// In the order in which they stand in the cookie.
enum class Flag : uint8_t { off, secure, httponly, strict, lax, none };

constexpr std::array<conf::Choice<Flag>, 6> choices(Flag) {
    return {{{"off", Flag::off},
             {"secure", Flag::secure},
             {"httponly", Flag::httponly},
             {"samesite=strict", Flag::strict},
             {"samesite=lax", Flag::lax},
             {"samesite=none", Flag::none}}};
}

struct Settings {
    Setting<State> state{State::off};
    Setting<std::string_view> name{"uid"};
    Setting<std::string_view> domain{"none"};
    Setting<std::string_view> path{"/"};
    Setting<std::string_view> p3p{"none"};
    Setting<int64_t> expires{0};
    Setting<char> mark{'\0'};
    Setting<conf::Flags<Flag>> flags;
    std::string_view flags_text;  // as they stand in the cookie
    Setting<uint64_t> service{no_service};
    const VariableUse* reset = nullptr;

    void complete(conf::Completion& completion) {
        std::string text;
        for (const auto& [name, flag] : choices(Flag())) {
            if (flag != Flag::off && flags->has(flag)) text.append("; ").append(name);
        }
        flags_text = completion.arena().copy(text);
        reset = &variable_names.in(completion.block()).use(completion.arena(), {}, "uid_reset");
    }
};

constinit conf::Slot<Settings> settings;

// What makes the ids of a worker differ from those of all others.
struct Sequence {
    Sequence() {
        timeval now;
        gettimeofday(&now, nullptr);
        start = static_cast<uint32_t>(now.tv_usec / 20) << 16 | static_cast<uint32_t>(getpid() & 0xffff);
    }
    uint32_t start;
    uint32_t v1 = 1;
    uint32_t v2 = first_v2;
    static constexpr uint32_t first_v2 = 0x03030302;
};

// What is known of the visitor of a request.
struct Visitor {
    bool is_known = false;  // the cookie was looked at
    std::string_view cookie;
    Id got{};
    Id set{};
    bool is_reset = false;
};

// --- at run time

void log_cookie(Request& request, std::string_view what, std::string_view cookie) {
    request.log().write(Level::error, request.log_context(), "client sent {} userid cookie \"{}\"", what, cookie);
}

void read_cookie(Request& request, Visitor& visitor, std::string_view name) {
    for (const Field& field : request.head.fields) {
        if (field.id != Header::cookie) continue;
        auto value = find_cookie(field.value, name);
        if (!value) continue;
        visitor.cookie = *value;
        if (value->size() < id_text_bytes) return log_cookie(request, "too short", field.value);
        std::array<char, base64_decoded_max(id_text_bytes)> bytes;
        auto decoded = decode_base64(value->substr(0, id_text_bytes), bytes.data());
        if (!decoded || decoded->size() != sizeof visitor.got) return log_cookie(request, "invalid", field.value);
        memcpy(visitor.got.data(), decoded->data(), sizeof visitor.got);
        return;
    }
}

Visitor& visitor_of(Request& request, const Settings& ours) {
    Visitor& visitor = request.states.get<Visitor>(request.arena);
    if (!visitor.is_known) read_cookie(request, visitor, *ours.name);
    visitor.is_known = true;
    return visitor;
}

bool has_mark(const Visitor& visitor, char mark) {
    return visitor.cookie.size() > id_text_bytes + 1 && visitor.cookie[id_text_bytes] == mark &&
           visitor.cookie[id_text_bytes + 1] == '=';
}

// "uid=00112233…": the numbers as the machine has them.
std::string_view id_text(Request& request, std::string_view name, const Id& id) {
    return request.arena.copy(text::format("{}={:08X}{:08X}{:08X}{:08X}", name, id[0], id[1], id[2], id[3]));
}

uint32_t server_number(const Request& request) {
    Address local = request.peer->local();
    uint32_t number = 0;
    const void* address = local.get();
    if (local.family() == AF_INET) {
        memcpy(&number, &static_cast<const sockaddr_in*>(address)->sin_addr, sizeof number);
    } else if (local.family() == AF_INET6) {
        memcpy(&number, &static_cast<const sockaddr_in6*>(address)->sin6_addr.s6_addr[12], sizeof number);
    }
    return number;
}

Id make_id(Request& request, const Settings& ours) {
    Sequence& sequence = request.worker->states.get<Sequence>();
    auto now = static_cast<uint32_t>(request.worker->clock.seconds());
    auto service = static_cast<uint32_t>(*ours.service);
    bool has_service = *ours.service != no_service;
    if (*ours.state == State::v1) {
        Id id{has_service ? service : 0, now, sequence.start, sequence.v1};
        sequence.v1 += 0x100;
        return id;
    }
    Id id{has_service ? htonl(service) : server_number(request), htonl(now), htonl(sequence.start),
          htonl(sequence.v2)};
    sequence.v2 += 0x100;
    if (sequence.v2 < Sequence::first_v2) sequence.v2 = Sequence::first_v2;
    return id;
}

// Settles which id the visitor is to be given; none when the cookie is good.
void choose_id(Request& request, const Settings& ours, Visitor& visitor) {
    if (visitor.set[3] != 0) return;
    if (visitor.got[3] == 0) {
        visitor.set = make_id(request, ours);
        return;
    }
    std::string_view reset = ours.reset->value(request).value_or(std::string_view());
    if (reset.empty() || reset == "0") {
        bool is_good = *ours.mark == '\0' || has_mark(visitor, *ours.mark);
        if (!is_good) visitor.set = visitor.got;
        return;
    }
    visitor.is_reset = true;
    if (reset == "log") {
        request.log().write(Level::notice, request.log_context(), "userid cookie \"{}\" was reset",
                            id_text(request, *ours.name, visitor.got));
    }
    visitor.set = make_id(request, ours);
}

std::string encode(const Id& id) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::array<unsigned char, sizeof id + 2> bytes{};
    memcpy(bytes.data(), id.data(), sizeof id);
    std::string out;
    for (size_t i = 0; i < sizeof id; i += 3) {
        uint32_t three = static_cast<uint32_t>(bytes[i]) << 16 | static_cast<uint32_t>(bytes[i + 1]) << 8;
        three |= bytes[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) out += alphabet[three >> shift & 63];
    }
    out.resize(id_text_bytes);
    return out + "==";
}

std::string cookie_of(Request& request, const Settings& ours, const Visitor& visitor) {
    std::string id;
    if (visitor.got[3] == 0 || visitor.is_reset) {
        id = encode(visitor.set);
        if (*ours.mark != '\0') id[id_text_bytes] = *ours.mark;
    } else {
        id = std::string(visitor.cookie.substr(0, id_text_bytes)) + *ours.mark + "=";
    }
    std::string cookie = text::format("{}={}", *ours.name, id);
    int64_t expires = *ours.expires;
    if (expires == expires_max) cookie += "; expires=" + cookie_date(expires_max);
    if (expires != 0 && expires != expires_max) {
        cookie += "; expires=" + cookie_date(request.worker->clock.seconds() + expires);
    }
    if (*ours.domain != "none") cookie.append("; domain=").append(*ours.domain);
    cookie.append("; path=").append(*ours.path).append(ours.flags_text);
    return cookie;
}

void filter(Request& request, Response& response) {
    const Settings& ours = settings.in(*request.block);
    Visitor& visitor = visitor_of(request, ours);
    choose_id(request, ours, visitor);
    if (visitor.set[3] == 0) return;
    response.fields.add(request.arena, "Set-Cookie", request.arena.copy(cookie_of(request, ours, visitor)));
    if (*ours.p3p != "none") response.fields.add(request.arena, "P3P", *ours.p3p);
}

VariableValue uid_got(Request& request, const VariableUse&) {
    const Settings& ours = settings.in(*request.block);
    if (*ours.state == State::off) return std::nullopt;
    const Visitor& visitor = visitor_of(request, ours);
    return visitor.got[3] == 0 ? VariableValue() : id_text(request, *ours.name, visitor.got);
}

VariableValue uid_set(Request& request, const VariableUse&) {
    const Settings& ours = settings.in(*request.block);
    if (*ours.state < State::v1) return std::nullopt;
    Visitor& visitor = visitor_of(request, ours);
    choose_id(request, ours, visitor);
    return visitor.set[3] == 0 ? VariableValue() : id_text(request, *ours.name, visitor.set);
}

// --- the configuration

void set_expires(Settings& settings, conf::Binding& binding) {
    if (settings.expires.given) return binding.duplicate();
    const conf::Word& word = binding.words()[0];
    if (word.text == "max") return settings.expires.give(expires_max);
    if (word.text == "off") return settings.expires.give(0);
    auto time = conf::parse<std::chrono::seconds>(word.text);
    if (!time) return binding.refuse("invalid value");
    settings.expires.give(time->count());
}

void set_mark(Settings& settings, conf::Binding& binding) {
    if (settings.mark.given) return binding.duplicate();
    std::string_view text = binding.words()[0].text;
    if (text == "off") return settings.mark.give('\0');
    auto is_good = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '=';
    };
    if (text.size() != 1 || !is_good(text[0])) {
        return binding.refuse("value must be \"off\" or a single letter, digit or \"=\"");
    }
    settings.mark.give(text[0]);
}

constexpr auto anywhere = conf::http | conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::value<&Settings::state>("userid", anywhere, "Give visitors a cookie by which logs tell them apart."),
    conf::value<&Settings::name>("userid_name", anywhere, "The name of the cookie."),
    conf::value<&Settings::domain>("userid_domain", anywhere, "The domain of the cookie, or none."),
    conf::value<&Settings::path>("userid_path", anywhere, "The path of the cookie."),
    conf::value<&Settings::p3p>("userid_p3p", anywhere, "A P3P field that goes with the cookie, or none."),
    conf::value<&Settings::service>("userid_service", anywhere, "The number of the server that gives ids."),
    conf::custom<&set_expires, &Settings::expires>("userid_expires", anywhere, {1, 1}, "How long browsers keep it.")
        .shown_as("time | max | off"),
    conf::custom<&set_mark, &Settings::mark>("userid_mark", anywhere, {1, 1},
                                             "A mark in the cookie: cookies with another one are sent again.")
        .shown_as("letter | digit | = | off"),
    conf::value<&Settings::flags>("userid_flags", anywhere, "Attributes of the cookie.").taking({1, 3}),
};

constexpr Variable variables[] = {
    {"uid_got", uid_got},
    {"uid_reset", [](Request&, const VariableUse&) { return VariableValue(""); }, false, true},
    {"uid_set", uid_set},
};

}  // namespace

extern constinit const Module userid_module = {
    .name = "userid",
    .directives = directives,
    .settings = &settings,
    .variables = variables,
    .applies = [](const conf::Block& block) { return *settings.in(block).state >= State::v1; },
    .filter = filter,
};

}  // namespace ringx::http
