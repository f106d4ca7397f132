// http/module.h - what a feature of the http server is made of.
//
// A module is a constant: its directives and where their values lie, and functions for the moments of a request. The
// order of modules in modules/list.cc is the order within each phase. For every location the functions of those
// modules are collected that apply there, so that what is not configured costs nothing.
//
// A phase or handler that need not wait is a plain function. One that must wait returns a task for its answer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "conf/directive.h"
#include "event/task.h"
#include "http/request.h"
#include "http/response.h"
#include "http/variables.h"

namespace ringx::http {

// What a phase or handler has to say.
class [[nodiscard]] Answer {
 public:
    enum class Kind : uint8_t {
        pass,      // not my business: go on
        granted,   // from the access phase: enough for `satisfy any`; otherwise as pass
        response,  // this is the answer
        status,    // this status, with the page of error_page or the built-in one; 0 and 444: close without an answer
        redirect,  // start again, internally, at `target`
        named,     // go on in the named location `target.uri`, which begins with @
        later,     // `task` will tell
    };

    static Answer pass() { return Answer(Kind::pass); }
    static Answer granted() { return Answer(Kind::granted); }
    static Answer of(Response&& response) { return Answer(std::move(response)); }
    // An answer whose `response` is filled in where it is.
    static Answer in_place() { return Answer(Kind::response, 0); }
    // Location and further fields of the answer may be set in its `response`.
    static Answer of_status(uint16_t status) { return Answer(Kind::status, status); }
    // `uri` is decoded; both live in the request's arena or longer.
    static Answer redirect(std::string_view uri, std::string_view args, bool has_args) {
        Answer answer(Kind::redirect);
        std::construct_at(&answer.target, uri, args, has_args);
        return answer;
    }
    static Answer named(std::string_view name) {
        Answer answer(Kind::named);
        std::construct_at(&answer.target, name, std::string_view(), false);
        return answer;
    }
    static Answer later(Task<Answer> task);

    Answer(Answer&& other) noexcept : kind(other.kind), status(other.status) { take(other); }
    Answer& operator=(Answer&& other) noexcept {
        if (this == &other) return *this;
        destroy();
        kind = other.kind;
        status = other.status;
        take(other);
        return *this;
    }
    ~Answer() { destroy(); }

    struct Target {
        std::string_view uri;
        std::string_view args;
        bool has_args;
    };

    Kind kind;
    uint16_t status = 0;
    // Steps that pass are the most frequent answer by far, and cost nothing but the kind.
    union {
        Response response;  // of response and status
        Target target;      // of redirect and named
        Task<Answer> task;  // of later
    };

 private:
    explicit Answer(Kind what) : kind(what) {}
    Answer(Kind what, uint16_t code) : kind(what), status(code), response() {}
    explicit Answer(Response&& ready) : kind(Kind::response), response(std::move(ready)) {}

    void take(Answer& other) {
        switch (kind) {
            case Kind::pass:
            case Kind::granted: break;
            case Kind::response:
            case Kind::status: std::construct_at(&response, std::move(other.response)); break;
            case Kind::redirect:
            case Kind::named: std::construct_at(&target, other.target); break;
            case Kind::later: std::construct_at(&task, std::move(other.task)); break;
        }
    }
    void destroy() {
        if (kind == Kind::response || kind == Kind::status) std::destroy_at(&response);
        if (kind == Kind::later) std::destroy_at(&task);
    }
};

inline Answer Answer::later(Task<Answer> task) {
    if (task.done()) return task.take();
    Answer answer(Kind::later);
    std::construct_at(&answer.task, std::move(task));
    return answer;
}

class Report;

// What a module keeps of a request whose connection has become a tunnel, for as long as that lasts.
class Outlasting {
 public:
    virtual ~Outlasting() = default;
    // The tunnel has ended; what there is of the request is said in http/remains.h.
    virtual void log(Request&) {}
};

struct Module {
    std::string_view name;  // "static": also its folder in modules/
    std::span<const conf::Directive> directives = {};
    conf::SlotBase* settings = nullptr;
    std::span<const Variable> variables = {};

    // Whether its functions are wanted in this location (or server) block; null: everywhere.
    bool (*applies)(const conf::Block&) = nullptr;

    // In the order of a request's life; see src/README.md. Each may be null.
    Answer (*server_rewrite)(Request&) = nullptr;
    Answer (*rewrite)(Request&) = nullptr;
    Answer (*preaccess)(Request&) = nullptr;
    Answer (*access)(Request&) = nullptr;
    Answer (*precontent)(Request&) = nullptr;
    Answer (*respond)(Request&) = nullptr;
    void (*filter)(Request&, Response&) = nullptr;
    void (*log)(Request&) = nullptr;
    // In the place of `log`, when a tunnel begins; asked everywhere. Null, or nothing: nothing outlasts the request.
    std::unique_ptr<Outlasting> (*outlast)(Request&) = nullptr;
    // What it has counted; of the generation of the request that asks.
    void (*tell)(Report&, Request&) = nullptr;
};

// The compiled-in modules in order: modules/list.cc.
std::span<const Module* const> modules();

}  // namespace ringx::http
