#include "http/subrequest.h"

#include <memory>
#include <utility>

#include "base/check.h"
#include "http/core_settings.h"
#include "http/core_variables.h"
#include "http/pipeline.h"
#include "http/request_body.h"
#include "http/request_pool.h"
#include "http/site.h"

namespace ringx::http {
namespace {

// So much is read to keep the connection to a server.
constexpr uint64_t discarded_bytes_max = 64 << 10;

// Those of a worker.
struct BackgroundCount {
    uint32_t under_way = 0;
};

Conversation run_in_background(std::unique_ptr<Subrequest> subrequest, Background& background,
                               BackgroundCount& count) {
    ++count.under_way;
    co_await subrequest->run();
    co_await subrequest->discard_body(discarded_bytes_max);
    co_await subrequest->end();
    subrequest.reset();
    --count.under_way;
    background.ended.set();  // the connection may be gone now
}

}  // namespace

Subrequest::Subrequest(Request& of, Request* parent, const What& what, Activity*& list)
    : Activity(list), request_(&of.worker->requests.take(*of.worker, *of.peer)), parent_(parent) {
    copy(of, what);
    if (parent_ != nullptr) ++parent_->main_request().subrequests;
}

Subrequest::~Subrequest() { CHECK(request_ == nullptr); }

void Subrequest::copy(Request& of, const What& what) {
    Request& own = *request_;
    Arena& arena = own.arena;
    own.head.copy(of.head, arena);
    if (!what.keeps_method) {
        own.head.method = Method::get;
        own.head.method_text = "GET";
    }
    own.head.expect_continue = false;
    own.head_is_complete = true;
    if (what.takes_body && of.body != nullptr && of.body->is_held()) {
        own.body = arena.make<RequestBody>(own.worker->loop, *of.body);
    } else {
        own.head.framing = Framing::none;
        own.head.content_length = 0;
    }
    own.uri = arena.copy(what.target.uri);
    own.args = arena.copy(what.target.args);
    own.has_args = what.target.has_args;
    own.captures.take_over_named(arena, of.captures);
    own.kept_values.take_over(own, of.kept_values);
    own.asked_method = arena.copy(of.main_request().head.method_text);
    own.remote_user = arena.copy(of.remote_user);
    own.id = arena.copy(request_id(of));
    own.greeted_name = arena.copy(of.greeted_name);
    if (of.real_remote != nullptr) own.real_remote = arena.make<Address>(*of.real_remote);

    own.site = of.server->site.shared_from_this();
    own.server = of.server;
    enter(own, of.server->outside);
    own.main = parent_ == nullptr ? nullptr : &of.main_request();
    own.depth = of.depth + 1;
    own.number = of.number;
    own.pipelined = of.pipelined;
    own.started_us = own.worker->clock.now_us();
    own.rate_verdict = of.main_request().rate_verdict;
    own.connection_verdict = of.main_request().connection_verdict;
}

bool Subrequest::is_within_limits() const {
    bool is_deep = request_->depth > subrequest_depth_max;
    bool are_many = parent_ != nullptr && parent_->main_request().subrequests > subrequests_max;
    if (!is_deep && !are_many) return true;
    request_->log().write(Level::error, request_->log_context(), "{} while processing \"{}\"",
                          is_deep ? "subrequests cycle" : "too many subrequests", request_->uri);
    return false;
}

Task<void> Subrequest::run() {
    Pipeline pipeline(*request_);
    bool is_allowed = is_within_limits();
    Answer::Target target{request_->uri, request_->args, request_->has_args};
    Answer answer = is_allowed ? pipeline.run_at(target) : pipeline.refuse(500);
    while (answer.kind == Answer::Kind::later) {
        if (has_lost_client_) Activity::client_departed_all(*request_);  // what began since was not told
        Task<Answer> task = std::move(answer.task);
        Answer said = co_await task;
        answer = pipeline.resume(given_up_ ? Answer::of_status(client_left) : std::move(said));
    }
    request_->response = std::move(answer.response);
    request_->sent_status = request_->response.status;
    request_->completed = true;
    if (parent_ != nullptr) parent_->kept_values.take_over(*parent_, request_->kept_values);
}

Task<void> Subrequest::discard_body(uint64_t bytes_max) {
    BodySource* source = request_->response.source;
    if (source == nullptr) co_return;
    uint64_t bytes = 0;
    while (bytes <= bytes_max && !given_up_) {
        Result<std::string_view> part = co_await source->next();
        if (!part && part.error().number != ECANCELED) {
            request_->log().write(Level::error, request_->log_context(), part.error(), "the response ended early");
        }
        if (!part || part->empty()) break;
        bytes += part->size();
    }
    co_await source->close();
}

Task<void> Subrequest::end() {
    if (request_ == nullptr) co_return;
    co_await Activity::end_all(*request_);
    if (*request_->core->log_subrequest && request_->sent_status != 0) {
        for (auto log : request_->location->phases.logs) log(*request_);
    }
    if (parent_ != nullptr) --parent_->main_request().subrequests;
    WorkerParts& worker = *request_->worker;
    worker.requests.give_back(*std::exchange(request_, nullptr));
}

void Subrequest::give_up() {
    given_up_ = has_lost_client_ = true;
    if (request_ == nullptr) return;
    Activity::give_up_all(*request_);
    if (request_->response.source != nullptr) request_->response.source->cancel();
}

// Whether that matters is for those to say who wait.
void Subrequest::client_departed() {
    has_lost_client_ = true;
    if (request_ != nullptr) Activity::client_departed_all(*request_);
}

void start_in_background(Request& parent, const Subrequest::What& what) {
    BackgroundCount& count = parent.worker->states.get<BackgroundCount>();
    if (count.under_way >= background_subrequests_max) {
        parent.log().write(Level::error, parent.log_context(), "too many background subrequests, \"{}\" is left out",
                           what.target.uri);
        return;
    }
    std::unique_ptr<Background>& background = parent.peer->background;
    if (background == nullptr) {
        (void)parent.peer->remote();  // is known from now on
        Address local = parent.peer->local();
        background = std::make_unique<Background>();
        background->local = local;
    }
    run_in_background(std::make_unique<Subrequest>(parent, what, *background), *background, count);
}

}  // namespace ringx::http
