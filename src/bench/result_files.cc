#include "bench/result_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "base/format.h"
#include "bench/csv.h"
#include "bench/plot.h"
#include "bench/report.h"

namespace ringx::bench {
namespace {

std::string refusal(const std::string& name, std::string_view why) {
    return text::format("\"{}\" cannot be written: {}", name, why);
}

std::string first_line(int fd) {
    std::string text(16384, '\0');
    ssize_t got = pread(fd, text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return text.substr(0, text.find('\n') + 1);
}

}  // namespace

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        ssize_t written = write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text.remove_prefix(static_cast<size_t>(written));
    }
    return true;
}

std::expected<ResultFiles, std::string> ResultFiles::open(const Options& options) {
    ResultFiles files;
    files.csv_name_ = options.csv_file;
    files.plot_name_ = options.plot_file;
    if (!files.csv_name_.empty()) {
        files.csv_.reset(::open(files.csv_name_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
        if (!files.csv_) return std::unexpected(refusal(files.csv_name_, strerror(errno)));
        struct stat status {};
        files.needs_header_ = fstat(files.csv_.get(), &status) == 0 && status.st_size == 0;
        bool is_table = files.needs_header_ || !S_ISREG(status.st_mode) || first_line(files.csv_.get()) == csv_header();
        if (!is_table) return std::unexpected(refusal(files.csv_name_, "it is there and has other columns"));
    }
    if (!files.plot_name_.empty()) {
        files.plot_.reset(::open(files.plot_name_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
        if (!files.plot_) return std::unexpected(refusal(files.plot_name_, strerror(errno)));
    }
    return files;
}

std::expected<void, std::string> ResultFiles::write(const Outcome& outcome) {
    if (csv_) {
        std::string text = (needs_header_ ? csv_header() : std::string()) + csv_lines(outcome);
        if (!write_all(csv_.get(), text)) return std::unexpected(refusal(csv_name_, strerror(errno)));
    }
    if (plot_) {
        // A device, such as a terminal, is not cut.
        [[maybe_unused]] int cut = ftruncate(plot_.get(), 0);
        if (!write_all(plot_.get(), plot(outcome))) return std::unexpected(refusal(plot_name_, strerror(errno)));
    }
    return {};
}

std::string plot(const Outcome& outcome) {
    std::vector<Curve> curves;
    std::array<std::unique_ptr<Tally>, 2> sums;
    size_t sides = outcome.is_comparison() ? 2 : 1;
    for (size_t side = 0; side < sides; ++side) {
        std::string_view name = sides == 1 ? "" : side == 0 ? "A" : "B";
        sums[side] = std::make_unique<Tally>();
        // Over time, the last run of a side stands for all of them.
        const Outcome::Run* last = nullptr;
        for (const Outcome::Run& run : outcome.runs) {
            if (run.side != name) continue;
            sums[side]->add(*run.result.tally);
            last = &run;
        }
        const Url& url = last->options->urls[0];
        curves.push_back({text::format("{}{}{}", name, name.empty() ? "" : ": ", url.text()), &sums[side]->latency_us,
                          sums[side]->latency_max_us.value(), last->result.series.points()});
    }
    const Options& options = *outcome.runs[0].options;
    return plot(text::format("{} - {}", load_words(options), outcome.machine.text()), curves);
}

}  // namespace ringx::bench
