// http/h1_parser.h - bytes become the head of an HTTP/1.x request, or a refusal.
//
// Strict where leniency has let requests be smuggled (RFC 9112 sections 2.2, 3, 5, 6.1): lines end in CRLF only, single
// spaces divide the request line, nothing is folded, nothing stands before a colon, one Host, one way to frame the
// body. A head is parsed line by line; a line is looked at only once it is whole, and the search for its end resumes
// where it stopped, so that any split of the same bytes takes linear time and gives the same answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/head.h"

namespace ringx::http {

struct HeadLimits {
    uint32_t line_bytes_max = 8192;      // a line with its CRLF: the size in large_client_header_buffers
    uint32_t head_bytes_max = 4 * 8192;  // the whole head: number times size in large_client_header_buffers
    uint16_t fields_max = 1000;          // max_headers; dropped fields count
    bool underscores_in_headers = false;
    bool ignore_invalid_headers = true;
};

struct Progress {
    enum class Kind : uint8_t { need_more, done, bad };

    Kind kind = Kind::need_more;
    bool in_request_line = true;  // where it stopped: "while reading client request line" or "... headers"
    uint16_t status = 0;          // of a bad head; 494 is nginx's own for a header that is too large
    uint32_t head_bytes = 0;      // of a done head: the body or the next request begins there
    const char* reason = "";      // of a bad head, as nginx's error log words it
    std::string_view detail;      // the text at fault, to be shown escaped and quoted after the reason; may be empty
};

class H1Parser {
 public:
    // Reads on in `bytes`, which hold all that was received from the first byte of this head on: each call sees the
    // bytes of the last one, at the same address, and possibly more. `head` is the same in all calls for one head.
    // After done or bad, restart() comes before the next head.
    Progress parse(std::string_view bytes, RequestHead& head, const HeadLimits& limits);

    // Begins anew: for the next head, or because the bytes moved to another address.
    void restart() { *this = H1Parser(); }

    // Something of a request has arrived: not only the empty lines that may precede it.
    bool has_begun(std::string_view bytes) const { return bytes.size() > line_start_ || past_request_line_; }

 private:
    uint32_t line_start_ = 0;  // of the first incomplete line
    uint32_t scanned_ = 0;     // bytes from the start of the head known to hold no line end
    uint16_t fields_seen_ = 0;
    uint8_t empty_lines_ = 0;
    bool past_request_line_ = false;
    bool asks_close_ = false;
    bool asks_keep_alive_ = false;

    friend class HeadReader;
};

}  // namespace ringx::http
