// base/format.h - checked format strings: std::format where the standard library has it, else {fmt}.
//
// The rest of the tree writes text::format and text::format_to and does not know which one serves. Only the light
// header of {fmt} is included: the formatting itself is compiled once, in the library.
#pragma once

#include <string_view>
#include <version>

#if defined(__cpp_lib_format)
#include <format>
namespace ringx::text {
using std::format;
using std::format_args;
using std::format_string;
using std::format_to;
using std::make_format_args;
using std::vformat;

// What a checked format string says.
template <typename Form>
std::string_view text_of(const Form& form) {
    return form.get();
}
}  // namespace ringx::text
#else
#include <fmt/core.h>
namespace ringx::text {
using fmt::format;
using fmt::format_args;
using fmt::format_string;
using fmt::format_to;
using fmt::make_format_args;
using fmt::vformat;

// What a checked format string says.
template <typename Form>
std::string_view text_of(const Form& form) {
    fmt::string_view text = form;
    return {text.data(), text.size()};
}
}  // namespace ringx::text
#endif
