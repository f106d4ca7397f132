// modules/gzip/module.cc - answers compressed on their way, for clients that take gzip.
//
// What is compressed and for whom is nginx's choice: answers with 200, 403 or 404, of the listed types, not too small,
// that are not encoded already. A small body in memory is compressed at once; any other by a transform that is pulled
// from, in constant memory. The compressed answer has no length, no ranges and a weak tag.
#include "base/format.h"
#include "http/gzip_choice.h"
#include "http/mime_set.h"
#include "http/module.h"
#include "http/number_text.h"
#include "modules/gzip/deflater.h"

namespace ringx::http {
namespace {

// Larger bodies are left to the transform, which lets other connections have their turn in between.
constexpr size_t at_once_bytes_max = 32 << 10;

struct Settings {
    Setting<bool> on{false};
    Setting<MimeSet> types;
    Setting<conf::Size> min_length{conf::Size{20}};
    Setting<uint32_t> level{1};
    Setting<int> window_bits{15};
    Setting<int> memory_level{9};
};

constinit conf::Slot<Settings> settings;

// The step of a power of two between `least` and `most`, or nothing.
std::optional<int> power_of_two(size_t size, size_t most, int bits_of_most) {
    for (int bits = bits_of_most; most > 256; most >>= 1, --bits) {
        if (most == size) return bits;
    }
    return std::nullopt;
}

void set_window(Settings& ours, conf::Binding& binding) {
    if (ours.window_bits.given) return binding.duplicate();
    auto size = binding.parse<conf::Size>(binding.words()[0]);
    if (!size) return;
    auto bits = power_of_two(*size, 32 << 10, 15);
    if (!bits) return binding.refuse("must be 512, 1k, 2k, 4k, 8k, 16k, or 32k");
    ours.window_bits.give(*bits);
}

void set_hash(Settings& ours, conf::Binding& binding) {
    if (ours.memory_level.given) return binding.duplicate();
    auto size = binding.parse<conf::Size>(binding.words()[0]);
    if (!size) return;
    auto level = power_of_two(*size, 128 << 10, 9);
    if (!level) return binding.refuse("must be 512, 1k, 2k, 4k, 8k, 16k, 32k, 64k, or 128k");
    ours.memory_level.give(*level);
}

constexpr auto everywhere = conf::http | conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::value<&Settings::on>("gzip", everywhere | conf::if_in_location, "Compress answers."),
    conf::custom<&add_mime_types<&Settings::types>, &Settings::types>("gzip_types", everywhere, conf::at_least_one,
                                                                      "The MIME types to compress besides text/html.")
        .shown_as("mime-type ..."),
    conf::value<&Settings::min_length>("gzip_min_length", everywhere, "Answers known to be shorter stay as they are."),
    conf::value<&Settings::level>("gzip_comp_level", everywhere, "How hard to try, from 1 to 9.").between(1, 9),
    conf::custom<&set_window, &Settings::window_bits>("gzip_window", everywhere, {1, 1},
                                                      "How far back repetitions are looked for.")
        .shown_as("size"),
    conf::custom<&set_hash, &Settings::memory_level>("gzip_hash", everywhere, {1, 1},
                                                     "The table by which repetitions are found.")
        .shown_as("size"),
    conf::accepted<conf::Buffers>("gzip_buffers", everywhere, "There is one buffer for each answer."),
    conf::accepted<conf::Size>("postpone_gzipping", everywhere, "Small answers are compressed at once by themselves."),
    conf::accepted<bool>("gzip_no_buffer", everywhere, "What is compressed leaves when the source pauses."),
};

// What became of the request's body: $gzip_ratio.
struct Ratio {
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
};

class GzipTransform : public BodyTransform {
 public:
    GzipTransform(Deflaters::Lease deflater, Ratio& ratio) : deflater_(std::move(deflater)), ratio_(ratio) {}

    Result<size_t> step(std::string_view& input, After after, std::span<char> room) override {
        size_t made = deflater_->step(input, after, room);
        ratio_ = {deflater_->bytes_in(), deflater_->bytes_out()};
        return made;
    }

 private:
    Deflaters::Lease deflater_;
    Ratio& ratio_;
};

bool is_compressible(const Response& response, const Settings& ours) {
    if (response.status != 200 && response.status != 403 && response.status != 404) return false;
    if (response.content_length && *response.content_length < *ours.min_length) return false;
    return ours.types->has(response.content_type) && response.fields.find("Content-Encoding") == nullptr;
}

void compress_at_once(Request& request, Response& response, Deflaters& deflaters, Deflater& deflater, Ratio& ratio) {
    std::string_view text = response.pieces.empty() ? response.single.memory : response.pieces[0].memory;
    size_t room = deflater.bytes_max(text.size());
    if (deflaters.scratch.size() < room) deflaters.scratch.resize(room);
    size_t made = deflater.step(text, BodyTransform::After::end, deflaters.scratch);
    ratio = {deflater.bytes_in(), deflater.bytes_out()};
    response.set_body(request.arena.copy(std::string_view(deflaters.scratch).substr(0, made)));
    response.content_length = std::nullopt;
}

void filter(Request& request, Response& response) {
    const Settings& ours = settings.in(*request.block);
    if (!is_compressible(response, ours)) return;
    vary_by_encoding(request, response);
    if (!wants_gzip(request, response)) return;

    DeflateShape shape{static_cast<int>(*ours.level), *ours.window_bits, *ours.memory_level};
    if (response.content_length) shape = shape.fitted_to(*response.content_length);
    forget_identity(request, response);
    response.fields.add(request.arena, "Content-Encoding", "gzip");
    if (request.is_head()) return;

    Deflaters& deflaters = request.worker->states.get<Deflaters>();
    Deflaters::Lease deflater = deflaters.take(shape);
    Ratio& ratio = request.states.get<Ratio>(request.arena);
    if (is_small_in_memory(response, at_once_bytes_max)) {
        return compress_at_once(request, response, deflaters, *deflater, ratio);
    }
    transform_body(request, response, *request.arena.make<GzipTransform>(std::move(deflater), ratio));
}

// Original size by compressed size, with two decimals.
VariableValue gzip_ratio(Request& request, const VariableUse&) {
    const Ratio* ratio = request.states.find<Ratio>();
    if (ratio == nullptr || ratio->bytes_out == 0) return std::nullopt;
    uint64_t hundredths = (ratio->bytes_in * 1000 / ratio->bytes_out + 5) / 10;
    return request.arena.copy(text::format("{}.{:02}", hundredths / 100, hundredths % 100));
}

constexpr Variable variables[] = {{"gzip_ratio", gzip_ratio}};

}  // namespace

extern constinit const Module gzip_module = {
    .name = "gzip",
    .directives = directives,
    .settings = &settings,
    .variables = variables,
    .applies = [](const conf::Block& block) { return *settings.in(block).on; },
    .filter = filter,
};

}  // namespace ringx::http
