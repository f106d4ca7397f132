// fuzz/mangler.h - changes bytes on their way from a real peer, as a script says.
//
// Pairs of bytes: how many are left as they are, and what the next one is xored with. What follows a zero byte is not
// part of the script.
#pragma once

#include <string>
#include <string_view>

namespace ringx {

class Mangler {
 public:
    explicit Mangler(std::string_view script) : script_(script) { next(); }

    bool touched() const { return touched_; }
    std::string mangle(std::string bytes) {
        for (char& byte : bytes) {
            if (!active_ || left_-- > 0) continue;
            byte = static_cast<char>(byte ^ mask_);
            touched_ = true;
            next();
        }
        return bytes;
    }
    std::string_view rest() const { return script_; }

 private:
    void next() {
        active_ = script_.size() >= 2 && script_[0] != '\0';
        if (!active_) return;
        left_ = static_cast<unsigned char>(script_[0]) - 1;
        mask_ = script_[1];
        script_.remove_prefix(2);
    }

    std::string_view script_;
    int left_ = 0;
    char mask_ = 0;
    bool active_ = false;
    bool touched_ = false;
};

}  // namespace ringx
