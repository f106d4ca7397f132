#include "net/worker_rights.h"

namespace ringx {

constinit conf::Slot<WorkerRights> worker_rights{conf::main};
const conf::Section worker_rights_section{"worker_rights", {}, &worker_rights};

}  // namespace ringx
