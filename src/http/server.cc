#include "http/server.h"

#include <malloc.h>

#include <algorithm>

#include "http/gzip_choice.h"
#include "http/health_check.h"
#include "http/known_regexes.h"
#include "http/protocol.h"
#include "http/request_metrics.h"
#include "http/status_zones.h"
#include "http/upstream.h"
#include "net/kernel_tls.h"

namespace ringx::http {
namespace {

// When a crowd of at least so many connections has shrunk to a quarter, its memory is given back after a while. By
// itself the allocator would keep whatever lies below something that is still in use.
constexpr size_t crowd_min = 64;
constexpr uint64_t trim_after_ms = 1000;

std::shared_ptr<const ringx::Site> make_site(std::shared_ptr<const conf::Tree> tree) {
    if (http_settings.in(tree->root()).http == nullptr) return nullptr;
    auto site = std::make_shared<Site>(std::move(tree));
    // The master comes here before workers need the module, which they may use but not load.
    auto wants_kernel = [](const auto& tls) { return tls->wants_kernel(); };
    if (std::ranges::any_of(site->tls_contexts(), wants_kernel)) load_kernel_tls();
    return site;
}

std::unique_ptr<Server> make_server(const WorkerContext& worker) { return std::make_unique<HttpServer>(worker); }

}  // namespace

const Protocol protocol{"http", make_site, make_server};

std::span<const conf::Section* const> sections() {
    static constexpr const conf::Section* all[] = {&http_section, &server_section, &location_section, &core_section,
                                                   &variables_section, &known_regexes_section, &gzip_choice_section,
                                                   &upstreams_section, &health_checks_section,
                                                   &health_settings_section, &status_zones_section};
    return all;
}

HttpServer::HttpServer(const WorkerContext& worker)
    : worker_(worker),
      files_(worker.loop),
      parts_{.loop = worker.loop,
             .files = files_,
             .clock = worker.loop.clock(),
             .metrics = worker.metrics,
             .resolver = resolver_,
             .upstreams = upstreams_,
             .requests = requests_,
             .all_requests = worker.metrics.own_of_process<RequestMetrics>("worker/" + std::to_string(worker.number)),
             .lives = worker.lives,
             .life = worker.life,
             .run_state = worker.run_state,
             .steering = worker.steering},
      tls_metrics_(worker.metrics.own_of_process<TlsMetrics>("worker/" + std::to_string(worker.number))),
      resolver_(worker.loop, {}, &worker_.metrics),
      upstreams_(worker.loop),
      client_desk_(worker.loop, resolver_),
      stapler_(worker_, resolver_),
      peer_names_(resolver_),
      health_(*this) {}

HttpServer::~HttpServer() { CHECK(open_.empty()); }

void HttpServer::use(std::shared_ptr<const ringx::Site> site) {
    site_ = std::static_pointer_cast<const Site>(std::move(site));
    files_.clear();
    kernel_seals_ = true;  // it may have learned to since
    for (auto& [key, slot] : slots_) {
        const ListenPoint* point = site_ != nullptr ? site_->find(key) : nullptr;
        if (point != nullptr) {
            slot.site = site_;
            slot.point = point;
        } else if (slot.connections == 0) {
            slot.site = nullptr;
        }
    }
    upstreams_.keep_only([this](std::string_view group) { return site_ != nullptr && site_->has_upstream(group); });
    if (site_ == nullptr) return end_errands();
    site_->adopt(worker_.metrics);
    stapler_.use(site_->tls_contexts(), &site_->log());
    const auto& named = site_->named_groups();
    bool has_checks = !site_->health_checks().all().empty();
    if (!has_checks) health_.end();
    if (named.empty()) peer_names_.end();
    if (!has_checks && named.empty()) return;
    auto& peers = parts_.states.get<WorkerPeers>(*parts_.lives, parts_.life, &parts_.metrics);
    if (has_checks) health_.use(site_, peers);
    if (!named.empty()) peer_names_.use(named, peers, &site_->log());
}

// Those that are done for nobody who waits.
void HttpServer::end_errands() {
    stapler_.end();
    peer_names_.end();
    health_.end();
}

void HttpServer::accepted(Fd socket, const std::string& listen_key) {
    worker_.counters.accepted.add(1);
    const ListenPoint* point = site_ != nullptr ? site_->find(listen_key) : nullptr;
    if (point == nullptr) return;  // no longer listened on: closed
    ListenSlot& slot = slots_[listen_key];
    slot.site = site_;
    slot.point = point;
    converse(*this, socket.release(), slot);
}

void HttpServer::drain() {
    draining_ = true;
    end_errands();
    upstreams_.drain();
    open_.each([](Connection& connection) { connection.drain(); });
}

void HttpServer::end() {
    draining_ = true;
    end_errands();
    upstreams_.drain();
    client_desk_.cancel();
    open_.each([](Connection& connection) { connection.end(); });
}

uint64_t HttpServer::next_connection_number() {
    // The low bits tell workers apart, so that numbers are unique while the server runs.
    return ++numbers_ << 10 | worker_.number;
}

void HttpServer::enter(Connection& connection, ListenSlot& listen) {
    open_.push_back(connection);
    crowd_ = std::max(crowd_, ++count_);
    ++listen.connections;
    worker_.counters.handled.add(1);
    worker_.counters.active.add(1);
}

void HttpServer::leave(ListenSlot& listen) {
    worker_.counters.active.subtract(1);
    if (--count_ < crowd_ / 4 && crowd_ >= crowd_min && !set()) loop().set_timer(*this, trim_after_ms);
    if (--listen.connections == 0 && listen.site != site_) listen.site = nullptr;
}

void HttpServer::expire() {
    crowd_ = count_;
    loop().engine().buffers().trim();
    malloc_trim(0);
}

}  // namespace ringx::http
