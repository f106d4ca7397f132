// http/regex.h - regular expressions in nginx's dialect: PCRE2, compiled to machine code where that is possible.
//
// A Regex is made while the configuration is read and belongs to its generation. Matching uses scratch memory of the
// Regex, so one thread uses it at a time.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;

namespace ringx::http {

class Regex {
 public:
    struct Mistake {
        std::string sentence;  // "pcre2_compile() failed: missing closing parenthesis in "(x" at "x"", as nginx says it
    };
    struct Group {
        std::string name;
        uint32_t number;
    };

    static std::expected<std::unique_ptr<Regex>, Mistake> compile(std::string_view pattern, bool caseless);
    ~Regex();

    // Whether the pattern is found in the subject. `captures`, when not empty, receive the whole match and the groups,
    // as views of the subject, for as many as there is room.
    bool match(std::string_view subject, std::span<std::string_view> captures = {}) const;

    uint32_t groups() const { return groups_; }
    const std::vector<Group>& named_groups() const { return named_; }
    std::string_view pattern() const { return pattern_; }

    // For compile() alone.
    struct Key {
     private:
        Key() = default;
        friend class Regex;
    };
    explicit Regex(Key) {}

 private:
    void read_names();

    std::string pattern_;
    pcre2_real_code_8* code_ = nullptr;
    pcre2_real_match_data_8* match_ = nullptr;
    uint32_t groups_ = 0;
    std::vector<Group> named_;
};

}  // namespace ringx::http
