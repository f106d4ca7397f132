#include "proc/title.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace ringx::proc {

ProcessTitle::ProcessTitle(int argc, char** argv) {
    if (argc == 0) return;
    char* end = argv[0];
    auto take = [&end](char* text) {
        if (text == end) end = text + strlen(text) + 1;
    };
    for (int i = 0; i < argc; ++i) {
        arguments_ += (i > 0 ? " " : "") + std::string(argv[i]);
        take(argv[i]);
    }
    for (char** at = environ; *at != nullptr; ++at) {
        take(*at);
        environment_.push_back(*at);
    }
    for (size_t i = 0; i < environment_.size(); ++i) environ[i] = environment_[i].data();
    room_ = {argv[0], end};
}

void ProcessTitle::set(std::string_view title) {
    if (room_.empty()) return;
    size_t length = std::min(title.size(), room_.size() - 1);
    memcpy(room_.data(), title.data(), length);
    // Zeros to the end: the kernel then shows the title and nothing of what stood behind it.
    memset(room_.data() + length, 0, room_.size() - length);
}

}  // namespace ringx::proc
