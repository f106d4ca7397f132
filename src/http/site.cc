#include "http/site.h"

#include <algorithm>

#include "base/check.h"
#include "http/captures.h"
#include "http/health_check.h"
#include "http/pipeline.h"
#include "http/status_zones.h"
#include "http/upstream.h"
#include "net/error_log.h"

namespace ringx::http {

Phases::Phases(std::span<const Module* const> applying, const CoreSettings& core) {
    auto collect = [](auto& into, auto function) {
        if (function != nullptr) into.push_back(function);
    };
    for (const Module* module : applying) {
        collect(steps(Stage::server_rewrite), module->server_rewrite);
        collect(steps(Stage::rewrite), module->rewrite);
        collect(steps(Stage::preaccess), module->preaccess);
        collect(steps(Stage::access), module->access);
        collect(steps(Stage::precontent), module->precontent);
        collect(steps(Stage::respond), module->respond);
        collect(filters, module->filter);
        collect(logs, module->log);
    }
    if (core.handler != nullptr) steps(Stage::respond).assign(1, core.handler);
    std::vector<Step>& access = steps(Stage::access);
    if (*core.satisfy == CoreSettings::Satisfy::any && !access.empty()) access.push_back(refuse_unless_granted);
    steps(Stage::find_location) = {find_location};
    steps(Stage::post_rewrite) = {follow_changed_uri};
    steps(Stage::nothing) = {nothing_answered};
}

const Phases& KnownPhases::of(const conf::Block& block) {
    applying_.clear();
    for (const Module* module : modules()) {
        if (module->applies == nullptr || module->applies(block)) applying_.push_back(module);
    }
    const CoreSettings& core = core_settings.in(block);
    Key key{applying_, core.handler, *core.satisfy};
    auto known = all_.find(key);
    if (known == all_.end()) known = all_.try_emplace(std::move(key), applying_, core).first;
    return known->second;
}

Location::Location(const conf::Block& of, KnownPhases& known)
    : block(&of),
      core(&core_settings.in(of)),
      name(&location_settings.in(of).name),
      phases(known.of(of)),
      exempt_methods(location_settings.in(of).exempt_methods) {
    for (const conf::Block* nested : of.inner()) {
        if (nested->context() == conf::location) inner.add(std::make_unique<Location>(*nested, known));
        if (nested->context() == conf::if_in_location) ifs.push_back(std::make_unique<Location>(*nested, known));
        if (nested->context() == conf::limit_except) limited = std::make_unique<Location>(*nested, known);
    }
    inner.sort();
}

void LocationSet::add(std::unique_ptr<Location> location) {
    if (tables_ == nullptr) tables_ = std::make_unique<Tables>();
    const Location* added = location.get();
    const LocationName& name = *added->name;
    auto enter = [&](std::unique_ptr<ByText>& table) {
        if (table == nullptr) table = std::make_unique<ByText>();
        table->emplace(name.text, added);
    };
    switch (name.kind) {
        case LocationName::Kind::none: break;
        case LocationName::Kind::prefix:
        case LocationName::Kind::final:
            tables_->prefixes.push_back({name.text, added, -1});
            if (!added->core->wants_slash || !name.text.ends_with('/')) break;
            if (tables_->slashless == nullptr) tables_->slashless = std::make_unique<ByText>();
            tables_->slashless->emplace(name.text.substr(0, name.text.size() - 1), added);
            break;
        case LocationName::Kind::exact: enter(tables_->exact); break;
        case LocationName::Kind::regex: tables_->regexes.push_back(added); break;
        case LocationName::Kind::named: enter(tables_->named); break;
    }
    tables_->all.push_back(std::move(location));
}

void LocationSet::sort() {
    if (tables_ == nullptr) return;
    std::vector<Prefix>& prefixes = tables_->prefixes;
    std::ranges::sort(prefixes, {}, &Prefix::text);
    for (size_t i = 1; i < prefixes.size(); ++i) {
        int shorter = static_cast<int>(i) - 1;
        while (shorter >= 0 && !prefixes[i].text.starts_with(prefixes[static_cast<size_t>(shorter)].text)) {
            shorter = prefixes[static_cast<size_t>(shorter)].shorter;
        }
        prefixes[i].shorter = shorter;
    }
    tables_->all.shrink_to_fit();
    prefixes.shrink_to_fit();
}

const Location* LocationSet::longest_prefix(std::string_view path) const {
    // Whatever begins the path stands before it in order, and the nearest of those begins with all the others.
    const std::vector<Prefix>& prefixes = tables_->prefixes;
    auto after = std::ranges::upper_bound(prefixes, path, {}, &Prefix::text);
    int at = static_cast<int>(after - prefixes.begin()) - 1;
    while (at >= 0 && !path.starts_with(prefixes[static_cast<size_t>(at)].text)) {
        at = prefixes[static_cast<size_t>(at)].shorter;
    }
    return at >= 0 ? prefixes[static_cast<size_t>(at)].location : nullptr;
}

const Location* LocationSet::find(std::string_view path, Request& request) const {
    return search(path, request).location;
}

LocationSet::Found LocationSet::search(std::string_view path, Request& request) const {
    if (tables_ == nullptr) return {};
    if (tables_->exact != nullptr) {
        auto exact = tables_->exact->find(path);
        if (exact != tables_->exact->end()) return {exact->second, true};
    }

    const Location* remembered = longest_prefix(path);
    bool has_own = remembered != nullptr && remembered->name->text == path;
    if (tables_->slashless != nullptr && !has_own) {
        auto slashless = tables_->slashless->find(path);
        if (slashless != tables_->slashless->end()) return {slashless->second, true};
    }
    bool skip_regexes = false;
    if (remembered != nullptr) {
        skip_regexes = remembered->name->kind == LocationName::Kind::final;
        Found nested = remembered->inner.search(path, request);
        if (nested.is_final) return nested;
        if (nested.location != nullptr) remembered = nested.location;
    }
    if (skip_regexes) return {remembered, false};

    for (const Location* location : tables_->regexes) {
        if (!match_into(request, *location->name->regex, path)) continue;
        Found nested = location->inner.search(path, request);
        return {nested.location != nullptr ? nested.location : location, true};
    }
    return {remembered, false};
}

const Location* LocationSet::find_named(std::string_view name) const {
    if (tables_ == nullptr || tables_->named == nullptr) return nullptr;
    auto named = tables_->named->find(name);
    return named == tables_->named->end() ? nullptr : named->second;
}

VirtualServer::VirtualServer(const Site& of_site, const conf::Block& of, KnownPhases& known)
    : site(of_site), settings(&server_settings.in(of)), outside(of, known) {
    const CoreSettings& core = *outside.core;
    const conf::Buffers& buffers = *core.large_client_header_buffers;
    limits.line_bytes_max = static_cast<uint32_t>(buffers.size);
    limits.head_bytes_max = static_cast<uint32_t>(buffers.count * buffers.size);
    limits.fields_max = static_cast<uint16_t>(*core.max_headers);
    limits.underscores_in_headers = *core.underscores_in_headers;
    limits.ignore_invalid_headers = *core.ignore_invalid_headers;
}

void ListenPoint::add(const ServerName& name, const VirtualServer& server) {
    switch (name.kind) {
        case ServerName::Kind::exact: exact_.emplace(name.text, &server); break;
        case ServerName::Kind::suffix: suffixes_.emplace(name.text, &server); break;
        case ServerName::Kind::prefix: prefixes_.emplace(name.text, &server); break;
        case ServerName::Kind::regex: regexes_.emplace_back(name.regex.get(), &server); break;
    }
}

void ListenPoint::look_for_names() {
    auto leads_elsewhere = [this](const ByName& names) {
        return std::ranges::any_of(names, [this](const auto& entry) { return entry.second != default_; });
    };
    // A regex may capture something even when it leads to the default server.
    only_default_ = regexes_.empty() && !leads_elsewhere(exact_) && !leads_elsewhere(suffixes_) &&
                    !leads_elsewhere(prefixes_);
}

const VirtualServer* ListenPoint::find_wildcard(std::string_view host) const {
    if (!suffixes_.empty()) {
        for (size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
            auto found = suffixes_.find(host.substr(dot));
            if (found != suffixes_.end()) return found->second;
        }
    }
    if (!prefixes_.empty()) {
        for (size_t dot = host.rfind('.'); dot != std::string_view::npos && dot > 0; dot = host.rfind('.', dot - 1)) {
            auto found = prefixes_.find(host.substr(0, dot + 1));
            if (found != prefixes_.end()) return found->second;
        }
    }
    return nullptr;
}

const VirtualServer& ListenPoint::find(std::string_view host, Request* request) const {
    if (only_default_) return *default_;
    auto exact = exact_.find(host);
    if (exact != exact_.end()) return *exact->second;
    if (const VirtualServer* wildcard = find_wildcard(host)) return *wildcard;
    for (const auto& [regex, server] : regexes_) {
        bool matches = request != nullptr ? match_into(*request, *regex, host) : regex->match(host);
        if (matches) return *server;
    }
    return *default_;
}

Site::Site(std::shared_ptr<const conf::Tree> tree) : tree_(std::move(tree)) {
    const HttpSettings& settings = http_settings.in(tree_->root());
    CHECK(settings.http != nullptr);
    for (const conf::Block* block : settings.http->inner()) {
        if (block->context() == conf::server) add_server(*block);
    }
    for (const auto& [key, address] : settings.addresses) listens_.push_back(address.listen);
    for (auto& [key, point] : points_) point.look_for_names();
}

void Site::add_server(const conf::Block& block) {
    servers_.push_back(std::make_unique<VirtualServer>(*this, block, phases_));
    const VirtualServer& server = *servers_.back();
    const HttpSettings& settings = http_settings.in(tree_->root());
    for (const ListenHere& listen : server.settings->listens) {
        ListenPoint& point = points_[listen.key];
        const ListenAddress& address = settings.addresses.at(listen.key);
        if (point.default_ == nullptr || address.default_server == &block) point.default_ = &server;
        point.proxy_protocol_ = address.proxy_protocol;
        point.tls_ = address.tls;
        for (const ServerName& name : server.settings->names) point.add(name, server);
    }
}

const ListenPoint* Site::find(const std::string& listen_key) const {
    auto found = points_.find(listen_key);
    return found == points_.end() ? nullptr : &found->second;
}

std::vector<std::shared_ptr<const TlsContext>> Site::tls_contexts() const {
    std::vector<std::shared_ptr<const TlsContext>> contexts;
    for (const auto& server : servers_) {
        if (server->settings->tls != nullptr) contexts.push_back(server->settings->tls);
    }
    return contexts;
}

const std::vector<NamedGroup>& Site::named_groups() const {
    return http::upstreams.in(*http_settings.in(tree_->root()).http).named_groups();
}

const Upstreams& Site::upstreams() const { return ringx::http::upstreams.in(*http_settings.in(tree_->root()).http); }

void Site::adopt(Metrics::Writer& metrics) const {
    status_zones().adopt(metrics);
    for (const auto& server : servers_) {
        StatusZone* zone = *status_settings.in(*server->outside.block).server;
        bool has_tls = zone != nullptr && server->settings->tls != nullptr;
        if (has_tls) zone->tls = &metrics.own<TlsMetrics>(zone->metrics_name());
    }
}

const StatusZones& Site::status_zones() const {
    return http::status_zones.in(*http_settings.in(tree_->root()).http);
}

const HealthChecks& Site::health_checks() const {
    return http::health_checks.in(*http_settings.in(tree_->root()).http);
}

bool Site::has_upstream(std::string_view name) const {
    return http::upstreams.in(*http_settings.in(tree_->root()).http).has(name);
}

const Log& Site::log() const { return error_log(tree_->root()); }

}  // namespace ringx::http
