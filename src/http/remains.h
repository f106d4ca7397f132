// http/remains.h - what stays of a request while its connection is a tunnel.
//
// Tunnels last, and are many: when one begins, its request, all memory of it and its generation are given back, so that
// neither a hundred reloads nor ten thousand idle WebSockets hold what nobody needs. What stays is what is done and
// said at the end: what modules keep (a line of the access log that lacks its last figures, a place below a limit),
// those figures as far as they are known, and the error log. Variables that are known at the end only
// (Variable::at_end) are asked of a request that has nothing but these figures and its connection.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "http/module.h"
#include "http/upstream_tries.h"

namespace ringx::http {

class Tunnel;

class Remains {
 public:
    // REQUIRES: the head of its answer has been sent.
    explicit Remains(Request& request);
    Remains(const Remains&) = delete;
    Remains& operator=(const Remains&) = delete;
    ~Remains();

    // The tunnel has ended, for this reason: it is logged. The request is a new one, of the same connection.
    void log_end(Request& request, const Tunnel& tunnel, Result<> ended);

 private:
    struct Described;

    uint64_t started_us_;
    uint64_t received_bytes_, sent_bytes_, sent_body_bytes_;
    uint16_t sent_status_;
    Method method_;
    std::vector<UpstreamTry> tries_;
    Log log_;
    std::unique_ptr<const Described> described_;  // null: the log does not want to know
    std::vector<std::unique_ptr<Outlasting>> kept_;
};

}  // namespace ringx::http
