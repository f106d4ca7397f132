#include "bench/options.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/fd.h"
#include "base/format.h"
#include "conf/value.h"
#include "http/text.h"

namespace ringx::bench {
namespace {

using std::chrono::milliseconds;
using Wrong = std::optional<std::string>;  // the sentence, or nothing

// What is known only together with other options.
struct Draft {
    Options options;
    std::string host = "127.0.0.1";
    uint16_t port = 0;  // not given
    std::string payload;
    bool has_server = false;
    bool has_method = false;
    bool has_requests = false;
    bool has_duration = false;
    bool tls = false;
};

struct Option {
    std::string_view name;
    char letter;            // 0: none
    std::string_view value;  // what it takes; empty: nothing
    Wrong (*set)(Draft& draft, std::string_view value);
    std::string_view text;
};

// A body is held in memory once for each request of a batch.
constexpr size_t body_bytes_max = 64 << 20;
constexpr size_t tape_bytes_max = 1 << 30;

template <typename Number>
std::optional<Number> number(std::string_view text, Number least, Number most) {
    Number value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    bool good = error == std::errc() && end == text.data() + text.size() && value >= least && value <= most;
    return good ? std::optional(value) : std::nullopt;
}

template <typename Number>
Wrong set_number(Number& to, std::string_view name, std::string_view text, Number least, Number most) {
    auto value = number<Number>(text, least, most);
    if (!value) return text::format("{} is a number from {} to {}, not \"{}\"", name, least, most, text);
    to = *value;
    return std::nullopt;
}

Wrong set_time(milliseconds& to, std::string_view name, std::string_view text) {
    auto value = conf::parse<milliseconds>(text);
    if (!value || *value <= milliseconds(0) || *value > std::chrono::days(7)) {
        return text::format("{} is a time such as 10s, 500ms or 2m, and not \"{}\"", name, text);
    }
    to = *value;
    return std::nullopt;
}

Wrong set_flag(bool& to) {
    to = true;
    return std::nullopt;
}

Wrong set_text(std::string& to, std::string_view text) {
    to = text;
    return std::nullopt;
}

Wrong add_url(Draft& draft, std::string_view text) {
    auto url = Url::parse(text);
    if (!url) return url.error();
    draft.options.urls.push_back(*url);
    return std::nullopt;
}

Wrong set_compared(Draft& draft, std::string_view text) {
    auto url = Url::parse(text);
    if (!url) return url.error();
    draft.options.compared = *url;
    return std::nullopt;
}

Wrong set_payload(Draft& draft, std::string_view text) {
    static constexpr std::string_view known[] = {"128", "1k", "10k"};
    bool is_known = std::ranges::find(known, text) != std::end(known);
    if (!is_known) return text::format("--payload is 128, 1k or 10k, not \"{}\"", text);
    draft.payload = text;
    return std::nullopt;
}

Wrong set_host(Draft& draft, std::string_view text) {
    draft.host = text;
    draft.has_server = true;
    return std::nullopt;
}

Wrong set_port(Draft& draft, std::string_view text) {
    draft.has_server = true;
    return set_number<uint16_t>(draft.port, "--port", text, 1, 65535);
}

Wrong set_rate(Draft& draft, std::string_view text) {
    auto value = number<double>(text, 0.001, 1e8);
    if (!value) return text::format("--rate is a number of requests a second, not \"{}\"", text);
    draft.options.rate = *value;
    return std::nullopt;
}

bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return http::token_bytes[c]; });
}

Wrong set_method(Draft& draft, std::string_view text) {
    if (!is_token(text)) return text::format("\"{}\" is no method", text);
    if (text == "CONNECT") return std::string("--method CONNECT would open a tunnel: nothing is measured in one");
    draft.options.method = text;
    draft.has_method = true;
    return std::nullopt;
}

Wrong add_header(Draft& draft, std::string_view text) {
    size_t colon = text.find(':');
    bool good = colon != text.npos && is_token(text.substr(0, colon)) &&
                std::ranges::none_of(text, [](char c) { return http::control_bytes[c]; });
    if (!good) return text::format("a header is written \"Name: value\", and not \"{}\"", text);
    static constexpr std::string_view ours[] = {"Content-Length", "Transfer-Encoding"};
    for (std::string_view name : ours) {
        if (!http::equals_ignore_case(text.substr(0, colon), name)) continue;
        return text::format("\"{}\" follows from --body, and cannot be a --header", name);
    }
    draft.options.headers.emplace_back(text);
    return std::nullopt;
}

Wrong read_body(Draft& draft, std::string_view name) {
    std::string path(name);
    Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string bytes;
    std::array<char, 65536> piece;
    ssize_t got = file ? 1 : -1;
    while (got > 0 && bytes.size() <= body_bytes_max) {
        got = read(file.get(), piece.data(), piece.size());
        if (got > 0) bytes.append(piece.data(), static_cast<size_t>(got));
    }
    if (got < 0) return text::format("the file \"{}\" of --body cannot be read: {}", path, strerror(errno));
    if (bytes.size() > body_bytes_max) return text::format("the file \"{}\" of --body has more than 64 MB", path);
    draft.options.body = std::move(bytes);
    draft.options.has_body = true;
    return std::nullopt;
}

Wrong set_engine(Draft& draft, std::string_view text) {
    using Choice = EngineSettings::Choice;
    if (text == "io_uring") draft.options.engine = Choice::io_uring;
    else if (text == "epoll") draft.options.engine = Choice::epoll;
    else if (text != "auto") return text::format("--engine is io_uring, epoll or auto, not \"{}\"", text);
    return std::nullopt;
}

constexpr Option options[] = {
    {"connections", 'c', "NUMBER",
     [](Draft& d, std::string_view v) { return set_number(d.options.connections, "--connections", v, 1u, 100000u); },
     "connections (64)"},
    {"requests", 'n', "NUMBER",
     [](Draft& d, std::string_view v) {
         d.has_requests = true;
         return set_number<uint64_t>(d.options.requests, "--requests", v, 1, 1'000'000'000'000);
     },
     "requests of each connection, instead of a duration"},
    {"duration", 'd', "TIME",
     [](Draft& d, std::string_view v) {
         d.has_duration = true;
         return set_time(d.options.duration, "--duration", v);
     },
     "how long: 10s, 500ms, 2m (10s)"},
    {"payload", 'p', "SIZE", set_payload, "asks for /bench/SIZE: 128, 1k or 10k; see contrib/bench/bench.conf"},
    {"host", 0, "HOST", set_host, "instead of a URL: the server (127.0.0.1)"},
    {"port", 0, "PORT", set_port, "and its port (8080, with --tls 8443)"},
    {"threads", 't', "NUMBER",
     [](Draft& d, std::string_view v) { return set_number(d.options.threads, "--threads", v, 1u, 1024u); },
     "threads, which share the connections (1)"},
    {"rate", 'r', "RATE", set_rate, "open loop: so many requests a second, each measured from when it was due"},
    {"pipeline", 0, "NUMBER",
     [](Draft& d, std::string_view v) { return set_number(d.options.pipeline, "--pipeline", v, 1u, 1024u); },
     "requests sent together on a connection (1)"},
    {"close", 0, "", [](Draft& d, std::string_view) { return set_flag(d.options.close); },
     "a connection for each request"},
    {"method", 'm', "METHOD", set_method, "GET, or POST where there is a body"},
    {"header", 'H', "\"NAME: VALUE\"", add_header, "a field of the requests; may be given again"},
    {"body", 0, "FILE", read_body, "the requests' body"},
    {"tls", 0, "", [](Draft& d, std::string_view) { return set_flag(d.tls); }, "with --host and --port: TLS"},
    {"verify", 0, "", [](Draft& d, std::string_view) { return set_flag(d.options.verify); },
     "the server's certificate has to be valid"},
    {"ca", 0, "FILE",
     [](Draft& d, std::string_view v) -> Wrong {
         d.options.ca_file = v;
         return set_flag(d.options.verify);
     },
     "verify by these certificates (PEM), not by the system's"},
    {"sni", 0, "NAME",
     [](Draft& d, std::string_view v) { return set_text(d.options.sni, v); },
     "the name asked for in TLS, instead of the URL's"},
    {"resume", 0, "", [](Draft& d, std::string_view) { return set_flag(d.options.resume); },
     "TLS sessions are resumed"},
    {"timeout", 0, "TIME",
     [](Draft& d, std::string_view v) { return set_time(d.options.timeout, "--timeout", v); },
     "the longest wait for a connection or an answer (10s)"},
    {"engine", 0, "NAME", set_engine, "io_uring or epoll (the best there is)"},
    {"csv", 0, "FILE",
     [](Draft& d, std::string_view v) { return set_text(d.options.csv_file, v); },
     "adds the runs to this table"},
    {"json", 0, "", [](Draft& d, std::string_view) { return set_flag(d.options.json); }, "the report as JSON"},
    {"plot", 0, "FILE.svg",
     [](Draft& d, std::string_view v) { return set_text(d.options.plot_file, v); },
     "draws latencies and the rate over time"},
    {"compare", 0, "URL", set_compared, "asks this one, too, by turns (A is the first URL, B this one)"},
    {"rounds", 0, "NUMBER",
     [](Draft& d, std::string_view v) { return set_number(d.options.rounds, "--rounds", v, 1u, 1000u); },
     "of a comparison (5)"},
    {"quiet", 'q', "", [](Draft& d, std::string_view) { return set_flag(d.options.quiet); }, "no line of progress"},
    {"help", 'h', "", [](Draft& d, std::string_view) { return set_flag(d.options.help); }, "this text"},
    {"version", 'v', "", [](Draft& d, std::string_view) { return set_flag(d.options.version); }, "the version"},
};

Wrong apply(Draft& draft, const Option* option, std::string_view given, std::optional<std::string_view> value) {
    if (option == nullptr) return text::format("there is no option \"{}\" (--help lists them)", given);
    if (option->value.empty() && value) return text::format("option \"{}\" takes no value", given);
    if (!option->value.empty() && (!value || value->empty())) {
        return text::format("option \"{}\" needs a value: {}", given, option->value);
    }
    return option->set(draft, value.value_or(std::string_view()));
}

Wrong read_words(Draft& draft, std::span<const std::string_view> words) {
    for (size_t i = 0; i < words.size(); ++i) {
        std::string_view word = words[i];
        if (word.size() < 2 || word[0] != '-') {
            if (Wrong wrong = add_url(draft, word)) return wrong;
            continue;
        }
        std::optional<std::string_view> value;
        std::string_view given = word;
        const Option* option = nullptr;
        if (word.starts_with("--")) {
            given = word.substr(0, word.find('='));
            if (given.size() < word.size()) value = word.substr(given.size() + 1);
            auto found = std::ranges::find(options, given.substr(2), &Option::name);
            option = found == std::end(options) ? nullptr : found;
        } else {
            given = word.substr(0, 2);
            if (word.size() > 2) value = word.substr(2);
            auto found = std::ranges::find(options, word[1], &Option::letter);
            option = found == std::end(options) ? nullptr : found;
        }
        bool takes_next = option != nullptr && !option->value.empty() && !value && i + 1 < words.size();
        if (takes_next) value = words[++i];
        if (Wrong wrong = apply(draft, option, given, value)) return wrong;
    }
    return std::nullopt;
}

Wrong find_target(Draft& draft) {
    Options& options = draft.options;
    bool by_parts = draft.has_server || draft.tls || !draft.payload.empty();
    if (by_parts && !options.urls.empty()) {
        return std::string("a URL says it all: --host, --port, --tls and --payload are for going without one");
    }
    if (!by_parts && options.urls.empty()) return std::string("whom to ask? Give a URL, or --host and --port");
    if (by_parts) {
        uint16_t port = draft.port != 0 ? draft.port : draft.tls ? 8443 : 8080;
        bool is_v6 = draft.host.find(':') != draft.host.npos && !draft.host.starts_with('[');
        std::string_view target = draft.payload.empty() ? "/" : "/bench/";
        std::string host = is_v6 ? text::format("[{}]", draft.host) : draft.host;
        return add_url(draft, text::format("{}://{}:{}{}{}", draft.tls ? "https" : "http", host, port, target,
                                           draft.payload));
    }
    for (const Url& url : options.urls) {
        if (url.has_server_of(options.urls[0])) continue;
        return text::format("\"{}\" and \"{}\" are of different servers: URLs that take turns share connections",
                            options.urls[0].text(), url.text());
    }
    return std::nullopt;
}

Wrong check_together(const Draft& draft) {
    const Options& options = draft.options;
    if (draft.has_requests && draft.has_duration) return std::string("--requests or --duration, not both");
    if (options.threads > options.connections) {
        return text::format("{} threads have nothing to share in {} connections", options.threads,
                            options.connections);
    }
    if (options.close && options.pipeline > 1) {
        return std::string("--close and --pipeline contradict each other: one request for each connection, or several");
    }
    bool has_tls = options.urls[0].tls || (options.compared && options.compared->tls);
    bool wants_tls = options.verify || options.resume || !options.sni.empty();
    if (wants_tls && !has_tls) return std::string("--verify, --ca, --sni and --resume are about TLS: use https");
    if ((options.body.size() + 1024) * options.pipeline * options.urls.size() > tape_bytes_max) {
        return std::string("so many requests with so large a body would take more than 1 GB of memory");
    }
    return std::nullopt;
}

bool names(const std::vector<std::string>& headers, std::string_view name) {
    return std::ranges::any_of(headers, [name](std::string_view header) {
        return http::equals_ignore_case(header.substr(0, header.find(':')), name);
    });
}

}  // namespace

std::expected<Options, std::string> Options::parse(std::span<const std::string_view> words) {
    Draft draft;
    Wrong wrong = read_words(draft, words);
    if (wrong) return std::unexpected(*wrong);
    if (draft.options.help || draft.options.version) return draft.options;
    wrong = find_target(draft);
    if (!wrong) wrong = check_together(draft);
    if (wrong) return std::unexpected(*wrong);
    if (draft.options.has_body && !draft.has_method) draft.options.method = "POST";
    return draft.options;
}

std::string Options::request(const Url& url) const {
    std::string text = text::format("{} {} HTTP/1.1\r\n", method, url.target);
    if (!names(headers, "Host")) text += text::format("Host: {}\r\n", url.authority());
    if (close && !names(headers, "Connection")) text += "Connection: close\r\n";
    for (const std::string& header : headers) text += header + "\r\n";
    if (has_body) text += text::format("Content-Length: {}\r\n", body.size());
    return text + "\r\n" + body;
}

std::string usage() {
    std::string text = "Usage: bench [options] URL...\n"
                       "       bench [options] --host HOST --port PORT [--tls] [-p SIZE]\n"
                       "\n"
                       "Options:\n";
    for (const Option& option : options) {
        std::string left = option.letter != 0 ? text::format("-{}, ", option.letter) : std::string("    ");
        left += text::format("--{} {}", option.name, option.value);
        text += text::format("  {:<28} {}\n", left, option.text);
    }
    return text;
}

}  // namespace ringx::bench
