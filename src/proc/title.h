// proc/title.h - what `ps` shows for this process.
//
// The kernel shows the memory its arguments were put into at the start, so the title is written over them; the
// environment, which lies behind them, moves away first to make room.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringx::proc {

class ProcessTitle {
 public:
    // REQUIRES: those of main(), before threads and before anybody kept a pointer into the environment.
    ProcessTitle(int argc, char** argv);

    // The arguments as they were, with blanks in between.
    const std::string& arguments() const { return arguments_; }

    void set(std::string_view title);

 private:
    std::string arguments_;
    std::vector<std::string> environment_;
    std::span<char> room_;
};

}  // namespace ringx::proc
