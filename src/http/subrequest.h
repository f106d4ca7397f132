// http/subrequest.h - a request of our own within a client's: the same pipeline, and its response as a value.
//
// It begins at the rewrite phase of the server, with a URI of its own and the head of the request it is made for. It is
// let in everywhere: access rules have been, or will be, the main request's, and `internal` locations are open to it.
// Conditions, ranges and filters are for clients. As in nginx it knows the variables its parent has set, and what it
// sets is its parent's afterwards.
//
// All it refers to is its own, but what is known of the connection. So one in the background may outlive its request.
#pragma once

#include <cstdint>
#include <string_view>

#include "event/task.h"
#include "http/activity.h"
#include "http/background.h"
#include "http/delay.h"
#include "http/module.h"
#include "http/request.h"

namespace ringx::http {

// Subrequests of subrequests: nginx's limit.
inline constexpr uint8_t subrequest_depth_max = 50;
// Of one client's request, at once. nginx allows 64,000, and runs out of memory before that.
inline constexpr uint16_t subrequests_max = 1000;
// In the background, of a worker, at once: whoever they go to may answer nobody for a minute.
inline constexpr uint32_t background_subrequests_max = 1000;

class Subrequest final : private Activity {
 public:
    struct What {
        Answer::Target target;       // `uri` is decoded
        bool keeps_method = false;   // otherwise it is a GET, as in nginx
        bool takes_body = false;     // if its parent holds one
    };
    // An activity of its parent.
    Subrequest(Request& parent, const What& what) : Subrequest(parent, &parent, what, parent.activities) {}
    // One in the background: the request it is made of may end before it.
    Subrequest(Request& of, const What& what, Background& background)
        : Subrequest(of, nullptr, what, background.activities) {}
    // REQUIRES: end() was awaited.
    ~Subrequest() override;

    // Until there is a response. Limits answer 500.
    Task<void> run();
    // As far as it has come: for its response, and for variables.
    Request& request() { return *request_; }
    const Response& response() const { return request_->response; }
    // It has no answer, because nobody waits for one any more.
    bool is_abandoned() const { return has_lost_client_ && response().status == client_left; }
    // Reads the body, if it has to be waited for, as long as it is not larger than this: then the connection it comes
    // by serves others.
    Task<void> discard_body(uint64_t bytes_max);
    // It is logged, if the configuration wants that, and forgotten.
    Task<void> end() override;

 private:
    Subrequest(Request& of, Request* parent, const What& what, Activity*& list);

    void copy(Request& of, const What& what);
    bool is_within_limits() const;
    void give_up() override;
    void client_departed() override;

    Request* request_;
    Request* parent_;  // null: it is in the background
    bool given_up_ = false;
    bool has_lost_client_ = false;
};

// Runs it, and nobody waits for it: neither its parent, nor the client, nor the next request. Its answer is passed
// over. If too many are under way the log says so, and it is left out.
void start_in_background(Request& parent, const Subrequest::What& what);

}  // namespace ringx::http
