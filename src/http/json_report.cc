#include "http/json_report.h"

#include <iterator>

namespace ringx::http {
namespace {

constexpr double quantiles[] = {0.5, 0.9, 0.95, 0.99, 0.999, 1.0};
constexpr std::string_view quantile_names[] = {"p50", "p90", "p95", "p99", "p999", "max"};
static_assert(std::size(quantiles) == std::size(quantile_names));

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
    json_.end();
}

}  // namespace ringx::http
