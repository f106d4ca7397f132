#include "http/tls_directives.h"

#include <chrono>

#include "base/format.h"
#include "net/system_needs.h"

namespace ringx::http {
namespace {

constexpr std::string_view data_prefix = CertificateNames::data_prefix;

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!line.empty()) lines.push_back(line);
    }
    return lines;
}

}  // namespace

uint32_t bits_of(const conf::Flags<TlsProtocol>& protocols) {
    uint32_t bits = 0;
    for (auto [name, protocol] : choices(TlsProtocol{})) {
        if (protocols.has(protocol)) bits |= 1u << static_cast<unsigned>(protocol);
    }
    return bits;
}

void set_passwords(Setting<std::vector<std::string_view>>& passwords, conf::Binding& binding) {
    if (passwords.given) return binding.duplicate();
    const conf::Word& word = binding.words()[0];
    std::string_view path = binding.full_conf_path(word.text);
    auto bytes = binding.bundle().read(path);
    if (bytes) {
        system_needs.in(binding.block()).keep_secret(path);
        return passwords.give(lines_of(*bytes));
    }
    const Error& error = bytes.error();
    binding.mistake(word, text::format("{}() \"{}\" failed ({})", error.call, path, describe(error)));
}

void set_certificate_cache(Setting<std::shared_ptr<CertificateCache>>& cache, conf::Binding& binding) {
    using std::chrono::seconds;
    if (cache.given) return binding.duplicate();
    size_t max = 0;
    seconds inactive{10}, valid{60};
    bool off = false;
    for (const conf::Word& word : binding.words()) {
        std::string_view name = word.text.substr(0, word.text.find('=') + 1);
        std::string_view value = word.text.substr(name.size());
        bool good = word.text == "off";
        off |= good;
        if (name == "max=") {
            auto number = conf::parse_unsigned(value, 1'000'000);
            good = number && *number > 0;
            if (good) max = *number;
        } else if (name == "inactive=" || name == "valid=") {
            auto time = conf::parse<seconds>(value);
            good = time.has_value();
            if (good) (name == "valid=" ? valid : inactive) = *time;
        }
        if (!good) {
            return binding.mistake(word, text::format("invalid parameter \"{}\"", word.text),
                                   "expected off, or max=number [inactive=time] [valid=time]");
        }
    }
    if (off) return cache.give(nullptr);
    if (max == 0) {
        std::string sentence = text::format("\"{}\" must have the \"max\" parameter", binding.name());
        return binding.mistake(binding.name_word(), std::move(sentence));
    }
    auto milliseconds = [](seconds time) { return static_cast<uint64_t>(time.count()) * 1000; };
    cache.give(std::make_shared<CertificateCache>(max, milliseconds(inactive), milliseconds(valid)));
}

std::string whole_name(std::string_view value, std::string_view directory) {
    bool is_whole = CertificateNames::is_data(value) || value.starts_with('/');
    return is_whole ? std::string(value) : text::format("{}{}", directory, value);
}

TlsFile TlsFiles::read(std::string_view path, std::string_view what, const conf::Place& place) {
    if (path.empty()) return {};
    if (path.starts_with(data_prefix)) return {std::string(data_prefix), path.substr(data_prefix.size())};
    std::string_view full = completion_.full_conf_path(path);
    auto bytes = completion_.bundle().read(full);
    if (bytes) return {std::string(full), *bytes};
    const Error& error = bytes.error();
    complain(place,
             text::format("cannot load {} \"{}\": {}() failed ({})", what, full, error.call, describe(error)));
    return {};
}

TlsFile TlsFiles::read_key(std::string_view path, const conf::Place& place) {
    TlsFile file = read(path, "certificate key", place);
    if (file.name.starts_with('/')) system_needs.in(completion_.block()).keep_secret(file.name);
    return file;
}

TlsFile TlsFiles::read_secret(const conf::Word& word) {
    std::string_view full = completion_.full_conf_path(word.text);
    auto bytes = completion_.bundle().read(full);
    if (bytes) {
        system_needs.in(completion_.block()).keep_secret(full);
        return {std::string(full), *bytes};
    }
    const Error& error = bytes.error();
    complain(word.place, text::format("{}() \"{}\" failed ({})", error.call, full, describe(error)));
    return {};
}

void TlsFiles::complain(const conf::Place& place, std::string sentence) {
    good_ = false;
    completion_.mistake(place, std::move(sentence));
}

}  // namespace ringx::http
