#include "bench/tally.h"

#include <algorithm>

namespace ringx::bench {

void Tally::add(const Tally& other) {
    static constexpr Counter Tally::* sums[] = {
        &Tally::answers, &Tally::failures, &Tally::given_up, &Tally::unsent, &Tally::bytes_in, &Tally::bytes_out,
        &Tally::connections, &Tally::resumed,
    };
    for (Counter Tally::* sum : sums) (this->*sum).add((other.*sum).value());
    latency_us.add(other.latency_us);
    service_us.add(other.service_us);
    last_us.set(std::max(last_us.value(), other.last_us.value()));
    latency_max_us.set(std::max(latency_max_us.value(), other.latency_max_us.value()));
    service_max_us.set(std::max(service_max_us.value(), other.service_max_us.value()));
    for (size_t i = 0; i < by_status.size(); ++i) by_status[i].add(other.by_status[i].value());
    for (size_t i = 0; i < by_failure.size(); ++i) {
        by_failure[i].add(other.by_failure[i].value());
        if (examples[i].empty()) examples[i] = other.examples[i];
    }
}

}  // namespace ringx::bench
