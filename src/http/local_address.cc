#include "http/local_address.h"

#include "base/format.h"
#include "http/request.h"
#include "net/worker_rights.h"

namespace ringx::http {

std::optional<Address> parse_local_address(std::string_view text) {
    constexpr std::string_view of_v4 = "0123456789.:", of_v6 = "0123456789abcdefABCDEF.:[]";
    size_t colon = text.find(':');
    bool is_v6 = colon != text.npos && text.find(':', colon + 1) != text.npos;
    if (!is_v6 && !text.substr(0, colon).contains('.')) return std::nullopt;  // a port alone
    if (text.find_first_not_of(is_v6 ? of_v6 : of_v4) != text.npos) return std::nullopt;
    if (is_v6 && !text.starts_with('[')) return Address::parse(text::format("[{}]", text), 0);
    if (is_v6 && text.ends_with(']')) return std::nullopt;
    return Address::parse(text, 0);
}

void LocalAddress::read(Setting<LocalAddress>& setting, conf::Binding& binding) {
    if (setting.given) return binding.duplicate();
    auto words = binding.words();
    if (words.size() == 1 && words[0].text == "off") return setting.give({});
    LocalAddress made;
    auto text = Template::compile(binding, words[0]);
    if (!text) return;
    if (!text->is_constant()) {
        made.text_ = std::move(*text);
    } else {
        made.constant_ = parse_local_address(words[0].text);
        if (!made.constant_) return binding.mistake(words[0], text::format("invalid address \"{}\"", words[0].text));
    }
    made.transparent_ = words.size() > 1;
    if (made.transparent_ && words[1].text != "transparent") {
        return binding.mistake(words[1], text::format("invalid parameter \"{}\"", words[1].text));
    }
    if (made.transparent_) worker_rights.in(binding.block()).foreign_addresses = true;
    setting.give(std::move(made));
}

void LocalAddress::apply(Request& request, SocketRules& rules) const {
    rules.transparent = transparent_;
    rules.from = constant_;
    if (text_.empty()) return;
    std::string_view text = text_.evaluate(request);
    if (text.empty()) return;
    rules.from = parse_local_address(text);
    if (!rules.from) {
        request.log().write(Level::error, request.log_context(), "invalid local address \"{}\"", text);
    }
}

}  // namespace ringx::http
