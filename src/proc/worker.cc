#include "proc/worker.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>

#include <algorithm>
#include <ranges>
#include <set>

#include "base/format.h"
#include "base/process_metrics.h"
#include "proc/journal.h"
#include "proc/resources.h"
#include "proc/sealed_file.h"

namespace ringx::proc {

namespace {

// Connections that were on their way to a socket when others were told to take them arrive within this time.
constexpr uint64_t retirement_ms = 250;
constexpr uint64_t limit_told_every_ms = 10'000;

}  // namespace

// Building a generation from the master's bytes, on a thread of the pool.
class Worker::Build final : public BlockingJob {
 public:
    Build(Worker& worker, Message order) : message(std::move(order)), worker_(worker) {}

    Message message;
    std::shared_ptr<Generation> generation;
    Error error;

 private:
    void work() override {
        auto bytes = Undumped::map(message.fds[0].get());
        auto bundle = bytes ? conf::Bundle::parse(std::move(*bytes)) : std::unexpected(bytes.error());
        if (bundle) generation = Generation::build(worker_.start_.program, std::move(*bundle));
        else error = bundle.error();
    }
    void done() override { worker_.finish_build(*this); }

    Worker& worker_;
};

Worker::Worker(WorkerStart start)
    : start_(std::move(start)),
      line_(start_.master),
      generation_(std::move(start_.generation)),
      metrics_(start_.program.metrics.claim()),
      context_{.loop = loop_,
               .number = start_.place.number,
               .connections_max = generation_->events().worker_connections,
               .log = &generation_->log(),
               .metrics = metrics_,
               .counters = metrics_.own_of_process<Counters>(std::to_string(start_.place.number)),
               .ticket_keys = start_.program.ticket_keys,
               .lives = &start_.lives,
               .life = start_.life,
               .run_state = &start_.program.run_state,
               .steering = start_.steering != nullptr ? start_.steering : &line_},
      shutdown_deadline_([this] { end(); }),
      retirement_([this] { drain(); }) {
    metrics_.own_of_process<ProcessMetrics>(text::format("worker {}", start_.place.number)).tell_self();
    start_.program.recent_errors.speak_as(context_.number);
}

Worker::~Worker() { use_log_thread(nullptr); }

// No log keeps the loop waiting.
void Worker::use_log_thread(LogThread* thread) {
    for (auto& file : generation_->logs().all()) {
        if (file->fd() >= 0) file->use_thread(thread);
    }
}

int Worker::run() {
    if (!open()) return fatal;
    // A thread that frees a configuration would merge all its small chunks at once, and hold the allocator's lock.
    mallopt(M_MXFAST, 0);
    undertaker_.use(&loop_.blocking());
    generation_->leave_to(undertaker_);
    use_log_thread(&log_thread_);
    while (!finished()) {
        loop_.turn();
        after_turn();
    }
    log().write(Level::notice, "exiting");
    close();
    log().write(Level::notice, "exit");
    return 0;
}

// What the master found possible may not be so for the last of many workers: rings of ordinary users count against one
// limit of locked memory. Unless io_uring was asked for, such a worker does without.
bool Worker::open_engine() {
    using Choice = EngineSettings::Choice;
    auto opened = loop_.open(start_.engine);
    if (!opened && start_.engine.choice == Choice::io_uring && *generation_->events().use == Choice::automatic) {
        log().write(Level::warn, opened.error(), "using the \"epoll\" event method: {}() failed", opened.error().call);
        start_.engine.choice = Choice::epoll;
        opened = loop_.open(start_.engine);
    }
    if (!opened) {
        log().write(Level::emerg, opened.error(), "cannot make the engine: {}() failed", opened.error().call);
        return false;
    }
    loop_.engine().count_in(metrics_.own_of_process<EngineCounters>(std::to_string(context_.number)));
    return true;
}

bool Worker::open() {
    const CoreSettings& core = generation_->core();
    auto signals = signals_.open({SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD});
    if (!signals) {
        log().write(Level::emerg, signals.error(), "{}() failed", signals.error().call);
        return false;
    }
    set_limits(core, start_.place, context_.connections_max, log());
    // A ring made by root is not charged to anybody's limit of locked memory. Only with sqpoll it comes later: the
    // kernel's thread keeps the rights of whoever made it.
    bool early = !start_.engine.sqpoll;
    if (early && !open_engine()) return false;
    // Alone, it is the master as well and has to keep its rights.
    if (start_.master && !become_user(core, generation_->rights(), log())) return false;
    if (!early && !open_engine()) return false;
    // From here on nothing fails, and a signal is held until it is read.
    if (!start_.master && !start_.announce()) return false;

    servers_.resize(start_.program.protocols.size());
    use_sites();
    auto& listens = generation_->listens();
    CHECK(listens.size() == start_.sockets.size());
    for (size_t i = 0; i < listens.size(); ++i) add_acceptor(listens[i], std::move(start_.sockets[i]));
    start_.sockets.clear();

    signal_watch_ = std::make_unique<Watch>(loop_, signals_.fd(), [this] { read_signals(); });
    signal_watch_->start();
    if (!start_.master) return true;
    redirect_standard_error(log());
    answer(Message::Kind::ready, start_.generation_number);
    master_watch_ = std::make_unique<Watch>(loop_, start_.master.fd(), [this] { read_master(); });
    master_watch_->start();
    return true;
}

// Lets go of everything that the kernel may still hold.
void Worker::close() {
    for (Watch* watch : {signal_watch_.get(), master_watch_.get()}) {
        if (watch == nullptr) continue;
        watch->stop();
        while (!watch->idle()) loop_.turn();
    }
    undertaker_.use(nullptr);
    servers_.clear();
    signal_watch_.reset();
    master_watch_.reset();
}

void Worker::read_signals() {
    while (auto signal = signals_.read()) {
        if (start_.on_signal && start_.on_signal(signal->number)) continue;
        switch (signal->number) {
            case SIGTERM:
            case SIGINT: end(); break;
            case SIGQUIT:
            case SIGWINCH: drain(); break;
            default: break;  // the master's business
        }
    }
}

void Worker::read_master() {
    for (;;) {
        auto message = start_.master.receive();
        if (message) {
            obey(std::move(*message));
            continue;
        }
        if (message.error().number == EAGAIN) return;
        // Without a master nobody would tell us to leave, and our listening sockets would be in its successor's way.
        master_watch_->stop();
        log().write(state_ == State::serving ? Level::crit : Level::notice, "the master process is gone");
        line_.hang_up();
        return drain();
    }
}

void Worker::obey(Message message) {
    switch (message.kind) {
        case Message::Kind::reload: return begin_build(std::move(message));
        case Message::Kind::reopen: return reopen_logs(message);
        case Message::Kind::answered: return line_.deliver(message);
        case Message::Kind::retire: return loop_.set_timer(retirement_, retirement_ms);
        default: log().write(Level::alert, "unknown message {} from the master", static_cast<uint32_t>(message.kind));
    }
}

void Worker::answer(Message::Kind kind, uint32_t number) {
    auto sent = start_.master.send(kind, number);
    // EPIPE: the master is gone, which is noticed where its messages are read.
    if (sent || sent.error().number == EPIPE) return;
    log().write(Level::alert, sent.error(), "cannot answer the master: sendmsg() failed");
}

void Worker::begin_build(Message message) {
    if (state_ != State::serving) return;
    if (build_ || change_ || message.incomplete || message.fds.empty()) {
        log().write(Level::alert, "generation {} did not arrive", message.number);
        return answer(Message::Kind::refused, message.number);
    }
    build_ = std::make_unique<Build>(*this, std::move(message));
    loop_.blocking().run(*build_);
}

void Worker::finish_build(Build& build) {
    std::unique_ptr<Build> ours = std::move(build_);
    uint32_t number = build.message.number;
    Generation* next = build.generation.get();
    size_t logs = next == nullptr || next->failed() ? 0 : next->logs().all().size();
    size_t zones = next == nullptr || next->failed() ? 0 : next->zones().size();
    auto& fds = build.message.fds;
    if (next == nullptr || next->failed() || fds.size() != 1 + logs + zones + next->listens().size()) {
        log().write(Level::alert, build.error, "cannot build generation {}", number);
        return answer(Message::Kind::refused, number);
    }
    next->logs().take_over(generation_->logs());
    for (size_t i = 0; i < logs; ++i) {
        LogFile& file = *next->logs().all()[i];
        if (file.fd() < 0) file.adopt(std::move(fds[1 + i]));
    }
    if (auto mapped = adopt_zones(*next, *generation_, std::span(fds).subspan(1 + logs, zones)); !mapped) {
        log().write(Level::alert, mapped.error(), "{}() failed for a shared memory zone", mapped.error().call);
        return answer(Message::Kind::refused, number);
    }
    std::vector<Fd> sockets;
    for (size_t i = 1 + logs + zones; i < fds.size(); ++i) sockets.push_back(std::move(fds[i]));
    change_to(build.generation, std::move(sockets), [this, number] { answer(Message::Kind::reloaded, number); });
}

// The master's logs, opened anew, by their names: it may be a generation ahead of us, or we are leaving with an old
// one.
void Worker::reopen_logs(const Message& message) {
    auto names = message.fds.empty() ? fail("recvmsg", EMFILE) : read_sealed(message.fds[0].get());
    if (!names || message.incomplete) {
        log().write(Level::alert, "the logs that were opened anew did not arrive");
        return;
    }
    size_t at = 1;
    for (auto name : std::views::split(*names, '\n')) {
        if (at == message.fds.size()) break;
        for (auto& file : generation_->logs().all()) {
            if (file->name() != std::string_view(name)) continue;
            Fd ours(fcntl(message.fds[at].get(), F_DUPFD_CLOEXEC, 3));
            if (ours) file->adopt(std::move(ours));
        }
        ++at;
    }
    redirect_standard_error(log());
    log().write(Level::notice, "reopening logs");
}

void Worker::change_to(std::shared_ptr<Generation> next, std::vector<Fd> sockets, std::function<void()> done) {
    CHECK(!change_ && sockets.size() == next->listens().size());
    change_ = std::make_unique<Change>(std::move(next), std::move(sockets), std::move(done));
    try_change();
}

// Addresses that are no longer listened on come first: what they still accept belongs to the generation that goes.
void Worker::try_change() {
    if (state_ != State::serving) return change_.reset();
    auto& listens = change_->next->listens();
    if (!leave_others(listens)) return;
    std::unique_ptr<Change> change = std::move(change_);
    std::shared_ptr<Generation> before = std::exchange(generation_, change->next);
    context_.log = &generation_->log();
    use_log_thread(&log_thread_);
    if (start_.master) redirect_standard_error(log());
    context_.connections_max = generation_->events().worker_connections;
    generation_->leave_to(undertaker_);
    use_sites();
    for (size_t i = 0; i < listens.size(); ++i) {
        if (!acceptors_.contains(listens[i].key)) add_acceptor(listens[i], std::move(change->sockets[i]));
    }
    change->done();
}

// Stops listening on what is not in `listens`; false as long as something may still be accepted there.
bool Worker::leave_others(const std::vector<Listen>& listens) {
    std::set<std::string_view> wanted;
    for (const Listen& listen : listens) wanted.insert(listen.key);
    for (auto at = acceptors_.begin(); at != acceptors_.end();) {
        Acceptor& acceptor = *at->second;
        if (!wanted.contains(at->first)) acceptor.stop();
        if (!wanted.contains(at->first) && acceptor.idle()) {
            acceptor.take_queue();
            at = acceptors_.erase(at);
        } else {
            ++at;
        }
    }
    return std::ranges::all_of(acceptors_, [&](auto& entry) { return wanted.contains(entry.first); });
}

void Worker::use_sites() {
    protocol_of_.clear();
    auto sites = generation_->sites();
    for (size_t i = 0; i < sites.size(); ++i) {
        if (!sites[i]) continue;
        if (!servers_[i]) servers_[i] = start_.program.protocols[i].make_server(context_);
        servers_[i]->use(sites[i]);
        for (const Listen& listen : sites[i]->listens()) protocol_of_[listen.key] = i;
    }
}

void Worker::add_acceptor(const Listen& listen, Fd socket) {
    auto acceptor = std::make_unique<Acceptor>(loop_, listen, std::move(socket), *this);
    if (!limited_) acceptor->start();
    acceptors_[listen.key] = std::move(acceptor);
}

void Worker::accepted(Fd socket, const std::string& key) {
    if (state_ == State::ending) return;
    servers_[protocol_of_.at(key)]->accepted(std::move(socket), key);
    limit_connections();
}

size_t Worker::connections() const {
    size_t sum = 0;
    for (auto& server : servers_) sum += server ? server->connections() : 0;
    return sum;
}

void Worker::limit_connections() {
    if (state_ != State::serving) return;
    size_t now = connections();
    size_t most = context_.connections_max;
    if (!limited_ && now >= most) {
        limited_ = true;
        tell_limit();
        for (auto& [key, acceptor] : acceptors_) acceptor->stop();
    } else if (limited_ && now < most - most / 8) {
        limited_ = false;
        for (auto& [key, acceptor] : acceptors_) acceptor->start();
    }
}

// Now and then: under load the limit comes and goes with every connection.
void Worker::tell_limit() {
    uint64_t now = loop_.clock().now_ms();
    if (limit_told_ms_ != 0 && now < limit_told_ms_ + limit_told_every_ms) return;
    limit_told_ms_ = now;
    log().write(Level::warn, "{} worker_connections are in use: no more are accepted for now",
                context_.connections_max);
}

void Worker::after_turn() {
    if (change_) try_change();
    limit_connections();
    if (state_ != State::serving && !closed_ && all_idle()) leave_queues();
}

bool Worker::all_idle() const {
    return std::ranges::all_of(acceptors_, [](auto& entry) { return entry.second->idle(); });
}

// What waits in the queues was promised an answer; with us it would be reset. When ending, the master's sockets stay
// and a successor serves them.
void Worker::leave_queues() {
    if (state_ == State::draining) {
        for (auto& [key, acceptor] : acceptors_) acceptor->take_queue();
    }
    acceptors_.clear();
    closed_ = true;
    if (start_.master) answer(Message::Kind::closed, start_.generation_number);
}

void Worker::stop_accepting() {
    for (auto& [key, acceptor] : acceptors_) acceptor->stop();
}

void Worker::drain() {
    if (state_ != State::serving) return;
    state_ = State::draining;
    start_.title.set("ringx: worker process is shutting down");
    log().write(Level::notice, "gracefully shutting down");
    stop_accepting();
    for (auto& server : servers_) {
        if (server) server->drain();
    }
    auto timeout = generation_->core().worker_shutdown_timeout->count();
    if (timeout > 0) loop_.set_timer(shutdown_deadline_, static_cast<uint64_t>(timeout));
}

void Worker::end() {
    if (state_ == State::ending) return;
    state_ = State::ending;
    stop_accepting();
    for (auto& server : servers_) {
        if (server) server->end();
    }
}

bool Worker::finished() const {
    return closed_ && connections() == 0 && !build_;
}

}  // namespace ringx::proc
