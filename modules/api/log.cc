// modules/api/log.cc - GET, PUT and DELETE log: where error logs go, and which level they have for the time being.
//
// {"level": "debug"} is in the place of all configured levels, in all processes at once, until it is taken back (null,
// or DELETE) or the configuration is put in force anew.
#include "base/run_state.h"
#include "http/json_writer.h"
#include "modules/api/call.h"
#include "modules/api/reply.h"
#include "modules/api/resources.h"
#include "net/error_log.h"

namespace ringx::http::api {
namespace {

std::optional<Level> present_level(const Request& request) {
    uint8_t number = request.worker->run_state->log_level();
    return number != 0 ? std::optional(Level{number}) : std::nullopt;
}

Answer show(Request& request) {
    auto present = present_level(request);
    JsonWriter json;
    json.begin_object();
    json.key("level");
    if (present) json.string(level_name(*present));
    else json.null();
    json.key("logs");
    json.begin_array();
    for (const Log::Destination& log : log_files.in(*request.block).error_logs()) {
        json.begin_object();
        json.member("file", log.file->name());
        json.member("configured", level_name(log.level));
        json.member("level", level_name(present.value_or(log.level)));
        json.end();
    }
    json.end();
    json.end();
    return reply(request, json.take());
}

// Said to the logs as they are before or afterwards, whichever says more.
Answer set(Request& request, std::optional<Level> level) {
    std::atomic<uint8_t>& present = request.worker->run_state->log_level();
    bool more = level && *level >= Level::notice;
    if (more) present = static_cast<uint8_t>(*level);
    request.log().write(Level::notice, request.log_context(), "the level of error logs is {} from now on",
                        level ? level_name(*level) : "as configured");
    if (!more) present = level ? static_cast<uint8_t>(*level) : 0;
    return show(request);
}

}  // namespace

Answer get_log(Call& call) { return show(call.request); }

Answer put_log(Call& call) {
    Request& request = call.request;
    const JsonObject::Value* value = call.body.find("level");
    if (value == nullptr || call.body.members().size() > 1) {
        return refuse(request, 400, "bad_value", "Expected {\"level\": \"info\"}, with a level of error_log or null.");
    }
    if (std::holds_alternative<std::nullptr_t>(*value)) return set(request, std::nullopt);
    auto name = std::get_if<std::string>(value);
    auto level = name != nullptr ? parse_level(*name) : std::nullopt;
    if (level) return set(request, level);
    return refuse(request, 400, "bad_value",
                  "\"level\" is none of debug, info, notice, warn, error, crit, alert, emerg, and not null.");
}

Answer delete_log(Call& call) { return set(call.request, std::nullopt); }

}  // namespace ringx::http::api
