#include "t/unit/http/sample_site.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "http/h1_parser.h"
#include "http/module.h"
#include "http/protocol.h"
#include "http/request_metrics.h"
#include "net/error_log.h"
#include "net/system_needs.h"
#include "net/temp_paths.h"
#include "net/worker_rights.h"
#include "net/zones.h"
#include "t/unit/event/scripted_engine.h"

namespace ringx::http {
namespace {

const conf::Language& language() {
    static const conf::Language all = [] {
        std::vector<conf::Section> list = {log_files_section, named_zones_section, error_log_section,
                                           temp_paths_section, worker_rights_section, system_needs_section};
        for (const conf::Section* section : sections()) list.push_back(*section);
        for (const Module* module : modules()) list.push_back({module->name, module->directives, module->settings});
        return conf::Language(list);
    }();
    return all;
}

}  // namespace

SampleSite::SampleSite(std::string_view http) : files_(loop), resolver_(loop), upstreams_(loop) {
    loop.open(std::make_unique<ScriptedEngine>(loop));
    worker.reset(new WorkerParts{.loop = loop,
                                 .files = files_,
                                 .clock = loop.clock(),
                                 .metrics = writer_,
                                 .resolver = resolver_,
                                 .upstreams = upstreams_,
                                 .requests = requests_,
                                 .all_requests = writer_.own<RequestMetrics>("worker/0")});
    conf::Bundle bundle = conf::Bundle::in_memory();
    bundle.add("/p/conf/a.conf", "error_log stderr;\nhttp {\n" + std::string(http) + "\n}\n");
    tree_ = std::make_shared<conf::Tree>(
        conf::load(language(), bundle, {.conf_path = "/p/conf/a.conf", .prefix = "/p/", .globals = {}}));
    if (!tree_->failed()) site_ = std::make_shared<const Site>(tree_);
}

SampleSite::~SampleSite() {
    worker.reset();
    request_.reset();
}

std::vector<std::string> SampleSite::mistakes() const {
    std::vector<std::string> sentences;
    for (const conf::Mistake& mistake : tree_->mistakes()) sentences.push_back(mistake.sentence);
    return sentences;
}

Request& SampleSite::request(std::string_view head) {
    request_.reset();
    bytes_.clear();
    for (char c : head) bytes_ += c == '\n' ? std::string("\r\n") : std::string(1, c);

    request_.worker = worker.get();
    request_.peer = &peer;
    request_.site = site_;
    request_.started_us = loop.clock().now_us();
    const ListenPoint* point = site_->find("0.0.0.0:1");
    EXPECT_NE(point, nullptr);
    request_.server = &point->default_server();
    H1Parser parser;
    if (parser.parse(bytes_, request_.head, {}).kind == Progress::Kind::done) {
        std::string storage;
        request_.server = &point->find(lower_host(request_.head.host, storage), request_);
        request_.uri = request_.head.path;
        request_.args = request_.head.query;
        request_.has_args = request_.head.has_query;
    }
    const Location& outside = request_.server->outside;
    const Location* found = outside.inner.find(request_.uri, request_);
    request_.location = found != nullptr ? found : &outside;
    request_.block = request_.location->block;
    request_.core = request_.location->core;
    return request_;
}

SampleFolder::SampleFolder() {
    folder_ = testing::TempDir() + "ringxXXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    folder_ += '/';
}

SampleFolder::~SampleFolder() { std::filesystem::remove_all(folder_); }

std::string SampleFolder::read(std::string_view name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace ringx::http
