#include "bench/client.h"

#include <poll.h>

#include <algorithm>
#include <cstring>

#include "base/format.h"
#include "bench/worker.h"

namespace ringx::bench {
namespace {

// After a connection that could not be made: soon again, and then less and less often.
constexpr uint64_t pause_ms_min = 10, pause_ms_max = 1000;

// How long a server that said it would close is waited for: whoever closes first keeps the ports busy.
constexpr uint64_t close_ms_max = 1000;

std::string words(Error error) {
    if (error.number == 0) return text::format("{} failed", error.call);
    return text::format("{}() failed ({}: {})", error.call, error.number, strerror(error.number));
}

}  // namespace

Client::Client(Worker& worker, uint64_t requests)
    : worker_(worker),
      tally_(worker.tally()),
      reader_(worker.plan().method),
      left_(requests),
      is_counted_(requests > 0) {
    due_.reserve(worker.plan().options.pipeline);
}

// --- what there is to do

bool Client::Turn::await_ready() const { return client.worker_.is_stopping(); }

void Client::Turn::await_suspend(std::coroutine_handle<> waiter) {
    client.idle_ = waiter;
    client.worker_.wait_turn(client);
}

// Plans as many requests as a batch has and are due now. False: there are none.
bool Client::plan() {
    const size_t batch = worker_.plan().options.pipeline;
    if (worker_.is_stopping()) return !due_.empty();
    if (worker_.plan().options.is_open_loop()) {
        Schedule& schedule = worker_.schedule();
        while (due_.size() < batch && schedule.is_due(now_us_)) {
            due_.push_back(schedule.next_us());
            schedule.take();
        }
        return !due_.empty();
    }
    while (due_.size() < batch && (!is_counted_ || left_ > 0)) {
        due_.push_back(now_us_);
        if (is_counted_) --left_;
    }
    return !due_.empty();
}

// Nothing more will be planned.
bool Client::is_over() const {
    if (worker_.is_stopping()) return true;
    if (worker_.plan().options.is_open_loop()) return worker_.schedule().is_over();
    return is_counted_ && left_ == 0;
}

Conversation Client::run() {
    worker_.enter();
    bool opened = co_await open();
    worker_.settled();
    Turn begin{*this};
    co_await begin;
    for (;;) {
        // Where each request has its connection, opening it is part of what it waits for.
        bool plans_first = connection_ == nullptr && worker_.plan().options.close;
        now_us_ = Clock::read_us();
        while (plans_first && !plan() && !is_over()) {
            Turn turn{*this};
            co_await turn;
            now_us_ = Clock::read_us();
        }
        if (worker_.is_stopping() || (due_.empty() && is_over())) break;
        opened = connection_ != nullptr;
        if (!opened) opened = co_await open();
        if (!opened) {
            Sleep pause(worker_.loop(), pause_ms_);
            pausing_ = &pause;
            co_await pause;
            pausing_ = nullptr;
            continue;
        }
        co_await converse();
        co_await close();
    }
    co_await close();
    tally_.given_up.add(due_.size());
    worker_.leave();
}

void Client::interrupt() {
    interrupted_ = true;
    if (connecting_ != nullptr) connecting_->cancel();
    if (securing_ != nullptr) securing_->cancel();
    if (pausing_ != nullptr) pausing_->cancel();
    if (connection_ != nullptr) connection_->cancel();
}

// --- opening and closing

// Failures are counted, and cost one of the requests.
Task<bool> Client::open() {
    const Plan& plan = worker_.plan();
    auto opened = co_await worker_.pool().open(plan.address, worker_.socket_rules(), plan.timeout_ms, connecting_);
    if (!opened) {
        drop_first(Failure::connect, words(opened.error()));
        co_return false;
    }
    connection_ = std::move(*opened);
    reader_.restart();
    is_spent_ = server_closes_ = false;
    send_error_ = {};
    if (plan.tls != nullptr) {
        bool secured = co_await secure();
        if (!secured) co_return false;
    }
    tally_.connections.add(1);
    pause_ms_ = 0;
    co_return true;
}

Task<bool> Client::secure() {
    const Plan& plan = worker_.plan();
    Stream& stream = connection_->stream();
    auto tls = std::make_unique<TlsClient>(plan.tls, worker_.tls_sessions(), stream.fd(), plan.tls_name,
                                           plan.tls_address);
    TlsClient& ours = *tls;
    TlsConnect connect(worker_.loop(), stream);
    securing_ = &connect;
    TlsConnect::Outcome outcome = co_await connect.run(std::move(tls), plan.timeout_ms);
    securing_ = nullptr;
    if (outcome) {
        if (ours.is_resumed()) tally_.resumed.add(1);
        co_return true;
    }
    const TlsFault& fault = outcome.error();
    worker_.pool().close(std::move(connection_));
    std::string sentence = plain_words(fault.sentence);
    if (fault.error.number != 0) sentence += text::format(" ({})", words(fault.error));
    drop_first(Failure::tls, sentence);
    co_return false;
}

// There is no connection for the first of those that are planned; in a loop that counts, for the next.
void Client::drop_first(Failure why, std::string_view example) {
    pause_ms_ = std::clamp(pause_ms_ * 2, pause_ms_min, pause_ms_max);
    if (interrupted_) return;
    tally_.failed(why, example);
    if (!due_.empty()) due_.erase(due_.begin());
    else if (is_counted_ && left_ > 0) --left_;
}

Task<> Client::close() {
    if (connection_ == nullptr) co_return;
    if (server_closes_ && !interrupted_) {
        Receiver& receiver = connection_->receiver();
        Result<Lease> got = co_await receiver.next(close_ms_max);
        if (got && !got->empty()) tally_.failed(Failure::excess, "bytes after the last answer");
    }
    worker_.pool().close(std::move(connection_));
}

// --- asking

// Batch after batch over one connection, until it can serve no more or there is nothing to ask.
Task<> Client::converse() {
    Receiver& receiver = connection_->receiver();
    for (;;) {
        while (!plan()) {
            if (is_over()) co_return;
            receiver.watch();
            Turn turn{*this};
            co_await turn;
            now_us_ = Clock::read_us();
            plan();
            if (!receiver.ready()) continue;
            // The server has ended it while nobody asked, as it may, or has said something, as it may not.
            Result<Lease> got = receiver.take();
            if (got && !got->empty()) tally_.failed(Failure::excess, "bytes before a request");
            co_return;
        }
        send_batch();
        while (answered_ < sent_ && !is_spent_) {
            Result<Lease> got = co_await receiver.next(left_ms());
            receive(got);
        }
        due_.erase(due_.begin(), due_.begin() + static_cast<ptrdiff_t>(answered_));
        if (sending_) co_await end_push();
        if (is_spent_) co_return;
    }
}

uint64_t Client::left_ms() const {
    uint64_t gone = worker_.loop().clock().now_ms() - sent_ms_;
    return worker_.plan().timeout_ms - std::min(worker_.plan().timeout_ms, gone);
}

void Client::send_batch() {
    sent_ = due_.size();
    answered_ = 0;
    sent_us_ = now_us_;
    sent_ms_ = worker_.loop().clock().now_ms();
    unsent_ = worker_.plan().tape.batch(target_, sent_);
    if (int error = push(); error != 0) sending_ = push_rest(error);
}

// Sends what the socket takes: 0 when that was all, EAGAIN when the rest has to wait, or another errno.
int Client::push() {
    Stream& stream = connection_->stream();
    while (!unsent_.empty()) {
        iovec part{const_cast<char*>(unsent_.data()), unsent_.size()};
        ssize_t sent = stream.send({&part, 1}, Follows::nothing);
        if (sent <= 0) return sent == 0 ? EAGAIN : errno;
        tally_.bytes_out.add(static_cast<uint64_t>(sent));
        unsent_.remove_prefix(static_cast<size_t>(sent));
    }
    return stream.push() == 0 ? 0 : errno;
}

// Meanwhile answers are read: a server that cannot get rid of its own takes no more requests.
Task<> Client::push_rest(int error) {
    while (error == EAGAIN) {
        Result<> ready = co_await connection_->wait_writable(worker_.plan().timeout_ms);
        if (!ready) co_return;
        error = push();
    }
    // An answer may have come all the same: whoever reads will see.
    if (error != 0) send_error_ = {"send", error};
}

// It belongs to a batch that is over. If it still waits, the connection is of no more use.
Task<> Client::end_push() {
    if (!sending_.done()) {
        is_spent_ = true;
        connection_->cancel();
    }
    Task<>& sending = sending_;
    co_await sending;
    sending_ = Task<>();
}

// --- answers

void Client::receive(Result<Lease>& got) {
    now_us_ = Clock::read_us();
    tally_.last_us.set(now_us_);
    if (got && !got->empty()) {
        tally_.bytes_in.add(got->view().size());
        return take(got->view());
    }
    if (got) return stream_ended();
    Error error = got.error();
    if (error.number == ECANCELED && interrupted_) is_spent_ = true;  // what was asked is given up
    else if (error.number == ETIMEDOUT) fail_rest(Failure::timeout, "no answer in time");
    else fail_rest(send_error_.number != 0 ? Failure::send : Failure::receive, words(error));
}

void Client::stream_ended() {
    TlsChannel* tls = connection_->stream().tls();
    bool was_cut = tls != nullptr && !tls->is_closed();
    if (reader_.ends_with_stream() && !was_cut) {
        note_answer();
        is_spent_ = true;
    } else if (send_error_.number != 0) {
        fail_rest(Failure::send, words(send_error_));
    } else if (reader_.has_begun()) {
        fail_rest(Failure::cut, "the connection ended within an answer");
    } else {
        fail_rest(Failure::closed, "the connection ended before an answer");
    }
}

void Client::take(std::string_view bytes) {
    using Kind = ResponseReader::Step::Kind;
    while (!bytes.empty() && answered_ < sent_ && !is_spent_) {
        ResponseReader::Step step = reader_.feed(bytes, worker_.known_head(target_));
        bytes.remove_prefix(step.consumed);
        if (step.kind == Kind::need_more) return;
        if (step.kind == Kind::bad_head) return fail_rest(Failure::head, plain_words(step.reason));
        if (step.kind == Kind::bad_body) return fail_rest(Failure::body, plain_words(step.reason));
        note_answer();
        is_spent_ = server_closes_ = !reader_.keep_alive();
    }
    if (bytes.empty()) return;
    tally_.failed(Failure::excess, "bytes behind the last answer");
    is_spent_ = true;
    server_closes_ = false;
}

void Client::note_answer() {
    const uint64_t since = due_[answered_];
    tally_.answered(reader_.status(), now_us_ - std::min(now_us_, since));
    if (worker_.plan().options.is_open_loop()) tally_.served(now_us_ - sent_us_);
    ++answered_;
    target_ = worker_.plan().tape.next(target_);
}

// All that were asked and not answered. The connection is of no more use.
void Client::fail_rest(Failure why, std::string_view example) {
    const size_t unanswered = sent_ - answered_;
    for (size_t i = 0; i < unanswered; ++i) tally_.failed(why, example);
    auto first = due_.begin() + static_cast<ptrdiff_t>(answered_);
    due_.erase(first, first + static_cast<ptrdiff_t>(unanswered));
    target_ = worker_.plan().tape.next(target_, unanswered);
    sent_ = answered_;
    is_spent_ = true;
}

}  // namespace ringx::bench
