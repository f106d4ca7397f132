#include "bench/run.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/format.h"
#include "bench/worker.h"

namespace ringx::bench {
namespace {

// After a signal, for answers that are on their way. After a second one they are not waited for.
constexpr uint64_t interrupted_patience_ms = 1000;

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    auto seconds = [](timeval time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Run {
 public:
    Run(const Plan& plan, Interrupts& interrupts, Progress& progress)
        : plan_(plan), interrupts_(interrupts), progress_(progress), changed_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        CHECK(changed_);
    }

    std::expected<RunResult, std::string> go();

 private:
    Result<> start();
    void wait_until_ready();
    void watch();
    void wait(uint64_t until_us);
    void interrupt();
    void stop(uint64_t patience_ms);
    void look();
    void sum_up();
    std::string whom() const;
    bool all_are(Worker::State state) const;
    uint64_t connections() const;

    const Plan& plan_;
    Interrupts& interrupts_;
    Progress& progress_;
    Fd changed_;
    std::vector<std::unique_ptr<Worker>> workers_;
    RunResult result_;
    uint64_t start_us_ = 0;
    uint64_t stopped_us_ = 0;   // 0: not yet
    uint64_t progress_us_ = 0;  // when there was last an answer
    uint64_t answers_ = 0;
};

std::expected<RunResult, std::string> Run::go() {
    Result<> started = start();
    if (started) {
        wait_until_ready();
        bool is_reached = connections() > 0;
        start_us_ = progress_us_ = Clock::read_us();
        double cpu_before = cpu_seconds();
        if (!is_reached) stop(0);
        else watch();
        result_.cpu_seconds = cpu_seconds() - cpu_before;
    }
    for (auto& worker : workers_) worker->join();
    progress_.clear();
    if (!started) {
        const Error& error = started.error();
        return std::unexpected(text::format("the engine cannot be used: {}() failed ({}: {})", error.call,
                                            error.number, strerror(error.number)));
    }
    sum_up();
    if (result_.tally->connections.value() > 0) return std::move(result_);
    if (interrupts_.any()) return std::unexpected(std::string("interrupted before there was a connection"));
    std::string reason;
    for (const std::string& example : result_.tally->examples) reason += reason.empty() ? example : "";
    return std::unexpected(text::format("no connection to {} could be made: {}", whom(), reason));
}

Result<> Run::start() {
    for (uint32_t i = 0; i < plan_.options.threads; ++i) {
        auto worker = std::make_unique<Worker>(plan_, i, [this] { eventfd_write(changed_.get(), 1); });
        if (Result<> started = worker->start(); !started) {
            stop(0);
            return started;
        }
        workers_.push_back(std::move(worker));
    }
    return {};
}

// Each connection has its own limit, so this ends.
void Run::wait_until_ready() {
    while (!all_are(Worker::State::ready) && !all_are(Worker::State::ended)) {
        wait(Schedule::never);
        if (interrupts_.take()) interrupt();
    }
}

void Run::watch() {
    const Options& options = plan_.options;
    const bool is_timed = options.requests == 0;
    const uint64_t end_us =
        is_timed ? start_us_ + static_cast<uint64_t>(options.duration.count()) * 1000 : Schedule::never;
    for (auto& worker : workers_) worker->begin(start_us_, end_us);
    while (!all_are(Worker::State::ended)) {
        bool is_running = stopped_us_ == 0;
        wait(std::min(start_us_ + result_.series.next_us(), is_running ? end_us : Schedule::never));
        if (interrupts_.take()) interrupt();
        if (is_running && Clock::read_us() >= end_us) stop(plan_.timeout_ms);
        look();
        // What is counted need not come to an end by itself.
        bool is_hopeless = !is_timed && Clock::read_us() - progress_us_ > (plan_.timeout_ms + 1000) * 1000;
        if (is_hopeless && stopped_us_ == 0) {
            result_.note = "given up: nothing was answered for longer than --timeout";
            stop(0);
        }
    }
    look();
}

void Run::wait(uint64_t until_us) {
    int timeout_ms = -1;
    if (until_us != Schedule::never) {
        uint64_t now_us = Clock::read_us();
        timeout_ms = static_cast<int>((until_us - std::min(until_us, now_us) + 999) / 1000);
    }
    std::array<pollfd, 2> events{{{changed_.get(), POLLIN, 0}, {interrupts_.fd(), POLLIN, 0}}};
    poll(events.data(), events.size(), timeout_ms);
    eventfd_t changes;
    eventfd_read(changed_.get(), &changes);
}

void Run::interrupt() {
    result_.note = "interrupted";
    stop(stopped_us_ == 0 ? interrupted_patience_ms : 0);
}

void Run::stop(uint64_t patience_ms) {
    if (stopped_us_ == 0) stopped_us_ = Clock::read_us();
    for (auto& worker : workers_) worker->stop(patience_ms);
}

// How far it is, when it is time to know.
void Run::look() {
    Series::Point now{.at_us = Clock::read_us() - start_us_};
    for (const auto& worker : workers_) {
        const Tally& tally = worker->tally();
        now.answers += tally.answers.value();
        now.failures += tally.failures.value();
        now.bytes_in += tally.bytes_in.value();
    }
    if (now.answers != answers_) progress_us_ = start_us_ + now.at_us;
    answers_ = now.answers;
    bool is_due = stopped_us_ == 0 && now.at_us >= result_.series.next_us();
    if (is_due) result_.series.add(now);
    progress_.show(plan_.options, now);
}

void Run::sum_up() {
    Tally& tally = *result_.tally;
    for (const auto& worker : workers_) tally.add(worker->tally());
    uint64_t end_us = std::max(tally.last_us.value(), stopped_us_);
    if (end_us > start_us_) result_.seconds = static_cast<double>(end_us - start_us_) / 1e6;
    result_.engine = plan_.engine.choice == EngineSettings::Choice::epoll ? "epoll" : "io_uring";
}

// Whom nobody could connect to.
std::string Run::whom() const {
    std::string name = plan_.options.urls[0].authority(), address = plan_.address.text();
    bool is_named = plan_.address.host_text() != plan_.options.urls[0].host && address != name;
    return is_named ? text::format("{} ({})", name, address) : name;
}

bool Run::all_are(Worker::State state) const {
    return std::ranges::all_of(workers_, [state](const auto& worker) { return worker->state() == state; });
}

uint64_t Run::connections() const {
    uint64_t all = 0;
    for (const auto& worker : workers_) all += worker->tally().connections.value();
    return all;
}

}  // namespace

std::expected<RunResult, std::string> run(const Plan& plan, Interrupts& interrupts, Progress& progress) {
    return Run(plan, interrupts, progress).go();
}

}  // namespace ringx::bench
