// modules/proxy/settings.h - what the proxy_ directives say, and what is made of it when all is read.
//
// The tables of fields are made once, so that a request only asks them; the rules of the exchange are those that other
// protocols have, too.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "http/exchange.h"
#include "http/head.h"
#include "http/local_address.h"
#include "http/stored_body.h"
#include "http/upstream.h"
#include "http/upstream_head.h"
#include "http/upstream_tls.h"
#include "http/variables.h"
#include "modules/proxy/rewriting.h"
#include "net/temp_paths.h"

namespace ringx::http::proxy {

// Whom requests are passed on to: `proxy_pass`.
struct Pass {
    bool is_given = false;
    bool secure = false;
    const UpstreamTarget* target = nullptr;  // null: `url` tells, for each request
    Template url;
    std::string_view host;   // $proxy_host: without the port when it is the usual one
    std::string_view port;   // $proxy_port
    std::string_view uri;    // takes the place of the location's part of the request's; empty: nothing does
    size_t location_bytes = 0;  // how long that part is
    // Without variables: what URLs of the server begin with, and what their likes begin with here.
    std::string_view server_prefix, own_prefix;

    bool has_variables() const { return is_given && server_prefix.empty(); }
};

// One `proxy_set_header`.
struct SetField {
    std::string_view name;
    Template value;
};

enum class Version : uint8_t { http_1_0, http_1_1 };
constexpr std::array<conf::Choice<Version>, 2> choices(Version) {
    return {{{"1.0", Version::http_1_0}, {"1.1", Version::http_1_1}}};
}

// Fields of a response that are not acted upon.
enum class Ignored : uint8_t {
    x_accel_redirect, x_accel_expires, x_accel_limit_rate, x_accel_buffering, x_accel_charset, expires, cache_control,
    set_cookie, vary,
};
constexpr std::array<conf::Choice<Ignored>, 9> choices(Ignored) {
    return {{{"X-Accel-Redirect", Ignored::x_accel_redirect},
             {"X-Accel-Expires", Ignored::x_accel_expires},
             {"X-Accel-Limit-Rate", Ignored::x_accel_limit_rate},
             {"X-Accel-Buffering", Ignored::x_accel_buffering},
             {"X-Accel-Charset", Ignored::x_accel_charset},
             {"Expires", Ignored::expires},
             {"Cache-Control", Ignored::cache_control},
             {"Set-Cookie", Ignored::set_cookie},
             {"Vary", Ignored::vary}}};
}

// Which fields of the client's go on: all but those that are set, and those that concern our connection to it alone.
class RequestFields {
 public:
    RequestFields() = default;
    explicit RequestFields(const std::vector<SetField>& set);

    // In nginx's order: those of `proxy_set_header`, then those of ours it says nothing of.
    struct Own {
        enum class Kind : uint8_t { given, host, framing, connection } kind;
        std::string_view name;
        const Template* value = nullptr;
    };
    const std::vector<Own>& own() const { return own_; }
    bool passes(const Field& field) const;
    bool may_upgrade() const { return may_upgrade_; }

 private:
    std::vector<Own> own_;
    std::array<bool, static_cast<size_t>(Header::count)> kept_back_{};
    std::vector<std::string_view> others_;  // those without a Header
    bool may_upgrade_ = false;
};

// Which fields of a response are for us alone.
class ResponseFieldRules {
 public:
    ResponseFieldRules() = default;
    ResponseFieldRules(const std::vector<std::string_view>& hidden, const std::vector<std::string_view>& passed);

    bool hides(const UpstreamHead::Field& field) const {
        return field.id == UpstreamField::other ? hides_other(field.name) : hidden_[static_cast<size_t>(field.id)];
    }

 private:
    bool hides_other(std::string_view name) const;

    std::array<bool, static_cast<size_t>(UpstreamField::count)> hidden_{};
    std::vector<std::string_view> others_;
};

struct Settings {
    Pass pass;
    Setting<std::vector<SetField>> set_headers;
    Setting<Version> version{Version::http_1_1};
    Setting<Template> method;
    Setting<Template> body;
    Setting<bool> pass_request_headers{true};
    Setting<bool> pass_request_body{true};
    Setting<std::vector<std::string_view>> hide_headers;
    Setting<std::vector<std::string_view>> pass_headers;
    Setting<conf::Flags<Ignored>> ignore_headers;
    Setting<bool> intercept_errors{false};
    Setting<bool> pass_trailers{false};
    Setting<bool> force_ranges{false};
    Setting<RewriteRules> redirects;  // not written: as `default` has it
    Setting<RewriteRules> cookie_domains;
    Setting<RewriteRules> cookie_paths;
    Setting<std::vector<CookieFlagsRule>> cookie_flags;

    Setting<std::chrono::milliseconds> connect_timeout{std::chrono::seconds(60)};
    Setting<std::chrono::milliseconds> send_timeout{std::chrono::seconds(60)};
    Setting<std::chrono::milliseconds> read_timeout{std::chrono::seconds(60)};
    Setting<conf::Flags<NextUpstream>> next_upstream{
        conf::Flags<NextUpstream>{NextUpstream::error, NextUpstream::timeout}};
    Setting<uint32_t> next_upstream_tries{0};
    Setting<std::optional<RetryBudget::Rules>> retry_budget;  // none: retries are not counted
    Setting<std::chrono::milliseconds> next_upstream_timeout{std::chrono::milliseconds(0)};
    Setting<bool> buffering{true};
    Setting<bool> request_buffering{true};
    Setting<bool> ignore_client_abort{false};
    Setting<conf::Size> buffer_size{conf::Size{4096}};
    Setting<conf::Buffers> buffers{conf::Buffers{8, 16384}};  // nginx: 8 of 4k; large steps cost less
    Setting<conf::Offset> max_temp_file_size{conf::Offset{1024 << 20}};
    Setting<TempPath> temp_path;
    Setting<StorePlace> store;
    Setting<mode_t> store_access{0600};
    Setting<Template> limit_rate;  // bytes a second; empty: no limit
    Setting<LocalAddress> bind;
    Setting<bool> socket_keepalive{false};
    Setting<conf::Size> socket_rcvbuf{conf::Size{0}};
    Setting<conf::Size> socket_sndbuf{conf::Size{0}};

    UpstreamTls tls;

    // Made of the above.
    ExchangeRules rules;
    RequestFields request_fields;
    ResponseFieldRules response_fields;

    void inherit(const Settings& outer) { tls.inherit(outer.tls); }
    void complete(conf::Completion& completion);
};

extern constinit conf::Slot<Settings> settings;

}  // namespace ringx::http::proxy
