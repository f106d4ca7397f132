#include "proc/master_line.h"

#include <algorithm>

#include "proc/sealed_file.h"
#include "proc/steering_answer.h"

namespace ringx::proc {

namespace {

Result<SteeringAnswer> read_answer(const Message& message) {
    if (message.fds.empty() || message.incomplete) return fail("recvmsg", EMFILE);
    auto bytes = read_sealed(message.fds[0].get());
    if (!bytes) return std::unexpected(bytes.error());
    auto answer = unpack(*bytes);
    if (!answer) return fail("recvmsg", EBADMSG);
    return std::move(*answer);
}

}  // namespace

Result<> MasterLine::ask(SteeringQuestion& question) {
    if (!is_there()) return fail("sendmsg", EPIPE);
    if (waiting_.size() == questions_max) return fail("sendmsg", EAGAIN);
    auto kind = question.wish == Wish::check ? Message::Kind::ask_check : Message::Kind::ask_reload;
    auto sent = master_.send(kind, ++latest_);
    if (sent) waiting_.emplace(latest_, &question);
    return sent;
}

void MasterLine::withdraw(SteeringQuestion& question) {
    std::erase_if(waiting_, [&](const auto& entry) { return entry.second == &question; });
}

void MasterLine::deliver(const Message& message) {
    auto waiting = waiting_.extract(message.number);
    if (waiting) waiting.mapped()->tell(read_answer(message));
}

// Whoever is told may withdraw others.
void MasterLine::hang_up() {
    gone_ = true;
    while (!waiting_.empty()) waiting_.extract(waiting_.begin()).mapped()->tell(fail("recvmsg", EPIPE));
}

}  // namespace ringx::proc
