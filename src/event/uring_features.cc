#include "event/uring_features.h"

#include <liburing.h>

#include "event/uring_abi.h"

namespace ringx {
namespace {

// A small ring for as long as it is asked questions.
class ProbeRing {
 public:
    explicit ProbeRing(unsigned flags) {
        io_uring_params params{};
        params.flags = flags;
        is_open_ = io_uring_queue_init_params(entries, &ring_, &params) == 0;
    }
    ProbeRing(const ProbeRing&) = delete;
    ProbeRing& operator=(const ProbeRing&) = delete;
    ~ProbeRing() {
        if (is_open_) io_uring_queue_exit(&ring_);
    }

    bool is_open() const { return is_open_; }

    bool takes(unsigned operation, void* argument) const {
        if (!is_open_) return false;
        return io_uring_register(static_cast<unsigned>(ring_.ring_fd), operation, argument, 1) == 0;
    }

 private:
    static constexpr unsigned entries = 4;

    io_uring ring_{};
    bool is_open_ = false;
};

bool allows(unsigned flags) { return ProbeRing(flags).is_open(); }

bool polls_devices() {
    uring_abi::Napi napi{};
    napi.busy_poll_us = 1;
    return ProbeRing(0).takes(uring_abi::register_napi, &napi);
}

}  // namespace

std::vector<UringFeature> uring_features(const EngineSettings& settings) {
    // Without the first two there is no engine.
    std::vector<UringFeature> features = {
        {"multishot receive", "6.0", "one submission receives for as long as a connection lasts", true},
        {"buffer rings", "5.19", "idle connections hold no buffer", true},
    };
    if (settings.sqpoll) {
        features.push_back({"SQPOLL", "5.11", "the kernel looks for submissions", allows(IORING_SETUP_SQPOLL)});
    } else {
        features.push_back({"DEFER_TASKRUN", "6.1", "completions never interrupt a worker",
                            allows(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)});
    }
    if (settings.napi_busy_us > 0) {
        features.push_back({"NAPI", "6.9", "devices are polled while a worker waits", polls_devices()});
    }
    return features;
}

}  // namespace ringx
