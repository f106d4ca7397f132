// http/upstream_protocol.h - what is said to a server behind us, and how its answer is understood: the seam between an
// exchange, which knows about connections, time and failures, and a protocol, which knows about bytes.
//
// An object lives for one request; begin() comes before each try. There is no I/O in it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "http/upstream_body.h"
#include "http/upstream_head.h"

namespace ringx::http {

class UpstreamProtocol {
 public:
    virtual ~UpstreamProtocol() = default;

    // How the request's body is framed, as far as its length is known before it is sent.
    struct Body {
        bool exists = false;
        bool length_is_known = true;
        uint64_t length = 0;
    };
    // Begins a try: appends what goes before the body.
    virtual void begin(const Body& body, std::string& out) = 0;
    // Whether parts of the body are framed; otherwise they are sent as they are.
    virtual bool frames_body() const = 0;
    // Appends a part of it (empty: its end) with what frames it.
    virtual void append_body(std::string_view part, std::string& out) = 0;

    // Reads on in the bytes of a response's head, as UpstreamHeadParser does.
    virtual UpstreamHeadParser::Progress read_head(std::string_view bytes, UpstreamHead& head) = 0;
    // Appends what the client is to be told of an interim head, if anything.
    virtual void append_interim(const UpstreamHead& head, std::string& out) = 0;
    // The next head follows, or the bytes have moved.
    virtual void read_head_again() = 0;
    virtual UpstreamBodyReader& body_reader() = 0;
    // After this response, which came whole, the connection may serve another request.
    virtual bool keeps_connection(const UpstreamHead& head) const = 0;
};

}  // namespace ringx::http
