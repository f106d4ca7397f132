// t/unit/conf/namesakes_other.cc - the other file of namesakes_test.cc: the same names, laid out differently.
//
// What is made here is kept for the rest of the run; there are two of them.
#include <array>

#include "conf/directive.h"

namespace ringx::conf {
namespace {

struct Settings {
    Setting<std::string_view> text{"other"};
    Setting<bool> on{false};
};

std::array<Settings, 2> made;

}  // namespace

extern const Directive namesake = value<&Settings::on>("on", http, "A setting of the other file.");

void* make_namesake(bool value) {
    Settings& settings = made[value];
    if (value) settings.on.give(true);
    return &settings;
}

bool value_of_namesake(const void* settings) { return *static_cast<const Settings*>(settings)->on; }

}  // namespace ringx::conf
