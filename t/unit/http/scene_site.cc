#include "t/unit/http/scene_site.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "event/wait.h"
#include "http/core_settings.h"
#include "http/file_body.h"
#include "http/file_lookup.h"
#include "http/protocol.h"
#include "http/request_body.h"
#include "http/server_settings.h"
#include "http/upstream.h"
#include "net/error_log.h"
#include "net/peer_queue.h"
#include "net/system_needs.h"
#include "net/temp_paths.h"
#include "net/upstream_connection.h"
#include "net/worker_rights.h"

namespace ringx::http {
namespace {

Answer text_answer(Request& request, std::string_view text) {
    Response response;
    response.content_type = "text/plain";
    response.set_body(request.arena.copy(text));
    return Answer::of(std::move(response));
}

Answer answer_now(Request& request) { return text_answer(request, "now"); }

// What the head says, read again: views into it hold as long as the request.
std::string head_text(const Request& request) {
    std::string text(request.head.request_line);
    for (const Field& field : request.head.fields) {
        text.append("\n").append(field.name).append(": ").append(field.value);
    }
    return text;
}

Task<Answer> read_then_answer(Request& request) {
    Fd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    char bytes[16];
    Wait wait(request.worker->loop, Operation::Kind::read, file.get(), "read");
    wait.data = bytes;
    wait.bytes = sizeof bytes;
    wait.offset = 0;
    auto got = co_await wait;
    if (!got) co_return Answer::of_status(500);
    co_return text_answer(request, head_text(request));
}

Answer answer_later(Request& request) { return Answer::later(read_then_answer(request)); }

uint16_t body_error_status(int error) {
    switch (error) {
        case EMSGSIZE: return 413;
        case ETIMEDOUT: return 408;
        default: return 400;
    }
}

Task<Answer> read_body(Request& request) {
    std::string text;
    while (request.body != nullptr && !request.body->ended()) {
        auto data = co_await request.body->next();
        if (!data) co_return Answer::of_status(body_error_status(data.error().number));
        text += *data;
    }
    co_return text_answer(request, text + "\n" + head_text(request));
}

Answer answer_with_body(Request& request) { return Answer::later(read_body(request)); }

// The body, held first and then read twice.
Task<Answer> hold_body(Request& request) {
    if (request.body == nullptr) co_return text_answer(request, "nothing");
    auto held = co_await request.body->hold(request);
    if (!held) co_return Answer::of_status(RequestBody::status_of(held.error()));
    std::string text;
    for (int time = 0; time < 2; ++time) {
        request.body->rewind();
        for (;;) {
            auto data = co_await request.body->next();
            if (!data) co_return Answer::of_status(RequestBody::status_of(data.error()));
            if (data->empty()) break;
            text += *data;
        }
        text += "|";
    }
    bool has_name = *request.core->client_body_in_file_only != CoreSettings::BodyFile::off;
    text += request.body->memory() ? "memory" : has_name ? "file " + request.body->file()->path() : "file";
    co_return text_answer(request, text);
}

Answer answer_with_held_body(Request& request) { return Answer::later(hold_body(request)); }

constexpr std::string_view before_range = "<<";
constexpr std::string_view after_range = ">>";

Response pieces_of_large(Request& request) {
    Response response;
    std::string_view path = request.arena.join({scene_directory(), "/large", std::string_view("\0", 1)});
    auto opened = request.worker->files.find(path.substr(0, path.size() - 1), request.core->open_rules);
    CHECK(opened && *opened);
    response.file = **opened;
    auto pieces = request.arena.make_array<Piece>(3);
    pieces[0].memory = before_range;
    pieces[1] = Piece{{}, 1000, large_bytes - 2000};
    pieces[2].memory = after_range;
    response.pieces = pieces;
    return response;
}

Answer answer_pieces(Request& request) {
    Response response = pieces_of_large(request);
    response.content_length = before_range.size() + large_bytes - 2000 + after_range.size();
    return Answer::of(std::move(response));
}

Answer answer_source(Request& request) {
    Response response = pieces_of_large(request);
    response.source = read_pieces(request, response);
    return Answer::of(std::move(response));
}

Answer answer_counted(Request& request) {
    Answer answer = answer_source(request);
    answer.response.content_length = before_range.size() + large_bytes - 2000 + after_range.size();
    return answer;
}

// What is known of the peers of the group that the query names.
Answer answer_peers(Request& request) {
    const Upstream* group = upstreams.in(*request.block).find(request.args, 0, false);
    CHECK(group != nullptr);
    std::shared_ptr<PeerRoster> roster = group->roster(request);
    std::string text = "busy:";
    for (size_t i = 0; i < roster->peers().size(); ++i) {
        text += " " + std::to_string(roster->state(i, request.worker->clock.now_ms()).connections);
    }
    text += ", waiting: " + std::to_string(roster->queue().size());
    text += ", idle: " + std::to_string(request.worker->upstreams.idle());
    return text_answer(request, text);
}

Answer answer_never(Request&) { return Answer::of_status(444); }

struct Handler {
    std::string_view name;
    Answer (*function)(Request&);
};
constexpr Handler handlers[] = {
    {"now", answer_now},       {"later", answer_later},   {"echo", answer_with_body}, {"pieces", answer_pieces},
    {"source", answer_source}, {"counted", answer_counted}, {"never", answer_never},
    {"hold", answer_with_held_body}, {"peers", answer_peers},
};

struct Settings {};

void set_handler(Settings&, conf::Binding& binding) {
    for (const Handler& handler : handlers) {
        if (handler.name == binding.words()[0].text) core_settings.in(binding.block()).handler = handler.function;
    }
}

constexpr conf::Directive directives[] = {
    conf::custom<&set_handler>("handler", conf::location, {1, 1}, "A handler of the tests."),
};

constinit conf::Slot<Settings> settings;

const conf::Language& language() {
    static const std::vector<conf::Section> sections = [] {
        std::vector<conf::Section> all = {log_files_section, error_log_section, temp_paths_section,
                                          worker_rights_section, system_needs_section};
        for (const conf::Section* section : http::sections()) all.push_back(*section);
        for (const Module* module : modules()) all.push_back({module->name, module->directives, module->settings});
        all.push_back({"test", directives, &settings});
        return all;
    }();
    static const conf::Language all(sections);
    return all;
}

struct Directory {
    Directory() {
        char name[] = "/tmp/ringx-http-XXXXXX";
        CHECK(mkdtemp(name) != nullptr);
        path = name;
        std::ofstream(path + "/small") << "small\n";
        std::ofstream(path + "/large") << large_text();
    }
    ~Directory() { if (!getenv("KEEP")) std::filesystem::remove_all(path); }

    std::string path;
};

}  // namespace

const std::string& scene_directory() {
    static const Directory directory;
    return directory.path;
}

std::string_view large_text() {
    static const std::string text = [] {
        std::string made;
        for (uint64_t i = 0; made.size() < large_bytes; ++i) made += std::to_string(i * i * 2654435761u) + "\n";
        made.resize(large_bytes);
        return made;
    }();
    return text;
}

std::shared_ptr<const conf::Tree> scene_tree(std::string_view configuration) {
    conf::Bundle bundle = conf::Bundle::in_memory();
    std::string log = scene_directory() + "/error.log";
    bundle.add(default_error_log_path, log);
    bundle.add("/conf/server.conf", std::string(configuration));
    std::string prefix = scene_directory() + "/";
    auto tree = std::make_shared<conf::Tree>(
        conf::load(language(), bundle, {.conf_path = "/conf/server.conf", .prefix = prefix, .globals = {}}));
    for (const conf::Mistake& mistake : tree->mistakes()) ADD_FAILURE() << mistake.line();
    if (tree->failed()) return nullptr;
    for (const auto& file : log_files.in(tree->root()).all()) CHECK(file->open());
    return tree;
}

std::shared_ptr<const Site> scene_site(std::string_view configuration) {
    auto tree = scene_tree("http {\n"
                           "log_format scene '$request_uri $status $bytes_sent $body_bytes_sent $request_completion';\n"
                           "access_log " + scene_directory() + "/access.log scene;\n" +
                           std::string(configuration) + "\n}\n");
    CHECK(tree != nullptr);
    return std::make_shared<const Site>(std::move(tree));
}

}  // namespace ringx::http
