#include "http/mime_set.h"

#include <algorithm>
#include <string>

#include "base/format.h"
#include "http/text.h"

namespace ringx::http {

bool MimeSet::has(std::string_view content_type) const {
    if (content_type.empty() || all_) return !content_type.empty();
    std::string_view type = trim(content_type.substr(0, content_type.find(';')));
    for (std::string_view known : types_) {
        if (equals_ignore_case(known, type)) return true;
    }
    return false;
}

void MimeSet::add(conf::Binding& binding) {
    for (const conf::Word& word : binding.words()) {
        if (all_) return;
        if (word.text == "*") {
            all_ = true;
        } else if (has(word.text)) {
            std::string lower(word.text);
            std::ranges::transform(lower, lower.begin(), to_lower);
            binding.warn(word, text::format("duplicate MIME type \"{}\"", lower));
        } else {
            types_.push_back(word.text);
        }
    }
}

}  // namespace ringx::http
