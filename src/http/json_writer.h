// http/json_writer.h - text of JSON, written from its beginning to its end.
//
// Who writes says what comes next, and commas and quotes come by themselves. Strings are valid whatever bytes they are
// made of (http/json_string). Nothing is kept but the text and the brackets that are open.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

namespace ringx::http {

class JsonWriter {
 public:
    void begin_object() { begin('{', '}'); }
    void begin_array() { begin('[', ']'); }
    // Of the innermost object or array.
    void end();

    // What is written next is the value of this member. REQUIRES: the innermost bracket is an object's.
    void key(std::string_view name);

    void string(std::string_view text);
    void boolean(bool value) { word(value ? "true" : "false"); }
    void integer(std::integral auto value) {
        if constexpr (std::is_signed_v<decltype(value)>) signed_integer(value);
        else unsigned_integer(value);
    }
    // The shortest text that is read as the same number; null when it is none of JSON's.
    void real(double value);
    void null() { word("null"); }

    // A member with a value of any of these kinds.
    template <typename T>
    void member(std::string_view name, const T& value) {
        key(name);
        if constexpr (std::same_as<T, bool>) boolean(value);
        else if constexpr (std::integral<T>) integer(value);
        else if constexpr (std::floating_point<T>) real(value);
        else string(value);
    }

    // The text. REQUIRES: all brackets are closed.
    std::string take();

 private:
    void begin(char opening, char closing);
    void word(std::string_view text);
    void signed_integer(long long value);
    void unsigned_integer(unsigned long long value);
    void next();

    std::string text_;
    std::string closings_;     // of the brackets that are open, the innermost last
    bool has_before_ = false;  // a value stands before this place in the same object or array
};

}  // namespace ringx::http
