#include "http/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>


#include "base/check.h"
#include "base/format.h"

namespace ringx::http {
namespace {

// A pattern that backtracks more often than this has met a subject made to stall the server; it counts as no match.
constexpr uint32_t match_steps_max = 1'000'000;

}  // namespace

std::expected<std::unique_ptr<Regex>, Regex::Mistake> Regex::compile(std::string_view pattern, bool caseless) {
    int error = 0;
    PCRE2_SIZE at = 0;
    auto* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                               caseless ? PCRE2_CASELESS : 0, &error, &at, nullptr);
    if (code == nullptr) {
        char message[128];
        pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(message), sizeof message);
        std::string where = at >= pattern.size() ? "" : text::format(" at \"{}\"", pattern.substr(at));
        std::string_view why = message;
        return std::unexpected(Mistake{text::format("pcre2_compile() failed: {} in \"{}\"{}", why, pattern, where)});
    }

    auto regex = std::make_unique<Regex>(Key());
    regex->pattern_ = pattern;
    regex->code_ = code;
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where it fails, the interpreter serves
    regex->match_ = pcre2_match_data_create_from_pattern(code, nullptr);
    CHECK(regex->match_ != nullptr);
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &regex->groups_);
    regex->read_names();
    return regex;
}

Regex::~Regex() {
    pcre2_match_data_free(match_);
    pcre2_code_free(code_);
}

void Regex::read_names() {
    uint32_t count = 0;
    uint32_t entry_bytes = 0;
    PCRE2_SPTR table = nullptr;
    pcre2_pattern_info(code_, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(code_, PCRE2_INFO_NAMEENTRYSIZE, &entry_bytes);
    pcre2_pattern_info(code_, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < count; ++i, table += entry_bytes) {
        // Two bytes of number, then the name and a zero: pcre2api(3), PCRE2_INFO_NAMETABLE.
        uint32_t number = static_cast<uint32_t>(table[0]) << 8 | table[1];
        named_.push_back({reinterpret_cast<const char*>(table + 2), number});
    }
}

bool Regex::match(std::string_view subject, std::span<std::string_view> captures) const {
    static const auto* limits = [] {
        auto* context = pcre2_match_context_create(nullptr);
        CHECK(context != nullptr);
        pcre2_set_match_limit(context, match_steps_max);
        return context;
    }();
    int found = pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), 0, 0, match_,
                            const_cast<pcre2_match_context*>(limits));
    if (found < 0) return false;

    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(match_);
    for (size_t i = 0; i < captures.size(); ++i) {
        bool set = i < static_cast<size_t>(found) && ends[2 * i] != PCRE2_UNSET;
        captures[i] = set ? subject.substr(ends[2 * i], ends[2 * i + 1] - ends[2 * i]) : std::string_view();
    }
    return true;
}

}  // namespace ringx::http
