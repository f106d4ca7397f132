#include "bench/compare.h"

#include <algorithm>

#include "base/format.h"
#include "bench/report.h"
#include "bench/statistics.h"

namespace ringx::bench {
namespace {

std::string value_text(const ComparedFigure& figure, double value) {
    auto whole = static_cast<uint64_t>(value + 0.5);
    return figure.is_time ? duration_text(whole) : with_commas(whole);
}

const Options& options_of(const Outcome& outcome, std::string_view side) {
    return *std::ranges::find(outcome.runs, side, &Outcome::Run::side)->options;
}

}  // namespace

std::string comparison(const Outcome& outcome) {
    std::string text;
    for (std::string_view side : {"A", "B"}) {
        for (const Url& url : options_of(outcome, side).urls) text += text::format("{}  {}\n", side, url.text());
    }
    text += text::format("{}, {}\n\n{:<12}{:>14}{:>14}{:>10}   spread\n", load_words(options_of(outcome, "A")),
                         outcome.runs[0].result.engine, "medians", "A", "B", "A/B");
    for (const ComparedFigure& figure : compared_figures()) {
        std::vector<double> a = outcome.of_side("A", figure.of), b = outcome.of_side("B", figure.of);
        Summary ratio = ratios(a, b);
        text += text::format("{:<12}{:>14}{:>14}", figure.name, value_text(figure, Summary::of(a).median),
                             value_text(figure, Summary::of(b).median));
        bool is_one = ratio.median > 0;
        if (is_one) text += text::format("{:>10.3f}   {:.3f} to {:.3f}", ratio.median, ratio.least, ratio.most);
        text += "\n";
    }
    size_t rounds = outcome.runs.size() / 2;
    text += text::format("\n{} round{}. A ratio is that of two runs of one round.\n", rounds, rounds == 1 ? "" : "s");
    return text;
}

}  // namespace ringx::bench
