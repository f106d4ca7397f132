// http/error_page_directive.h - the words of `error_page`: codes, what becomes of the status, and where to go.
//
// What it means at run time stands in http/pipeline.cc.
#pragma once

#include "conf/binding.h"

namespace ringx::http {

struct CoreSettings;

void set_error_page(CoreSettings& settings, conf::Binding& binding);

}  // namespace ringx::http
