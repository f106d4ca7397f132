// modules/api/configuration.cc - POST config/check and POST reload: is the configuration on disk good, and use it.
//
// Both ask whoever runs the server (net/steering) and wait for the answer, which says every mistake and its place. A
// client that leaves is not waited for; its reload goes on.
#include "http/activity.h"
#include "http/delay.h"
#include "http/json_writer.h"
#include "modules/api/call.h"
#include "modules/api/reply.h"
#include "modules/api/resources.h"
#include "net/steering.h"

namespace ringx::http::api {
namespace {

class Asking final : private Activity {
 public:
    Asking(Request& request, Steering::Wish wish)
        : Activity(request), question(*request.worker->steering, request.worker->loop, wish) {}
    SteeringQuestion question;

 private:
    void give_up() override { question.cancel(); }
};

Answer refuse_unanswered(Request& request, Error error) {
    switch (error.number) {
        case ECANCELED: return Answer::of_status(client_left);
        case EAGAIN: return refuse(request, 503, "busy", "Too many ask for that at the same time.");
        case ETIMEDOUT:
            return refuse(request, 503, "no_answer", "The master process takes long, and may still do what was asked.");
        default: return refuse(request, 503, "no_master", "The master process is gone.");
    }
}

void write_text(JsonWriter& json, std::string_view name, std::string_view text) {
    json.key(name);
    if (text.empty()) json.null();
    else json.string(text);
}

void write_number(JsonWriter& json, std::string_view name, uint32_t number) {
    json.key(name);
    if (number == 0) json.null();
    else json.integer(number);
}

void write_mistake(JsonWriter& json, const conf::Mistake& mistake) {
    json.begin_object();
    json.member("level", level_name(mistake.level));
    // Where there is no file to name, the sentence says where.
    json.member("message", mistake.file.empty() ? mistake.line() : mistake.sentence);
    write_text(json, "file", mistake.file);
    write_number(json, "line", mistake.line_number);
    write_number(json, "column", mistake.column);
    write_text(json, "source", mistake.source_line);
    write_text(json, "hint", mistake.hint);
    json.end();
}

std::string text_of(const SteeringAnswer& answer) {
    JsonWriter json;
    json.begin_object();
    json.member("good", answer.good);
    json.member("generation", answer.generation);
    json.key("mistakes");
    json.begin_array();
    for (const conf::Mistake& mistake : answer.mistakes) write_mistake(json, mistake);
    json.end();
    json.end();
    return json.take();
}

Task<Answer> ask(Request& request, Steering::Wish wish, uint16_t status_when_bad) {
    Asking asking(request, wish);
    auto answer = co_await asking.question;
    if (!answer) co_return refuse_unanswered(request, answer.error());
    co_return reply(request, text_of(*answer), answer->good ? 200 : status_when_bad);
}

}  // namespace

Answer post_check(Call& call) { return Answer::later(ask(call.request, Steering::Wish::check, 200)); }

Answer post_reload(Call& call) { return Answer::later(ask(call.request, Steering::Wish::reload, 422)); }

}  // namespace ringx::http::api
