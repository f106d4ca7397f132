#include "net/stapler.h"

#include <algorithm>

#include "base/format.h"
#include "net/staples.h"

namespace ringx {
namespace {

// Each takes a socket, and after a start with thousands of certificates they are many.
constexpr size_t inquiries_max = 8;

}  // namespace

void Stapler::use(std::vector<std::shared_ptr<const TlsContext>> contexts, const Log* log) {
    contexts_ = std::move(contexts);
    std::erase_if(contexts_, [](const auto& context) {
        return std::ranges::none_of(context->staplings(), [](const Stapling& one) { return one.source() != nullptr; });
    });
    if (contexts_.empty()) return end();
    log_ = log;
    look();
}

void Stapler::end() {
    contexts_.clear();
    worker_.loop.timers().stop(*this);
    desk_.cancel();
}

void Stapler::look() {
    int64_t again = Staples::look_again_max;
    for (const auto& context : contexts_) {
        for (const Stapling& stapling : context->staplings()) {
            if (inquiries() == inquiries_max) return;  // whichever ends first looks again
            if (stapling.source() != nullptr) again = std::min(again, care_for(context, *stapling.source()));
        }
    }
    if (!contexts_.empty()) worker_.loop.set_timer(*this, static_cast<uint64_t>(again) * 1000);
}

// In how many seconds it wants to be looked at again.
int64_t Stapler::care_for(const std::shared_ptr<const TlsContext>& context, const StaplingSource& source) {
    Staples staples(*source.zone->memory, worker_.loop.clock().seconds());
    int64_t again = staples.take_turn(source.key, *worker_.lives, worker_.life);
    if (again > 0) return again;
    ask(context, source);
    return Staples::look_again_max;
}

// `context` keeps all of `source`.
Conversation Stapler::ask([[maybe_unused]] std::shared_ptr<const TlsContext> context, const StaplingSource& source) {
    std::shared_ptr<SharedZone> zone = source.zone->memory;
    OcspInquiry inquiry(desk_, source.question, source.responder, source.names,
                        {.log = [this]() -> const Log& { return *log_; }, .certificate = source.certificate});
    std::optional<std::string> response = co_await inquiry.ask(OcspInquiry::limit_ms_max);

    Staples staples(*zone, worker_.loop.clock().seconds());
    if (inquiry.cancelled()) {
        staples.give_up_turn(source.key);
        co_return;
    }
    std::expected<OcspVerdict, std::string> verdict = std::unexpected(std::string());
    if (response) verdict = source.question.judge(*response, source.trust);
    if (response && !verdict) inquiry.report({}, verdict.error());
    if (verdict && verdict->status != OcspStatus::good) {
        inquiry.report({}, text::format("certificate status \"{}\" in the OCSP response", name_of(verdict->status)));
    }
    if (verdict && verdict->status == OcspStatus::good) {
        staples.keep(source.key, *response, verdict->valid_until);
    } else {
        staples.fail(source.key);
    }
    worker_.loop.set_timer(*this, 0);
}

}  // namespace ringx
