#include "http/conditional.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/format.h"
#include "http/core_settings.h"
#include "http/etag.h"
#include "http/http_date.h"
#include "http/range.h"
#include "http/range_source.h"

namespace ringx::http {
namespace {

std::optional<int64_t> date_of(const Response& response) {
    if (response.last_modified < 0) return std::nullopt;
    return response.last_modified;
}

// The date is broken or the response has none: then it counts as modified, and the client gets 412.
bool is_unmodified_since(std::string_view value, const Response& response) {
    auto since = parse_http_date(value);
    return since && response.last_modified >= 0 && *since >= response.last_modified;
}

bool is_modified_since(std::string_view value, const Request& request, const Response& response) {
    using Rule = CoreSettings::ModifiedSince;
    Rule rule = *request.core->if_modified_since;
    if (response.last_modified < 0 || rule == Rule::off) return true;
    auto since = parse_http_date(value);
    if (!since || *since == response.last_modified) return !since;
    return rule == Rule::exact || *since < response.last_modified;
}

// The file stays: the date and the tag are views of it.
void drop_body(Response& response) {
    response.single = {};
    response.pieces = {};
    response.source = nullptr;
}

// The parts of `body` within a range, appended.
void cut(std::span<const Piece> body, ByteRange range, std::vector<Piece>& out) {
    uint64_t begin = range.first, end = range.last + 1;
    uint64_t at = 0;
    for (const Piece& piece : body) {
        uint64_t next = at + piece.size();
        uint64_t from = std::max(begin, at), to = std::min(end, next);
        if (from < to) {
            Piece part = piece;
            if (piece.bytes_of_file > 0) {
                part.offset += from - at;
                part.bytes_of_file = to - from;
            } else {
                part.memory = piece.memory.substr(from - at, to - from);
            }
            out.push_back(part);
        }
        at = next;
    }
}

void set_pieces(Request& request, Response& response, const std::vector<Piece>& pieces) {
    response.single = {};
    auto kept = request.arena.make_array<Piece>(pieces.size());
    std::ranges::copy(pieces, kept.begin());
    response.pieces = kept;
    uint64_t bytes = 0;
    for (const Piece& piece : kept) bytes += piece.size();
    response.content_length = bytes;
}

std::string content_range(ByteRange range, uint64_t size) {
    return text::format("bytes {}-{}/{}", range.first, range.last, size);
}

// Of a HEAD, too, whose body is not here.
void set_range(Request& request, Response& response, ByteRange range, uint64_t size) {
    response.content_length = range.size();
    response.fields.add(request.arena, "Content-Range", request.arena.copy(content_range(range, size)));
}

// Twenty digits, as nginx's; they differ from request to request and cannot be foreseen by who writes the file.
std::string boundary_for(const Request& request) {
    uint64_t number = (request.started_us ^ reinterpret_cast<uintptr_t>(&request)) * 0x9e3779b97f4a7c15;
    if (request.peer != nullptr) number ^= request.peer->number << 20 ^ request.peer->requests;
    return text::format("{:020}", number);
}

// A multipart/byteranges body in nginx's form: each part opens with CRLF and its boundary.
void send_parts(Request& request, Response& response, std::span<const Piece> body, const std::vector<ByteRange>& ranges,
                uint64_t size) {
    Arena& arena = request.arena;
    std::string boundary = boundary_for(request);
    std::string type = response.content_type.empty() ? "" : text::format("Content-Type: {}\r\n", response.content_type);
    std::vector<Piece> pieces;
    pieces.reserve(2 * ranges.size() + 1);
    for (ByteRange range : ranges) {
        pieces.push_back({.memory = arena.copy(text::format("\r\n--{}\r\n{}Content-Range: {}\r\n\r\n", boundary, type,
                                                            content_range(range, size)))});
        cut(body, range, pieces);
    }
    pieces.push_back({.memory = arena.copy(text::format("\r\n--{}--\r\n", boundary))});
    set_pieces(request, response, pieces);
    response.content_type = arena.copy("multipart/byteranges; boundary=" + boundary);
}

// Whether Range is to be looked at, given If-Range.
bool wants_ranges(const Request& request, const Response& response) {
    const Field* condition = request.head.find(Header::if_range);
    return condition == nullptr || matches_if_range(condition->value, response.etag, date_of(response));
}

}  // namespace

bool may_send_less(const Request& request) {
    for (Header header : {Header::if_none_match, Header::if_modified_since, Header::if_match,
                          Header::if_unmodified_since, Header::range}) {
        if (request.head.find(header) != nullptr) return true;
    }
    return false;
}

uint16_t apply_conditions(Request& request, Response& response) {
    if (response.is_foreign) return 0;
    if (response.status != 200) {
        // The date is of the page, and not of what was asked for.
        if (response.status != 206) response.last_modified = -1;
        if (response.last_modified < 0) response.last_modified_text = {};
        return 0;
    }
    const RequestHead& head = request.head;
    const Field* unmodified = head.find(Header::if_unmodified_since);
    if (unmodified != nullptr && !is_unmodified_since(unmodified->value, response)) return 412;
    const Field* match = head.find(Header::if_match);
    if (match != nullptr && !matches_etag(match->value, response.etag, EtagMatch::strong)) return 412;

    const Field* modified = head.find(Header::if_modified_since);
    const Field* none_match = head.find(Header::if_none_match);
    if (modified == nullptr && none_match == nullptr) return 0;
    if (modified != nullptr && is_modified_since(modified->value, request, response)) return 0;
    if (none_match != nullptr && !matches_etag(none_match->value, response.etag, EtagMatch::weak)) return 0;

    response.status = 304;
    response.content_type = {};
    response.content_length = std::nullopt;
    response.ranges_allowed = false;
    drop_body(response);
    return 0;
}

uint16_t apply_ranges(Request& request, Response& response) {
    if (!response.ranges_allowed) return 0;
    uint32_t ranges_most = *request.core->max_ranges;
    if (response.single_range) ranges_most = std::min(ranges_most, 1u);
    bool can_be_cut = response.status == 200 && response.content_length.has_value() &&
                      (response.source == nullptr || response.single_range);
    if (!can_be_cut || ranges_most == 0) {
        response.ranges_allowed = false;
        return 0;
    }
    const Field* field = request.head.find(Header::range);
    if (field == nullptr || !wants_ranges(request, response)) return 0;

    std::vector<ByteRange> ranges;
    uint64_t size = *response.content_length;
    Ranges found = parse_ranges(field->value, size, ranges_most, ranges);
    if (found == Ranges::ignore) return 0;
    if (found == Ranges::unsatisfiable) {
        drop_body(response);
        response.fields = {};
        response.fields.add(request.arena, "Content-Range", request.arena.copy(text::format("bytes */{}", size)));
        return 416;
    }

    // nginx's 206 does not say again that it takes ranges.
    response.status = 206;
    response.reason = {};
    response.ranges_allowed = false;
    if (response.source != nullptr) {
        response.source = request.arena.make<RangeSource>(*response.source, ranges[0]);
        set_range(request, response, ranges[0], size);
        return 0;
    }
    Piece single = response.single;
    std::span<const Piece> body = response.pieces.empty() ? std::span<const Piece>(&single, 1) : response.pieces;
    if (ranges.size() > 1) {
        send_parts(request, response, body, ranges, size);
        return 0;
    }
    std::vector<Piece> pieces;
    cut(body, ranges[0], pieces);
    set_pieces(request, response, pieces);
    set_range(request, response, ranges[0], size);
    return 0;
}

}  // namespace ringx::http
