// proc/master_line.h - a worker's questions to its master, and the answers to them.
//
// Each question has a number, under which its answer comes. Who has given up is forgotten here; the master learns
// nothing of it, and its answer is passed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "net/steering.h"
#include "proc/channel.h"

namespace ringx::proc {

class MasterLine final : public Steering {
 public:
    // More would only wait for each other.
    static constexpr size_t questions_max = 64;

    // `master` may be no channel at all: then nobody is asked.
    explicit MasterLine(Channel& master) : master_(master) {}
    ~MasterLine() override { CHECK(waiting_.empty()); }

    Result<> ask(SteeringQuestion& question) override;
    void withdraw(SteeringQuestion& question) override;
    bool is_there() const override { return master_ && !gone_; }

    // An answer came.
    void deliver(const Message& message);
    // The master is gone, and will not answer any more.
    void hang_up();

 private:
    Channel& master_;
    std::map<uint32_t, SteeringQuestion*> waiting_;
    uint32_t latest_ = 0;
    bool gone_ = false;
};

}  // namespace ringx::proc
