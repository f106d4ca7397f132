// modules/autoindex/listing.h - the content of a directory, read and written as a page or as data.
//
// Both are slow for large directories, and reading blocks: they run on a thread, away from the request, with copies of
// what they need. The forms are nginx's, which programs read: each line of the page, and the fields of the data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ringx::http::autoindex {

enum class Format : uint8_t { html, xml, json, jsonp };

struct Entry {
    enum class Kind : uint8_t { directory, file, other };

    std::string name;
    Kind kind = Kind::other;
    int64_t modified = 0;  // seconds since 1970
    uint64_t size = 0;
};

// What stands in the directory and does not begin with a dot; directories first, then by name. Links count as what they
// lead to if `follow_links`.
Result<std::vector<Entry>> read_directory(int directory, bool follow_links);

struct Style {
    Format format = Format::html;
    bool exact_size = true;   // of html; else rounded to K, M and G
    bool local_time = false;  // of html
};

// `uri` is the directory's, decoded; `callback` wraps jsonp, and may be empty.
std::string write_listing(const std::vector<Entry>& entries, Style style, std::string_view uri,
                          std::string_view callback);

}  // namespace ringx::http::autoindex
