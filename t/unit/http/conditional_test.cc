// t/unit/http/conditional_test.cc - conditional and range requests on ready responses.
//
// Every row is a request's fields and what becomes of one response: a body of eleven bytes in three pieces.
#include "http/conditional.h"

#include <gtest/gtest.h>

#include "http/core_settings.h"

namespace ringx::http {
namespace {

constexpr std::string_view etag = "\"abc-b\"";
constexpr std::string_view on_the_day = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view earlier = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view later = "Sun, 06 Nov 1994 08:49:38 GMT";
constexpr int64_t modified = 784111777;

// "Hello world": in memory, from byte 1000 of the file, in memory.
constexpr Piece pieces[] = {{"Hel", 0, 0}, {{}, 1000, 5}, {"rld", 0, 0}};

struct Case {
    Case() {
        request.core = &core;
        response.content_type = "text/plain";
        response.content_length = 11;
        response.last_modified = modified;
        response.etag = etag;
        response.ranges_allowed = true;
        response.pieces = pieces;
    }
    void field(Header id, std::string_view value) { request.head.add({header_name(id), value, id}); }

    // The body with file bytes as dots.
    std::string body() const {
        std::string text;
        auto show = [&text](const Piece& piece) {
            text += piece.bytes_of_file > 0 ? std::string(piece.bytes_of_file, '.') : std::string(piece.memory);
        };
        if (response.pieces.empty()) show(response.single);
        for (const Piece& piece : response.pieces) show(piece);
        return text;
    }
    std::string_view content_range() const {
        const ResponseField* field = response.fields.first();
        return field != nullptr && field->name == "Content-Range" ? field->value : std::string_view();
    }

    CoreSettings core;
    Request request;
    Response response;
};

using enum Header;

TEST(Conditions, decide_as_nginx_does) {
    struct {
        std::vector<std::pair<Header, std::string_view>> fields;
        uint16_t status;
    } cases[] = {
        {{}, 200},
        {{{if_none_match, etag}}, 304},
        {{{if_none_match, "W/\"abc-b\""}}, 304},
        {{{if_none_match, "\"x\", \"abc-b\""}}, 304},
        {{{if_none_match, "*"}}, 304},
        {{{if_none_match, "\"x\""}}, 200},
        {{{if_modified_since, on_the_day}}, 304},
        {{{if_modified_since, earlier}}, 200},
        {{{if_modified_since, later}}, 200},  // exact: only the very date
        {{{if_modified_since, "yesterday"}}, 200},
        {{{if_modified_since, on_the_day}, {if_none_match, "\"x\""}}, 200},
        {{{if_modified_since, earlier}, {if_none_match, etag}}, 200},
        {{{if_modified_since, on_the_day}, {if_none_match, etag}}, 304},
        {{{if_match, etag}}, 200},
        {{{if_match, "*"}}, 200},
        {{{if_match, "\"x\""}}, 412},
        {{{if_match, "W/\"abc-b\""}}, 412},
        {{{if_unmodified_since, on_the_day}}, 200},
        {{{if_unmodified_since, later}}, 200},
        {{{if_unmodified_since, earlier}}, 412},
        {{{if_unmodified_since, "yesterday"}}, 412},
        {{{if_unmodified_since, earlier}, {if_none_match, etag}}, 412},
    };
    for (auto& c : cases) {
        Case test;
        for (auto [header, value] : c.fields) test.field(header, value);
        uint16_t instead = apply_conditions(test.request, test.response);
        EXPECT_EQ(instead != 0 ? instead : test.response.status, c.status)
            << (c.fields.empty() ? "" : c.fields[0].second);
    }
}

TEST(Conditions, if_modified_since_may_be_before_or_off) {
    for (auto [rule, status_later] : {std::pair{CoreSettings::ModifiedSince::before, 304},
                                      std::pair{CoreSettings::ModifiedSince::off, 200}}) {
        Case test;
        test.core.if_modified_since.give(rule);
        test.field(if_modified_since, later);
        EXPECT_EQ(apply_conditions(test.request, test.response), 0);
        EXPECT_EQ(test.response.status, status_later);
    }
}

TEST(Conditions, a_304_keeps_its_etag_and_loses_its_body) {
    Case test;
    test.field(if_none_match, etag);
    EXPECT_EQ(apply_conditions(test.request, test.response), 0);
    EXPECT_EQ(test.response.etag, etag);
    EXPECT_FALSE(test.response.has_pieces());
    EXPECT_FALSE(test.response.content_length.has_value());
    EXPECT_TRUE(test.response.content_type.empty());
    EXPECT_EQ(apply_ranges(test.request, test.response), 0);
    EXPECT_FALSE(test.response.ranges_allowed);
}

TEST(Conditions, leave_other_statuses_alone) {
    Case test;
    test.response.status = 404;
    test.field(if_none_match, "*");
    test.field(if_match, "\"x\"");
    EXPECT_EQ(apply_conditions(test.request, test.response), 0);
    EXPECT_EQ(test.response.status, 404);
    EXPECT_EQ(test.response.last_modified, -1);
    EXPECT_TRUE(test.response.has_pieces());
}

TEST(Conditions, without_etag_and_date_only_a_star_matches) {
    Case test;
    test.response.etag = {};
    test.response.last_modified = -1;
    test.field(if_modified_since, on_the_day);
    EXPECT_EQ(apply_conditions(test.request, test.response), 0);
    EXPECT_EQ(test.response.status, 200);
    test.field(if_unmodified_since, later);
    EXPECT_EQ(apply_conditions(test.request, test.response), 412);
}

TEST(Ranges, one_is_cut_out_across_pieces) {
    struct {
        std::string_view range, content_range, body;
    } cases[] = {
        {"bytes=0-0", "bytes 0-0/11", "H"},       {"bytes=0-", "bytes 0-10/11", "Hel.....rld"},
        {"bytes=2-8", "bytes 2-8/11", "l.....r"}, {"bytes=4-5", "bytes 4-5/11", ".."},
        {"bytes=-2", "bytes 9-10/11", "ld"},      {"bytes=8-99", "bytes 8-10/11", "rld"},
    };
    for (auto& c : cases) {
        Case test;
        test.field(range, c.range);
        EXPECT_EQ(apply_ranges(test.request, test.response), 0);
        EXPECT_EQ(test.response.status, 206);
        EXPECT_EQ(test.content_range(), c.content_range);
        EXPECT_EQ(test.body(), c.body);
        EXPECT_EQ(test.response.content_length, c.body.size());
        EXPECT_FALSE(test.response.ranges_allowed);
    }
}

TEST(Ranges, the_place_in_the_file_moves_with_the_cut) {
    Case test;
    test.field(range, "bytes=5-6");
    EXPECT_EQ(apply_ranges(test.request, test.response), 0);
    ASSERT_EQ(test.response.pieces.size(), 1u);
    EXPECT_EQ(test.response.pieces[0].offset, 1002u);
    EXPECT_EQ(test.response.pieces[0].bytes_of_file, 2u);
}

TEST(Ranges, several_become_parts_as_nginx_writes_them) {
    Case test;
    test.field(range, "bytes=0-1,-1");
    EXPECT_EQ(apply_ranges(test.request, test.response), 0);
    EXPECT_EQ(test.response.status, 206);
    std::string_view type = test.response.content_type;
    ASSERT_TRUE(type.starts_with("multipart/byteranges; boundary="));
    std::string mark = "\r\n--" + std::string(type.substr(type.find('=') + 1));
    ASSERT_EQ(mark.size(), 24u);
    EXPECT_EQ(test.body(), mark + "\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/11\r\n\r\nHe" + mark +
                               "\r\nContent-Type: text/plain\r\nContent-Range: bytes 10-10/11\r\n\r\nd" + mark +
                               "--\r\n");
    EXPECT_EQ(test.response.content_length, test.body().size());
    EXPECT_TRUE(test.content_range().empty());
}

TEST(Ranges, beyond_the_end_are_416) {
    Case test;
    test.response.fields.add(test.request.arena, "X-Other", "1");
    test.field(range, "bytes=11-");
    EXPECT_EQ(apply_ranges(test.request, test.response), 416);
    EXPECT_EQ(test.content_range(), "bytes */11");
    EXPECT_EQ(test.response.fields.first()->next, nullptr);
    EXPECT_FALSE(test.response.has_pieces());
}

TEST(Ranges, are_not_looked_at_in_vain) {
    struct {
        const char* why;
        std::string_view range;
        void (*change)(Case&);
        bool still_allowed;
    } cases[] = {
        {"unknown unit", "lines=1-2", [](Case&) {}, true},
        {"more than the whole", "bytes=0-9,0-9", [](Case&) {}, true},
        {"if-range by another tag", "bytes=0-1", [](Case& c) { c.field(if_range, "\"x\""); }, true},
        {"if-range by another date", "bytes=0-1", [](Case& c) { c.field(if_range, later); }, true},
        {"max_ranges 0", "bytes=0-1", [](Case& c) { c.core.max_ranges.give(0); }, false},
        {"unknown length", "bytes=0-1", [](Case& c) { c.response.content_length.reset(); }, false},
        {"another status", "bytes=0-1", [](Case& c) { c.response.status = 404; }, false},
        {"too many", "bytes=0-0,1-1", [](Case& c) { c.core.max_ranges.give(1); }, true},
    };
    for (auto& c : cases) {
        Case test;
        test.field(range, c.range);
        c.change(test);
        uint16_t status = test.response.status;
        EXPECT_EQ(apply_ranges(test.request, test.response), 0) << c.why;
        EXPECT_EQ(test.response.status, status) << c.why;
        EXPECT_EQ(test.body(), "Hel.....rld") << c.why;
        EXPECT_EQ(test.response.ranges_allowed, c.still_allowed) << c.why;
    }
}

TEST(Ranges, if_range_that_matches_lets_them_through) {
    for (std::string_view value : {etag, on_the_day}) {
        Case test;
        test.field(range, "bytes=0-1");
        test.field(if_range, value);
        EXPECT_EQ(apply_ranges(test.request, test.response), 0);
        EXPECT_EQ(test.response.status, 206) << value;
    }
}

TEST(Ranges, of_an_empty_body_are_the_body) {
    Case test;
    test.response.pieces = {};
    test.response.content_length = 0;
    test.field(range, "bytes=0-");
    EXPECT_EQ(apply_ranges(test.request, test.response), 0);
    EXPECT_EQ(test.response.status, 200);
}

}  // namespace
}  // namespace ringx::http
