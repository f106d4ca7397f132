#include "proc/steering_answer.h"

#include <cstring>

namespace ringx::proc {

namespace {

// Of a mistake, in the order they are written.
constexpr std::string conf::Mistake::* texts[] = {&conf::Mistake::sentence,    &conf::Mistake::position,
                                                  &conf::Mistake::file,        &conf::Mistake::source_line,
                                                  &conf::Mistake::caret_line, &conf::Mistake::hint};

void append(std::string& bytes, uint32_t number) {
    char raw[sizeof number];
    memcpy(raw, &number, sizeof raw);
    bytes.append(raw, sizeof raw);
}

void append(std::string& bytes, std::string_view text) {
    append(bytes, static_cast<uint32_t>(text.size()));
    bytes += text;
}

// Whoever asks for more than there is gets zeroes and nothing, and the whole is not well.
class Reader {
 public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    uint32_t number() {
        std::string_view raw = take(sizeof(uint32_t));
        uint32_t number = 0;
        if (!raw.empty()) memcpy(&number, raw.data(), sizeof number);
        return number;
    }
    std::string text() { return std::string(take(number())); }
    bool is_well() const { return is_well_; }
    bool is_over() const { return is_well_ && rest_.empty(); }

 private:
    std::string_view take(size_t bytes) {
        is_well_ = is_well_ && bytes <= rest_.size();
        if (!is_well_) return {};
        std::string_view taken = rest_.substr(0, bytes);
        rest_.remove_prefix(bytes);
        return taken;
    }

    std::string_view rest_;
    bool is_well_ = true;
};

conf::Mistake read_mistake(Reader& reader) {
    conf::Mistake mistake;
    mistake.level = Level{static_cast<uint8_t>(reader.number())};
    mistake.line_number = reader.number();
    mistake.column = reader.number();
    for (auto text : texts) mistake.*text = reader.text();
    return mistake;
}

bool is_level(Level level) { return level >= Level::emerg && level <= Level::debug; }

}  // namespace

std::string pack(const SteeringAnswer& answer) {
    std::string bytes;
    append(bytes, uint32_t{answer.good});
    append(bytes, answer.generation);
    append(bytes, static_cast<uint32_t>(answer.mistakes.size()));
    for (const conf::Mistake& mistake : answer.mistakes) {
        append(bytes, static_cast<uint32_t>(mistake.level));
        append(bytes, mistake.line_number);
        append(bytes, mistake.column);
        for (auto text : texts) append(bytes, mistake.*text);
    }
    return bytes;
}

std::optional<SteeringAnswer> unpack(std::string_view bytes) {
    Reader reader(bytes);
    SteeringAnswer answer;
    answer.good = reader.number() != 0;
    answer.generation = reader.number();
    uint32_t count = reader.number();
    for (uint32_t i = 0; i < count && reader.is_well(); ++i) {
        answer.mistakes.push_back(read_mistake(reader));
        if (!is_level(answer.mistakes.back().level)) return std::nullopt;
    }
    if (!reader.is_over()) return std::nullopt;
    return answer;
}

}  // namespace ringx::proc
