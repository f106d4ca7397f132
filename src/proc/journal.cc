#include "proc/journal.h"

#include <unistd.h>

#include <algorithm>

namespace ringx::proc {

void print(int fd, std::string_view text) {
    while (!text.empty()) {
        ssize_t written = write(fd, text.data(), text.size());
        if (written <= 0) return;
        text.remove_prefix(static_cast<size_t>(written));
    }
}

void tell(std::string_view text) { print(STDERR_FILENO, text::format("server: {}\n", text)); }

void redirect_standard_error(const Log& log) {
    for (const Log::Destination& to : log.destinations()) {
        if (!to.file->is_file() || to.file->fd() < 0) continue;
        dup2(to.file->fd(), STDERR_FILENO);
        return;
    }
}

void Journal::add(Level level, Error error, std::string_view message) {
    if (log_ != nullptr && error.number != 0) log_->write(level, error, "{}", message);
    else if (log_ != nullptr) log_->write(level, "{}", message);
    std::string reason = error.number != 0 ? " (" + describe(error) + ")" : "";
    repeat({.level = level, .sentence = std::string(message) + reason});
}

void Journal::report(const conf::Mistake& mistake) {
    if (log_ != nullptr) log_->write(mistake.level, "{}", mistake.line());
    repeat(mistake);
}

void Journal::repeat(const conf::Mistake& mistake) {
    Level level = mistake.level;
    if (level > Level::warn) return;
    if (collecting_) collected_.push_back(mistake);
    if (!at_start_) return;
    bool said = log_ != nullptr && std::ranges::any_of(log_->destinations(), [level](const Log::Destination& to) {
                    return to.file->name() == "stderr" && level <= to.level;
                });
    if (!said) print(STDERR_FILENO, render(mistake));
}

}  // namespace ringx::proc
