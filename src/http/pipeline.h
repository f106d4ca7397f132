// http/pipeline.h - a request becomes a response: phase after phase, redirect after redirect.
//
// The caller has chosen the server and set the request's URI. Whatever happens then happens in run(): the phases in
// their order, internal redirects (at most ten, as in nginx), error pages, and the filters over the response. Where a
// module must wait, run() stops with an answer of the kind `later`; when its task has ended, the caller goes on with
// resume().
#pragma once

#include "http/module.h"
#include "http/request.h"
#include "http/site.h"

namespace ringx::http {

// From here on the settings of the location rule, or those of its limit_except if it has one for the method.
void enter(Request& request, const Location& location);

class Pipeline {
 public:
    explicit Pipeline(Request& request) : request_(request) {}

    // The response, ready to be sent; or `later`.
    Answer run();
    // The same for a subrequest, which goes to another URI of its server at once.
    Answer run_at(const Answer::Target& target);
    // Goes on with what the task of a `later` said.
    Answer resume(Answer said);
    // The response for a request that was refused before it could be processed.
    Answer refuse(uint16_t status);

 private:
    // Acts upon an answer. True when the pipeline goes on; false when `answer` is what run() gives back.
    bool act(Answer& answer);
    bool weigh(Answer& answer);
    bool redirect(Answer& answer);
    void go_to(const Answer::Target& target);
    bool go_to_named(Answer& answer);
    bool show_error(Answer& answer);
    const ErrorPageRule* error_page_for(uint16_t status) const;
    bool follow_error_page(const ErrorPageRule& rule, Answer& answer);
    bool finish(Answer& answer);

    Request& request_;
};

// --- steps that every block has

// Chooses the location by the URI; the request goes on there.
Answer find_location(Request& request);
// After the rewrite phase: another location, when the URI has changed.
Answer follow_changed_uri(Request& request);
// The last step of the access phase with `satisfy any`: the refusal, if nobody has let the request in.
Answer refuse_unless_granted(Request& request);
// After the last handler.
Answer nothing_answered(Request& request);

}  // namespace ringx::http
