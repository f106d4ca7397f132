#include "http/upstream_host.h"

#include "base/format.h"
#include "http/activity.h"
#include "http/core_settings.h"
#include "http/delay.h"
#include "http/upstream.h"
#include "net/resolver.h"

namespace ringx::http {
namespace {

class HostLookup : private Activity {
 public:
    HostLookup(Request& request, bool minds_client)
        : Activity(request),
          lookup(request.worker->resolver, request.core->resolver_rules()),
          minds_client_(minds_client) {}
    NameLookup lookup;

 private:
    void give_up() override { lookup.cancel(); }
    void client_departed() override {
        if (minds_client_) give_up();
    }

    bool minds_client_;
};

std::shared_ptr<PeerRoster> make_roster(Request& request, std::string_view host, std::vector<Address> addresses) {
    auto group = std::make_shared<PeerGroup>();
    group->name = host;
    PeerServer& server = group->servers.emplace_back();
    server.name = host;
    server.addresses = std::move(addresses);
    group->in_ring.resize(1);
    // The roster does not keep it.
    auto& kept = *request.arena.make<std::shared_ptr<const PeerGroup>>(std::move(group));
    return worker_peers(request).roster(kept);
}

}  // namespace

Task<FoundHost> find_upstream_host(Request& request, std::string_view host, uint16_t port, bool minds_client) {
    // With the port a number is no address, but a name that nobody has.
    std::string text = host.starts_with("unix:") ? std::string(host) : text::format("{}:{}", host, port);
    std::optional<Address> known;
    if (host != "unix") known = Address::parse(text, port);  // a host of that name is no path
    if (known && !known->is_wildcard()) {
        std::vector<Address> addresses(1, *known);
        co_return make_roster(request, host, std::move(addresses));
    }
    HostLookup asked(request, minds_client);
    std::string name(host);
    auto limit_ms = static_cast<uint64_t>(request.core->resolver_timeout->count());
    NameLookup::Addresses found = co_await asked.lookup.find(std::move(name), port, limit_ms);
    if (found) co_return make_roster(request, host, std::move(found->all));
    if (found.error() == NameFault::cancelled) co_return std::unexpected(client_left);
    request.log().write(Level::error, request.log_context(), "{} could not be resolved ({})", host,
                        text_of(found.error()));
    co_return std::unexpected(uint16_t{502});
}

}  // namespace ringx::http
