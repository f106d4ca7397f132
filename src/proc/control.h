// proc/control.h - how `server -s reload` asks the master and gets its answer.
//
// The master listens on an abstract socket whose name is made of its pid file and its number, so it leaves nothing
// behind and needs no path. Only root and the master's own user are heard; the client, in turn, believes only the
// process whose number the pid file holds. A request is one packet; the answer is one packet, its first byte `+` or
// `-`, and the rest what there is to say to the administrator.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace ringx::proc {

class Control {
 public:
    // REQUIRES: the pid file is there.
    Result<> open(const std::string& pid_path);
    void close();

    // What poll() has to look at: the listening socket, then the clients.
    std::vector<int> fds() const;

    // Looks for requests; those that ask for a reload are given out, still waiting for their answer.
    std::vector<Fd> take_requests();

    static void answer(const Fd& client, bool good, std::string_view text);

 private:
    Fd listening_;
    std::vector<Fd> clients_;  // connected, and have not asked yet
};

struct ControlAnswer {
    bool good;
    std::string text;
};

// Asks the master for a reload and waits for its answer; nothing when there is nobody who answers.
std::optional<ControlAnswer> ask_for_reload(const std::string& pid_path, pid_t master);

}  // namespace ringx::proc
