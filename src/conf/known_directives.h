// conf/known_directives.h - names of nginx's directives, so that one we lack is not mistaken for a typo.
//
// The table names all directives of nginx's documentation by module. It does not say which of them are supported: those
// have rows in the language.
#pragma once

#include <string_view>

#include "conf/context.h"

namespace ringx::conf {

// The module of nginx that has a directive of this name, best one that fits the context; empty when there is none.
std::string_view module_of_known(std::string_view directive, Context context);

// What to do instead, for those that still circulate; empty for the others.
std::string_view advice_for_known(std::string_view directive);

}  // namespace ringx::conf
