// t/fuzz/match_fuzz.cc - tests of health checks: a test and its opposite never agree.
//
// The first line of the input is one of a `match` block, in words; the rest is an answer. The line is either refused or
// means something, and so does its opposite: of two that say contrary things about one status or body exactly one
// passes, and about a field at most one, if there is none of several with its name.
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "http/health_match.h"
#include "http/text.h"

using namespace ringx::http;

namespace {

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
        size_t end = std::min(line.find(' '), line.size());
        if (end > 0) words.push_back(line.substr(0, end));
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return words;
}

// The words that say the contrary; none when they are another kind of test.
std::vector<std::string_view> opposite_of(std::vector<std::string_view> words) {
    auto turn = [](std::string_view& sign) {
        constexpr std::string_view signs[][2] = {{"=", "!="}, {"!=", "="}, {"~", "!~"}, {"!~", "~"}};
        for (auto& pair : signs) {
            if (sign == pair[0]) {
                sign = pair[1];
                return;
            }
        }
    };
    bool is_status = words[0] == "status";
    if (is_status || (words[0] == "header" && words.size() < 4)) {
        if (is_status ? words[1] == "!" : words.size() == 3) words.erase(words.begin() + 1);
        else words.insert(words.begin() + 1, "!");
    } else if (words[0] == "body") {
        turn(words[1]);
    } else {
        turn(words[2]);
    }
    return words;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    size_t end = std::min(input.find('\n'), input.size());
    std::vector<std::string_view> words = words_of(input.substr(0, end));
    HealthMatch match, opposite;
    bool is_good = match.add(words).empty();
    UpstreamHead none;
    if (!is_good) {
        CHECK(match.fault(none, {}).empty() && !match.looks_at_body());  // it left nothing behind
        return 0;
    }
    CHECK(opposite.add(opposite_of(words)).empty());

    std::string_view answer = input.substr(std::min(end + 1, input.size()));
    UpstreamHead head;
    UpstreamHeadParser parser;
    auto progress = parser.parse(answer, Method::get, head, {});
    if (progress.kind != UpstreamHeadParser::Progress::Kind::done) return 0;
    std::string_view body = answer.substr(progress.head_bytes);
    bool passes = match.fault(head, body).empty(), fails = opposite.fault(head, body).empty();
    bool is_about_value = words[0] == "header" && words.size() == 4;
    if (!is_about_value) {
        CHECK(passes != fails);
        return 0;
    }
    size_t fields = 0;
    for (const UpstreamHead::Field& field : head.fields) fields += equals_ignore_case(field.name, words[1]);
    if (fields == 0) CHECK(!passes && !fails);
    if (fields == 1) CHECK(passes != fails);
    if (fields > 1) CHECK(passes || fails);
    return 0;
}
