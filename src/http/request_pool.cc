#include "http/request_pool.h"

#include <utility>

namespace ringx::http {
namespace {

// As many as are usually busy at the same time.
constexpr size_t idle_max = 64;

}  // namespace

Request& RequestPool::take(WorkerParts& worker, Peer& peer) {
    std::unique_ptr<Request> request;
    if (idle_.empty()) {
        request = std::make_unique<Request>();
    } else {
        request = std::move(idle_.back());
        idle_.pop_back();
    }
    request->worker = &worker;
    request->peer = &peer;
    return *request.release();
}

void RequestPool::give_back(Request& request) {
    std::unique_ptr<Request> owned(&request);
    request.reset();
    if (idle_.size() < idle_max) idle_.push_back(std::move(owned));
}

}  // namespace ringx::http
