// modules/proxy/pass.h - `proxy_pass`: whom requests go to, and under which URI.
//
// Without variables all but the URI is known when the configuration is read. As in nginx the URI goes on as the client
// wrote it, unless the directive has one itself or something has changed it.
#pragma once

#include <optional>

#include "modules/proxy/message.h"
#include "modules/proxy/settings.h"

namespace ringx::http::proxy {

// Reads the directive into the settings of its block.
void set_pass(Settings& settings, conf::Binding& binding);

// For one request. The group is null when the host has to be looked up first.
struct Goal {
    Destination destination;
    const Upstream* upstream = nullptr;
    std::string_view name;  // to be looked up, with `port`
    uint16_t port = 0;
};
// Nothing when the URL that variables gave is none, which was logged: 500.
std::optional<Goal> find_goal(Request& request, const Settings& settings);

}  // namespace ringx::http::proxy
