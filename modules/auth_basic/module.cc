// modules/auth_basic/module.cc - names and passwords (RFC 7617): `auth_basic`, `auth_basic_user_file`.
//
// The user file is looked at, and the password is hashed, on a thread: both may take long, and a worker has others to
// serve. No more than a few of these calls are under way at a time, so that a crowd of guesses does not take all the
// threads that files are read with. No result is remembered: who presents a password has it checked.
#include <fcntl.h>
#include <string.h>

#include <deque>

#include "base/base64.h"
#include "event/wait.h"
#include "http/core_settings.h"
#include "http/module.h"
#include "http/text.h"
#include "modules/auth_basic/password.h"
#include "modules/auth_basic/user_file.h"
#include "net/system_needs.h"

namespace ringx::http {
namespace {

struct UserFilePath {
    Template path;
    std::string_view prefix;  // what a relative path starts from that is only known at run time
};

struct Settings {
    Setting<Template> realm;
    Setting<UserFilePath> user_file;
};

constinit conf::Slot<Settings> settings;

void set_realm(Settings& settings, conf::Binding& binding) {
    if (settings.realm.given) return binding.duplicate();
    auto realm = Template::compile(binding, binding.words()[0]);
    if (realm) settings.realm.give(std::move(*realm));
}

void set_user_file(Settings& settings, conf::Binding& binding) {
    if (settings.user_file.given) return binding.duplicate();
    conf::Word word = binding.words()[0];
    if (!word.text.starts_with('$')) word.text = binding.full_conf_path(word.text);
    auto path = Template::compile(binding, word);
    if (path && path->is_constant()) system_needs.in(binding.block()).keep_secret(path->constant_text(), true);
    if (path) settings.user_file.give({std::move(*path), binding.arena().copy(binding.conf_prefix())});
}

constexpr auto anywhere = conf::http | conf::server | conf::location | conf::limit_except;

constexpr conf::Directive directives[] = {
    conf::custom<&set_realm, &Settings::realm>("auth_basic", anywhere, {1, 1},
                                               "Ask for name and password, for this realm.")
        .shown_as("string | off"),
    conf::custom<&set_user_file, &Settings::user_file>("auth_basic_user_file", anywhere, {1, 1},
                                                       "The file with users and hashes of their passwords.")
        .shown_as("file"),
};

struct Credentials {
    std::string_view user;
    std::string_view password;  // both in one piece of memory, which is to be wiped
};

// Nothing when there are none that could be checked.
std::optional<Credentials> credentials_of(Request& request) {
    constexpr std::string_view scheme = "Basic ";
    std::string_view value = request.head.value(Header::authorization);
    if (value.size() <= scheme.size() || !equals_ignore_case(value.substr(0, scheme.size()), scheme)) return {};
    value.remove_prefix(std::min(value.find_first_not_of(' ', scheme.size()), value.size()));
    auto decoded = decode_base64(value, request.arena.text(base64_decoded_max(value.size())));
    if (!decoded) return {};
    size_t colon = decoded->find(':');
    if (colon == decoded->npos || colon == 0) return {};
    return Credentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

// What a thread does: it has all it needs of its own, or of the request, which waits.
struct Check {
    std::string path;
    std::string_view user;
    Secret password;
    std::shared_ptr<const UserFile> file;  // as it was known, and then as it is

    enum class Outcome : uint8_t { fits, unknown_user, mismatch, failed } outcome = Outcome::failed;
    Error error{};

    static void run(void* self) {
        Check& check = *static_cast<Check*>(self);
        auto file = UserFile::read(check.path, check.file);
        if (!file) {
            check.file = nullptr;
            check.error = file.error();
            return;
        }
        check.file = std::move(*file);
        auto hash = check.file->hash_of(check.user);
        if (!hash) {
            check.outcome = Outcome::unknown_user;
            return;
        }
        auto fits = password_fits(check.password, *hash);
        if (fits) check.outcome = *fits ? Outcome::fits : Outcome::mismatch;
        else check.error = fits.error();
    }
};

// Lets a few in at a time; the others wait in the order they came.
class Checks {
 public:
    UserFiles files;

    struct Turn {
        Checks& checks;
        bool await_ready() const { return checks.under_way_ < under_way_max; }
        void await_suspend(std::coroutine_handle<> waiter) { checks.waiting_.push_back(waiter); }
        void await_resume() { ++checks.under_way_; }
    };
    Turn turn() { return {*this}; }
    void leave() {
        --under_way_;
        if (waiting_.empty()) return;
        auto next = waiting_.front();
        waiting_.pop_front();
        next.resume();
    }

 private:
    static constexpr unsigned under_way_max = 2;  // of the four threads of a worker
    unsigned under_way_ = 0;
    std::deque<std::coroutine_handle<>> waiting_;
};

Answer ask_for_credentials(Request& request, std::string_view realm) {
    Answer answer = Answer::of_status(401);
    answer.response.fields.add(request.arena, "WWW-Authenticate",
                               request.arena.join({"Basic realm=\"", realm, "\""}));
    return answer;
}

Answer report_failure(Request& request, const Check& check) {
    if (check.file != nullptr) {
        request.log().write(Level::crit, request.log_context(), check.error, "crypt_r() failed");
        return Answer::of_status(500);
    }
    bool missing = check.error.number == ENOENT;
    request.log().write(missing ? Level::error : Level::crit, request.log_context(), check.error, "{}() \"{}\" failed",
                        check.error.call, check.path);
    return Answer::of_status(missing ? 403 : 500);
}

std::string path_of_users(Request& request, const Settings& ours) {
    std::string_view path = ours.user_file->path.evaluate(request);
    return std::string(path.starts_with('/') ? std::string_view() : ours.user_file->prefix) + std::string(path);
}

Task<Answer> verify(Request& request, Credentials credentials, std::string_view realm) {
    Checks& checks = request.worker->states.get<Checks>();
    std::string path = path_of_users(request, settings.in(*request.block));
    Check check{.path = path, .user = credentials.user, .password = Secret(credentials.password),
                .file = checks.files.find(path)};
    explicit_bzero(const_cast<char*>(credentials.password.data()), credentials.password.size());

    co_await checks.turn();
    Blocking blocking(request.worker->loop, &Check::run, &check);
    co_await blocking;
    checks.leave();

    if (check.file != nullptr) checks.files.keep(path, check.file);
    switch (check.outcome) {
    case Check::Outcome::fits: request.remote_user = credentials.user; co_return Answer::granted();
    case Check::Outcome::failed: co_return report_failure(request, check);
    case Check::Outcome::unknown_user:
        request.log().write(Level::error, request.log_context(), "user \"{}\" was not found in \"{}\"",
                            credentials.user, path);
        break;
    case Check::Outcome::mismatch:
        request.log().write(Level::error, request.log_context(), "user \"{}\": password mismatch", credentials.user);
        break;
    }
    co_return ask_for_credentials(request, realm);
}

Answer authenticate(Request& request) {
    const Settings& ours = settings.in(*request.block);
    std::string_view realm = ours.realm->evaluate(request);
    if (realm == "off") return Answer::pass();
    auto credentials = credentials_of(request);
    if (!credentials) {
        request.log().write(Level::info, request.log_context(),
                            "no user/password was provided for basic authentication");
        return ask_for_credentials(request, realm);
    }
    return Answer::later(verify(request, *credentials, realm));
}

bool applies(const conf::Block& block) {
    const Settings& ours = settings.in(block);
    bool is_off = ours.realm->is_constant() && ours.realm->constant_text() == "off";
    return ours.realm.written() && ours.user_file.written() && !is_off;
}

}  // namespace

extern constinit const Module auth_basic_module = {
    .name = "auth_basic",
    .directives = directives,
    .settings = &settings,
    .applies = applies,
    .access = authenticate,
};

}  // namespace ringx::http
