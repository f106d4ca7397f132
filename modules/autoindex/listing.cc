#include "modules/autoindex/listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "base/fd.h"
#include "base/format.h"
#include "http/escape.h"
#include "http/http_date.h"

namespace ringx::http::autoindex {
namespace {

constexpr size_t name_width = 50;
constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

// Everything about the entry, or false when it went away meanwhile or must not be looked at.
bool look_at(int directory, bool follow_links, Entry& entry) {
    struct stat status;
    bool seen = follow_links && ::fstatat(directory, entry.name.c_str(), &status, 0) == 0;
    // A link that leads nowhere is listed as what it is.
    if (!seen && ::fstatat(directory, entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) return false;
    if (S_ISDIR(status.st_mode)) entry.kind = Entry::Kind::directory;
    if (S_ISREG(status.st_mode)) entry.kind = Entry::Kind::file;
    entry.modified = status.st_mtim.tv_sec;
    entry.size = static_cast<uint64_t>(status.st_size);
    return true;
}

tm broken_down(int64_t seconds, bool local = false) {
    time_t when = seconds;
    tm parts{};
    if (local) {
        localtime_r(&when, &parts);
    } else {
        gmtime_r(&when, &parts);
    }
    return parts;
}

// Where the first `characters` characters of UTF-8 end. Bytes that are no UTF-8 count one by one.
size_t bytes_of(std::string_view text, size_t characters) {
    size_t at = 0;
    for (; characters > 0 && at < text.size(); --characters) {
        ++at;
        while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    }
    return at;
}

size_t characters_of(std::string_view text) {
    return static_cast<size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Six digits and a letter, rounded as nginx rounds.
void append_rough_size(uint64_t size, std::string& out) {
    auto shown = [&](unsigned bits, char letter) {
        uint64_t whole = size >> bits;
        if ((size & ((uint64_t{1} << bits) - 1)) >= (uint64_t{1} << (bits - 1))) ++whole;
        text::format_to(std::back_inserter(out), "{:6}{}", whole, letter);
    };
    if (size > (1 << 30) - 1) return shown(30, 'G');
    if (size > (1 << 20) - 1) return shown(20, 'M');
    if (size > 9999) return shown(10, 'K');
    text::format_to(std::back_inserter(out), " {:6}", size);
}

void append_line(const Entry& entry, Style style, std::string& out) {
    bool is_directory = entry.kind == Entry::Kind::directory;
    std::string_view slash = is_directory ? "/" : "";
    out += "<a href=\"";
    escape_uri(entry.name, UriPart::component, out);
    out.append(slash).append("\">");
    size_t width = characters_of(entry.name) + slash.size();
    if (width > name_width) {
        escape_html(std::string_view(entry.name).substr(0, bytes_of(entry.name, name_width - 3)), out);
        out += "..&gt;</a>";
        width = name_width;
    } else {
        escape_html(entry.name, out);
        out.append(slash).append("</a>");
    }
    out.append(name_width + 1 - width, ' ');

    tm time = broken_down(entry.modified, style.local_time);
    text::format_to(std::back_inserter(out), "{:02}-{}-{} {:02}:{:02} ", time.tm_mday,
                    months[static_cast<size_t>(time.tm_mon)], time.tm_year + 1900, time.tm_hour, time.tm_min);
    if (is_directory) {
        text::format_to(std::back_inserter(out), "{:>{}}", "-", style.exact_size ? 19 : 7);
    } else if (style.exact_size) {
        text::format_to(std::back_inserter(out), "{:19}", entry.size);
    } else {
        append_rough_size(entry.size, out);
    }
    out += "\r\n";
}

std::string write_html(const std::vector<Entry>& entries, Style style, std::string_view uri) {
    std::string title = "Index of ";
    escape_html(uri, title);
    std::string out = "<!DOCTYPE html>\r\n<html>\r\n<head><title>";
    out.append(title).append("</title>\r\n<meta charset=\"utf-8\">\r\n");
    out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\r\n"
           "<style>body { margin: 2em; font-family: sans-serif; color-scheme: light dark }"
           " h1 { font-size: 1.4em } pre { line-height: 1.6; overflow-x: auto }"
           " a { text-decoration: none } a:hover { text-decoration: underline }</style></head>\r\n";
    out.append("<body>\r\n<h1>").append(title).append("</h1><hr><pre><a href=\"../\">../</a>\r\n");
    for (const Entry& entry : entries) append_line(entry, style, out);
    return out.append("</pre><hr></body>\r\n</html>\r\n");
}

std::string_view kind_name(Entry::Kind kind) {
    switch (kind) {
    case Entry::Kind::directory: return "directory";
    case Entry::Kind::file: return "file";
    case Entry::Kind::other: return "other";
    }
    return {};
}

std::string write_xml(const std::vector<Entry>& entries) {
    std::string out = "<?xml version=\"1.0\"?>\r\n<list>\r\n";
    for (const Entry& entry : entries) {
        tm time = broken_down(entry.modified);
        text::format_to(std::back_inserter(out), "<{} mtime=\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z\"",
                        kind_name(entry.kind), time.tm_year + 1900, time.tm_mon + 1, time.tm_mday, time.tm_hour,
                        time.tm_min, time.tm_sec);
        if (entry.kind == Entry::Kind::file) text::format_to(std::back_inserter(out), " size=\"{}\"", entry.size);
        out += '>';
        escape_html(entry.name, out);
        text::format_to(std::back_inserter(out), "</{}>\r\n", kind_name(entry.kind));
    }
    return out.append("</list>\r\n");
}

std::string write_json(const std::vector<Entry>& entries) {
    std::string out = "[";
    for (const Entry& entry : entries) {
        out.append(out.size() > 1 ? ",\r\n" : "\r\n").append("{ \"name\":\"");
        escape_json(entry.name, out);
        auto date = http_date(entry.modified);
        text::format_to(std::back_inserter(out), "\", \"type\":\"{}\", \"mtime\":\"{}\"", kind_name(entry.kind),
                        std::string_view(date.data(), date.size()));
        if (entry.kind == Entry::Kind::file) text::format_to(std::back_inserter(out), ", \"size\":{}", entry.size);
        out += " }";
    }
    return out.append("\r\n]");
}

}  // namespace

Result<std::vector<Entry>> read_directory(int directory, bool follow_links) {
    // A descriptor of our own: how far it has been read belongs to it, and the other may be shared.
    Fd opened(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened) return fail("opendir");
    std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(opened.get()));
    if (stream == nullptr) return fail("opendir");
    opened.release();  // it is the stream's

    std::vector<Entry> entries;
    for (;;) {
        errno = 0;
        const dirent* next = ::readdir(stream.get());
        if (next == nullptr && errno != 0) return fail("readdir");
        if (next == nullptr) break;
        if (next->d_name[0] == '.') continue;
        Entry entry{.name = next->d_name};
        if (look_at(directory, follow_links, entry)) entries.push_back(std::move(entry));
    }
    std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
        bool a_first = a.kind == Entry::Kind::directory, b_first = b.kind == Entry::Kind::directory;
        return a_first != b_first ? a_first : a.name < b.name;
    });
    return entries;
}

std::string write_listing(const std::vector<Entry>& entries, Style style, std::string_view uri,
                          std::string_view callback) {
    switch (style.format) {
    case Format::html: return write_html(entries, style, uri);
    case Format::xml: return write_xml(entries);
    case Format::json: break;
    case Format::jsonp:
        if (callback.empty()) break;
        return "/* callback */\r\n" + std::string(callback) + "(" + write_json(entries) + ");";
    }
    return write_json(entries);
}

}  // namespace ringx::http::autoindex
