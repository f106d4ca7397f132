// status_test.cc - status lines and page titles word for word.
//
// Scripts and tests of other people compare these texts; they are what nginx sends.
#include "http/status.h"

#include <gtest/gtest.h>

namespace ringx::http {
namespace {

TEST(StatusLine, is_worded_as_nginx_does) {
    EXPECT_EQ(status_line(200), "HTTP/1.1 200 OK\r\n");
    EXPECT_EQ(status_line(302), "HTTP/1.1 302 Moved Temporarily\r\n");
    EXPECT_EQ(status_line(507), "HTTP/1.1 507 Insufficient Storage\r\n");
    for (uint16_t status : {0, 99, 203, 205, 300, 305, 407, 417, 418, 422, 444, 494, 499, 506, 511, 512, 999, 65535}) {
        EXPECT_EQ(status_line(status), "") << status;
        EXPECT_EQ(reason_phrase(status), "") << status;
    }
}

TEST(ReasonPhrase, is_nginxs_own) {
    struct { uint16_t status; std::string_view want; } cases[] = {
        {206, "Partial Content"}, {302, "Moved Temporarily"}, {401, "Unauthorized"}, {405, "Not Allowed"},
        {408, "Request Time-out"}, {413, "Request Entity Too Large"}, {414, "Request-URI Too Large"},
        {416, "Requested Range Not Satisfiable"}, {503, "Service Temporarily Unavailable"}, {504, "Gateway Time-out"},
        {505, "HTTP Version Not Supported"},
    };
    for (auto& c : cases) EXPECT_EQ(reason_phrase(c.status), c.want);
}

TEST(ErrorPage, has_nginxs_titles) {
    struct { uint16_t status; std::string_view title, heading, detail; } cases[] = {
        {301, "301 Moved Permanently", "301 Moved Permanently", ""},
        {302, "302 Found", "302 Found", ""},
        {401, "401 Authorization Required", "401 Authorization Required", ""},
        {404, "404 Not Found", "404 Not Found", ""},
        {494, "400 Request Header Or Cookie Too Large", "400 Bad Request", "Request Header Or Cookie Too Large"},
        {495, "400 The SSL certificate error", "400 Bad Request", "The SSL certificate error"},
        {496, "400 No required SSL certificate was sent", "400 Bad Request", "No required SSL certificate was sent"},
        {497, "400 The plain HTTP request was sent to HTTPS port", "400 Bad Request",
         "The plain HTTP request was sent to HTTPS port"},
        {200, "", "", ""}, {204, "", "", ""}, {304, "", "", ""}, {418, "", "", ""}, {444, "", "", ""},
        {599, "", "", ""},
    };
    for (auto& c : cases) {
        ErrorPage page = error_page(c.status);
        EXPECT_EQ(page.title, c.title) << c.status;
        EXPECT_EQ(page.heading, c.heading) << c.status;
        EXPECT_EQ(page.detail, c.detail) << c.status;
    }
}

TEST(SentStatus, hides_the_internal_codes) {
    EXPECT_EQ(sent_status(493), 493);
    EXPECT_EQ(sent_status(494), 400);
    EXPECT_EQ(sent_status(497), 400);
    EXPECT_EQ(sent_status(498), 498);
    EXPECT_EQ(sent_status(404), 404);
}

}  // namespace
}  // namespace ringx::http
