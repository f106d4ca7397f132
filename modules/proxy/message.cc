#include "modules/proxy/message.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "http/chunked.h"
#include "http/core_settings.h"
#include "http/text.h"

namespace ringx::http::proxy {
namespace {

void append_number(std::string& out, uint64_t number) {
    char digits[20];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

// A line end in a value, which may come from a variable, would begin a field of the client's own making.
void append_field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ");
    size_t at = out.size();
    out.append(value);
    for (char& byte : std::span(out).subspan(at)) {
        if (control_bytes[byte]) byte = ' ';
    }
    out.append("\r\n");
}

// Whether the list, the value of Connection, names this option.
bool names(std::string_view list, std::string_view option) {
    while (!list.empty()) {
        if (equals_ignore_case(take_element(list), option)) return true;
    }
    return false;
}

std::string in_lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = to_lower(c);
    return lower;
}

// The fields that the client's Connection names, in lower case and sorted: there may be as many as fit in a head.
std::vector<std::string> named_by_connection(const RequestHead& head) {
    std::vector<std::string> named;
    if (head.find(Header::connection) == nullptr) return named;
    for (const Field& field : head.fields) {
        if (field.id != Header::connection) continue;
        for (std::string_view list = field.value; !list.empty();) {
            std::string_view option = take_element(list);
            bool is_field = !equals_ignore_case(option, "keep-alive") && !equals_ignore_case(option, "close");
            if (is_field) named.push_back(in_lower_case(option));
        }
    }
    std::ranges::sort(named);
    return named;
}

}  // namespace

// The variables tell of this request while the head is made.
void Message::begin(const Body& body, std::string& out) {
    is_chunked_ = body.exists && !body.length_is_known;
    keeps_alive_ = *settings_.version == Version::http_1_1;
    asks_upgrade_ = false;
    method_ = choose_method();
    out.append(method_).append(" ").append(destination_.uri);
    out.append(keeps_alive_ ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");

    std::string_view set_body = settings_.body->empty() ? std::string_view() : settings_.body->evaluate(request_);
    bool has_set_body = !settings_.body->empty();
    using Kind = RequestFields::Own::Kind;
    for (const RequestFields::Own& own : settings_.request_fields.own()) {
        switch (own.kind) {
            case Kind::host: append_field(out, "Host", destination_.host); break;
            case Kind::connection:
                if (!keeps_alive_) append_field(out, "Connection", "close");
                break;
            case Kind::framing:
                append_framing(has_set_body ? Body{true, true, set_body.size()} : body, out);
                break;
            case Kind::given: {
                std::string_view value = own.value->evaluate(request_);
                if (value.empty() && equals_ignore_case(own.name, "Host") && keeps_alive_) value = destination_.host;
                if (value.empty()) break;
                append_field(out, own.name, value);
                if (equals_ignore_case(own.name, "Connection") && names(value, "close")) keeps_alive_ = false;
                if (equals_ignore_case(own.name, "Upgrade")) asks_upgrade_ = true;
                break;
            }
        }
    }
    if (*settings_.pass_request_headers) append_fields_of_client(out);
    out.append("\r\n").append(set_body);
}

// What a variable gives may be no method, and would end the line or the request.
std::string_view Message::choose_method() const {
    std::string_view clients = request_.head.method_text;
    if (settings_.method->empty()) return clients;
    std::string_view ours = settings_.method->evaluate(request_);
    if (ours.empty()) return clients;
    if (std::ranges::all_of(ours, [](char c) { return token_bytes[c]; })) return ours;
    request_.log().write(Level::error, request_.log_context(), "invalid method \"{}\" in \"proxy_method\"", ours);
    return clients;
}

void Message::append_framing(const Body& body, std::string& out) {
    if (!body.exists) return;
    if (is_chunked_) {
        out.append("Transfer-Encoding: chunked\r\n");
    } else {
        out.append("Content-Length: ");
        append_number(out, body.length);
        out.append("\r\n");
    }
}

void Message::append_fields_of_client(std::string& out) const {
    std::vector<std::string> ending_here = named_by_connection(request_.head);
    for (const Field& field : request_.head.fields) {
        if (!settings_.request_fields.passes(field)) continue;
        if (!ending_here.empty() && std::ranges::binary_search(ending_here, in_lower_case(field.name))) continue;
        out.append(field.name).append(": ").append(field.value).append("\r\n");
    }
}

void Message::append_body(std::string_view part, std::string& out) {
    if (part.empty()) {
        out.append(last_chunk);
        return;
    }
    ChunkHead head(part.size());
    out.append(head.text()).append(part).append(chunk_end);
}

UpstreamHeadParser::Progress Message::read_head(std::string_view bytes, UpstreamHead& head) {
    UpstreamHeadParser::Limits limits{.head_bytes_max = static_cast<uint32_t>(settings_.buffer_size->bytes)};
    UpstreamHeadParser::Progress progress = parser_.parse(bytes, recognise_method(method_), head, limits);
    using Kind = UpstreamHeadParser::Progress::Kind;
    if (progress.kind != Kind::done) return progress;
    // Nobody asked for another protocol: what follows would be anything.
    if (head.status == 101 && !asks_upgrade_) {
        return {.kind = Kind::bad, .head_bytes = 0, .reason = "upstream sent unasked 101 response", .detail = {}};
    }
    body_.begin(head, *settings_.pass_trailers);
    return progress;
}

// HTTP/1.0 knows no interim responses (RFC 9110 section 15.2).
bool Message::wants_hints() const {
    if (request_.head.minor_version == 0) return false;
    return std::ranges::any_of(*request_.core->early_hints, [this](const Template& condition) {
        std::string_view value = condition.evaluate(request_);
        return !value.empty() && value != "0";
    });
}

void Message::append_interim(const UpstreamHead& head, std::string& out) {
    if (head.status != 103 || !wants_hints()) return;
    out.append("HTTP/1.1 103 Early Hints\r\n");
    for (const UpstreamHead::Field& field : head.fields) {
        bool is_of_body = field.id == UpstreamField::content_length || field.id == UpstreamField::trailer;
        if (field.hop_by_hop || is_of_body || settings_.response_fields.hides(field)) continue;
        out.append(field.name).append(": ").append(field.value).append("\r\n");
    }
    out.append("\r\n");
}

bool Message::keeps_connection(const UpstreamHead& head) const {
    return keeps_alive_ && head.keep_alive && head.framing != UpstreamHead::Framing::until_close && head.status != 101;
}

}  // namespace ringx::http::proxy
