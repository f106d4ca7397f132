#include "http/etag.h"

#include "http/http_date.h"
#include "http/text.h"

namespace ringx::http {

namespace {

struct EntityTag {
    std::string_view opaque;  // with its quotes; empty if the text was not an entity tag
    bool is_weak = false;
};

// Reads an entity tag off the front: [ W/ ] " etagc* ". A tag may hold commas, so lists are read tag by tag.
EntityTag take_tag(std::string_view& text) {
    EntityTag tag;
    std::string_view rest = text;
    if (rest.starts_with("W/")) {
        tag.is_weak = true;
        rest.remove_prefix(2);
    }
    if (!rest.starts_with('"')) return {};
    size_t close = rest.find('"', 1);
    if (close == std::string_view::npos) return {};
    tag.opaque = rest.substr(0, close + 1);
    text = rest.substr(close + 1);
    return tag;
}

void skip_to_next(std::string_view& list) {
    while (!list.empty() && (is_blank(list[0]) || list[0] == ',')) list.remove_prefix(1);
}

}  // namespace

bool matches_etag(std::string_view list, std::string_view etag, EtagMatch how) {
    if (list == "*") return true;
    std::string_view rest = etag;
    EntityTag ours = take_tag(rest);
    if (ours.opaque.empty() || !rest.empty()) return false;
    if (how == EtagMatch::strong && ours.is_weak) return false;

    for (skip_to_next(list); !list.empty(); skip_to_next(list)) {
        EntityTag theirs = take_tag(list);
        size_t end = list.find(',');
        std::string_view surplus = trim(list.substr(0, end));
        bool is_tag = !theirs.opaque.empty() && surplus.empty();
        bool may_match = how == EtagMatch::weak || !theirs.is_weak;
        if (is_tag && may_match && theirs.opaque == ours.opaque) return true;
        list.remove_prefix(end == std::string_view::npos ? list.size() : end);
    }
    return false;
}

bool matches_if_range(std::string_view value, std::string_view etag, std::optional<int64_t> last_modified) {
    if (value.ends_with('"')) return value.starts_with('"') && !etag.empty() && value == etag;
    auto date = parse_http_date(value);
    return date && last_modified && *date == *last_modified;
}

}  // namespace ringx::http
