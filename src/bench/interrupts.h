// bench/interrupts.h - the signals that end a run: SIGINT, SIGTERM and SIGHUP, as events one can wait for.
//
// They are blocked from construction on, so make it before there are threads.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace ringx::bench {

class Interrupts {
 public:
    Interrupts();

    // Readable when one has come.
    int fd() const { return fd_.get(); }
    // One has come since the last call.
    bool take();
    // One has ever come.
    bool any() const { return any_; }

 private:
    Fd fd_;
    bool any_ = false;
};

}  // namespace ringx::bench
