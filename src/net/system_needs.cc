#include "net/system_needs.h"

#include <algorithm>

namespace ringx {

constinit conf::Slot<SystemNeeds> system_needs{conf::main};
const conf::Section system_needs_section{"system_needs", {}, &system_needs};

void SystemNeeds::keep_secret(std::string_view path, bool for_workers) {
    SecretFile file{std::string(path), for_workers};
    if (std::ranges::find(secrets, file) == secrets.end()) secrets.push_back(std::move(file));
}

}  // namespace ringx
