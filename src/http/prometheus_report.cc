#include "http/prometheus_report.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/format.h"
#include "http/utf8.h"

namespace ringx::http {
namespace {

constexpr std::string_view name_prefix = "ringx_";
constexpr std::string_view total = "_total";

// Where latencies are of interest, from a file in memory to a client that nearly gave up.
constexpr uint64_t bounds_us[] = {
    50, 100, 250, 500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000,
    5'000'000, 10'000'000, 30'000'000, 60'000'000,
};
// The same in seconds, as the last labels. All have one size to the compiler, and so need no call to be copied.
struct BoundLabel {
    char text[16] = {};
    size_t bytes;

    consteval BoundLabel(std::string_view from) : bytes(std::ranges::copy(from, text).out - text) {}
    char* put(char* to) const {
        std::memcpy(to, text, sizeof text);
        return to + bytes;
    }
};
constexpr BoundLabel bound_labels[] = {
    {"le=\"5e-05\"} "}, {"le=\"0.0001\"} "}, {"le=\"0.00025\"} "}, {"le=\"0.0005\"} "}, {"le=\"0.001\"} "},
    {"le=\"0.0025\"} "}, {"le=\"0.005\"} "}, {"le=\"0.01\"} "}, {"le=\"0.025\"} "}, {"le=\"0.05\"} "},
    {"le=\"0.1\"} "}, {"le=\"0.25\"} "}, {"le=\"0.5\"} "}, {"le=\"1.0\"} "}, {"le=\"2.5\"} "},
    {"le=\"5.0\"} "}, {"le=\"10.0\"} "}, {"le=\"30.0\"} "}, {"le=\"60.0\"} "},
};
static_assert(std::size(bounds_us) == std::size(bound_labels));

constexpr size_t number_bytes_max = 32;

bool needs_no_escape(char c) { return c >= ' ' && c <= '~' && c != '\\' && c != '"'; }

// A name may have any bytes, and all of this is UTF-8: a byte that belongs to no character is shown as \xHH.
void append_escaped(std::string& text, std::string_view name) {
    for (;;) {
        std::string_view good = leading_characters(name);
        for (char c : good) {
            if (c == '\\' || c == '"') text += '\\';
            if (c == '\n') text += "\\n";
            else text += c;
        }
        name.remove_prefix(good.size());
        if (name.empty()) return;
        text::format_to(std::back_inserter(text), "\\\\x{:02X}", static_cast<unsigned char>(name[0]));
        name.remove_prefix(1);
    }
}

// With the end of the line.
template <typename Number>
char* put_number(char* at, Number value) {
    at = std::to_chars(at, at + number_bytes_max, value).ptr;
    *at++ = '\n';
    return at;
}

// `name{labels} value`, where the name has a further ending and the labels one more.
struct Sample {
    std::string_view name;
    std::string_view ending;
    std::string_view labels;
    std::string_view last_label;  // `le="0.1"`
};

template <typename Number>
void append_sample(PiecedText& text, const Sample& sample, Number value) {
    constexpr size_t signs = 8;
    size_t words = sample.name.size() + sample.ending.size() + sample.labels.size() + sample.last_label.size();
    char* at = text.room(words + signs + number_bytes_max);
    at = PiecedText::put(at, sample.name);
    at = PiecedText::put(at, sample.ending);
    if (!sample.labels.empty() || !sample.last_label.empty()) {
        *at++ = '{';
        at = PiecedText::put(at, sample.labels);
        if (!sample.labels.empty() && !sample.last_label.empty()) *at++ = ',';
        at = PiecedText::put(at, sample.last_label);
        *at++ = '}';
    }
    *at++ = ' ';
    text.wrote(put_number(at, value));
}

}  // namespace

void PrometheusReport::add_label(std::string& labels, std::string_view label, std::string_view value) const {
    if (!labels.empty()) labels += ',';
    labels.append(label).append("=\"");
    if (std::ranges::all_of(value, needs_no_escape)) labels.append(value);
    else append_escaped(labels, value);
    labels += '"';
}

void PrometheusReport::thing(std::string_view name) {
    labels_.clear();
    if (!section_->label.empty()) add_label(labels_, section_->label, name);
}

void PrometheusReport::owned_thing(std::string_view owner_label, std::string_view owner, std::string_view name) {
    labels_.clear();
    add_label(labels_, owner_label, owner);
    add_label(labels_, section_->label, name);
}

PrometheusReport::Family& PrometheusReport::family(const Figure& figure, Kind kind) {
    Key key{section_, &figure};
    // Things of a section have the same figures in the same order.
    Family* next = latest_ != nullptr ? latest_->next : nullptr;
    if (latest_ != nullptr && latest_->key == key) return *latest_;
    if (next == nullptr || next->key != key) {
        auto [known, is_new] = known_.try_emplace(key, nullptr);
        if (is_new) known->second = &add_family(key, kind);
        next = known->second;
        if (latest_ != nullptr) latest_->next = next;
    }
    latest_ = next;
    return *next;
}

PrometheusReport::Family& PrometheusReport::add_family(const Key& key, Kind kind) {
    std::string name(name_prefix);
    name.append(key.section->prefix).append(key.figure->metric);
    families_.push_back({key, std::move(name), PiecedText(blocks_)});
    describe(families_.back(), *key.figure, kind);
    return families_.back();
}

void PrometheusReport::value(const Figure& figure, uint64_t value) {
    Family& family = this->family(figure);
    append_sample(family.text, {family.name, {}, labels_, {}}, value);
}

void PrometheusReport::real(const Figure& figure, double value) {
    Family& family = this->family(figure);
    append_sample(family.text, {family.name, {}, labels_, {}}, value);
}

void PrometheusReport::part(const Figure& figure, std::string_view label, std::string_view of, uint64_t value) {
    Family& family = this->family(figure);
    last_.clear();
    add_label(last_, label, of);
    append_sample(family.text, {family.name, {}, labels_, last_}, value);
}

void PrometheusReport::words(const Figure& figure, std::string_view label, std::string_view words) {
    part(figure, label, words, 1);
}

void PrometheusReport::seconds(const Figure& figure, const Histogram& histogram) {
    Family& family = this->family(figure, Kind::histogram);
    uint64_t counts[std::size(bounds_us)];
    uint64_t count = histogram.count_up_to(bounds_us, counts);
    // Most samples are these: what they have in common is copied as one.
    bucket_.assign(family.name).append("_bucket{").append(labels_);
    if (!labels_.empty()) bucket_ += ',';
    for (size_t i = 0; i < std::size(counts); ++i) {
        char* at = family.text.room(bucket_.size() + sizeof BoundLabel::text + number_bytes_max + 1);
        at = bound_labels[i].put(PiecedText::put(at, bucket_));
        family.text.wrote(put_number(at, counts[i]));
    }
    append_sample(family.text, {family.name, "_bucket", labels_, "le=\"+Inf\""}, count);
    append_sample(family.text, {family.name, "_sum", labels_, {}}, static_cast<double>(histogram.sum()) / 1e6);
    append_sample(family.text, {family.name, "_count", labels_, {}}, count);
}

void PrometheusReport::describe(Family& family, const Figure& figure, Kind kind) const {
    static constexpr std::string_view kinds[] = {"counter", "gauge", "histogram"};
    std::string_view name = family.name;
    // To OpenMetrics, what ends a counter's samples is no part of its name.
    bool is_counter = kind == Kind::counter && format_ == Format::open_metrics;
    if (is_counter && name.ends_with(total)) name.remove_suffix(total.size());
    for (std::string_view part : {std::string_view("# HELP "), name, std::string_view(" "), figure.help,
                                  std::string_view("\n# TYPE "), name, std::string_view(" "),
                                  kinds[static_cast<size_t>(kind)], std::string_view("\n")}) {
        family.text.append(part);
    }
}

std::vector<std::string_view> PrometheusReport::text() const {
    std::vector<std::string_view> all;
    for (const Family& family : families_) {
        std::span pieces = family.text.pieces();
        all.insert(all.end(), pieces.begin(), pieces.end());
    }
    if (format_ == Format::open_metrics) all.emplace_back("# EOF\n");
    return all;
}

std::string_view PrometheusReport::content_type(Format format) {
    return format == Format::text ? "text/plain; version=0.0.4; charset=utf-8"
                                  : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

}  // namespace ringx::http
