#include "modules/log/json_value.h"

#include "http/text.h"

namespace ringx::http {
namespace {

size_t count_digits(std::string_view text) {
    size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits])) ++digits;
    return digits;
}

// Digits without a zero before them, perhaps with a fraction: what variables give. JSON has more.
bool is_number(std::string_view text) {
    size_t whole = count_digits(text);
    if (whole == 0 || (whole > 1 && text[0] == '0')) return false;
    text.remove_prefix(whole);
    if (text.empty()) return true;
    return text[0] == '.' && text.size() > 1 && count_digits(text.substr(1)) == text.size() - 1;
}

}  // namespace

void append_json_number(std::string_view text, std::string& out) { out += is_number(text) ? text : "null"; }

std::string_view last_of_tries(std::string_view values) { return values.substr(values.find_last_of(' ') + 1); }

size_t count_tries(std::string_view values) {
    size_t tries = values.empty() ? 0 : 1;
    for (size_t at = values.find(' '); at != values.npos; at = values.find(' ', at + 1)) {
        bool is_colon = values.substr(at + 1).starts_with(": ");  // " : " is one separator, with two blanks
        if (!is_colon) ++tries;
    }
    return tries;
}

}  // namespace ringx::http
