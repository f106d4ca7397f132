// http/request_pool.h - the requests of a worker that nobody uses at the moment.
//
// Their memory is kept: the arena's first chunk and the capacity of the head.
#pragma once

#include <memory>
#include <vector>

#include "http/request.h"

namespace ringx::http {

class RequestPool {
 public:
    Request& take(WorkerParts& worker, Peer& peer);
    void give_back(Request& request);

 private:
    std::vector<std::unique_ptr<Request>> idle_;
};

}  // namespace ringx::http
