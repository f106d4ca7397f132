// proc/listening_sockets.h - the master's listening sockets: one for each worker and address.
//
// They are opened once and kept across reloads and deaths of workers, so a connection that waits in the queue of a
// worker that died is served by its successor. The socket of a path is one, shared by all workers. A change is made in
// two steps: what is new is opened first, and what is no longer wanted is closed when no worker needs it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "net/listener.h"
#include "proc/journal.h"

namespace ringx::proc {

class ListeningSockets {
 public:
    // Opens what `listens` and that many workers need and is not there yet; tries again for a while when an address is
    // in use. False, after saying why, when something could not be had: then nothing has changed.
    bool open(std::span<const Listen> listens, unsigned workers, Journal& journal);

    // Closes what these do not need.
    void keep_only(std::span<const Listen> listens, unsigned workers);

    // New connections go to the first `workers` of each address; the queues of the others run dry.
    void steer_to_first(unsigned workers, Journal& journal);

    // In the order of `listens`. REQUIRES: they were opened.
    std::vector<int> of_worker(std::span<const Listen> listens, unsigned worker) const;

    // Closes all, and removes the files of paths.
    void close_and_remove();
    // Closes all, as a new worker does with what belongs to the master.
    void forget() { sockets_.clear(); }

    // What `server -t` does: false when an address cannot be had for another reason than that it is in use.
    static bool test(std::span<const Listen> listens, Journal& journal);

 private:
    struct Group {
        Listen listen;
        std::vector<Fd> sockets;  // by worker; one for a path
    };
    struct Opened {
        const Listen* listen;
        Fd socket;
    };

    bool may_open(std::span<const Listen> listens, Journal& journal) const;
    bool open_missing(const Listen& listen, unsigned workers, std::vector<Opened>& opened, Journal& journal) const;
    bool has_port(const Address& address) const;

    std::map<std::string, Group> sockets_;  // by key
};

}  // namespace ringx::proc
