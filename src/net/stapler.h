// net/stapler.h - a worker's care for what is stapled: it asks responders before somebody wants to know.
//
// It looks at what there is when a generation comes, when something is due and, since other workers and zones may fail,
// every few minutes. What another worker asks for is left to it. At most a few inquiries are under way.
#pragma once

#include <memory>
#include <vector>

#include "event/timer.h"
#include "net/ocsp_inquiry.h"
#include "net/service.h"
#include "net/tls_context.h"

namespace ringx {

class Stapler : private Timer {
 public:
    Stapler(const WorkerContext& worker, Resolver& resolver) : worker_(worker), desk_(worker.loop, resolver) {}

    // From now on it cares for these; `log` is there as long as they are.
    void use(std::vector<std::shared_ptr<const TlsContext>> contexts, const Log* log);
    // Ends what is under way; nothing more is asked.
    void end();
    // How many inquiries are under way.
    size_t inquiries() const { return desk_.inquiries(); }

 private:
    void expire() override { look(); }
    void look();
    int64_t care_for(const std::shared_ptr<const TlsContext>& context, const StaplingSource& source);
    Conversation ask(std::shared_ptr<const TlsContext> context, const StaplingSource& source);

    const WorkerContext& worker_;
    OcspDesk desk_;
    std::vector<std::shared_ptr<const TlsContext>> contexts_;
    const Log* log_ = nullptr;
};

}  // namespace ringx
