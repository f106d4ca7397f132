#include "modules/api/json_object.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/format.h"

namespace ringx::http::api {

// What the parser says, in the order of the text. False ends it.
class JsonObjectReader {
 public:
    std::expected<JsonObject, std::string> result(bool is_good) && {
        if (!is_good) return std::unexpected(std::move(mistake_));
        return std::move(object_);
    }

    bool null() { return add(nullptr); }
    bool boolean(bool value) { return add(value); }
    bool number_integer(int64_t value) { return add(value); }
    bool number_unsigned(uint64_t value) {
        if (std::in_range<int64_t>(value)) return add(static_cast<int64_t>(value));
        return add(static_cast<double>(value));
    }
    bool number_float(double value, const std::string&) { return add(value); }
    bool string(std::string& value) {
        if (value.contains('\0')) return refuse("A string holds a zero byte.");
        return add(std::move(value));
    }
    bool binary(nlohmann::json::binary_t&) { return false; }  // of other formats

    bool start_object(size_t) {
        if (std::exchange(is_open_, true)) return refuse_nested();
        return true;
    }
    bool key(std::string& name) {
        if (name.contains('\0')) return refuse("A name holds a zero byte.");
        if (object_.find(name) != nullptr) return refuse(text::format("\"{}\" is there twice.", name));
        if (object_.members_.size() == JsonObject::members_max) return refuse("There are too many members.");
        object_.members_.push_back({std::move(name), nullptr});
        return true;
    }
    bool end_object() { return true; }
    bool start_array(size_t) { return is_open_ ? refuse_nested() : refuse_other(); }
    bool end_array() { return true; }

    bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) {
        return refuse(text::format("This is not JSON from byte {} on.", position));
    }

 private:
    bool add(JsonObject::Value value) {
        if (!is_open_) return refuse_other();
        object_.members_.back().value = std::move(value);
        return true;
    }
    bool refuse_nested() {
        return refuse(text::format("The value of \"{}\" is an object or an array: only plain values are known.",
                                   object_.members_.back().name));
    }
    bool refuse_other() { return refuse("An object is expected."); }
    bool refuse(std::string sentence) {
        mistake_ = std::move(sentence);
        return false;
    }

    JsonObject object_;
    std::string mistake_;
    bool is_open_ = false;
};

std::expected<JsonObject, std::string> JsonObject::parse(std::string_view text) {
    JsonObjectReader reader;
    bool is_good = nlohmann::json::sax_parse(text, &reader);
    return std::move(reader).result(is_good);
}

const JsonObject::Value* JsonObject::find(std::string_view name) const {
    auto found = std::ranges::find(members_, name, &Member::name);
    return found == members_.end() ? nullptr : &found->value;
}

const JsonObject::Value* MemberReader::take(std::string_view name) {
    known_.push_back(name);
    return object_.find(name);
}

void MemberReader::complain(std::string_view name, std::string_view expected) {
    if (!mistake_) mistake_ = text::format("\"{}\" must be {}.", name, expected);
}

std::optional<std::string_view> MemberReader::string(std::string_view name) {
    const JsonObject::Value* value = take(name);
    if (value == nullptr) return std::nullopt;
    if (const auto* text = std::get_if<std::string>(value)) return *text;
    complain(name, "a string");
    return std::nullopt;
}

std::optional<bool> MemberReader::boolean(std::string_view name) {
    const JsonObject::Value* value = take(name);
    if (value == nullptr) return std::nullopt;
    if (const auto* is = std::get_if<bool>(value)) return *is;
    complain(name, "true or false");
    return std::nullopt;
}

std::optional<int64_t> MemberReader::integer(std::string_view name, int64_t min, int64_t max) {
    const JsonObject::Value* value = take(name);
    if (value == nullptr) return std::nullopt;
    const auto* number = std::get_if<int64_t>(value);
    if (number != nullptr && *number >= min && *number <= max) return *number;
    complain(name, text::format("a whole number from {} to {}", min, max));
    return std::nullopt;
}

std::optional<std::string> MemberReader::mistake() const {
    if (mistake_) return mistake_;
    for (const JsonObject::Member& member : object_.members()) {
        if (std::ranges::find(known_, member.name) != known_.end()) continue;
        return text::format("There is no member \"{}\".", member.name);
    }
    return std::nullopt;
}

}  // namespace ringx::http::api
