#include "base/clock.h"

#include <time.h>

#include <cstdlib>

#include "base/format.h"

namespace ringx {
namespace {

constexpr std::string_view days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

uint64_t Clock::read_us() {
    timespec monotonic;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    return static_cast<uint64_t>(monotonic.tv_sec) * 1'000'000 + static_cast<uint64_t>(monotonic.tv_nsec) / 1000;
}

void Clock::refresh() {
    monotonic_us_ = read_us();
    gettimeofday(&wall_, nullptr);
    if (wall_.tv_sec != printed_) print();
}

void Clock::print() {
    printed_ = wall_.tv_sec;
    tm utc;
    gmtime_r(&wall_.tv_sec, &utc);
    text::format_to(http_date_, "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[utc.tm_wday], utc.tm_mday,
                    months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
    tm local;
    localtime_r(&wall_.tv_sec, &local);
    long offset = local.tm_gmtoff / 60;
    char sign = offset < 0 ? '-' : '+';
    offset = labs(offset);
    int year = local.tm_year + 1900;
    text::format_to(log_time_, "{:02}/{}/{:04}:{:02}:{:02}:{:02} {}{:02}{:02}", local.tm_mday, months[local.tm_mon],
                    year, local.tm_hour, local.tm_min, local.tm_sec, sign, offset / 60, offset % 60);
    text::format_to(error_log_time_, "{:04}/{:02}/{:02} {:02}:{:02}:{:02}", year, local.tm_mon + 1, local.tm_mday,
                    local.tm_hour, local.tm_min, local.tm_sec);
    text::format_to(iso8601_, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{:02}:{:02}", year, local.tm_mon + 1, local.tm_mday,
                    local.tm_hour, local.tm_min, local.tm_sec, sign, offset / 60, offset % 60);
}

}  // namespace ringx
