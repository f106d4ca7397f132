#include "proc/undertaker.h"

#include <algorithm>

namespace ringx::proc {

class Undertaker::Job final : public BlockingJob {
 public:
    Job(Undertaker& owner, std::shared_ptr<const void> what) : owner_(owner), what_(std::move(what)) {}

 private:
    void work() override { what_.reset(); }
    void done() override {
        std::erase_if(owner_.jobs_, [this](const std::unique_ptr<Job>& job) { return job.get() == this; });
    }

    Undertaker& owner_;
    std::shared_ptr<const void> what_;
};

Undertaker::Undertaker() = default;
Undertaker::~Undertaker() = default;

void Undertaker::free(std::shared_ptr<const void> what) {
    if (!pthread_equal(pthread_self(), loop_thread_) || pool_ == nullptr) return;  // it goes here
    pool_->run(*jobs_.emplace_back(std::make_unique<Job>(*this, std::move(what))));
}

}  // namespace ringx::proc
