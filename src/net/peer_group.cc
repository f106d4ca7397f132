#include "net/peer_group.h"

#include <map>
#include <string_view>

namespace ringx {

void PeerGroup::complete() {
    std::map<std::string_view, uint32_t> known;
    for (const PeerServer& server : servers) {
        uint32_t index = known.try_emplace(server.name, static_cast<uint32_t>(known.size())).first->second;
        in_ring.push_back(index);
        bool takes_part = !server.backup && !server.removed;
        if (balance == Balance::by_ring && takes_part) ring.add(index, server.name, server.rules.weight);
    }
    ring.complete();
}

}  // namespace ringx
