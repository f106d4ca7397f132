#include "http/peer_variables.h"

#include "http/number_text.h"
#include "http/request.h"

namespace ringx::http {

VariableValue remote_addr(Request& request, const VariableUse&) {
    if (request.real_remote == nullptr) return request.peer->remote_text(request.arena);
    return request.arena.copy(request.real_remote->host_text());
}

VariableValue proxy_protocol_addr(Request& request, const VariableUse&) {
    if (request.peer->proxy == nullptr) return std::nullopt;
    return request.peer->proxy->address;
}

VariableValue proxy_protocol_port(Request& request, const VariableUse&) {
    if (request.peer->proxy == nullptr) return std::nullopt;
    return number_text(request.arena, request.peer->proxy->port);
}

VariableValue proxy_protocol_server_addr(Request& request, const VariableUse&) {
    if (request.peer->proxy == nullptr) return std::nullopt;
    return request.peer->proxy->server_address;
}

VariableValue proxy_protocol_server_port(Request& request, const VariableUse&) {
    if (request.peer->proxy == nullptr) return std::nullopt;
    return number_text(request.arena, request.peer->proxy->server_port);
}

VariableValue proxy_protocol_tlv(Request& request, const VariableUse& use) {
    if (request.peer->proxy == nullptr) return std::nullopt;
    auto value = find_tlv(request.peer->proxy->tlvs, use.suffix);
    if (!value) return std::nullopt;
    return request.arena.copy(*value);
}

}  // namespace ringx::http
