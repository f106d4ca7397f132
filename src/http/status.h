// http/status.h - status codes as nginx words them, in status lines and on its built-in pages.
//
// Clients and tests compare these texts, so they are nginx's own ("302 Moved Temporarily", "405 Not Allowed"), and
// codes without a text have an empty phrase. 444 and 499 are never sent; nor are 494 to 497 unless "return" says so.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringx::http {

// "OK" for 200; empty for codes nginx does not name.
std::string_view reason_phrase(uint16_t status);

// "HTTP/1.1 200 OK\r\n" ready to send. Empty for codes without a phrase: write "HTTP/1.1 NNN \r\n" for those.
std::string_view status_line(uint16_t status);

// The status sent with the built-in page: 400 for 494 to 497, else the same.
uint16_t sent_status(uint16_t status);

// A built-in page: <title>TITLE</title> and <h1>HEADING</h1>, then one centred line of detail unless that is empty.
struct ErrorPage {
    std::string_view title;    // "404 Not Found"; empty: nginx has no page for this status. Not always the phrase:
                               // the page of 302 says "302 Found"
    std::string_view heading;  // the same as the title but for 494 to 497
    std::string_view detail;
};

ErrorPage error_page(uint16_t status);

}  // namespace ringx::http
