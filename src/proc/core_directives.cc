// proc/core_directives.cc - the rows of the main context and of `events`.
//
// Those of nginx's that tune a mechanism this server does not have are checked and accepted.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/format.h"
#include "build.h"
#include "net/cidr.h"
#include "proc/core_settings.h"

namespace ringx {

// nginx's other methods are other ways to wait for readiness: here they all mean epoll's equal or better, the
// automatic.
constexpr std::array<conf::Choice<EngineSettings::Choice>, 9> choices(EngineSettings::Choice) {
    using Choice = EngineSettings::Choice;
    return {{{"io_uring", Choice::io_uring},
             {"epoll", Choice::epoll},
             {"auto", Choice::automatic},
             {"select", Choice::automatic},
             {"poll", Choice::automatic},
             {"kqueue", Choice::automatic},
             {"eventport", Choice::automatic},
             {"/dev/poll", Choice::automatic},
             {"rtsig", Choice::automatic}}};
}

namespace proc {

constinit conf::Slot<CoreSettings> core_settings;
constinit conf::Slot<EventSettings> event_settings;

namespace {

using conf::Binding;
using conf::Word;
using std::chrono::milliseconds;

// NAME=VALUE: the value when the word begins so.
std::optional<std::string_view> value_of(std::string_view word, std::string_view name) {
    if (word.size() <= name.size() || !word.starts_with(name) || word[name.size()] != '=') return std::nullopt;
    return word.substr(name.size() + 1);
}

void invalid_parameter(Binding& binding, const Word& word, std::string hint) {
    binding.mistake(word, text::format("invalid parameter \"{}\"", word.text), std::move(hint));
}

// A part of a word, for complaints that point at the whole.
template <typename T>
std::optional<T> parse_part(Binding& binding, const Word& word, std::string_view part) {
    auto value = conf::parse<T>(part);
    if (value) return *value;
    invalid_parameter(binding, word, {});
    return std::nullopt;
}

void set_pid(CoreSettings& settings, Binding& binding) {
    if (settings.pid.given) return binding.duplicate();
    std::string_view path = binding.words()[0].text;
    settings.pid.give(path == "off" ? std::string_view() : binding.full_path(path));
}

void set_user(CoreSettings& settings, Binding& binding) {
    if (settings.user.given) return binding.duplicate();
    settings.user.given = true;
    if (geteuid() != 0) {
        return binding.warn(binding.name_word(),
                            "the \"user\" directive makes sense only if the master process runs with super-user "
                            "privileges, ignored");
    }
    auto words = binding.words();
    const Word& group = words.back();
    auto identity = find_identity(words[0].text, group.text);
    if (identity) {
        settings.user.value = *identity;
        return;
    }
    bool is_user = std::string_view(identity.error().call) == "getpwnam";
    const Word& wrong = is_user ? words[0] : group;
    binding.mistake(wrong, text::format("{}(\"{}\") failed", identity.error().call, wrong.text),
                    is_user ? "no such user" : "no such group");
}

void set_cpu_affinity(CoreSettings& settings, Binding& binding) {
    if (settings.worker_cpu_affinity.given) return binding.duplicate();
    CpuPlacement placement;
    auto words = binding.words();
    std::string_view first = words[0].text;
    auto mask = [&](const Word& word) {
        auto cpus = parse_cpu_mask(word.text);
        if (!cpus) {
            size_t wrong = word.text.find_last_not_of("01");
            bool is_digits = wrong == word.text.npos;
            binding.mistake(word, text::format("invalid {} \"{}\" in \"worker_cpu_affinity\"",
                                               is_digits ? "CPU mask" : "character",
                                               is_digits ? word.text : word.text.substr(wrong, 1)),
                            "a mask is written with 0 and 1, CPU 0 at its end");
        }
        return cpus.value_or(Cpus{0});
    };
    settings.worker_cpu_affinity.given = true;
    if (first == "off" || first == "auto") {
        if (words.size() > (first == "auto" ? 2 : 1)) {
            return binding.mistake(words.back(), "invalid number of arguments in \"worker_cpu_affinity\" directive");
        }
        placement.kind = first == "off" ? CpuPlacement::Kind::none : CpuPlacement::Kind::automatic;
        if (words.size() == 2) placement.allowed = mask(words[1]);
    } else {
        placement.kind = CpuPlacement::Kind::masks;
        for (const Word& word : words) placement.masks.push_back(mask(word));
    }
    settings.worker_cpu_affinity.value = std::move(placement);
}

void set_working_directory(CoreSettings& settings, Binding& binding) {
    if (settings.working_directory.given) return binding.duplicate();
    settings.working_directory.give(binding.full_path(binding.words()[0].text));
}

void add_env(CoreSettings& settings, Binding& binding) { settings.env.push_back(binding.words()[0].text); }

// Only the pool called `default` has work here: files, where the engine reads them by threads.
void set_thread_pool(CoreSettings& settings, Binding& binding) {
    auto words = binding.words();
    std::string_view name = words[0].text;
    if (!settings.thread_pools.insert(name).second) {
        return binding.mistake(words[0], text::format("duplicate thread pool \"{}\"", name));
    }
    uint32_t threads = 0;
    for (const Word& word : words.subspan(1)) {
        auto number = value_of(word.text, "threads");
        auto most = value_of(word.text, "max_queue");
        auto value = conf::parse<uint32_t>(number ? *number : most.value_or(""));
        if ((number || most) && (!value || (number && *value == 0))) {
            return binding.mistake(word, text::format("invalid {} value \"{}\"", number ? "threads" : "max_queue",
                                                      word.text));
        }
        if (number) threads = *value;
    }
    if (threads == 0) return binding.mistake(words[0], "\"thread_pool\" must have \"threads\" parameter");
    if (name == "default") settings.file_threads = threads;
}

// Not looked up: a name is taken as it is.
void check_debug_connection(Binding& binding) {
    const Word& word = binding.words()[0];
    bool had_host_bits = false;
    bool is_block = Cidr::parse(word.text, had_host_bits).has_value();
    if (had_host_bits) binding.warn(word, text::format("low address bits of {} are meaningless", word.text));
    if (is_block || word.text == "unix:" || word.text.find_first_of("/:") == word.text.npos) return;
    binding.mistake(word, text::format("host not found in debug_connection \"{}\"", word.text));
}

void set_worker_connections(EventSettings& settings, Binding& binding) {
    if (settings.worker_connections.given) return binding.duplicate();
    const Word& word = binding.words()[0];
    auto number = conf::parse<uint32_t>(word.text);
    if (!number || *number == 0) {
        return binding.mistake(word, text::format("invalid number \"{}\"", word.text));
    }
    settings.worker_connections.give(*number);
}

void refuse_load_module(CoreSettings&, Binding& binding) {
    binding.mistake(binding.words()[0], "\"load_module\" directive is not supported",
                    "modules are compiled in: server -V lists them");
}

void open_events(CoreSettings&, Binding& binding) {
    size_t blocks = 0;
    for (const conf::Block* inner : binding.block().inner()) blocks += inner->context() == conf::events;
    if (blocks > 0) return binding.duplicate();
    binding.enter(conf::events);
}

// uring_entries SQ [cq=N]
void set_entries(EventSettings& settings, Binding& binding) {
    if (std::exchange(settings.entries_given, true)) return binding.duplicate();
    auto words = binding.words();
    if (auto entries = binding.parse<uint32_t>(words[0])) {
        settings.engine.sq_entries = *entries;
        settings.engine.cq_entries = *entries * 8;
    }
    if (words.size() < 2) return;
    auto cq = value_of(words[1].text, "cq");
    if (!cq) return invalid_parameter(binding, words[1], "expected cq=");
    if (auto entries = parse_part<uint32_t>(binding, words[1], *cq)) settings.engine.cq_entries = *entries;
}

// uring_recv_buffers NUMBER SIZE
void set_receive_buffers(EventSettings& settings, Binding& binding) {
    if (std::exchange(settings.buffers_given, true)) return binding.duplicate();
    auto count = binding.parse<uint32_t>(binding.words()[0]);
    auto size = conf::parse<conf::Size>(binding.words()[1].text);
    if (count) settings.engine.receive_buffers = *count;
    if (!size || *size < 64 || *size > (1 << 20)) {
        return binding.mistake(binding.words()[1], "\"uring_recv_buffers\" directive invalid value",
                               "a size between 64 and 1m");
    }
    settings.engine.receive_buffer_bytes = static_cast<uint32_t>(*size);
}

// uring_sqpoll off | on [idle=TIME] [cpu=N]
void set_sqpoll(EventSettings& settings, Binding& binding) {
    if (std::exchange(settings.sqpoll_given, true)) return binding.duplicate();
    auto words = binding.words();
    settings.engine.sqpoll = binding.parse<bool>(words[0]).value_or(false);
    for (const Word& word : words.subspan(1)) {
        if (auto idle = value_of(word.text, "idle")) {
            auto time = parse_part<milliseconds>(binding, word, *idle);
            if (time) settings.engine.sqpoll_idle_ms = static_cast<uint32_t>(time->count());
        } else if (auto cpu = value_of(word.text, "cpu")) {
            settings.engine.sqpoll_cpu = parse_part<int>(binding, word, *cpu).value_or(-1);
        } else {
            invalid_parameter(binding, word, "expected idle= or cpu=");
        }
    }
}

// A time in microseconds: digits and `us`, or a time of nginx's.
std::optional<uint32_t> microseconds(Binding& binding, const Word& word) {
    std::string_view text = word.text;
    if (text.ends_with("us")) return parse_part<uint32_t>(binding, word, text.substr(0, text.size() - 2));
    auto time = binding.parse<milliseconds>(word);
    if (!time) return std::nullopt;
    return static_cast<uint32_t>(time->count() * 1000);
}

// uring_napi off | TIME [prefer]
void set_napi(EventSettings& settings, Binding& binding) {
    if (std::exchange(settings.napi_given, true)) return binding.duplicate();
    auto words = binding.words();
    if (words[0].text != "off") settings.engine.napi_busy_us = microseconds(binding, words[0]).value_or(0);
    if (words.size() < 2) return;
    settings.engine.napi_prefer = words[1].text == "prefer";
    if (!settings.engine.napi_prefer) invalid_parameter(binding, words[1], "expected prefer");
}

void set_submit_interval(EventSettings& settings, Binding& binding) {
    if (auto time = microseconds(binding, binding.words()[0])) settings.engine.submit_interval_us = *time;
}

enum class DebugPoints : uint8_t { abort, stop };

constexpr std::array<conf::Choice<DebugPoints>, 2> choices(DebugPoints) {
    return {{{"abort", DebugPoints::abort}, {"stop", DebugPoints::stop}}};
}

constexpr conf::Directive core_directives[] = {
    conf::value<&CoreSettings::daemon>("daemon", conf::main, "Whether the server leaves its terminal."),
    conf::value<&CoreSettings::master_process>("master_process", conf::main,
                                               "Whether workers are processes of their own; off for debugging."),
    conf::custom<&set_pid>("pid", conf::main, {1, 1}, "The file that holds the master's process number.")
        .shown_as("file | off"),
    conf::custom<&set_user>("user", conf::main, {1, 2}, "Whom the workers run as, when the server is started by root.")
        .shown_as("user [group]"),
    conf::value<&CoreSettings::worker_processes>("worker_processes", conf::main,
                                                 "How many workers; auto is one for each CPU."),
    conf::custom<&set_cpu_affinity>("worker_cpu_affinity", conf::main, conf::at_least_one,
                                    "The CPUs of each worker. Without it each worker has a CPU of its own when there "
                                    "are as many workers as CPUs.")
        .shown_as("cpumask ... | auto [cpumask] | off"),
    conf::value<&CoreSettings::worker_priority>("worker_priority", conf::main, "Their scheduling priority (nice).")
        .between(-20, 20),
    conf::value<&CoreSettings::worker_rlimit_core>("worker_rlimit_core", conf::main, "A worker's largest core file."),
    conf::value<&CoreSettings::worker_rlimit_nofile>("worker_rlimit_nofile", conf::main,
                                                     "How many files and sockets a worker may hold open.")
        .at_least(1),
    conf::value<&CoreSettings::worker_shutdown_timeout>(
        "worker_shutdown_timeout", conf::main, "How long a worker that is to leave waits for its last requests."),
    conf::custom<&set_working_directory>("working_directory", conf::main, {1, 1}, "Where workers leave core files.")
        .shown_as("directory"),
    conf::custom<&add_env>("env", conf::main, {1, 1}, "An environment variable the workers keep, or get.")
        .shown_as("variable[=value]"),
    conf::custom<&set_thread_pool>("thread_pool", conf::main, {2, 3},
                                   "How many threads read files where the engine cannot; only the pool \"default\" "
                                   "has work.")
        .shown_as("name threads=number [max_queue=number]"),
    conf::custom<&refuse_load_module>("load_module", conf::main, {1, 1}, "Refused: modules are compiled in.")
        .shown_as("file"),
    conf::accepted<milliseconds>("timer_resolution", conf::main, "Has no meaning here: an idle worker has no tick."),
    conf::accepted<bool>("pcre_jit", conf::main, "Has no meaning here: regular expressions are always compiled."),
    conf::accepted("lock_file", conf::main, {1, 1}, "Has no meaning here: workers do not take turns in accepting.")
        .shown_as("file"),
    conf::accepted<DebugPoints>("debug_points", conf::main, "Has no meaning here."),
    conf::block<&open_events>("events", conf::main, {0, 0}, "How workers wait for connections."),
};

constexpr conf::Directive event_directives[] = {
    conf::custom<&set_worker_connections>("worker_connections", conf::events, {1, 1},
                                          "How many connections a worker holds before it stops accepting.")
        .shown_as("number"),
    conf::value<&EventSettings::use>("use", conf::events,
                                     "How workers talk to the kernel; auto takes io_uring where it is allowed.")
        .shown_as("io_uring | epoll | auto"),
    conf::custom<&set_entries>("uring_entries", conf::events, {1, 2}, "The entries of a worker's ring.")
        .between(8, 32768)
        .shown_as("number [cq=number]"),
    conf::custom<&set_receive_buffers>("uring_recv_buffers", conf::events, {2, 2},
                                       "How many buffers a worker has for what it receives, and their size.")
        .between(4, 32768)
        .shown_as("number size"),
    conf::custom<&set_sqpoll>("uring_sqpoll", conf::events, {1, 3},
                              "A kernel thread that takes submissions; only worth while with a CPU to spare for it.")
        .shown_as("off | on [idle=time] [cpu=number]"),
    conf::custom<&set_napi>("uring_napi", conf::events, {1, 2}, "Busy polling of the network card before sleeping.")
        .shown_as("off | time [prefer]"),
    conf::custom<&set_submit_interval>("uring_submit_interval", conf::events, {1, 1},
                                       "In the midst of a long batch, submit when this time has passed; 0 never does.")
        .shown_as("time"),
    conf::accepted<bool>("multi_accept", conf::events, "Has no meaning here: workers accept all that is there."),
    conf::accepted<bool>("accept_mutex", conf::events, "Has no meaning here: each worker has sockets of its own."),
    conf::accepted<milliseconds>("accept_mutex_delay", conf::events, "Has no meaning here."),
    conf::accepted<uint32_t>("worker_aio_requests", conf::events, "Has no meaning here: see uring_entries."),
    conf::accepted<&check_debug_connection>("debug_connection", conf::events, {1, 1}, "Has no meaning here.")
        .shown_as("address | CIDR | unix:")
        .repeatable(),
    conf::accepted<milliseconds>("stall_threshold", conf::events, "Has no meaning here: a worker never blocks."),
};

}  // namespace

const conf::Section core_section{"core", core_directives, &core_settings};
const conf::Section events_section{"events", event_directives, &event_settings};

void CoreSettings::complete(conf::Completion& completion) {
    if (!pid.given) pid.value = completion.full_path(RINGX_PID_PATH);
    if (!user.given && geteuid() == 0) {
        auto identity = find_identity(RINGX_USER, RINGX_GROUP);
        if (identity) user.value = *identity;
        else completion.mistake(text::format("{}(\"{}\") failed", identity.error().call, RINGX_USER),
                                "name the workers' user with the user directive");
    }
    for (const conf::Block* inner : completion.block().inner()) {
        if (inner->context() == conf::events) return;
    }
    completion.mistake("no \"events\" section in configuration");
}

const CoreSettings& core_of(const conf::Tree& tree) { return core_settings.in(tree.root()); }

const EventSettings& events_of(const conf::Tree& tree) {
    for (const conf::Block* inner : tree.root().inner()) {
        if (inner->context() == conf::events) return event_settings.in(*inner);
    }
    CHECK(!"a tree without mistakes has events");
    __builtin_unreachable();
}

EngineSettings engine_settings(const conf::Tree& tree) {
    const EventSettings& events = events_of(tree);
    EngineSettings settings = events.engine;
    settings.choice = events.use;
    if (core_of(tree).file_threads != 0) settings.file_threads = core_of(tree).file_threads;
    return settings;
}

}  // namespace proc

conf::Parsed<proc::WorkerCount> conf::Value<proc::WorkerCount>::parse(std::string_view text) {
    if (text == "auto") return proc::WorkerCount{static_cast<unsigned>(proc::available_cpus().size())};
    auto number = conf::parse_unsigned(text, 1024);
    if (!number || *number == 0) return std::unexpected(Invalid{Invalid::Kind::value, "a number up to 1024, or auto"});
    return proc::WorkerCount{static_cast<unsigned>(*number)};
}

}  // namespace ringx
