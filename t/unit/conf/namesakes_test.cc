// t/unit/conf/namesakes_test.cc - two files with settings of the same name, as modules have them.
//
// The other file is namesakes_other.cc. Members of equal names lie elsewhere there, so a function that the linker took
// for that of the other file would write to the wrong place.
#include <gtest/gtest.h>

#include "conf/directive.h"

namespace ringx::conf {

extern const Directive namesake;  // of the other file
void* make_namesake(bool value);
bool value_of_namesake(const void* settings);

namespace {

struct Settings {
    Setting<bool> on{false};
    Setting<std::string_view> text{"text"};
};

constexpr Directive ours = value<&Settings::on>("on", http, "A setting of this file.");

TEST(Namesakes, keep_to_their_own_settings) {
    void* outer = make_namesake(true);
    void* inner = make_namesake(false);
    namesake.inherit(inner, outer);
    EXPECT_TRUE(value_of_namesake(inner));

    Settings given, inherits;
    given.on.give(true);
    ours.inherit(&inherits, &given);
    EXPECT_TRUE(*inherits.on);
    EXPECT_EQ(*inherits.text, "text");
    EXPECT_NE(ours.inherit, namesake.inherit);
    EXPECT_NE(ours.set, namesake.set);
}

}  // namespace
}  // namespace ringx::conf
