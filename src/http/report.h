// http/report.h - figures of the server, told once and written in several formats.
//
// Who counts describes what it has as sections of things with names ("server_zones", each a "zone"), and each thing by
// its figures. A format makes of that what it needs: JSON an object of objects, Prometheus a family for each figure and
// a label for each name. Figures are constants; their names are a promise to those who read them.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/histogram.h"

namespace ringx::http {

struct Figure {
    enum class Type : uint8_t { counter, gauge };
    std::string_view name;    // as a key of JSON: "sent_bytes"
    std::string_view metric;  // behind the section's prefix, in base units: "sent_bytes_total"
    Type type;
    std::string_view help;    // one sentence
};

// A kind of things.
struct Section {
    std::string_view name;    // as a key of JSON: "server_zones"
    std::string_view prefix;  // of metrics: "server_zone_"
    std::string_view label;   // of the thing's name: "zone"; empty: there is only one, which has no name
};

class Report {
 public:
    virtual ~Report() = default;

    virtual void begin(const Section& section) = 0;
    virtual void end() = 0;
    // What follows is of this thing, until the next. `owner` is a thing of another kind it belongs to, as the upstream
    // of a server; things of one owner follow each other.
    virtual void thing(std::string_view name) = 0;
    virtual void owned_thing(std::string_view owner_label, std::string_view owner, std::string_view name) = 0;

    virtual void value(const Figure& figure, uint64_t value) = 0;
    // A time or another number that is not whole.
    virtual void real(const Figure& figure, double value) = 0;
    // One of several values of a figure: those of `label`, such as "class". They follow each other.
    virtual void part(const Figure& figure, std::string_view label, std::string_view of, uint64_t value) = 0;
    // Of microseconds, told in seconds.
    virtual void seconds(const Figure& figure, const Histogram& histogram) = 0;
    // Words; metrics have them as labels of a figure that is always 1.
    virtual void words(const Figure& figure, std::string_view label, std::string_view words) = 0;
};

}  // namespace ringx::http
