#include "conf/context.h"

#include <string>
#include <string_view>

namespace ringx::conf {
namespace {

struct Name {
    Context context;
    std::string_view text;
};

constexpr Name table[] = {
    {main, "main"},
    {events, "events"},
    {http, "http"},
    {server, "server"},
    {location, "location"},
    {upstream, "upstream"},
    {if_in_server, "if in server"},
    {if_in_location, "if in location"},
    {limit_except, "limit_except"},
    {stream, "stream"},
    {stream_server, "server of stream"},
    {stream_upstream, "upstream of stream"},
};

}  // namespace

std::string names(Context contexts) {
    if (contexts == any_block) return "any block";
    std::string text;
    for (const Name& name : table) {
        if (!contexts.includes(name.context)) continue;
        if (!text.empty()) text += ", ";
        text += name.text;
    }
    return text;
}

}  // namespace ringx::conf
