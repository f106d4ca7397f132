#include "modules/proxy/settings.h"

#include <algorithm>

#include "http/core_settings.h"
#include "http/text.h"
#include "modules/proxy/answer.h"

namespace ringx::http::proxy {
namespace {

// They concern one connection alone (RFC 9110 section 7.6.1), or what we do ourselves.
constexpr Header kept_back[] = {
    Header::host, Header::connection, Header::keep_alive, Header::proxy_connection, Header::te, Header::trailer,
    Header::transfer_encoding, Header::content_length, Header::upgrade, Header::expect,
};
constexpr std::string_view kept_back_others[] = {"HTTP2-Settings"};

// As nginx, which sends its own Date and Server.
constexpr UpstreamField hidden_fields[] = {
    UpstreamField::date, UpstreamField::server, UpstreamField::x_accel_redirect, UpstreamField::x_accel_expires,
    UpstreamField::x_accel_limit_rate, UpstreamField::x_accel_buffering, UpstreamField::x_accel_charset,
};
constexpr std::string_view hidden_others[] = {"X-Pad"};

bool contains_name(const std::vector<std::string_view>& names, std::string_view name) {
    return std::ranges::any_of(names, [name](std::string_view one) { return equals_ignore_case(one, name); });
}

}  // namespace

RequestFields::RequestFields(const std::vector<SetField>& set) : others_(std::begin(kept_back_others),
                                                                         std::end(kept_back_others)) {
    for (Header header : kept_back) kept_back_[static_cast<size_t>(header)] = true;
    bool sets_host = false, sets_connection = false;
    for (const SetField& field : set) {
        Header header = recognise_header(field.name);
        if (header == Header::other) others_.push_back(field.name);
        kept_back_[static_cast<size_t>(header)] = true;
        sets_host = sets_host || header == Header::host;
        sets_connection = sets_connection || header == Header::connection;
        may_upgrade_ = may_upgrade_ || header == Header::upgrade;
        // Where the body ends is not for the configuration to say.
        if (header == Header::content_length || header == Header::transfer_encoding) continue;
        own_.push_back({Own::Kind::given, field.name, &field.value});
    }
    kept_back_[static_cast<size_t>(Header::other)] = false;
    if (!sets_host) own_.push_back({Own::Kind::host, {}});
    if (!sets_connection) own_.push_back({Own::Kind::connection, {}});
    own_.push_back({Own::Kind::framing, {}});
}

bool RequestFields::passes(const Field& field) const {
    if (kept_back_[static_cast<size_t>(field.id)]) return false;
    return field.id != Header::other || !contains_name(others_, field.name);
}

ResponseFieldRules::ResponseFieldRules(const std::vector<std::string_view>& hidden,
                                       const std::vector<std::string_view>& passed) {
    for (UpstreamField field : hidden_fields) hidden_[static_cast<size_t>(field)] = true;
    others_.assign(std::begin(hidden_others), std::end(hidden_others));
    for (std::string_view name : hidden) {
        UpstreamField field = recognise_upstream_field(name);
        if (field == UpstreamField::other) others_.push_back(name);
        else hidden_[static_cast<size_t>(field)] = true;
    }
    for (std::string_view name : passed) {
        UpstreamField field = recognise_upstream_field(name);
        std::erase_if(others_, [name](std::string_view one) { return equals_ignore_case(one, name); });
        if (field != UpstreamField::other) hidden_[static_cast<size_t>(field)] = false;
    }
}

bool ResponseFieldRules::hides_other(std::string_view name) const { return contains_name(others_, name); }

void Settings::complete(conf::Completion& completion) {
    conf::Block& block = completion.block();
    bool takes_over = block.context() == conf::if_in_location || block.context() == conf::limit_except;
    if (takes_over && !pass.is_given) {
        const Settings& outer = settings.in(*std::as_const(block).outer());
        pass = outer.pass;
        tls.context = outer.tls.context;  // nothing else can be said of it here
        if (pass.is_given && block.context() == conf::limit_except) core_settings.in(block).handler = respond;
    }
    if (temp_path->directory.empty() && pass.is_given) {
        temp_path.value.directory = completion.full_path("proxy_temp");
        temp_paths.in(block).add(temp_path->directory, false);
    }
    if (!redirects.written()) {
        redirects.value.clear();
        if (!pass.server_prefix.empty()) {
            redirects.value.push_back(default_redirect(pass.server_prefix, pass.own_prefix));
        }
    }
    bool may_be_secure = pass.is_given && (pass.secure || pass.target == nullptr);
    if (may_be_secure && tls.context == nullptr) tls.complete(completion, "proxy_ssl_");
    request_fields = RequestFields(*set_headers);
    response_fields = ResponseFieldRules(*hide_headers, *pass_headers);
    rules.connect_timeout = *connect_timeout;
    rules.send_timeout = *send_timeout;
    rules.read_timeout = *read_timeout;
    rules.next_upstream = *next_upstream;
    if (rules.next_upstream.has(NextUpstream::off)) rules.next_upstream = {};
    rules.next_upstream_timeout = *next_upstream_timeout;
    rules.next_upstream_tries = *next_upstream_tries;
    rules.retry_budget = *retry_budget;
    rules.buffers_request = *request_buffering || *version == Version::http_1_0;
    rules.buffers_response = *buffering;
    rules.minds_client = !*ignore_client_abort;
    rules.store = {buffers->count * buffers->size, max_temp_file_size->bytes, &*temp_path};
    rules.idle.owner = block.place().order;
    rules.socket.keepalive = *socket_keepalive;
    rules.socket.receive_bytes = static_cast<uint32_t>(socket_rcvbuf->bytes);
    rules.socket.send_bytes = static_cast<uint32_t>(socket_sndbuf->bytes);
}

}  // namespace ringx::http::proxy
