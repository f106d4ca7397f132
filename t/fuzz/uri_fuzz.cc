// t/fuzz/uri_fuzz.cc - targets and paths: nothing leaves the root, and normalising is final.
//
// A path that was normalised, escaped and normalised again must be itself, in place or not; the plain ones must not
// change at all; and unescaping must undo escaping.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "http/escape.h"
#include "http/uri.h"

using namespace ringx::http;

namespace {

void check_clean(std::string_view path, bool merged) {
    CHECK(path.starts_with('/'));
    CHECK(path.find('\0') == std::string_view::npos);
    for (std::string_view segment = path; !segment.empty();) {
        segment.remove_prefix(1);
        size_t end = segment.find('/');
        std::string_view name = segment.substr(0, end);
        CHECK(name != "." && name != "..");
        CHECK(!(merged && name.empty() && end != std::string_view::npos));
        segment.remove_prefix(name.size());
    }
}

void check_path(std::string_view raw, bool merge) {
    std::string path;
    bool is_good = normalise_path(raw, merge, path);
    std::string place(raw);
    auto inside = normalise_path(place, merge, place.data());
    CHECK(inside.has_value() == is_good);
    if (!is_good) return;
    CHECK(*inside == path && path.size() <= raw.size());
    check_clean(path, merge);

    std::string escaped;
    std::string again;
    escape_uri(path, UriPart::path, escaped);
    CHECK(normalise_path(escaped, merge, again) && again == path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    check_path(text, true);
    check_path(text, false);
    if (auto parts = split_target(text)) {
        CHECK(parts->path.size() + parts->query.size() + parts->has_query <= text.size());
        std::string path;
        if (parts->path_is_plain && !parts->path.empty()) {
            CHECK(normalise_path(parts->path, true, path) && path == parts->path);
        }
    }
    for (UriPart part : {UriPart::path, UriPart::args, UriPart::component}) {
        std::string escaped;
        std::string back;
        escape_uri(text, part, escaped);
        unescape_uri(escaped, back);
        CHECK(back == text);
    }
    return 0;
}
