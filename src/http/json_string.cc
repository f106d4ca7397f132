#include "http/json_string.h"

#include <iterator>

#include "base/format.h"
#include "http/escape.h"
#include "http/utf8.h"

namespace ringx::http {

void append_json_string(std::string_view text, std::string& out) {
    out += '"';
    for (;;) {
        std::string_view good = leading_characters(text);
        escape_json(good, out);
        text.remove_prefix(good.size());
        if (text.empty()) break;
        text::format_to(std::back_inserter(out), "\\\\x{:02X}", static_cast<unsigned char>(text[0]));
        text.remove_prefix(1);
    }
    out += '"';
}

}  // namespace ringx::http
