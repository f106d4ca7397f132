#include "proc/start.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "build.h"
#include "proc/alone.h"
#include "proc/daemon.h"
#include "proc/doctor.h"
#include "proc/inquiry.h"
#include "proc/master.h"
#include "proc/pid_file.h"
#include "proc/resources.h"
#include "proc/signal_sender.h"

namespace ringx::proc {

namespace {

std::string absolute(std::string_view base, std::string_view path) {
    return path.starts_with('/') ? std::string(path) : std::string(base) + std::string(path);
}

std::string working_directory() {
    std::error_code none;
    return std::filesystem::current_path(none).string() + "/";
}

Origin origin_of(const CommandLine& line) {
    Origin origin;
    origin.prefix = line.prefix ? absolute(working_directory(), *line.prefix) : std::string(RINGX_PREFIX);
    if (!origin.prefix.ends_with('/')) origin.prefix += '/';
    origin.globals = line.globals;
    if (line.quick) {
        origin.prefix = working_directory();
        origin.conf_path = origin.prefix + "command-line.conf";
        origin.text = line.quick->configuration();
        origin.error_log = "stderr";
        return origin;
    }
    origin.conf_path = absolute(origin.prefix, line.conf_path.value_or(RINGX_CONF_PATH));
    std::string log = line.error_log.value_or(RINGX_ERROR_LOG_PATH);
    origin.error_log = log == "stderr" ? log : absolute(origin.prefix, log);
    return origin;
}

// The log until the configuration names another.
class FirstLog {
 public:
    FirstLog(const std::string& name, RecentErrors& recent) : file_(std::make_shared<LogFile>(name)) {
        file_->remember_in(recent);
        if (auto opened = file_->open(); !opened) {
            tell(text::format("[alert] could not open error log file: {}() \"{}\" failed ({})", opened.error().call,
                              name, describe(opened.error())));
        }
        log_.add({.file = file_, .level = Level::notice, .json = false});
    }
    const Log& log() const { return log_; }

 private:
    std::shared_ptr<LogFile> file_;
    Log log_;
};

void dump(const Generation& generation) {
    conf::Bundle bundle = generation.bundle();
    for (auto& path : generation.tree().files()) {
        auto bytes = bundle.read(path);
        print(STDOUT_FILENO, text::format("# configuration file {}:\n{}\n", path, bytes.value_or("")));
    }
}

bool test_resources(Generation& generation, Journal& journal) {
    if (!open_logs(generation, nullptr, journal)) return false;
    std::string pid_path(*generation.core().pid);
    if (auto writable = test_pid_file(pid_path); !writable) {
        journal.write(Level::emerg, writable.error(), "open() \"{}\" failed", pid_path);
        return false;
    }
    return ListeningSockets::test(generation.listens(), journal);
}

// -t and -T
int test(const CommandLine& line, const Program& program, Generation& generation, Journal& journal) {
    const std::string& path = program.origin.conf_path;
    bool good = !generation.failed();
    if (good) {
        if (!line.quiet) tell(text::format("the configuration file {} syntax is ok", path));
        good = test_resources(generation, journal);
    }
    if (!good) {
        tell(text::format("configuration file {} test failed", path));
        return 1;
    }
    if (!line.quiet) {
        for (auto& note : generation.tree().notes()) print(STDERR_FILENO, render(note));
        tell(text::format("configuration file {} test is successful", path));
    }
    if (line.dump) dump(generation);
    return 0;
}

void introduce(const CommandLine& line, const Generation& generation, const ChosenEngine& engine) {
    if (!line.quick) return;
    unsigned workers = generation.core().worker_processes->number;
    print(STDOUT_FILENO, text::format("Serving {}\nat {} (engine: {}, workers: {}; Ctrl-C ends it)\n",
                                      line.quick->root(), line.quick->url(), engine.name(), workers));
}

// Everything is there: become the master.
int serve(const CommandLine& line, const Program& program, std::shared_ptr<Generation> generation, Journal& journal,
          ProcessTitle& title) {
    if (!open_logs(*generation, nullptr, journal) || !make_temp_paths(*generation, journal)) return 1;
    if (!open_zones(*generation, nullptr, journal)) return 1;
    journal.use(&generation->log());
    auto engine = choose_engine(*generation, journal);
    if (!engine) return 1;
    const CoreSettings& core = generation->core();
    ListeningSockets sockets;
    unsigned workers = core.master_process ? core.worker_processes->number : 1;
    if (!sockets.open(generation->listens(), workers, journal)) return 1;

    Daemon daemon;
    if (core.daemon && core.master_process) {
        auto role = daemon.leave_terminal();
        if (!role) {
            journal.write(Level::emerg, role.error(), "{}() failed", role.error().call);
            return 1;
        }
        if (*role == Daemon::Role::parent) return daemon.wait_for_child();
    }
    PidFile pid_file;
    auto announce = [&, first = generation.get()](const std::function<void()>& made) {
        std::string pid_path(*first->core().pid);
        if (auto written = pid_file.write(pid_path, made); !written) {
            journal.write(Level::emerg, written.error(), "{}() \"{}\" failed", written.error().call, pid_path);
            return false;
        }
        introduce(line, *first, *engine);
        journal.mark_started();
        redirect_standard_error(first->log());
        daemon.release_parent();
        return true;
    };
    Started started{.program = program,
                    .title = title,
                    .journal = journal,
                    .generation = std::move(generation),
                    .engine = *engine,
                    .sockets = std::move(sockets),
                    .pid_file = pid_file,
                    .daemon = daemon,
                    .announce = announce};
    if (!core.master_process) return serve_alone(std::move(started));
    Master master(std::move(started));
    return master.run();
}

}  // namespace

int start(const CommandLine& line, const Parts& parts, ProcessTitle& title) {
    if (line.version) show_version(line, parts.modules);
    if (line.directives) print(STDOUT_FILENO, parts.language.dump());
    if ((line.version || line.directives) && !line.test) return 0;

    auto metrics = Metrics::create();  // here, before anybody is forked
    if (!metrics) {
        tell(text::format("[emerg] {}() failed ({})", metrics.error().call, describe(metrics.error())));
        return 1;
    }
    auto recent_errors = RecentErrors::create();  // likewise
    if (!recent_errors) {
        tell(text::format("[emerg] {}() failed ({})", recent_errors.error().call, describe(recent_errors.error())));
        return 1;
    }
    TicketKeys ticket_keys;
    RunState run_state;
    Program program{.language = parts.language,
                    .protocols = parts.protocols,
                    .metrics = **metrics,
                    .recent_errors = **recent_errors,
                    .ticket_keys = ticket_keys,
                    .run_state = run_state,
                    .origin = origin_of(line)};
    if (line.doctor) return doctor(program);
    FirstLog first_log(program.origin.error_log, program.recent_errors);
    Journal journal;
    journal.use(&first_log.log());
    auto generation = Generation::build(program, program.origin.open_bundle());
    if (line.signal != CommandLine::Signal::none) return send_signal(line.signal, *generation, journal);
    for (auto& mistake : generation->tree().mistakes()) journal.report(mistake);
    if (line.test) return test(line, program, *generation, journal);
    if (generation->failed()) return 1;
    return serve(line, program, std::move(generation), journal, title);
}

void open_standard_descriptors() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (fcntl(fd, F_GETFD) < 0) open("/dev/null", O_RDWR);  // the lowest number that is free: this one
    }
}

}  // namespace ringx::proc
