// modules/api/json_object.h - what clients send to the API: one object of JSON, whose members are plain values.
//
// Nothing is nested: whoever sends an array or an object in it is told so at its first byte, so no body is too deep for
// us. MemberReader takes values out one by one and remembers the first that is wrong.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ringx::http::api {

class JsonObject {
 public:
    using Value = std::variant<std::nullptr_t, bool, int64_t, double, std::string>;
    struct Member {
        std::string name;
        Value value;
    };

    static constexpr size_t members_max = 64;

    // Or a sentence that says what is wrong. No name stands twice, and no string holds a zero byte.
    static std::expected<JsonObject, std::string> parse(std::string_view text);

    const std::vector<Member>& members() const { return members_; }
    bool empty() const { return members_.empty(); }
    // Null when there is none.
    const Value* find(std::string_view name) const;

 private:
    friend class JsonObjectReader;
    std::vector<Member> members_;
};

class MemberReader {
 public:
    explicit MemberReader(const JsonObject& object) : object_(object) {}

    // The value of that member; nothing when it is not there, or wrong.
    std::optional<std::string_view> string(std::string_view name);
    std::optional<bool> boolean(std::string_view name);
    std::optional<int64_t> integer(std::string_view name, int64_t min, int64_t max);

    // To be called last: a sentence about the first member that was wrong, or that nobody has asked for.
    std::optional<std::string> mistake() const;

 private:
    const JsonObject::Value* take(std::string_view name);
    void complain(std::string_view name, std::string_view expected);

    const JsonObject& object_;
    std::vector<std::string_view> known_;
    std::optional<std::string> mistake_;
};

}  // namespace ringx::http::api
