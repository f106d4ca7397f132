#include "http/h1_parser.h"

#include <algorithm>

#include "http/length.h"
#include "http/text.h"
#include "http/uri.h"

namespace ringx::http {

namespace {

// A robust server skips an empty line or two before a request (RFC 9112 section 2.2); a stream of them is a flood.
constexpr uint8_t empty_lines_max = 4;

constexpr uint16_t header_too_large = 494;  // nginx's own status, sent as 400

// What a byte says about a field name. Names with `odd` bytes are well-formed, but nginx calls them invalid: gateways
// behind us turn '-' and '_' (and more) into the same variable name, so one field could pose as another.
enum NameByte : uint8_t { not_in_names = 0, plain = 1, odd = 2, underscore = 4 };

constexpr auto name_bytes = [] {
    std::array<uint8_t, 256> table{};
    for (size_t i = 0; i < table.size(); ++i) {
        char c = static_cast<char>(i);
        if (!token_bytes[c]) continue;
        table[i] = is_digit(c) || is_alpha(c) || c == '-' ? plain : c == '_' ? underscore : odd;
    }
    return table;
}();

// The scheme of absolute-form with what follows it, up to the authority.
std::string_view scheme_of(std::string_view target) {
    for (std::string_view scheme : {"http://", "https://"}) {
        if (equals_ignore_case(target.substr(0, scheme.size()), scheme)) return target.substr(0, scheme.size());
    }
    return {};
}

// Fields nginx refuses to see twice, because their meaning would depend on which one is believed.
bool must_be_unique(Header id) {
    switch (id) {
        case Header::host:
        case Header::content_length:
        case Header::transfer_encoding:
        case Header::content_range:
        case Header::expect:
        case Header::if_range:
        case Header::if_match:
        case Header::if_none_match:
        case Header::if_modified_since:
        case Header::if_unmodified_since:
        case Header::authorization: return true;
        default: return false;
    }
}

}  // namespace

// One call of H1Parser::parse(). A step that returns false has left its refusal in `progress_`.
class HeadReader {
 public:
    HeadReader(H1Parser& parser, std::string_view bytes, RequestHead& head, const HeadLimits& limits)
        : parser_(parser), bytes_(bytes), head_(head), limits_(limits) {}

    Progress run();

 private:
    enum class Line : uint8_t { whole, partial, bad };
    Line take_line(std::string_view& line);

    bool read_request_line(std::string_view line);
    bool read_version(std::string_view version);
    bool read_target();
    bool read_absolute_form();
    bool read_path(std::string_view text);
    bool read_authority(std::string_view authority);

    bool read_field(std::string_view line);
    bool accept_field(const Field& field, std::string_view line);
    bool read_host_field(const Field& field, std::string_view line);
    void read_connection(std::string_view list);

    bool finish();
    bool read_framing();
    bool read_coding(std::string_view list);

    bool refuse(uint16_t status, const char* reason, std::string_view detail = {});
    bool refuse_line_too_large(std::string_view line);
    std::string_view failed_request_line() const;

    H1Parser& parser_;
    std::string_view bytes_;
    RequestHead& head_;
    const HeadLimits& limits_;
    Progress progress_;
};

Progress H1Parser::parse(std::string_view bytes, RequestHead& head, const HeadLimits& limits) {
    return HeadReader(*this, bytes, head, limits).run();
}

Progress HeadReader::run() {
    if (parser_.scanned_ == 0) head_.clear();
    for (;;) {
        std::string_view line;
        Line found = take_line(line);
        if (found == Line::bad) return progress_;
        if (found == Line::partial) {
            progress_.in_request_line = !parser_.past_request_line_;
            return progress_;
        }
        if (parser_.past_request_line_) {
            if (line.empty()) {
                if (finish()) {
                    progress_.kind = Progress::Kind::done;
                    progress_.in_request_line = false;
                    progress_.head_bytes = parser_.line_start_;
                }
                return progress_;
            }
            if (!read_field(line)) return progress_;
        } else if (line.empty()) {
            if (++parser_.empty_lines_ > empty_lines_max) {
                refuse(400, "client sent invalid request");
                return progress_;
            }
        } else {
            head_.request_line = line;
            if (!read_request_line(line)) return progress_;
            parser_.past_request_line_ = true;
        }
    }
}

// Takes the next line, without its CRLF, or refuses it for its length or its bytes. What a line is refused for does
// not depend on how much of it has arrived, only on what comes first in it.
HeadReader::Line HeadReader::take_line(std::string_view& line) {
    const char* data = bytes_.data();
    const char* end = data + bytes_.size();
    const char* begin = data + parser_.line_start_;

    // Another protocol on this port (TLS, say) need not send a line end for us to see that it is not HTTP.
    if (!parser_.past_request_line_ && begin != end && !token_bytes[*begin] && *begin != '\r') {
        refuse(400, "client sent invalid method");
        return Line::bad;
    }
    const char* stop = find_control(data + parser_.scanned_, end);
    line = {begin, static_cast<size_t>(stop - begin)};
    if (line.size() + 2 > limits_.line_bytes_max || static_cast<size_t>(stop - data) + 2 > limits_.head_bytes_max) {
        refuse_line_too_large(line);
        return Line::bad;
    }
    if (end - stop < 2 && (stop == end || *stop == '\r')) {
        parser_.scanned_ = static_cast<uint32_t>(stop - data);
        return Line::partial;
    }
    if (stop[0] != '\r' || stop[1] != '\n') {
        if (parser_.past_request_line_) {
            refuse(400, "client sent invalid header line", {begin, line.size() + 1});
        } else {
            refuse(400, "client sent invalid request");
        }
        return Line::bad;
    }
    parser_.line_start_ = parser_.scanned_ = static_cast<uint32_t>(stop + 2 - data);
    return Line::whole;
}

// method SP request-target SP HTTP-version (RFC 9112 section 3). The version has a fixed size, so the line is read from
// both ends, and any further space lies in the target, which refuses it.
bool HeadReader::read_request_line(std::string_view line) {
    size_t method = 0;
    while (method < line.size() && token_bytes[line[method]]) ++method;
    if (method == line.size() || line[method] != ' ') return refuse(400, "client sent invalid method");
    head_.method_text = line.substr(0, method);
    head_.method = recognise_method(head_.method_text);

    constexpr size_t version = std::string_view("HTTP/1.1").size();
    if (line.size() < method + 1 + 1 + 1 + version || line[line.size() - version - 1] != ' ') {
        return refuse(400, "client sent invalid request");
    }
    head_.target = line.substr(method + 1, line.size() - version - 1 - method - 1);
    return read_version(line.substr(line.size() - version)) && read_target();
}

bool HeadReader::read_version(std::string_view version) {
    if (!version.starts_with("HTTP/") || !is_digit(version[5]) || version[6] != '.' || !is_digit(version[7])) {
        return refuse(400, "client sent invalid version");
    }
    if (version[5] > '1') return refuse(505, "client sent invalid version");
    if (version[5] < '1') return refuse(400, "client sent invalid version");
    head_.minor_version = static_cast<uint8_t>(version[7] - '0');
    return true;
}

bool HeadReader::read_target() {
    std::string_view target = head_.target;
    head_.uri = target;
    if (head_.method == Method::connect) {
        head_.form = Target::authority;
        return read_authority(target);
    }
    if (target == "*" && head_.method == Method::options) {
        head_.form = Target::asterisk;
        head_.path = target;
        return true;
    }
    if (target[0] != '/') {
        head_.form = Target::absolute;
        return read_absolute_form();
    }
    return read_path(target);
}

bool HeadReader::read_path(std::string_view text) {
    auto parts = split_target(text);
    if (!parts) return refuse(400, "client sent invalid request");
    head_.path = parts->path.empty() ? std::string_view("/") : parts->path;
    head_.query = parts->query;
    head_.has_query = parts->has_query;
    head_.path_is_plain = parts->path_is_plain;
    return true;
}

bool HeadReader::read_absolute_form() {
    std::string_view scheme = scheme_of(head_.target);
    if (scheme.empty()) return refuse(400, "client sent invalid request");
    head_.scheme = scheme.substr(0, scheme.size() - std::string_view("://").size());

    std::string_view rest = head_.target.substr(scheme.size());
    std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    rest.remove_prefix(authority.size());
    if (!read_authority(authority)) return false;

    head_.uri = rest.empty() ? std::string_view("/") : rest;
    return read_path(rest);
}

bool HeadReader::read_authority(std::string_view authority) {
    auto host = parse_host(authority);
    if (!host) return refuse(400, "client sent invalid host in request line");
    if (head_.form == Target::authority && host->port.empty()) {
        return refuse(400, "client sent invalid host in request line");  // RFC 9110 section 9.3.6
    }
    head_.authority = authority;
    head_.host = *host;
    return true;
}

bool HeadReader::read_field(std::string_view line) {
    if (++parser_.fields_seen_ > limits_.fields_max) {
        return refuse(header_too_large, "client sent too many header lines");
    }
    // A line ends in CR, which stops this scan if nothing else does.
    size_t size = 0;
    uint8_t seen = 0;
    while (uint8_t kind = name_bytes[static_cast<unsigned char>(line.data()[size])]) {
        seen |= kind;
        ++size;
    }
    if (size == 0 || size == line.size() || line[size] != ':') {
        return refuse(400, "client sent invalid header line", line);
    }
    uint8_t suspect = limits_.underscores_in_headers ? odd : odd | underscore;
    if ((seen & suspect) != 0 && limits_.ignore_invalid_headers) return true;

    Field field{line.substr(0, size), trim(line.substr(size + 1)), Header::other};
    field.id = recognise_header(field.name);
    if (field.id != Header::other && !accept_field(field, line)) return false;
    head_.add(field);
    return true;
}

// What a known field means for the connection and for the fields after it.
bool HeadReader::accept_field(const Field& field, std::string_view line) {
    if (must_be_unique(field.id) && head_.find(field.id)) {
        bool is_host = field.id == Header::host;
        return refuse(400, is_host ? "client sent duplicate host headers" : "client sent duplicate header line", line);
    }
    switch (field.id) {
        case Header::host: return read_host_field(field, line);
        case Header::connection: read_connection(field.value); return true;
        case Header::expect: head_.expect_continue = equals_ignore_case(field.value, "100-continue"); return true;
        default: return true;
    }
}

// The authority of the target rules over the field (RFC 9112 section 3.2.2), which must be right all the same.
bool HeadReader::read_host_field(const Field& field, std::string_view line) {
    auto host = parse_host(field.value);
    if (!host) return refuse(400, "client sent invalid host header", line);
    if (head_.host.name.empty()) head_.host = *host;
    return true;
}

void HeadReader::read_connection(std::string_view list) {
    while (!list.empty()) {
        std::string_view option = take_element(list);
        if (equals_ignore_case(option, "close")) parser_.asks_close_ = true;
        if (equals_ignore_case(option, "keep-alive")) parser_.asks_keep_alive_ = true;
    }
}

bool HeadReader::finish() {
    bool is_1_0 = head_.minor_version == 0;
    if (!is_1_0 && !head_.find(Header::host)) {
        return refuse(400, "client sent HTTP/1.1 request without \"Host\" header");
    }
    head_.keep_alive = !parser_.asks_close_ && (!is_1_0 || parser_.asks_keep_alive_);
    if (is_1_0) head_.expect_continue = false;
    return read_framing();
}

// RFC 9112 section 6.3, where every ambiguity is refused rather than resolved.
bool HeadReader::read_framing() {
    const Field* length = head_.find(Header::content_length);
    const Field* coding = head_.find(Header::transfer_encoding);
    if (length) {
        auto parsed = parse_length(length->value);
        if (!parsed) return refuse(400, "client sent invalid \"Content-Length\" header", length->value);
        head_.framing = Framing::length;
        head_.content_length = *parsed;
    }
    if (!coding) return true;
    if (head_.minor_version == 0) {
        return refuse(400, "client sent HTTP/1.0 request with \"Transfer-Encoding\" header");
    }
    if (length) {
        return refuse(400, "client sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time");
    }
    head_.framing = Framing::chunked;
    return read_coding(coding->value);
}

// Only "chunked" alone is served. A coding we do not know is 501 (RFC 9112 section 6.1); a list whose end cannot be
// found whoever reads it (chunked twice, not last, or an empty element) is 400.
bool HeadReader::read_coding(std::string_view list) {
    if (equals_ignore_case(list, "chunked")) return true;
    std::string_view rest = list;
    do {
        std::string_view coding = take_element(rest);
        if (coding.empty() || (equals_ignore_case(coding, "chunked") && !rest.empty())) {
            return refuse(400, "client sent invalid \"Transfer-Encoding\"", list);
        }
    } while (!rest.empty());
    if (list.ends_with(',')) return refuse(400, "client sent invalid \"Transfer-Encoding\"", list);
    return refuse(501, "client sent unknown \"Transfer-Encoding\"", list);
}

bool HeadReader::refuse(uint16_t status, const char* reason, std::string_view detail) {
    progress_ = {.kind = Progress::Kind::bad,
                 .in_request_line = !parser_.past_request_line_,
                 .status = status,
                 .head_bytes = 0,
                 .reason = reason,
                 .detail = detail};
    if (head_.request_line.empty()) head_.request_line = failed_request_line();
    return false;
}

bool HeadReader::refuse_line_too_large(std::string_view line) {
    if (!parser_.past_request_line_) return refuse(414, "client sent too long URI");
    // As much as fits into a log line beside the rest, as in nginx.
    constexpr size_t shown_max = 1024;
    if (line.size() + 2 <= limits_.line_bytes_max) return refuse(header_too_large, "client sent too large request");
    return refuse(header_too_large, "client sent too long header line", line.substr(0, shown_max));
}

// A refused line for the log: up to its end, or what there is of it.
std::string_view HeadReader::failed_request_line() const {
    std::string_view line = bytes_.substr(std::min<size_t>(parser_.line_start_, bytes_.size()));
    return line.substr(0, line.find_first_of("\r\n"));
}

}  // namespace ringx::http
