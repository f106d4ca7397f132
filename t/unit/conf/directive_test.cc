// t/unit/conf/directive_test.cc - rows that are put together.
//
// Those of a part of a module's settings, and of several origins.
#include "conf/directive.h"

#include <gtest/gtest.h>

namespace ringx::conf {
namespace {

struct Part {
    Setting<bool> on{false};
};

struct Whole {
    Setting<bool> other{false};
    Part part;
};

constexpr std::array own = {value<&Whole::other>("other", http, "A setting of the whole.")};
constexpr std::array of_part = {value<&Part::on>("on", http, "A setting of a part.").within<&Whole::part>()};
constexpr auto rows = joined(own, of_part);

TEST(Directive, a_part_of_the_settings_has_rows_of_its_own) {
    Whole whole;
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].name, "other");
    EXPECT_EQ(rows[0].part, nullptr);
    const Directive& row = rows[1];
    EXPECT_EQ(row.settings_type, rows[0].settings_type);
    EXPECT_EQ(row.part(&whole), &whole.part);
    EXPECT_EQ(row.inherit, nullptr);
}

}  // namespace
}  // namespace ringx::conf
