#include "http/json_writer.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "http/json_string.h"

namespace ringx::http {
namespace {

template <typename Number>
void append_number(std::string& text, Number number) {
    char digits[32];
    text.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

}  // namespace

void JsonWriter::next() {
    if (has_before_) text_ += ',';
    has_before_ = true;
}

void JsonWriter::begin(char opening, char closing) {
    next();
    text_ += opening;
    closings_ += closing;
    has_before_ = false;
}

void JsonWriter::end() {
    CHECK(!closings_.empty());
    text_ += closings_.back();
    closings_.pop_back();
    has_before_ = true;
}

void JsonWriter::key(std::string_view name) {
    CHECK(closings_.ends_with('}'));
    next();
    append_json_string(name, text_);
    text_ += ':';
    has_before_ = false;
}

void JsonWriter::word(std::string_view text) {
    next();
    text_ += text;
}

void JsonWriter::string(std::string_view text) {
    next();
    append_json_string(text, text_);
}

void JsonWriter::signed_integer(long long value) {
    next();
    append_number(text_, value);
}

void JsonWriter::unsigned_integer(unsigned long long value) {
    next();
    append_number(text_, value);
}

void JsonWriter::real(double value) {
    if (!std::isfinite(value)) return null();
    next();
    append_number(text_, value);
}

std::string JsonWriter::take() {
    CHECK(closings_.empty());
    has_before_ = false;
    return std::exchange(text_, {});
}

}  // namespace ringx::http
