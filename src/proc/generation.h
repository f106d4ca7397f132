// proc/generation.h - a configuration with everything that was made of it.
//
// The master builds a generation from the files on disk, and each worker builds the same one from the same bytes. What
// belongs to requests, a protocol's Site, may be kept longer by those who need it; the tree and the bytes live as long
// as any of them. A generation that failed has its mistakes and nothing else.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/log.h"
#include "base/recent_errors.h"
#include "base/run_state.h"
#include "conf/bundle.h"
#include "conf/language.h"
#include "conf/load.h"
#include "net/error_log.h"
#include "net/service.h"
#include "net/ticket_keys.h"
#include "net/worker_rights.h"
#include "net/zones.h"
#include "proc/core_settings.h"
#include "proc/undertaker.h"

namespace ringx::proc {

// Where the configuration comes from; settled by the command line.
struct Origin {
    std::string conf_path;            // absolute
    std::string prefix;               // absolute, with its final `/`
    std::string globals;              // -g
    std::string error_log;            // until, and unless, the configuration names one
    std::optional<std::string> text;  // the configuration itself, when there is no file

    conf::Bundle open_bundle() const;
    conf::Options options() const { return {.conf_path = conf_path, .prefix = prefix, .globals = globals}; }
};

// What does not change while the program runs.
struct Program {
    const conf::Language& language;
    std::span<const Protocol> protocols;
    Metrics& metrics;         // of all workers
    RecentErrors& recent_errors;  // of all processes
    TicketKeys& ticket_keys;  // likewise
    RunState& run_state;      // likewise
    Origin origin;
};

class Generation {
 public:
    // On any thread. The bundle stays with it.
    static std::shared_ptr<Generation> build(const Program& program, conf::Bundle bundle);

    bool failed() const { return loaded_->tree.failed(); }
    const conf::Tree& tree() const { return loaded_->tree; }
    const conf::Bundle& bundle() const { return loaded_->bundle; }

    // The rest: REQUIRES: it did not fail.
    const CoreSettings& core() const { return core_of(tree()); }
    const EventSettings& events() const { return events_of(tree()); }
    const Log& log() const { return error_log(tree().root()); }
    std::span<const std::shared_ptr<NamedZone>> zones() const { return named_zones.in(tree().root()).all(); }
    // For how long keys of tickets are to be used; 0: nobody needs any.
    std::chrono::seconds ticket_life() const { return ringx::ticket_life.in(tree().root()).longest; }
    const WorkerRights& rights() const { return worker_rights.in(tree().root()); }
    LogFiles& logs() { return log_files.in(loaded_->tree.root()); }
    // By the protocols of the program; null for one that has no block.
    std::span<const std::shared_ptr<const Site>> sites() const { return sites_; }
    // Whom its parts are left to when they are needed no more. From the loop's thread.
    void leave_to(Undertaker& undertaker) { burial_->undertaker = &undertaker; }
    // Of all sites, in order.
    const std::vector<Listen>& listens() const { return listens_; }

 private:
    struct Loaded {
        conf::Bundle bundle;
        conf::Tree tree;
    };

    std::shared_ptr<Burial> burial_ = std::make_shared<Burial>();
    std::shared_ptr<Loaded> loaded_;
    std::vector<std::shared_ptr<const Site>> sites_;
    std::vector<Listen> listens_;
};

}  // namespace ringx::proc
