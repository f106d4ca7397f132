#include "http/json_report.h"

#include <array>
#include <iterator>

namespace ringx::http {
namespace {

constexpr double quantiles[] = {0.5, 0.9, 0.95, 0.99, 0.999, 1.0};
constexpr std::string_view quantile_names[] = {"p50", "p90", "p95", "p99", "p999", "max"};
static_assert(std::size(quantiles) == std::size(quantile_names));

// Of a histogram's steps several are told as one.
constexpr unsigned steps_in_one = 4;

// The last value in each, in microseconds.
constexpr auto step_ends = [] {
    constexpr unsigned steps = Histogram::steps_per_octave * Histogram::octaves / steps_in_one;
    std::array<uint64_t, steps> ends;
    for (unsigned i = 0; i + 1 < steps; ++i) {
        unsigned next = (i + 1) * steps_in_one;
        unsigned shift = next < Histogram::steps_per_octave ? 0 : next / Histogram::steps_per_octave - 1;
        uint64_t first_of_next = next - uint64_t{shift} * Histogram::steps_per_octave;
        ends[i] = (first_of_next << shift) - 1;
    }
    ends.back() = Histogram::value_max;
    return ends;
}();

uint64_t middle_of(size_t step) {
    uint64_t begin = step == 0 ? 0 : step_ends[step - 1] + 1;
    return begin + (step_ends[step] - begin) / 2;
}

double seconds_of(uint64_t us) { return static_cast<double>(us) / 1e6; }

}  // namespace

void JsonReport::begin(const Section& section) {
    section_ = &section;
    json_.key(section.name);
    json_.begin_object();
}

void JsonReport::end() {
    leave_owner();
    json_.end();
}

void JsonReport::leave_parts() {
    if (parts_of_ == nullptr) return;
    parts_of_ = nullptr;
    json_.end();
}

void JsonReport::leave_thing() {
    leave_parts();
    if (!in_thing_) return;
    in_thing_ = false;
    json_.end();
}

void JsonReport::leave_owner() {
    leave_thing();
    if (!in_owner_) return;
    in_owner_ = false;
    json_.end();
    json_.end();
}

void JsonReport::thing(std::string_view name) {
    leave_owner();
    if (section_->label.empty()) return;
    json_.key(name);
    json_.begin_object();
    in_thing_ = true;
}

void JsonReport::owned_thing(std::string_view, std::string_view owner, std::string_view name) {
    leave_thing();
    if (!in_owner_ || owner_ != owner) {
        leave_owner();
        json_.key(owner);
        json_.begin_object();
        json_.key(std::string(section_->label) + 's');
        json_.begin_object();
        owner_ = owner;
        in_owner_ = true;
    }
    json_.key(name);
    json_.begin_object();
    in_thing_ = true;
}

void JsonReport::key(const Figure& figure) {
    leave_parts();
    json_.key(figure.name);
}

void JsonReport::value(const Figure& figure, uint64_t value) {
    key(figure);
    json_.integer(value);
}

void JsonReport::real(const Figure& figure, double value) {
    key(figure);
    json_.real(value);
}

void JsonReport::part(const Figure& figure, std::string_view, std::string_view of, uint64_t value) {
    if (parts_of_ != &figure) {
        key(figure);
        json_.begin_object();
        parts_of_ = &figure;
    }
    json_.member(of, value);
}

void JsonReport::words(const Figure& figure, std::string_view, std::string_view words) {
    key(figure);
    json_.string(words);
}

void JsonReport::seconds(const Figure& figure, const Histogram& histogram) {
    key(figure);
    json_.begin_object();
    json_.member("count", histogram.count());
    json_.member("sum", seconds_of(histogram.sum()));
    for (size_t i = 0; i < std::size(quantiles); ++i) {
        json_.member(quantile_names[i], seconds_of(histogram.quantile(quantiles[i])));
    }
    if (histograms_ == Histograms::steps) tell_steps(histogram);
    json_.end();
}

void JsonReport::tell_steps(const Histogram& histogram) {
    json_.key("steps");
    json_.begin_array();
    std::array<uint64_t, step_ends.size()> counts;
    histogram.count_up_to(step_ends, counts);
    for (size_t i = 0; i < counts.size(); ++i) {
        uint64_t here = counts[i] - (i == 0 ? 0 : counts[i - 1]);
        if (here == 0) continue;
        json_.begin_array();
        json_.real(seconds_of(middle_of(i)));
        json_.integer(here);
        json_.end();
    }
    json_.end();
}

}  // namespace ringx::http
