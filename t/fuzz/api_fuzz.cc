// t/fuzz/api_fuzz.cc - calls of the API: paths lead where their segments say, and bodies mean what they say.
//
// The first line of the input is a method and a path, the rest is a body. A path that leads somewhere is put together
// again from the endpoint's pattern and what was found in it. A body that is taken is written, and read as the same.
#include <algorithm>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "http/json_writer.h"
#include "modules/api/endpoints.h"
#include "modules/api/json_object.h"

using namespace ringx::http;
using namespace ringx::http::api;

namespace {

std::string fill_in(std::string_view pattern, const Parameters& parameters) {
    std::string path;
    size_t used = 0;
    for (size_t at = 0; at < pattern.size(); ++at) {
        if (pattern[at] != '{') {
            path += pattern[at];
            continue;
        }
        std::string_view name = pattern.substr(at, pattern.find('}', at) - at);
        std::string_view value = parameters[used++];
        CHECK(!value.empty());
        CHECK(name.ends_with("...") || !value.contains('/'));
        path += value;
        at += name.size();
    }
    return path;
}

void find(Method method, std::string_view path) {
    std::string allowed = allowed_methods(endpoints(), path);
    Found found = find_endpoint(endpoints(), method, path);
    CHECK(found.has_path == !allowed.empty());
    if (found.endpoint == nullptr) return;
    CHECK(allowed.contains(method_name(found.endpoint->method)));
    std::string again = fill_in(found.endpoint->path, found.parameters);
    CHECK(path == again || path == again + "/");
}

std::string written(const JsonObject& object) {
    JsonWriter json;
    json.begin_object();
    for (const JsonObject::Member& member : object.members()) {
        json.key(member.name);
        if (std::holds_alternative<std::nullptr_t>(member.value)) json.null();
        if (auto* is = std::get_if<bool>(&member.value)) json.boolean(*is);
        if (auto* whole = std::get_if<int64_t>(&member.value)) json.integer(*whole);
        if (auto* real = std::get_if<double>(&member.value)) json.real(*real);
        if (auto* text = std::get_if<std::string>(&member.value)) json.string(*text);
    }
    json.end();
    return json.take();
}

// A number that is whole may come back as an integer.
bool is_same(const JsonObject::Value& one, const JsonObject::Value& other) {
    auto* real = std::get_if<double>(&one);
    auto* whole = std::get_if<int64_t>(&other);
    if (real != nullptr && whole != nullptr) return *real == static_cast<double>(*whole);
    return one == other;
}

void read_all(const JsonObject& object) {
    MemberReader reader(object);
    for (const JsonObject::Member& member : object.members()) {
        bool is_string = reader.string(member.name).has_value();
        bool is_whole = reader.integer(member.name, INT64_MIN, INT64_MAX).has_value();
        bool is_boolean = reader.boolean(member.name).has_value();
        CHECK(is_string + is_whole + is_boolean <= 1);
    }
    auto mistake = reader.mistake();
    CHECK(mistake.has_value() == !object.empty());  // each was asked for as what it is not
}

void parse(std::string_view body) {
    auto object = JsonObject::parse(body);
    if (!object) {
        CHECK(object.error().ends_with('.'));
        return;
    }
    CHECK(object->members().size() <= JsonObject::members_max);
    for (const JsonObject::Member& member : object->members()) CHECK(object->find(member.name) == &member.value);
    auto again = JsonObject::parse(written(*object));
    CHECK(again && again->members().size() == object->members().size());
    for (size_t i = 0; i < object->members().size(); ++i) {
        CHECK(again->members()[i].name == object->members()[i].name);
        CHECK(is_same(object->members()[i].value, again->members()[i].value));
    }
    read_all(*object);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    size_t line_end = std::min(input.find('\n'), input.size());
    size_t method_end = std::min(input.find(' '), line_end);
    size_t path_begin = std::min(method_end + 1, line_end);
    find(recognise_method(input.substr(0, method_end)), input.substr(path_begin, line_end - path_begin));
    parse(input.substr(std::min(line_end + 1, input.size())));
    return 0;
}
