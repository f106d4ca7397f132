// http/fault_rounds.h - a conversation is played again and again, each time with another fault.
//
// A script is what a client says, and how. It is played undisturbed once, then again with the n-th operation (or the
// n-th answer of the engine) failing, for each n until there were fewer, and with something else happening in the
// middle: after each answer of the engine once. What the client hears is a part of what it would have heard, or after
// some of it an error page. Each round begins with a server of its own, and ends with what the test does afterwards.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "t/unit/http/scene.h"

namespace ringx::http {

struct Script {
    const char* name;
    std::string says;
    size_t replies;                  // that the client hears, not counting interim ones
    size_t says_max = SIZE_MAX;      // in one turn
    size_t hears_max = SIZE_MAX;     // likewise
    std::vector<size_t> heads = {};  // which replies have no body, being those to HEAD
    std::string last = {};           // how all that is heard ends, where it ends with something that is no HTTP
    std::string besides = {};        // what another client says first, which hears one reply
};

class FaultRounds {
 public:
    // `afterwards` looks, in a server that nothing disturbs any more, whether all is as it was.
    FaultRounds(Scene& scene, const Script& script, std::function<void()> afterwards);

    // What the client hears when nothing fails.
    const std::string& expected() const { return expected_; }
    std::vector<Reply> replies(const std::string& heard) const { return replies_in(heard, script_.heads); }

    void each_operation_fails(std::initializer_list<int> errors);
    void each_answer_fails(std::initializer_list<int> errors);

    // Before the n-th turn that follows something the engine has done `what` happens to the client or the server;
    // `check` is told what the client heard. REQUIRES: `check` restarts the server if that has left.
    using What = std::function<void(Client&)>;
    using Check = std::function<void(const std::string& heard)>;
    void in_each_turn(const What& what, const Check& check);

    // Fails the test unless it is a part of what is expected, or some of that and an error page.
    void check_part(const std::string& heard) const;

 private:
    using Fail = void (FaultyEngine::*)(size_t n, int error);

    std::string play(const What& in_turn = {});
    bool has_all(const Client& client) const;
    void each_fails(const char* what, Fail fail, std::initializer_list<int> errors);

    Scene& scene_;
    const Script& script_;
    std::function<void()> afterwards_;
    std::string expected_;
    std::string expected_besides_;  // a body
};

}  // namespace ringx::http
