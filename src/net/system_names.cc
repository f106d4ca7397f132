#include "net/system_names.h"

#include <fcntl.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "base/fd.h"
#include "base/format.h"
#include "net/dns_message.h"

namespace ringx {
namespace {

// As the C library has them.
constexpr size_t servers_max = 3, search_max = 32;
constexpr size_t file_bytes_max = 64 << 20;  // lists of unwanted hosts are large
constexpr unsigned ndots_max = 15, timeout_max = 30, attempts_max = 5;

// The words of a line up to a comment.
std::vector<std::string_view> words_of(std::string_view line, std::string_view comments) {
    line = line.substr(0, line.find_first_of(comments));
    std::vector<std::string_view> words;
    while (true) {
        line.remove_prefix(std::min(line.find_first_not_of(" \t\r\v\f"), line.size()));
        if (line.empty()) return words;
        size_t end = std::min(line.find_first_of(" \t\r\v\f"), line.size());
        words.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

template <typename Visit>
void each_line(std::string_view text, Visit visit) {
    while (!text.empty()) {
        size_t end = std::min(text.find('\n'), text.size());
        visit(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

// An address with port; a zone ("fe80::1%eth0") is understood.
std::optional<Address> read_address(std::string_view text, const char* port) {
    addrinfo wish{};
    wish.ai_socktype = SOCK_STREAM;
    wish.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (getaddrinfo(std::string(text).c_str(), port, &wish, &found) != 0) return std::nullopt;
    Address address(found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return address;
}

// The number of "name:NUMBER" when it is this option; never more than `most`.
void read_option(std::string_view word, std::string_view name, unsigned most, unsigned& number) {
    if (!word.starts_with(name) || word.substr(name.size(), 1) != ":") return;
    std::string_view digits = word.substr(name.size() + 1);
    unsigned read = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), read);
    if (error == std::errc() && end == digits.data() + digits.size()) number = std::min(read, most);
}

// What cannot be read says nothing, as the C library has it.
std::string content(const std::string& path) {
    Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    std::string text;
    std::array<char, 16384> piece;
    while (text.size() < file_bytes_max) {
        ssize_t got = read(file.get(), piece.data(), piece.size());
        if (got <= 0) break;
        text.append(piece.data(), static_cast<size_t>(got));
    }
    return text;
}

}  // namespace

std::string ResolverRules::key() const {
    std::string key = text::format("{}{} {} {}", int{ipv4}, int{ipv6}, first_try_ms, rounds_max);
    if (valid_seconds) key += text::format(" valid={}", *valid_seconds);
    for (const Address& server : servers) key += " " + server.text();
    return key;
}

FileStamp FileStamp::of(const std::string& path) {
    struct stat file{};
    if (stat(path.c_str(), &file) < 0) return {};
    return {file.st_dev, file.st_ino, file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec};
}

std::vector<std::string> SystemNames::candidates(std::string_view name) const {
    std::vector<std::string> found;
    auto add = [&found](std::string_view text) {
        if (auto good = dns_name(text)) found.push_back(std::move(*good));
    };
    bool is_absolute = name.ends_with('.');
    bool is_first = is_absolute || std::ranges::count(name, '.') >= static_cast<std::ptrdiff_t>(ndots);
    if (is_first) add(name);
    if (is_absolute) return found;
    for (const std::string& domain : search) add(text::format("{}.{}", name, domain));
    if (!is_first) add(name);
    return found;
}

void read_resolv_conf(std::string_view text, SystemNames& names) {
    unsigned timeout = 5, attempts = 2;
    auto rules = std::make_shared<ResolverRules>();
    rules->rotates = false;
    names.search.clear();
    names.ndots = 1;
    each_line(text, [&](std::string_view line) {
        if (line.starts_with('#') || line.starts_with(';')) return;
        auto words = words_of(line, "");
        if (words.size() < 2) return;
        if (words[0] == "nameserver" && rules->servers.size() < servers_max) {
            if (auto address = read_address(words[1], "53")) rules->servers.push_back(*address);
        }
        if (words[0] == "search" || words[0] == "domain") {
            names.search.clear();
            for (std::string_view word : std::span(words).subspan(1)) {
                if (names.search.size() < search_max && word != ".") names.search.emplace_back(word);
            }
        }
        if (words[0] != "options") return;
        for (std::string_view word : std::span(words).subspan(1)) {
            read_option(word, "ndots", ndots_max, names.ndots);
            read_option(word, "timeout", timeout_max, timeout);
            read_option(word, "attempts", attempts_max, attempts);
            if (word == "rotate") rules->rotates = true;
        }
    });
    if (rules->servers.empty()) rules->servers.push_back(*Address::parse("127.0.0.1", 53));
    rules->first_try_ms = std::max(timeout, 1u) * uint64_t{1000};
    rules->rounds_max = std::max(attempts, 1u);
    names.rules = std::move(rules);
}

void read_hosts(std::string_view text, SystemNames& names) {
    names.hosts.clear();
    each_line(text, [&](std::string_view line) {
        auto words = words_of(line, "#");
        if (words.size() < 2) return;
        auto address = read_address(words[0], nullptr);
        if (!address) return;
        for (std::string_view word : std::span(words).subspan(1)) {
            auto name = dns_name(word);
            if (!name) continue;
            std::vector<Address>& known = names.hosts[*name];
            if (std::ranges::find(known, *address) == known.end()) known.push_back(*address);
        }
    });
}

std::shared_ptr<const SystemNames> read_system_names(const SystemFiles& files,
                                                     const std::shared_ptr<const SystemNames>& known) {
    // Looked at before they are read: what changes in between is read again.
    FileStamp resolv_conf = FileStamp::of(files.resolv_conf), hosts = FileStamp::of(files.hosts);
    bool holds = known != nullptr && known->resolv_conf_stamp == resolv_conf && known->hosts_stamp == hosts;
    if (holds) return known;
    auto names = std::make_shared<SystemNames>();
    names->resolv_conf_stamp = resolv_conf;
    names->hosts_stamp = hosts;
    read_resolv_conf(content(files.resolv_conf), *names);
    read_hosts(content(files.hosts), *names);
    return names;
}

}  // namespace ringx
