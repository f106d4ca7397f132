#include "proc/quick_serve.h"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>

#include "base/format.h"

namespace ringx::proc {

namespace {

struct Option {
    std::string_view name;
    std::string_view argument;  // empty: takes none
    std::string_view help;
};

constexpr Option options[] = {
    {"listen", "address:port", "where to listen (default: 127.0.0.1:8080)"},
    {"host", "address", "the address alone"},
    {"port", "number", "the port alone"},
    {"root", "directory", "what to serve (default: .)"},
    {"static-dir", "directory", "the same"},
    {"workers", "number|auto", "worker processes (default: one for each CPU)"},
    {"engine", "auto|io_uring|epoll", "how the workers talk to the kernel (default: auto)"},
    {"no-io-uring", "", "the same as --engine epoll"},
    {"mode", "fast-path|dynamic-path", "files only, or with the API at /api/ for this machine"},
};

const Option* find(std::string_view name) {
    for (auto& option : options) {
        if (option.name == name) return &option;
    }
    return nullptr;
}

template <typename T>
std::optional<T> number(std::string_view digits) {
    T value{};
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || value == 0) return std::nullopt;
    return value;
}

std::string as_word(std::string_view text) {
    std::string result = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + '"';
}

// Whether anybody at all may enter the directory and read it.
bool open_to_all(const std::filesystem::path& directory) {
    struct stat status;
    std::filesystem::path path;
    for (auto& part : directory) {
        path /= part;
        if (stat(path.c_str(), &status) != 0 || (status.st_mode & S_IXOTH) == 0) return false;
    }
    return (status.st_mode & S_IROTH) != 0;
}

// What the built-in types of http lack and a directory of files is likely to hold.
constexpr std::string_view types = R"(
    types {
        text/html html htm shtml;
        text/css css;
        text/plain txt log md;
        text/xml xml;
        text/csv csv;
        application/javascript js mjs;
        application/json json map;
        application/manifest+json webmanifest;
        application/wasm wasm;
        application/pdf pdf;
        application/zip zip;
        application/gzip gz;
        application/zstd zst;
        application/atom+xml atom;
        application/rss+xml rss;
        image/gif gif;
        image/jpeg jpeg jpg;
        image/png png;
        image/svg+xml svg svgz;
        image/webp webp;
        image/avif avif;
        image/x-icon ico;
        font/woff woff;
        font/woff2 woff2;
        font/ttf ttf;
        audio/mpeg mp3;
        audio/ogg ogg;
        video/mp4 mp4;
        video/webm webm;
    }
    default_type application/octet-stream;
)";

// Figures for whoever sits at this machine.
constexpr std::string_view api = R"(
        location /api/ {
            api;
            allow 127.0.0.0/8;
            allow ::1;
            deny all;
        }
)";

}  // namespace

bool QuickServe::takes(std::string_view option) { return find(option) != nullptr; }

bool QuickServe::takes_value(std::string_view option) { return !find(option)->argument.empty(); }

std::optional<std::string> QuickServe::set(std::string_view option, std::string_view value) {
    auto wrong = [&] { return text::format("invalid value \"{}\" for option \"--{}\"", value, option); };
    auto one_of = [&](std::initializer_list<std::string_view> allowed) {
        for (auto& one : allowed) {
            if (one == value) return true;
        }
        return false;
    };
    if (option == "listen") {
        listen_ = value;
    } else if (option == "host") {
        host_ = value;
    } else if (option == "port") {
        auto port = number<uint16_t>(value);
        if (!port) return wrong();
        port_ = *port;
    } else if (option == "root" || option == "static-dir") {
        root_ = value;
    } else if (option == "workers") {
        if (value != "auto" && !number<unsigned>(value)) return wrong();
        workers_ = value;
    } else if (option == "engine") {
        if (!one_of({"auto", "io_uring", "epoll"})) return wrong();
        engine_ = value;
    } else if (option == "no-io-uring") {
        engine_ = "epoll";
    } else if (option == "mode") {
        if (!one_of({"fast-path", "dynamic-path"})) return wrong();
        mode_ = value;
    }
    return std::nullopt;
}

std::string QuickServe::address() const {
    std::string host = "127.0.0.1";
    std::string port = "8080";
    if (!listen_.empty()) {
        // A port, an address, or both; the colons of an IPv6 address stand between brackets.
        size_t colon = listen_.rfind(':');
        bool is_port = listen_.find_first_not_of("0123456789") == std::string::npos;
        bool has_port = colon != std::string::npos && listen_.find(']', colon) == std::string::npos;
        if (is_port) port = listen_;
        else if (has_port) host = listen_.substr(0, colon), port = listen_.substr(colon + 1);
        else host = listen_;
    }
    if (!host_.empty()) host = host_.find(':') != std::string::npos && host_[0] != '[' ? '[' + host_ + ']' : host_;
    if (port_ != 0) port = std::to_string(port_);
    return host + ":" + port;
}

std::string QuickServe::url() const {
    std::string shown = address();
    size_t colon = shown.rfind(':');
    std::string host = shown.substr(0, colon);
    if (host == "0.0.0.0" || host == "*" || host == "[::]") host = "localhost";
    return "http://" + host + shown.substr(colon) + "/";
}

// Started by root, the workers become nobody when that is enough to read the files, and their owner otherwise.
std::string QuickServe::user_line() const {
    if (geteuid() != 0) return "";
    std::error_code none;
    auto directory = std::filesystem::canonical(root_, none);
    struct stat status;
    if (none || open_to_all(directory) || stat(directory.c_str(), &status) != 0) return "";
    return text::format("user \"#{}\" \"#{}\";\n", status.st_uid, status.st_gid);
}

std::string QuickServe::configuration() const {
    std::error_code none;
    std::string directory = std::filesystem::absolute(root_, none).string();
    return text::format(
        "daemon off;\n"
        "pid off;\n"
        "{}"
        "worker_processes {};\n"
        "error_log stderr;\n"
        "events {{\n"
        "    use {};\n"
        "    worker_connections 16384;\n"
        "}}\n"
        "http {{{}"
        "    access_log off;\n"
        "    sendfile on;\n"
        "    tcp_nopush on;\n"
        "    client_body_temp_path /tmp;\n"
        "    server {{\n"
        "        listen {};\n"
        "        root {};\n"
        "        index index.html;\n"
        "        autoindex on;\n"
        "{}"
        "    }}\n"
        "}}\n",
        user_line(), workers_, engine_, types, address(), as_word(directory),
        mode_ == "dynamic-path" ? api : std::string_view());
}

std::string_view quick_serve_usage() {
    static const std::string usage = [] {
        std::string lines;
        for (auto& option : options) {
            std::string head = text::format("--{} {}", option.name, option.argument);
            lines += text::format("  {:<30}: {}\n", head, option.help);
        }
        return lines;
    }();
    return usage;
}

}  // namespace ringx::proc
