#include "bench/progress.h"

#include <unistd.h>

#include <algorithm>

#include "base/format.h"

namespace ringx::bench {
namespace {

constexpr uint64_t show_interval_us = 250'000;

void write_text(std::string_view text) {
    [[maybe_unused]] ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

std::string with_commas(uint64_t number) {
    std::string digits = text::format("{}", number), text;
    for (size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
        text += digits[i];
    }
    return text;
}

double seconds_left(const Options& options, const Series::Point& now) {
    const double gone = static_cast<double>(now.at_us) / 1e6;
    const double whole = std::chrono::duration<double>(options.duration).count();
    if (options.requests == 0) return std::max(0.0, whole - gone);
    const double all = static_cast<double>(options.requests) * options.connections;
    const double done = static_cast<double>(now.answers + now.failures);
    return done > 0 ? std::max(0.0, gone * (all - done) / done) : 0;
}

void Progress::show(const Options& options, const Series::Point& now) {
    bool is_new = now.at_us < shown_us_;  // another run
    if (is_new) last_ = {};
    if (!is_shown_ || (!is_new && now.at_us - shown_us_ < show_interval_us)) return;
    const double passed = static_cast<double>(now.at_us - last_.at_us) / 1e6;
    const double rate = static_cast<double>(now.answers - last_.answers) / std::max(passed, 1e-6);
    const double gone = static_cast<double>(now.at_us) / 1e6;
    write_text(text::format("\r\033[K{}{:.1f} s: {} requests/s, {} failed, {:.1f} s left", title_, gone,
                            with_commas(static_cast<uint64_t>(rate)), with_commas(now.failures),
                            seconds_left(options, now)));
    shown_us_ = now.at_us;
    last_ = now;
}

void Progress::clear() {
    if (is_shown_ && shown_us_ > 0) write_text("\r\033[K");
    shown_us_ = 0;
    last_ = {};
}

}  // namespace ringx::bench
