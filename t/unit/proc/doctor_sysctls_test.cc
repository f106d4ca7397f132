// t/unit/proc/doctor_sysctls_test.cc - what is better than a value, and when nothing is.
//
// No value is lowered, and one of a form that nobody expects is left alone.
#include "proc/doctor_sysctls.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ringx::proc {
namespace {

using Kind = SysctlAdvice::Kind;

TEST(SysctlAdvice, never_lowers_a_value) {
    struct {
        Kind kind;
        std::string_view wanted, current;
        std::optional<std::string> want;
    } cases[] = {
        {Kind::least, "4096", "128", "4096"},
        {Kind::least, "4096", "4096", {}},
        {Kind::least, "4096", "65535", {}},
        {Kind::least, "4096", "9223372036854775807", {}},
        {Kind::last, "4000", "1\t2\t3", "1 2 4000"},
        {Kind::last, "4000", "1 2 4001", {}},
        {Kind::range, "16384 65535", "32768\t60999", "16384 65535"},
        {Kind::range, "16384 65535", "1024 60999", "1024 65535"},
        {Kind::range, "16384 65535", "1024 65535", {}},
        {Kind::exact, "1", "0", "1"},
        {Kind::exact, "1", "2", "1"},
        {Kind::exact, "1", "1", {}},
        {Kind::least, "4096", "", {}},
        {Kind::least, "4096", "none", {}},
        {Kind::least, "4096", "1 2", {}},
        {Kind::last, "4000", "1", {}},
    };
    for (auto& c : cases) {
        SysctlAdvice advice{"x", c.kind, c.wanted, SysctlAdvice::When::always, "reason"};
        EXPECT_EQ(better_value(advice, c.current), c.want) << c.wanted << " for " << c.current;
    }
}

TEST(SysctlAdvice, is_content_with_what_it_wants) {
    ASSERT_FALSE(sysctl_advice().empty());
    for (const SysctlAdvice& advice : sysctl_advice()) {
        std::string value(advice.wanted);
        if (advice.kind == Kind::last) value = "1 2 " + value;
        EXPECT_EQ(better_value(advice, value), std::nullopt) << advice.name;
        EXPECT_FALSE(advice.reason.empty());
        auto examined = examined_sysctls();
        EXPECT_NE(std::ranges::find(examined, advice.name), examined.end()) << advice.name;
    }
}

}  // namespace
}  // namespace ringx::proc
