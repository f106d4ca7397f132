// modules/proxy/message.h - a request as it is passed on in HTTP/1.x, and how its answer is read.
//
// Nothing of the client's bytes goes on as it came: the line and every field are written anew from what was parsed, and
// where the body ends is said by us alone. So whoever stands behind us sees one request where we saw one.
#pragma once

#include <string>
#include <string_view>

#include "http/request.h"
#include "http/upstream_protocol.h"
#include "modules/proxy/settings.h"

namespace ringx::http::proxy {

// Where a request goes.
struct Destination {
    bool secure = false;
    std::string_view host;  // $proxy_host
    std::string_view port;  // $proxy_port
    std::string_view uri;   // of the request line: no control characters, no spaces
};

class Message final : public UpstreamProtocol {
 public:
    Message(Request& request, const Settings& settings, const Destination& destination)
        : request_(request), settings_(settings), destination_(destination) {}

    void begin(const Body& body, std::string& out) override;
    bool frames_body() const override { return is_chunked_; }
    void append_body(std::string_view part, std::string& out) override;
    UpstreamHeadParser::Progress read_head(std::string_view bytes, UpstreamHead& head) override;
    void append_interim(const UpstreamHead& head, std::string& out) override;
    void read_head_again() override { parser_.restart(); }
    UpstreamBodyReader& body_reader() override { return body_; }
    bool keeps_connection(const UpstreamHead& head) const override;

    const Destination& destination() const { return destination_; }

 private:
    std::string_view choose_method() const;
    bool wants_hints() const;
    void append_framing(const Body& body, std::string& out);
    void append_fields_of_client(std::string& out) const;

    Request& request_;
    const Settings& settings_;
    const Destination destination_;
    std::string_view method_;
    UpstreamHeadParser parser_;
    UpstreamBodyReader body_;
    bool is_chunked_ = false;   // the request's body
    bool keeps_alive_ = false;  // the connection was not asked to be closed
    bool asks_upgrade_ = false;
};

}  // namespace ringx::http::proxy
