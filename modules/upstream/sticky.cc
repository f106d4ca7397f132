#include "modules/upstream/sticky.h"

#include <optional>

#include "base/format.h"

namespace ringx::http {
namespace {

void refuse_parameter(conf::Binding& binding, const conf::Word& word) {
    binding.mistake(word, text::format("unknown parameter \"{}\"", word.text));
}

const VariableUse& variable(conf::Binding& binding, const conf::Word& word, std::string_view name) {
    return variable_names.in(binding.block()).use(binding.arena(), word, name);
}

// What follows the `=`, as a word of its own.
conf::Word value_of(const conf::Word& word) {
    conf::Word value = word;
    value.text.remove_prefix(word.text.find('=') + 1);
    return value;
}

// The parameters of `sticky cookie`; each reads one and says what is wrong with it, or nothing.
class CookieReader {
 public:
    CookieReader(conf::Binding& binding, StickyCookie& cookie) : binding_(binding), cookie_(cookie) {}

    void read(const conf::Word& word) {
        size_t equals = word.text.find('=');
        std::string_view name = word.text.substr(0, equals);
        bool is_flag = name == "httponly" || name == "secure";
        bool is_value = name == "domain" || name == "path" || name == "expires" || name == "samesite";
        if (is_flag == (equals != word.text.npos) || !(is_flag || is_value)) return refuse_parameter(binding_, word);
        std::string mark = text::format("<{}>", name);
        if (seen_.contains(mark)) return binding_.refuse(text::format("parameter \"{}\" is duplicate", name));
        seen_ += mark;
        if (is_flag) {
            (name == "secure" ? cookie_.secure : cookie_.http_only) = true;
            return;
        }
        read_value(name, value_of(word));
    }

 private:
    void read_value(std::string_view name, const conf::Word& value) {
        bool may_be_empty = name == "expires" || name == "samesite";
        if (value.text.empty() && !may_be_empty) return binding_.refuse(text::format("no value for \"{}\"", name));
        if (name == "path") cookie_.path = value.text;
        if (name == "domain") compile(value, cookie_.domain);
        if (name == "expires") read_expires(value.text);
        if (name != "samesite") return;
        compile(value, cookie_.same_site);
        const Template& text = cookie_.same_site;
        if (text.is_constant() && !is_same_site(value.text)) binding_.refuse("invalid \"samesite\" parameter value");
    }
    void read_expires(std::string_view text) {
        auto time = conf::parse<std::chrono::seconds>(text);
        if (text == "max") {
            cookie_.expires = StickyCookie::expires_max;
        } else if (time) {
            cookie_.expires = time->count();
        } else {
            binding_.refuse("invalid \"expires\" parameter value");
        }
    }
    void compile(const conf::Word& value, Template& into) {
        if (auto text = Template::compile(binding_, value)) into = std::move(*text);
    }

    conf::Binding& binding_;
    StickyCookie& cookie_;
    std::string seen_;  // names of parameters, each between brackets
};

void read_cookie(conf::Binding& binding, Sticky& sticky) {
    auto words = binding.words();
    if (words[1].text.empty()) return binding.refuse("empty cookie name");
    sticky.cookie.name = words[1].text;
    CookieReader reader(binding, sticky.cookie);
    for (const conf::Word& word : words.subspan(2)) reader.read(word);
    std::string_view name = binding.arena().copy(text::format("cookie_{}", words[1].text));
    sticky.lookup.push_back(&variable(binding, words[1], name));
}

void read_route(conf::Binding& binding, Sticky& sticky) {
    for (const conf::Word& word : binding.words().subspan(1)) {
        if (!word.text.starts_with('$')) {
            return binding.mistake(word, text::format("invalid variable name \"{}\"", word.text));
        }
        sticky.lookup.push_back(&variable(binding, word, word.text.substr(1)));
    }
}

// The parameters of `sticky learn`.
class LearnReader {
 public:
    LearnReader(conf::Binding& binding, const Upstream& upstream)
        : binding_(binding), upstream_(upstream), sticky_(*upstream.sticky) {}

    void read(const conf::Word& word) {
        std::string_view name = word.text.substr(0, word.text.find('=') + 1);
        conf::Word value = value_of(word);
        if (name == "create=") return read_variable(value, "create", sticky_.create);
        if (name == "lookup=") return read_variable(value, "lookup", sticky_.lookup);
        if (name == "timeout=") return read_timeout(value.text);
        if (name == "zone=") return read_zone(value);
        if (word.text != "header") return refuse_parameter(binding_, word);
        sticky_.sessions.by_header = true;
    }

    void end() {
        if (is_wrong_) return;
        if (sticky_.lookup.empty()) return refuse("\"lookup\" parameter is not specified");
        if (sticky_.create.empty()) return refuse("\"create\" parameter is not specified");
        if (!zone_) return refuse("\"zone\" parameter is not specified");
        NamedZone* zone =
            named_zones.in(binding_.block()).use(binding_, zone_word_, zone_->name, zone_->bytes, "sticky");
        if (zone == nullptr) return;
        if (zone->data != nullptr) {
            const Upstream& other = *static_cast<const Upstream*>(zone->data);
            return binding_.mistake(zone_word_, text::format("sticky zone \"{}\" is already used in upstream \"{}\"",
                                                             zone->name, other.name));
        }
        zone->data = &upstream_;
        sticky_.sessions.zone = zone;
    }

 private:
    void refuse(std::string_view why) {
        is_wrong_ = true;
        binding_.refuse(why);
    }
    void read_variable(const conf::Word& value, std::string_view what, std::vector<const VariableUse*>& into) {
        if (!value.text.starts_with('$')) {
            return refuse(text::format("missing variable in the \"{}\" parameter", what));
        }
        into.push_back(&variable(binding_, value, value.text.substr(1)));
    }
    void read_timeout(std::string_view text) {
        if (has_timeout_) return refuse("duplicate timeout");
        has_timeout_ = true;
        auto time = conf::parse<std::chrono::milliseconds>(text);
        if (!time || time->count() == 0) return refuse("invalid timeout");
        sticky_.sessions.timeout_ms = static_cast<uint64_t>(time->count());
    }
    void read_zone(const conf::Word& value) {
        if (zone_) return refuse("duplicate zone");
        size_t colon = value.text.find(':');
        if (colon == value.text.npos) return refuse("zone size is not specified");
        if (colon == 0) return refuse("zone name is not specified");
        auto size = conf::parse<conf::Size>(value.text.substr(colon + 1));
        if (!size) return refuse("invalid zone size");
        if (size->bytes < SharedZone::bytes_min) return refuse("zone is too small");
        zone_ = ZoneName{value.text.substr(0, colon), size->bytes};
        zone_word_ = value;
    }

    conf::Binding& binding_;
    const Upstream& upstream_;
    Sticky& sticky_;
    std::optional<ZoneName> zone_;
    conf::Word zone_word_;
    bool has_timeout_ = false;
    bool is_wrong_ = false;
};

}  // namespace

void set_sticky(Upstream& upstream, conf::Binding& binding) {
    if (upstream.sticky != nullptr) return binding.duplicate();
    upstream.sticky = std::make_unique<Sticky>();
    Sticky& sticky = *upstream.sticky;
    const conf::Word& kind = binding.words()[0];
    if (kind.text == "cookie") return read_cookie(binding, sticky);
    if (kind.text == "route") return read_route(binding, sticky);
    if (kind.text != "learn") return refuse_parameter(binding, kind);
    LearnReader reader(binding, upstream);
    for (const conf::Word& word : binding.words().subspan(1)) reader.read(word);
    reader.end();
}

}  // namespace ringx::http
