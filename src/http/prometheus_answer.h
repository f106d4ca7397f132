// http/prometheus_answer.h - the answer to Prometheus, or whoever else reads its formats: all figures.
//
// In OpenMetrics when the client accepts that, otherwise in the older text format.
#pragma once

#include "event/task.h"
#include "http/module.h"

namespace ringx::http {

Task<Answer> answer_prometheus(Request& request);

}  // namespace ringx::http
