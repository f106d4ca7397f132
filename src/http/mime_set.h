// http/mime_set.h - the MIME types a filter applies to: gzip_types and its like.
//
// A set given in the configuration holds text/html besides what is listed; `*` stands for every type. Whether a type
// belongs to it is asked of each response, without its parameters and without regard to case.
#pragma once

#include <string_view>
#include <vector>

#include "conf/directive.h"

namespace ringx::http {

class MimeSet {
 public:
    // Whether the set holds the type of a Content-Type field. No type belongs to no set.
    bool has(std::string_view content_type) const;

    // Adds the words of a statement, of which there may be several in a block.
    void add(conf::Binding& binding);

 private:
    bool all_ = false;
    std::vector<std::string_view> types_{"text/html"};
};

// The setter of a directive that lists types: conf::custom<&set_types<&Settings::types>, &Settings::types>(…).
template <auto member>
void add_mime_types(typename conf::rows::Member<decltype(member)>::Settings& settings, conf::Binding& binding) {
    (settings.*member).given = true;
    (settings.*member).value.add(binding);
}

}  // namespace ringx::http
