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

std::string tell(PrometheusReport::Format format) {
    PrometheusReport report(format);
    report.begin(zones);
    for (const char* name : {"a", "b"}) {
        report.thing(name);
        report.value(bytes, 7);
        report.part(open, "state", "idle", 1);
        report.part(open, "state", "busy", 2);
    }
    report.end();
    return report.take();
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
    PrometheusReport report(PrometheusReport::Format::text);
    report.begin(zones);
    report.thing("caf\xc3\xa9 \xff\xc3(");
    report.value(bytes, 1);
    report.end();
    EXPECT_TRUE(report.take().contains("{zone=\"caf\xc3\xa9 \\\\xFF\\\\xC3(\"} 1\n"));
}

TEST(PrometheusReport, NamesAreEscaped) {
    PrometheusReport report(PrometheusReport::Format::text);
    report.begin(peers);
    report.owned_thing("upstream", "a\"b", "c\\d\ne");
    report.real(open, 0.25);
    EXPECT_TRUE(report.take().ends_with("ringx_peer_open{upstream=\"a\\\"b\",server=\"c\\\\d\\ne\"} 0.25\n"));
}

TEST(PrometheusReport, WhatIsThereOnceHasNoLabel) {
    PrometheusReport report(PrometheusReport::Format::text);
    report.begin(whole);
    report.value(open, 3);
    report.words(bytes, "version", "1.2");
    std::string text = report.take();
    EXPECT_TRUE(text.contains("\nringx_open 3\n")) << text;
    EXPECT_TRUE(text.ends_with("\nringx_bytes_total{version=\"1.2\"} 1\n")) << text;
}

TEST(PrometheusReport, HistogramsCountUpToEachBound) {
    Histogram histogram;
    for (uint64_t us : {60u, 900u, 900u, 70'000'000u}) histogram.add(us);
    PrometheusReport report(PrometheusReport::Format::text);
    report.begin(zones);
    report.thing("a");
    report.seconds(time_taken, histogram);
    std::string text = report.take();
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

TEST(PrometheusReport, IsEmptyOnceItWasTaken) {
    PrometheusReport report(PrometheusReport::Format::open_metrics);
    report.begin(zones);
    report.thing("a");
    report.value(bytes, 1);
    report.take();
    EXPECT_EQ(report.take(), "# EOF\n");
}

}  // namespace
}  // namespace ringx::http
