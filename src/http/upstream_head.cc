#include "http/upstream_head.h"

#include <algorithm>
#include <array>

#include "http/length.h"
#include "http/name_words.h"
#include "http/text.h"

namespace ringx::http {
namespace {

struct Known {
    std::string_view name;  // lower case
    UpstreamField id;
    bool hop_by_hop = false;
};

// In the order of the enumeration. Those that end here: RFC 9110 section 7.6.1, and fields about the connection to a
// proxy, which nobody behind us may speak for.
constexpr Known known_fields[] = {
    {"accept-ranges", UpstreamField::accept_ranges},
    {"cache-control", UpstreamField::cache_control},
    {"connection", UpstreamField::connection, true},
    {"content-encoding", UpstreamField::content_encoding},
    {"content-length", UpstreamField::content_length},
    {"content-type", UpstreamField::content_type},
    {"date", UpstreamField::date},
    {"etag", UpstreamField::etag},
    {"expires", UpstreamField::expires},
    {"keep-alive", UpstreamField::keep_alive, true},
    {"last-modified", UpstreamField::last_modified},
    {"link", UpstreamField::link},
    {"location", UpstreamField::location},
    {"proxy-authenticate", UpstreamField::proxy_authenticate},
    {"proxy-authentication-info", UpstreamField::proxy_authentication_info},
    {"proxy-connection", UpstreamField::proxy_connection, true},
    {"refresh", UpstreamField::refresh},
    {"server", UpstreamField::server},
    {"set-cookie", UpstreamField::set_cookie},
    {"status", UpstreamField::status},
    {"te", UpstreamField::te, true},
    {"trailer", UpstreamField::trailer},
    {"transfer-encoding", UpstreamField::transfer_encoding, true},
    {"upgrade", UpstreamField::upgrade, true},
    {"vary", UpstreamField::vary},
    {"www-authenticate", UpstreamField::www_authenticate},
    {"x-accel-buffering", UpstreamField::x_accel_buffering},
    {"x-accel-charset", UpstreamField::x_accel_charset},
    {"x-accel-expires", UpstreamField::x_accel_expires},
    {"x-accel-limit-rate", UpstreamField::x_accel_limit_rate},
    {"x-accel-redirect", UpstreamField::x_accel_redirect},
};
static_assert(std::size(known_fields) + 1 == static_cast<size_t>(UpstreamField::count));

constexpr size_t size_of(const Known& known) { return known.name.size(); }

constexpr size_t name_bytes_max = size_of(std::ranges::max(known_fields, {}, size_of));

// By their length: few have the same.
constexpr auto by_size = [] {
    std::array<Known, std::size(known_fields)> sorted;
    std::ranges::copy(known_fields, sorted.begin());
    std::ranges::sort(sorted, {}, size_of);
    return sorted;
}();

// Those of a length begin at the place of that number, and end where those of the next begin.
constexpr auto places = [] {
    std::array<uint8_t, name_bytes_max + 2> first{};
    for (size_t size = 0; size < first.size(); ++size) {
        first[size] = static_cast<uint8_t>(std::ranges::lower_bound(by_size, size, {}, size_of) - by_size.begin());
    }
    return first;
}();

// REQUIRES: there is no CR in `name`.
const Known* find_known(std::string_view name) {
    if (name.size() > name_bytes_max) return nullptr;
    const Known* end = by_size.data() + places[name.size() + 1];
    for (const Known* known = by_size.data() + places[name.size()]; known != end; ++known) {
        if (is_token(name.data(), known->name.data(), known->name.size())) return known;
    }
    return nullptr;
}

// Each is looked for among all fields.
constexpr size_t connection_options_max = 100;

// Nobody can tell which of two of them was meant.
bool must_be_unique(UpstreamField id) {
    return id == UpstreamField::content_length || id == UpstreamField::transfer_encoding;
}

bool has_no_body(uint16_t status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

UpstreamField recognise_upstream_field(std::string_view name) {
    const Known* known = find_known(name);
    return known == nullptr ? UpstreamField::other : known->id;
}

const UpstreamHead::Field* UpstreamHead::find(UpstreamField id) const {
    if ((ids_ & bit(id)) == 0) return nullptr;
    auto found = std::ranges::find(fields, id, &Field::id);
    return found == fields.end() ? nullptr : &*found;
}

const UpstreamHead::Field* UpstreamHead::find(std::string_view name) const {
    auto found = std::ranges::find_if(fields, [name](const Field& field) {
        return equals_ignore_case(field.name, name);
    });
    return found == fields.end() ? nullptr : &*found;
}

void UpstreamHead::move_text(ptrdiff_t by) {
    auto move = [by](std::string_view& text) { text = {text.data() + by, text.size()}; };
    move(reason);
    for (Field& field : fields) {
        move(field.name);
        move(field.value);
    }
}

void UpstreamHead::clear() {
    std::vector<Field> kept = std::move(fields);
    kept.clear();
    constexpr size_t usual_fields = 16;
    kept.reserve(usual_fields);
    *this = UpstreamHead();
    fields = std::move(kept);
}

UpstreamHeadParser::Progress UpstreamHeadParser::parse(std::string_view bytes, Method method, UpstreamHead& head,
                                                       const Limits& limits) {
    if (scanned_ == 0) head.clear();
    std::string_view within = bytes.substr(0, limits.head_bytes_max);
    for (;;) {
        const char* end = within.data() + within.size();
        const char* stop = find_control(within.data() + scanned_, end);
        std::string_view line(within.data() + line_start_, static_cast<size_t>(stop - within.data()) - line_start_);
        bool is_whole = stop != end && (*stop == '\n' || (end - stop >= 2 && stop[0] == '\r' && stop[1] == '\n'));
        if (!is_whole) {
            bool may_follow = stop == end || (*stop == '\r' && end - stop < 2);
            if (!may_follow) {
                refuse("upstream sent invalid header", line);
            } else if (bytes.size() >= limits.head_bytes_max) {
                refuse("upstream sent too big header");
            } else {
                scanned_ = static_cast<uint32_t>(stop - within.data());
            }
            return progress_;
        }
        line_start_ = scanned_ = static_cast<uint32_t>(stop - within.data()) + (*stop == '\n' ? 1 : 2);
        if (!past_status_line_) {
            if (!read_status_line(line, head)) return progress_;
            past_status_line_ = true;
        } else if (line.empty()) {
            if (finish(method, head)) {
                progress_.kind = Progress::Kind::done;
                progress_.head_bytes = line_start_;
            }
            return progress_;
        } else if (head.fields.size() >= limits.fields_max) {
            refuse("upstream sent too many header lines");
            return progress_;
        } else if (!read_field(line, head)) {
            return progress_;
        }
    }
}

// HTTP-version SP status-code SP [reason] (RFC 9112 section 4); many leave out the last space with the reason.
bool UpstreamHeadParser::read_status_line(std::string_view line, UpstreamHead& head) {
    constexpr std::string_view start = "HTTP/1.x 200";
    bool is_one = line.size() >= start.size() && line.starts_with("HTTP/1.") && is_digit(line[7]) && line[8] == ' ' &&
                  is_digit(line[9]) && is_digit(line[10]) && is_digit(line[11]) &&
                  (line.size() == start.size() || line[start.size()] == ' ');
    if (!is_one || line[9] == '0') return refuse("upstream sent no valid HTTP/1.0 header", line);
    head.minor_version = static_cast<uint8_t>(line[7] - '0');
    head.status = static_cast<uint16_t>((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
    if (line.size() > start.size()) head.reason = line.substr(start.size() + 1);
    return true;
}

bool UpstreamHeadParser::read_field(std::string_view line, UpstreamHead& head) {
    const size_t size = line.find(':');
    if (size == 0 || size == line.npos) return refuse("upstream sent invalid header", line);
    UpstreamHead::Field field{line.substr(0, size), trim(line.substr(size + 1))};
    const Known* known = find_known(field.name);
    if (known == nullptr) {
        bool is_token = std::ranges::all_of(field.name, [](char c) { return token_bytes[c]; });
        if (!is_token) return refuse("upstream sent invalid header", line);
    } else {
        field.id = known->id;
        field.hop_by_hop = known->hop_by_hop;
        if (must_be_unique(field.id) && head.find(field.id) != nullptr) {
            return refuse("upstream sent duplicate header line", line);
        }
    }
    head.add(field);
    return true;
}

bool UpstreamHeadParser::finish(Method method, UpstreamHead& head) {
    bool says_close = false, says_keep_alive = false;
    size_t options = 0;
    for (const UpstreamHead::Field& connection : head.fields) {
        if (connection.id != UpstreamField::connection) continue;
        for (std::string_view list = connection.value; !list.empty();) {
            std::string_view option = take_element(list);
            if (++options > connection_options_max) return refuse("upstream sent invalid \"Connection\" header");
            says_close = says_close || equals_ignore_case(option, "close");
            says_keep_alive = says_keep_alive || equals_ignore_case(option, "keep-alive");
            for (UpstreamHead::Field& field : head.fields) {
                if (equals_ignore_case(field.name, option)) field.hop_by_hop = true;
            }
        }
    }
    head.keep_alive = !says_close && (head.minor_version > 0 || says_keep_alive);

    const UpstreamHead::Field* length = head.find(UpstreamField::content_length);
    const UpstreamHead::Field* coding = head.find(UpstreamField::transfer_encoding);
    if (length != nullptr) {
        auto parsed = parse_length(length->value);
        if (!parsed) return refuse("upstream sent invalid \"Content-Length\" header", length->value);
        head.content_length = *parsed;
        head.has_content_length = true;
    }
    if (coding != nullptr) {
        if (length != nullptr) {
            return refuse("upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time");
        }
        if (head.minor_version == 0 || !equals_ignore_case(coding->value, "chunked")) {
            return refuse("upstream sent unknown \"Transfer-Encoding\"", coding->value);
        }
    }
    head.framing = method == Method::head || has_no_body(head.status) ? UpstreamHead::Framing::none
                   : coding != nullptr                                ? UpstreamHead::Framing::chunked
                   : length != nullptr                                ? UpstreamHead::Framing::length
                                                                      : UpstreamHead::Framing::until_close;
    return true;
}

bool UpstreamHeadParser::refuse(const char* reason, std::string_view detail) {
    progress_ = {.kind = Progress::Kind::bad, .reason = reason, .detail = detail};
    return false;
}

}  // namespace ringx::http
