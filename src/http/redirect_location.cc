#include "http/redirect_location.h"

#include "base/format.h"
#include "http/core_settings.h"
#include "http/site.h"

namespace ringx::http {

std::string_view absolute_location(Request& request, std::string_view location) {
    const CoreSettings& core = *request.core;
    if (!*core.absolute_redirect || !location.starts_with('/')) return location;

    Address local = request.peer->local();
    std::string storage;
    std::string_view host = lower_host(request.head.host, storage);
    if (*core.server_name_in_redirect && !request.server->settings->first_name.empty()) {
        host = request.server->settings->first_name;
    } else if (host.empty()) {
        storage = local.family() == AF_INET6 ? text::format("[{}]", local.host_text()) : local.host_text();
        host = storage;
    }
    uint16_t usual_port = request.peer->tls != nullptr ? 443 : 80;
    bool names_port = *core.port_in_redirect && local.port() != 0 && local.port() != usual_port;
    std::string port = names_port ? text::format(":{}", local.port()) : std::string();
    return request.arena.join({request.scheme(), "://", host, port, location});
}

}  // namespace ringx::http
