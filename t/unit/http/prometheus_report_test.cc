// t/unit/http/prometheus_report_test.cc - figures as Prometheus reads them, in both of its formats.
//
// Families stand together, whatever order they were told in; names with odd characters stay what they are.
#include "http/prometheus_report.h"

#include <gtest/gtest.h>

#include <string>

namespace ringx::http {
namespace {

using enum Figure::Type;

constexpr Section zones{"zones", "zone_", "zone"};
constexpr Section peers{"peers", "peer_", "server"};
constexpr Section whole{"whole", "", ""};
constexpr Figure bytes{"bytes", "bytes_total", counter, "Bytes."};
constexpr Figure open{"open", "open", gauge, "What is open."};
constexpr Figure time_taken{"seconds", "duration_seconds", counter, "Time."};

std::string text_of(const PrometheusReport& report) {
    std::string text;
    for (std::string_view piece : report.text()) text += piece;
    return text;
}

std::string tell(PrometheusReport::Format format) {
    BlockPool pool;
    PrometheusReport report(format, pool);
    report.begin(zones);
    for (const char* name : {"a", "b"}) {
        report.thing(name);
        report.value(bytes, 7);
        report.part(open, "state", "idle", 1);
        report.part(open, "state", "busy", 2);
    }
    report.end();
    return text_of(report);
}

TEST(PrometheusReport, FamiliesStandTogether) {
    EXPECT_EQ(tell(PrometheusReport::Format::text),
              "# HELP ringx_zone_bytes_total Bytes.\n"
              "# TYPE ringx_zone_bytes_total counter\n"
              "ringx_zone_bytes_total{zone=\"a\"} 7\n"
              "ringx_zone_bytes_total{zone=\"b\"} 7\n"
              "# HELP ringx_zone_open What is open.\n"
              "# TYPE ringx_zone_open gauge\n"
              "ringx_zone_open{zone=\"a\",state=\"idle\"} 1\n"
              "ringx_zone_open{zone=\"a\",state=\"busy\"} 2\n"
              "ringx_zone_open{zone=\"b\",state=\"idle\"} 1\n"
              "ringx_zone_open{zone=\"b\",state=\"busy\"} 2\n");
}

TEST(PrometheusReport, OpenMetricsNamesCountersWithoutTotal) {
    std::string text = tell(PrometheusReport::Format::open_metrics);
    EXPECT_TRUE(text.starts_with("# HELP ringx_zone_bytes Bytes.\n# TYPE ringx_zone_bytes counter\n"
                                 "ringx_zone_bytes_total{zone=\"a\"} 7\n")) << text;
    EXPECT_TRUE(text.ends_with("} 2\n# EOF\n")) << text;
}

TEST(PrometheusReport, WhatIsNoTextInNamesIsShown) {
    BlockPool pool;
    PrometheusReport report(PrometheusReport::Format::text, pool);
    report.begin(zones);
    report.thing("caf\xc3\xa9 \xff\xc3(");
    report.value(bytes, 1);
    report.end();
    EXPECT_TRUE(text_of(report).contains("{zone=\"caf\xc3\xa9 \\\\xFF\\\\xC3(\"} 1\n"));
}

TEST(PrometheusReport, NamesAreEscaped) {
    BlockPool pool;
    PrometheusReport report(PrometheusReport::Format::text, pool);
    report.begin(peers);
    report.owned_thing("upstream", "a\"b", "c\\d\ne");
    report.real(open, 0.25);
    EXPECT_TRUE(text_of(report).ends_with("ringx_peer_open{upstream=\"a\\\"b\",server=\"c\\\\d\\ne\"} 0.25\n"));
}

TEST(PrometheusReport, WhatIsThereOnceHasNoLabel) {
    BlockPool pool;
    PrometheusReport report(PrometheusReport::Format::text, pool);
    report.begin(whole);
    report.value(open, 3);
    report.words(bytes, "version", "1.2");
    std::string text = text_of(report);
    EXPECT_TRUE(text.contains("\nringx_open 3\n")) << text;
    EXPECT_TRUE(text.ends_with("\nringx_bytes_total{version=\"1.2\"} 1\n")) << text;
}

TEST(PrometheusReport, HistogramsCountUpToEachBound) {
    Histogram histogram;
    for (uint64_t us : {60u, 900u, 900u, 70'000'000u}) histogram.add(us);
    BlockPool pool;
    PrometheusReport report(PrometheusReport::Format::text, pool);
    report.begin(zones);
    report.thing("a");
    report.seconds(time_taken, histogram);
    std::string text = text_of(report);
    for (const char* line : {"# TYPE ringx_zone_duration_seconds histogram\n",
                             "ringx_zone_duration_seconds_bucket{zone=\"a\",le=\"5e-05\"} 0\n",
                             "ringx_zone_duration_seconds_bucket{zone=\"a\",le=\"0.0001\"} 1\n",
                             "ringx_zone_duration_seconds_bucket{zone=\"a\",le=\"0.001\"} 3\n",
                             "ringx_zone_duration_seconds_bucket{zone=\"a\",le=\"60.0\"} 3\n",
                             "ringx_zone_duration_seconds_bucket{zone=\"a\",le=\"+Inf\"} 4\n",
                             "ringx_zone_duration_seconds_sum{zone=\"a\"} 70.00186\n",
                             "ringx_zone_duration_seconds_count{zone=\"a\"} 4\n"}) {
        EXPECT_TRUE(text.contains(line)) << line << text;
    }
}

TEST(PrometheusReport, TextsOfAnyLengthAreWhole) {
    BlockPool pool;
    for (int round = 0; round < 2; ++round) {  // with fresh memory, and with that of the round before
        PrometheusReport report(PrometheusReport::Format::text, pool);
        report.begin(zones);
        std::string counters, gauges;
        for (int i = 0; i < 3000; ++i) {
            std::string name = std::to_string(i) + std::string(i == 1000 ? 100'000 : i % 400, 'n');
            report.thing(name);
            report.value(bytes, 7);
            report.value(open, 8);
            counters += "ringx_zone_bytes_total{zone=\"" + name + "\"} 7\n";
            gauges += "ringx_zone_open{zone=\"" + name + "\"} 8\n";
        }
        report.end();
        EXPECT_TRUE(text_of(report) == "# HELP ringx_zone_bytes_total Bytes.\n# TYPE ringx_zone_bytes_total counter\n" +
                                           counters + "# HELP ringx_zone_open What is open.\n"
                                           "# TYPE ringx_zone_open gauge\n" + gauges);
    }
}

}  // namespace
}  // namespace ringx::http
