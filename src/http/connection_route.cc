// http/connection_route.cc - the path and the server a connection's request is for.
//
// As in nginx, which reads the request line before it knows the host, the rules for paths are those of the address's
// default server, and who breaks them is answered by it.
#include "http/connection.h"
#include "http/pipeline.h"
#include "http/server.h"
#include "http/site.h"
#include "http/uri.h"

namespace ringx::http {

// A tunnel may last for days: its request does not point into what was received.
void Connection::keep_head(size_t bytes) {
    std::string_view kept = request_->arena.copy(pending().substr(0, bytes));
    request_->head.clear();
    (void)parser_.parse(kept, request_->head, request_->server->limits);
    parser_.restart();
}

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
