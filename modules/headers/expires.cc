#include "modules/headers/expires.h"

#include <chrono>
#include <ctime>

#include "conf/value.h"
#include "http/http_date.h"
#include "http/number_text.h"

namespace ringx::http {
namespace {

using Kind = Expires::Kind;

constexpr int64_t day_seconds = 24 * 60 * 60;

// The next moment at which the clocks here show that time of day.
int64_t next_time_of_day(int64_t now, int64_t seconds) {
    time_t when = now;
    tm parts{};
    localtime_r(&when, &parts);
    parts.tm_hour = static_cast<int>(seconds / 3600);
    parts.tm_min = static_cast<int>(seconds / 60 % 60);
    parts.tm_sec = static_cast<int>(seconds % 60);
    time_t next = mktime(&parts);
    if (next > now) return next;
    ++parts.tm_mday;
    return mktime(&parts);
}

// A field that is there already keeps its place.
void set_field(Request& request, Response& response, std::string_view name, std::string_view value) {
    response.fields.remove(name);
    response.fields.add(request.arena, name, value);
}

void set_fields(Request& request, Response& response, std::string_view expires, std::string_view cache_control) {
    set_field(request, response, "Expires", expires);
    set_field(request, response, "Cache-Control", cache_control);
}

}  // namespace

std::expected<Expires, std::string_view> parse_expires(std::string_view text, Kind begin) {
    Expires expires;
    if (begin != Kind::modified) {
        if (text == "off") return expires;
        if (text == "epoch") expires.kind = Kind::epoch;
        if (text == "max") expires.kind = Kind::max;
        if (!expires.is_off()) return expires;
    }
    expires.kind = begin;
    bool is_negative = text.starts_with('-');
    if (text.starts_with('@')) {
        if (begin == Kind::modified) {
            return std::unexpected("daily time cannot be used with \"modified\" parameter");
        }
        expires.kind = Kind::daily;
    }
    if (is_negative || text.starts_with('+') || text.starts_with('@')) text.remove_prefix(1);
    auto time = conf::parse<std::chrono::seconds>(text);
    if (!time) return std::unexpected("invalid value");
    if (expires.kind == Kind::daily && time->count() > day_seconds) {
        return std::unexpected("daily time value must be less than 24 hours");
    }
    expires.seconds = is_negative ? -time->count() : time->count();
    return expires;
}

void add_expires(Request& request, Response& response, const Expires& configured) {
    Expires expires = configured;
    if (!configured.variable.is_constant()) {
        auto parsed = parse_expires(configured.variable.evaluate(request), configured.kind);
        if (!parsed || parsed->is_off()) return;
        expires = *parsed;
    }
    if (expires.kind == Kind::epoch) {
        return set_fields(request, response, "Thu, 01 Jan 1970 00:00:01 GMT", "no-cache");
    }
    if (expires.kind == Kind::max) {
        return set_fields(request, response, "Thu, 31 Dec 2037 23:55:55 GMT", "max-age=315360000");
    }

    int64_t now = request.worker->clock.seconds();
    int64_t until = now + expires.seconds;
    if (expires.kind == Kind::daily) {
        until = next_time_of_day(now, expires.seconds);
    } else if (expires.kind == Kind::modified && expires.seconds != 0 && response.last_modified != -1) {
        until = response.last_modified + expires.seconds;  // "modified 0" is now, as in nginx
    }
    char* date = request.arena.text(http_date_bytes);
    write_http_date(until, date);
    bool is_past = until < now || expires.seconds < 0;
    std::string_view cache_control = "no-cache";
    if (!is_past) {
        auto age = static_cast<uint64_t>(until - now);
        cache_control = request.arena.join({"max-age=", number_text(request.arena, age)});
    }
    set_fields(request, response, {date, http_date_bytes}, cache_control);
}

}  // namespace ringx::http
