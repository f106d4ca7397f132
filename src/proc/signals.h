// proc/signals.h - signals as bytes to read, instead of interruptions.
//
// A process of this server blocks the signals it obeys and reads them from a descriptor, where its loop waits for them
// beside everything else. So no code of ours ever runs in the middle of other code.
#pragma once

#include <sys/signalfd.h>

#include <initializer_list>
#include <optional>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace ringx::proc {

struct ReceivedSignal {
    int number;
    pid_t sender;  // 0: the kernel
};

class SignalReader {
 public:
    // Blocks these signals, and ignores SIGPIPE and SIGSYS.
    Result<> open(std::initializer_list<int> numbers);
    int fd() const { return fd_.get(); }
    // The next one that has come; does not wait.
    std::optional<ReceivedSignal> read();
    void close() { fd_.reset(); }

 private:
    Fd fd_;
};

// "SIGHUP"
std::string_view signal_name(int number);

}  // namespace ringx::proc
