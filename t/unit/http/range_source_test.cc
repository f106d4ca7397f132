// http/range_source_test.cc - ranges of a body that comes in parts, wherever the parts end.
//
// Each range of a small body is cut out of parts of each size, and what came before a fault is not lost.
#include "http/range_source.h"

#include <gtest/gtest.h>

#include <string>

#include "t/unit/http/body_parts.h"

namespace ringx::http {
namespace {

Result<std::string_view> next_of(BodySource& source) {
    Task<Result<std::string_view>> task = source.next();
    return task.take();
}

// All there is until the end, which stays the end; an error is shown by its name.
std::string all_of(BodySource& source) {
    std::string text;
    for (;;) {
        Result<std::string_view> part = next_of(source);
        if (!part) return text + "<" + std::to_string(part.error().number) + ">";
        if (part->empty()) break;
        text += *part;
    }
    EXPECT_EQ(next_of(source), "");
    return text;
}

TEST(RangeSource, gives_each_range_of_parts_of_each_size) {
    const std::string body = "0123456789";
    for (size_t part_bytes = 1; part_bytes <= body.size() + 1; ++part_bytes) {
        for (uint64_t first = 0; first < body.size(); ++first) {
            for (uint64_t last = first; last < body.size(); ++last) {
                BodyParts parts(body, part_bytes);
                RangeSource range(parts, {first, last});
                EXPECT_EQ(all_of(range), body.substr(first, last - first + 1)) << part_bytes;
                // What is behind it is not asked for.
                EXPECT_LT(parts.given, last + 1 + part_bytes) << first << "-" << last << " of " << part_bytes;
            }
        }
    }
}

TEST(RangeSource, ends_with_a_body_that_ends_too_early) {
    BodyParts parts("01234", 2);
    RangeSource range(parts, {3, 8});
    EXPECT_EQ(all_of(range), "34");
}

TEST(RangeSource, fails_where_the_body_fails) {
    BodyParts early("01234", 2), late("01234", 2);
    early.error = late.error = EIO;
    RangeSource beyond(early, {3, 8}), within(late, {1, 3});
    EXPECT_EQ(all_of(beyond), "34<" + std::to_string(EIO) + ">");
    EXPECT_EQ(all_of(within), "123");
}

TEST(RangeSource, passes_on_that_nobody_wants_it) {
    BodyParts parts("01234", 2);
    RangeSource range(parts, {1, 3});
    range.cancel();
    EXPECT_TRUE(parts.cancelled && !parts.closed);
    Task<void> closing = range.close();
    EXPECT_TRUE(closing.done() && parts.closed);
}

}  // namespace
}  // namespace ringx::http
