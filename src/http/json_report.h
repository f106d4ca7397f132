// http/json_report.h - a report as JSON: an object of sections, of things, of figures.
//
//     "server_zones": {"site": {"requests": {"GET": 7}, "seconds": {"count": 7, "p50": 0.001, ...}}}
//
// A section without a label is an object of figures. What belongs to another thing stands in it, below the plural of
// the section's label: "upstreams": {"app": {"servers": {"127.0.0.1:80": {...}}}}.
#pragma once

#include <string>
#include <string_view>

#include "http/json_writer.h"
#include "http/report.h"

namespace ringx::http {

// REQUIRES: no section is told twice.
class JsonReport final : public Report {
 public:
    // What is told of a histogram: quantiles; or also "steps": [[0.0015, 7], ...], where about its values lay, in
    // seconds and to within a sixteenth, and how many were there.
    enum class Histograms : uint8_t { quantiles, steps };

    // Sections become members of the object that `json` has open.
    explicit JsonReport(JsonWriter& json, Histograms histograms = Histograms::quantiles)
        : json_(json), histograms_(histograms) {}

    void begin(const Section& section) override;
    void end() override;
    void thing(std::string_view name) override;
    void owned_thing(std::string_view owner_label, std::string_view owner, std::string_view name) override;

    void value(const Figure& figure, uint64_t value) override;
    void real(const Figure& figure, double value) override;
    void part(const Figure& figure, std::string_view label, std::string_view of, uint64_t value) override;
    void seconds(const Figure& figure, const Histogram& histogram) override;
    void words(const Figure& figure, std::string_view label, std::string_view words) override;

 private:
    void key(const Figure& figure);
    void leave_parts();
    void leave_thing();
    void leave_owner();
    void tell_steps(const Histogram& histogram);

    JsonWriter& json_;
    Histograms histograms_;
    const Section* section_ = nullptr;
    bool in_thing_ = false;
    bool in_owner_ = false;
    std::string owner_;
    const Figure* parts_of_ = nullptr;  // whose object of parts is open
};

}  // namespace ringx::http
