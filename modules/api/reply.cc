#include "modules/api/reply.h"

#include "http/json_writer.h"

namespace ringx::http::api {

void forbid_keeping(Request& request, Answer& answer) {
    answer.response.fields.add(request.arena, "Cache-Control", "no-store");
}

Answer reply(Request& request, std::string_view json, uint16_t status) {
    Answer answer = Answer::in_place();
    answer.response.status = status;
    answer.response.content_type = "application/json";
    answer.response.set_body(request.arena.copy(json));
    forbid_keeping(request, answer);
    return answer;
}

Answer refuse(Request& request, uint16_t status, std::string_view code, std::string_view message) {
    JsonWriter json;
    json.begin_object();
    json.key("error");
    json.begin_object();
    json.member("code", code);
    json.member("message", message);
    json.end();
    json.end();
    return reply(request, json.take(), status);
}

}  // namespace ringx::http::api
