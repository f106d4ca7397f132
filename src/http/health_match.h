// http/health_match.h - what an answer has to be like for a health check to pass: the tests of a `match` block.
//
// Bytes only: a head that was parsed, and the beginning of a body. A test is made of the words of its line, as nginx
// writes them; all tests of a block have to pass. Without a block it is the status that counts: 2xx or 3xx.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/regex.h"
#include "http/upstream_head.h"

namespace ringx::http {

class HealthMatch {
 public:
    // No more of a body is looked at.
    static constexpr size_t body_bytes_max = size_t{256} << 10;

    // One line, without its `;`: "status", "!", "500". Why it is none, or empty. Texts are copied.
    std::string add(std::span<const std::string_view> words);

    // What of the answer is not as it should be, for the log: "status code", "headers", "response body"; empty when all
    // is right. `body` is whole, or its first body_bytes_max.
    std::string_view fault(const UpstreamHead& head, std::string_view body) const;

    bool looks_at_body() const { return !bodies_.empty(); }

 private:
    struct StatusTest {
        struct Range {
            uint16_t from, to;
        };
        std::vector<Range> ranges;
        bool negated = false;
    };
    struct FieldTest {
        enum class Kind : uint8_t { exists, lacks, equals, differs, matches, differs_from_pattern };
        Kind kind;
        std::string name;
        std::string value;
        std::unique_ptr<Regex> pattern;
    };
    struct BodyTest {
        std::unique_ptr<Regex> pattern;
        bool negated;
    };

    std::string add_status(std::span<const std::string_view> words);
    std::string add_field(std::span<const std::string_view> words);
    std::string add_body(std::span<const std::string_view> words);
    static bool passes(const StatusTest& test, uint16_t status);
    static bool passes(const FieldTest& test, const UpstreamHead& head);
    static bool passes(const FieldTest& test, std::string_view value);

    std::vector<StatusTest> statuses_;
    std::vector<FieldTest> fields_;
    std::vector<BodyTest> bodies_;
};

}  // namespace ringx::http
