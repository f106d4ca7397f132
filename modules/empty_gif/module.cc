// modules/empty_gif/module.cc - `empty_gif`: a transparent picture of one pixel, from memory.
//
// Its bytes and its date are those of nginx, so that what clients have in their caches stays good.
#include <string_view>

#include "http/core_settings.h"
#include "http/module.h"

namespace ringx::http {
namespace {

struct Settings {};

// GIF89a, 1x1, two colours, the second of which is transparent.
constexpr char picture[] =
    "GIF89a\x01\0\x01\0\x80\x01\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\x01\0,\0\0\0\0\x01\0\x01\0\0\x02\x02L\x01\0;";
constexpr std::string_view picture_bytes(picture, sizeof picture - 1);
static_assert(picture_bytes.size() == 43);

constexpr int64_t picture_date = 23349600;  // 28 September 1970, as nginx says

Answer respond(Request& request) {
    if (request.method() != Method::get && !request.is_head()) return Answer::of_status(405);
    Answer answer = Answer::in_place();
    answer.response.content_type = "image/gif";
    answer.response.last_modified = picture_date;
    answer.response.set_body(picture_bytes);
    return answer;
}

void set_empty_gif(Settings&, conf::Binding& binding) { core_settings.in(binding.block()).handler = respond; }

constexpr conf::Directive directives[] = {
    conf::custom<&set_empty_gif>("empty_gif", conf::location, {0, 0}, "Answer with a transparent pixel."),
};

constinit conf::Slot<Settings> settings;

}  // namespace

extern constinit const Module empty_gif_module = {
    .name = "empty_gif",
    .directives = directives,
    .settings = &settings,
};

}  // namespace ringx::http
