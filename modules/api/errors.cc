// modules/api/errors.cc - GET errors: the last lines of level error and above that any process has logged.
//
// Clients may have a say in what they hold: whatever the bytes are, they are told as a string of JSON.
#include <time.h>

#include "base/format.h"
#include "base/recent_errors.h"
#include "http/json_writer.h"
#include "modules/api/call.h"
#include "modules/api/reply.h"
#include "modules/api/resources.h"
#include "net/error_log.h"

namespace ringx::http::api {
namespace {

const RecentErrors* recent_errors(const conf::Block* block) {
    while (block->outer() != nullptr) block = block->outer();
    return log_files.in(*block).recent_errors();
}

// "2026-11-21T02:51:35.017Z".
std::string utc(uint64_t time_us) {
    auto seconds = static_cast<time_t>(time_us / 1000000);
    tm parts;
    gmtime_r(&seconds, &parts);
    return text::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                        parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, time_us / 1000 % 1000);
}

void tell(JsonWriter& json, const RecentErrors::Line& line) {
    json.begin_object();
    json.member("number", line.number);
    json.member("time", utc(line.time_us));
    json.member("level", level_name(line.level));
    json.member("pid", line.pid);
    if (line.worker) json.member("worker", *line.worker);
    json.member("text", line.text);
    json.end();
}

}  // namespace

Answer get_errors(Call& call) {
    JsonWriter json;
    json.begin_object();
    json.key("errors");
    json.begin_array();
    if (const RecentErrors* recent = recent_errors(call.request.block)) {
        for (const RecentErrors::Line& line : recent->read()) tell(json, line);
    }
    json.end();
    json.end();
    return reply(call.request, json.take());
}

}  // namespace ringx::http::api
