// http/prometheus_report.h - a report as Prometheus reads it: its text format 0.0.4, or OpenMetrics 1.0.
//
// Samples of a family have to stand together, so each family gathers its own until all is told. There may be tens of
// thousands of them: each is written once, to where it is sent from.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/pieced_text.h"
#include "http/report.h"

namespace ringx::http {

class PrometheusReport final : public Report {
 public:
    enum class Format : uint8_t { text, open_metrics };

    PrometheusReport(Format format, BlockPool& pool) : format_(format), blocks_(pool) {}

    void begin(const Section& section) override { section_ = &section; labels_.clear(); }
    void end() override {}
    void thing(std::string_view name) override;
    void owned_thing(std::string_view owner_label, std::string_view owner, std::string_view name) override;

    void value(const Figure& figure, uint64_t value) override;
    void real(const Figure& figure, double value) override;
    void part(const Figure& figure, std::string_view label, std::string_view of, uint64_t value) override;
    void seconds(const Figure& figure, const Histogram& histogram) override;
    void words(const Figure& figure, std::string_view label, std::string_view words) override;

    // All of it, family by family; it lasts as long as the report.
    std::vector<std::string_view> text() const;

    // The value of Content-Type.
    static std::string_view content_type(Format format);

 private:
    enum class Kind : uint8_t { counter, gauge, histogram };
    struct Key {
        const Section* section;
        const Figure* figure;
        bool operator==(const Key&) const = default;
    };
    struct Family {
        Key key;
        std::string name;  // as its samples begin
        PiecedText text;
        Family* next = nullptr;  // what was told after it, the last time
    };
    struct KeyHash {
        size_t operator()(const Key& key) const {
            return reinterpret_cast<size_t>(key.figure) * 31 + reinterpret_cast<size_t>(key.section);
        }
    };

    Family& family(const Figure& figure, Kind kind);
    Family& family(const Figure& figure) {
        return family(figure, figure.type == Figure::Type::counter ? Kind::counter : Kind::gauge);
    }
    Family& add_family(const Key& key, Kind kind);
    void add_label(std::string& labels, std::string_view label, std::string_view value) const;
    void describe(Family& family, const Figure& figure, Kind kind) const;

    Format format_;
    const Section* section_ = nullptr;
    std::string labels_;  // of the thing: `zone="a"`
    std::string last_;    // one more
    std::string bucket_;  // `name_bucket{zone="a",`, as the samples of a histogram begin
    TextBlocks blocks_;
    std::deque<Family> families_;
    std::unordered_map<Key, Family*, KeyHash> known_;
    Family* latest_ = nullptr;
};

}  // namespace ringx::http
