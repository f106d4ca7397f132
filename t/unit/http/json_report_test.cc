// t/unit/http/json_report_test.cc - figures as JSON: sections of things of figures.
//
// The shapes that http/json_report.h promises, in whatever order what has parts and what has none follow each other.
#include "http/json_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace ringx::http {
namespace {

using enum Figure::Type;

constexpr Section zones{"zones", "zone_", "zone"};
constexpr Section peers{"upstreams", "peer_", "server"};
constexpr Section whole{"whole", "", ""};
constexpr Figure bytes{"bytes", "bytes_total", counter, "Bytes."};
constexpr Figure open{"open", "open", gauge, "What is open."};
constexpr Figure other{"other", "other", gauge, "What is not."};
constexpr Figure time_taken{"seconds", "duration_seconds", counter, "Time."};

template <typename Tell>
std::string told(Tell tell) {
    JsonWriter json;
    JsonReport report(json);
    json.begin_object();
    tell(report);
    json.end();
    return json.take();
}

TEST(JsonReport, ThingsAreObjectsOfTheirFigures) {
    EXPECT_EQ(told([](Report& report) {
                  report.begin(zones);
                  for (const char* name : {"a", "b\xff"}) {
                      report.thing(name);
                      report.value(bytes, 7);
                      report.part(open, "state", "idle", 1);
                      report.part(open, "state", "busy", 2);
                  }
                  report.end();
              }),
              R"({"zones":{"a":{"bytes":7,"open":{"idle":1,"busy":2}},)"
              R"("b\\xFF":{"bytes":7,"open":{"idle":1,"busy":2}}}})");
}

TEST(JsonReport, PartsEndWithTheNextFigure) {
    EXPECT_EQ(told([](Report& report) {
                  report.begin(zones);
                  report.thing("a");
                  report.part(open, "state", "idle", 1);
                  report.part(other, "state", "idle", 2);
                  report.real(bytes, 0.5);
                  report.end();
              }),
              R"({"zones":{"a":{"open":{"idle":1},"other":{"idle":2},"bytes":0.5}}})");
}

TEST(JsonReport, WhatIsThereOnceIsAnObjectOfFigures) {
    EXPECT_EQ(told([](Report& report) {
                  report.begin(whole);
                  report.words(bytes, "version", "1.2");
                  report.part(open, "state", "idle", 3);
                  report.end();
                  report.begin(zones);
                  report.end();
              }),
              R"({"whole":{"bytes":"1.2","open":{"idle":3}},"zones":{}})");
}

TEST(JsonReport, WhatBelongsToAnotherStandsInIt) {
    EXPECT_EQ(told([](Report& report) {
                  report.begin(peers);
                  report.owned_thing("upstream", "app", "127.0.0.1:80");
                  report.value(bytes, 1);
                  report.owned_thing("upstream", "app", "unix:/tmp/x");
                  report.part(open, "class", "2xx", 2);
                  report.owned_thing("upstream", "other", "127.0.0.1:80");
                  report.value(bytes, 3);
                  report.end();
              }),
              R"({"upstreams":{"app":{"servers":{"127.0.0.1:80":{"bytes":1},"unix:/tmp/x":{"open":{"2xx":2}}}},)"
              R"("other":{"servers":{"127.0.0.1:80":{"bytes":3}}}}})");
}

TEST(JsonReport, HistogramsAreQuantilesInSeconds) {
    Histogram histogram;
    for (uint64_t us = 1; us <= 20; ++us) histogram.add(us);
    EXPECT_EQ(told([&](Report& report) {
                  report.begin(zones);
                  report.thing("a");
                  report.seconds(time_taken, histogram);
                  report.end();
              }),
              R"({"zones":{"a":{"seconds":{"count":20,"sum":0.00021,"p50":1e-05,"p90":1.8e-05,"p95":1.9e-05,)"
              R"("p99":2e-05,"p999":2e-05,"max":2e-05}}}})");
}

// What each value is told as lies near it, and none is told twice or forgotten.
TEST(JsonReport, StepsSayWhereAboutValuesLay) {
    for (uint64_t us : {0u, 1u, 3u, 4u, 31u, 32u, 63u, 64u, 65u, 1000u, 123'456u, 59'999'999u, UINT32_MAX}) {
        Histogram histogram;
        histogram.add(us);
        histogram.add(us);
        JsonWriter json;
        JsonReport report(json, JsonReport::Histograms::steps);
        json.begin_object();
        report.begin(whole);
        report.seconds(time_taken, histogram);
        report.end();
        json.end();
        std::string text = json.take();
        constexpr std::string_view begin = "\"steps\":[[";
        size_t at = text.find(begin);
        ASSERT_NE(at, text.npos) << text;
        double seconds = 0;
        int count = 0;
        ASSERT_EQ(sscanf(text.c_str() + at + begin.size(), "%lf,%d]]}}}", &seconds, &count), 2) << text;
        double wanted = static_cast<double>(us) / 1e6;
        EXPECT_NEAR(seconds, wanted, std::max(wanted / 16, 2.5e-6)) << text;
        EXPECT_EQ(count, 2) << text;
    }
}

TEST(JsonReport, AHistogramOfNothingIsZeroes) {
    EXPECT_EQ(told([](Report& report) {
                  Histogram none;
                  report.begin(whole);
                  report.seconds(time_taken, none);
                  report.end();
              }),
              R"({"whole":{"seconds":{"count":0,"sum":0,"p50":0,"p90":0,"p95":0,"p99":0,"p999":0,"max":0}}})");
}

}  // namespace
}  // namespace ringx::http
