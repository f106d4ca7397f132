#include "bench/plot.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/format.h"
#include "bench/progress.h"
#include "bench/quantiles.h"
#include "bench/report.h"

namespace ringx::bench {
namespace {

// In pixels.
constexpr double width = 860, panel_height = 260, left = 90, right = 24, top = 70, gap = 80;
constexpr double inner_width = width - left - right;

constexpr std::array<std::string_view, 4> colours = {"#1565c0", "#d84315", "#2e7d32", "#6a1b9a"};

struct Place {
    double x, y;
};

std::string escaped(std::string_view text) {
    std::string out;
    for (char c : text) {
        switch (c) {
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '&': out += "&amp;"; break;
            case '"': out += "&quot;"; break;
            default: out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
        }
    }
    return out;
}

std::string label(double x, double y, std::string_view anchor, std::string_view text) {
    return text::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escaped(text));
}

std::string stroke(Place from, Place to) {
    return text::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>\n", from.x,
                        from.y, to.x, to.y);
}

std::string polyline(std::span<const Place> places, std::string_view colour) {
    std::string text = "<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"";
    text += colour;
    text += "\" points=\"";
    for (const Place& place : places) text += text::format("{:.1f},{:.1f} ", place.x, place.y);
    return text + "\"/>\n";
}

// A part of a picture: where values of the y axis lie.
class Panel {
 public:
    Panel(double y_top, double least, double most, bool is_logarithmic)
        : top_(y_top), least_(least), most_(std::max(most, least + 1)), is_logarithmic_(is_logarithmic) {}

    double bottom() const { return top_ + panel_height; }
    double y(double value) const {
        double part = is_logarithmic_ ? std::log(std::max(value, least_) / least_) / std::log(most_ / least_)
                                      : (value - least_) / (most_ - least_);
        return bottom() - std::clamp(part, 0.0, 1.0) * panel_height;
    }
    template <typename Text>
    std::string row(double value, Text text) const {
        return stroke({left, y(value)}, {width - right, y(value)}) + label(left - 8, y(value) + 4, "end", text(value));
    }
    std::string column(double x, std::string_view text) const {
        return stroke({x, top_}, {x, bottom()}) + label(x, bottom() + 18, "middle", text);
    }
    std::string title(std::string_view text) const { return label(left, top_ - 10, "start", text); }

 private:
    double top_, least_, most_;
    bool is_logarithmic_;
};

// 1, 2 or 5 times a power of ten, so that there are some five of them up to `most`.
double round_step(double most) {
    double power = std::pow(10, std::floor(std::log10(std::max(most, 1e-9) / 5)));
    for (double factor : {1.0, 2.0, 5.0}) {
        if (most / (power * factor) <= 6) return power * factor;
    }
    return power * 10;
}

// --- latencies

// 0 for the median's left, 1 for 90 %, 2 for 99 % …
double nines(double part) { return -std::log10(1 - part); }

std::string latency_panel(std::span<const Curve> curves, double y_top) {
    uint64_t count_max = 0, us_max = 1, us_min = UINT64_MAX;
    for (const Curve& curve : curves) {
        count_max = std::max(count_max, curve.latency_us->count());
        us_max = std::max(us_max, curve.latency_max_us);
        us_min = std::min(us_min, curve.latency_us->quantile(0));
    }
    double nines_max = std::max(2.0, std::log10(static_cast<double>(std::max<uint64_t>(count_max, 1))));
    double least = std::pow(10, std::floor(std::log10(static_cast<double>(std::max<uint64_t>(us_min, 1)))));
    double most = std::pow(10, std::ceil(std::log10(static_cast<double>(us_max))));
    Panel panel(y_top, least, std::max(most, least * 10), true);
    std::string text = panel.title("Latency by percentile");
    for (double value = least; value <= most * 1.01; value *= 10) {
        text += panel.row(value, [](double us) { return duration_text(static_cast<uint64_t>(us)); });
    }
    static constexpr Quantile columns[] = {{"0 %", 0}, {"50 %", 0.5}, {"90 %", 0.9}, {"99 %", 0.99},
                                           {"99.9 %", 0.999}, {"99.99 %", 0.9999}, {"99.999 %", 0.99999}};
    auto x_of = [&](double part) { return left + nines(part) / nines_max * inner_width; };
    for (const Quantile& column : columns) {
        if (nines(column.part) <= nines_max) text += panel.column(x_of(column.part), column.name);
    }
    for (size_t i = 0; i < curves.size(); ++i) {
        const Curve& curve = curves[i];
        std::vector<Place> places;
        constexpr int steps = 200;
        for (int step = 0; step < steps && curve.latency_us->count() > 0; ++step) {
            double part = 1 - std::pow(10, -nines_max * step / steps);
            double us = static_cast<double>(quantile_us(*curve.latency_us, part, curve.latency_max_us));
            places.push_back({x_of(part), panel.y(us)});
        }
        places.push_back({width - right, panel.y(static_cast<double>(curve.latency_max_us))});
        text += polyline(places, colours[i % colours.size()]);
    }
    return text;
}

// --- throughput

struct Rate {
    double seconds, per_second;
};

std::vector<Rate> rates(std::span<const Series::Point> points) {
    std::vector<Rate> all;
    Series::Point before;
    for (const Series::Point& point : points) {
        double seconds = static_cast<double>(point.at_us - before.at_us) / 1e6;
        if (seconds > 0) {
            all.push_back({static_cast<double>(point.at_us) / 1e6,
                           static_cast<double>(point.answers - before.answers) / seconds});
        }
        before = point;
    }
    return all;
}

std::string throughput_panel(std::span<const Curve> curves, double y_top) {
    double seconds_max = 0.1, rate_max = 1;
    for (const Curve& curve : curves) {
        for (const Rate& rate : rates(curve.points)) {
            seconds_max = std::max(seconds_max, rate.seconds);
            rate_max = std::max(rate_max, rate.per_second);
        }
    }
    Panel panel(y_top, 0, rate_max * 1.05, false);
    std::string text = panel.title("Requests a second over time");
    for (double value = 0; value <= rate_max * 1.05; value += round_step(rate_max)) {
        text += panel.row(value, [](double rate) { return with_commas(static_cast<uint64_t>(rate)); });
    }
    for (double at = 0; at <= seconds_max * 1.001; at += round_step(seconds_max)) {
        text += panel.column(left + at / seconds_max * inner_width, text::format("{:g} s", at));
    }
    for (size_t i = 0; i < curves.size(); ++i) {
        std::vector<Place> places;
        for (const Rate& rate : rates(curves[i].points)) {
            places.push_back({left + rate.seconds / seconds_max * inner_width, panel.y(rate.per_second)});
        }
        text += polyline(places, colours[i % colours.size()]);
    }
    return text;
}

}  // namespace

std::string plot(std::string_view title, std::span<const Curve> curves) {
    constexpr double height = top + 2 * panel_height + gap + 50;
    std::string text = text::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
                                    "viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
                                    "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n", width, height);
    text += label(left, 22, "start", title);
    double x = left;
    for (size_t i = 0; i < curves.size(); ++i) {
        text += text::format("<rect x=\"{:.1f}\" y=\"32\" width=\"12\" height=\"12\" fill=\"{}\"/>\n", x,
                             colours[i % colours.size()]);
        text += label(x + 18, 42, "start", curves[i].name);
        x += 40 + 7 * static_cast<double>(curves[i].name.size());
    }
    text += latency_panel(curves, top);
    text += throughput_panel(curves, top + panel_height + gap);
    return text + "</svg>\n";
}

}  // namespace ringx::bench
