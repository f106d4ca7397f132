// http/connection_route.cc - the path and the server a connection's request is for, and what no server may answer.
//
// As in nginx, which reads the request line before it knows the host, the rules for paths are those of the address's
// default server, and who breaks them is answered by it.
#include "http/connection.h"
#include "http/pipeline.h"
#include "http/server.h"
#include "http/site.h"
#include "http/uri.h"

namespace ringx::http {

// For a complete head. False when it has no path: 400.
bool Connection::route() {
    Request& request = *request_;
    request.site = nullptr;  // its head may have begun in an older generation
    enter_server(listen_.point->default_server());
    if (!read_path()) return false;
    std::string storage;
    std::string_view host = lower_host(request.head.host, storage);
    if (!request.head.host.is_lower) host = request.arena.copy(host);  // captures of a regex point into it
    enter_server(listen_.point->find(host, request));
    return true;
}

Answer Connection::answer_routed() {
    if (request_->method() == Method::connect) return answer_connect();
    if (request_->method() == Method::trace) return refuse_method();
    return Pipeline(*request_).run();
}

// Whatever the configuration answers, 200 would show what proxies have added, or open a tunnel to nowhere.
Answer Connection::refuse_method() {
    Request& request = *request_;
    request.log().write(Level::info, request.log_context(),
                        "client sent {} method while reading client request headers", request.head.method_text);
    request.keep_alive = false;
    return Pipeline(request).refuse(405);
}

// Only where the server has tunnels. What follows the head may be meant for one, so it is never taken for a request.
Answer Connection::answer_connect() {
    Request& request = *request_;
    request.keep_alive = false;
    if (!request.server->settings->takes_connect) return refuse_method();
    bool has_body = request.head.find(Header::content_length) != nullptr ||
                    request.head.find(Header::transfer_encoding) != nullptr;
    if (!has_body) return Pipeline(request).run();
    // It means nothing (RFC 9110 section 9.3.6), and others may see its end elsewhere.
    request.log().write(Level::info, request.log_context(),
                        "client sent CONNECT request with a body while reading client request headers");
    return Pipeline(request).refuse(400);
}

void Connection::enter_server(const VirtualServer& server) {
    request_->server = &server;
    enter(*request_, server.outside);
}

bool Connection::read_path() {
    Request& request = *request_;
    request.args = request.head.query;
    request.has_args = request.head.has_query;
    if (request.head.form == Target::asterisk || request.head.form == Target::authority) {
        request.uri = "/";
        return true;
    }
    if (request.head.path_is_plain) {
        request.uri = request.head.path;
        return true;
    }
    char* memory = request.arena.text(request.head.path.size());
    auto uri = normalise_path(request.head.path, *request.core->merge_slashes, memory);
    if (uri) request.uri = *uri;
    return uri.has_value();
}

}  // namespace ringx::http
