#include "modules/rewrite/script.h"

#include "http/core_settings.h"
#include "http/file_lookup.h"
#include "http/pipeline.h"
#include "http/text.h"

namespace ringx::http::rewrite {
namespace {

// What a redirect says of bytes that need no escaping is said plainly, up to its arguments: nginx's form.
std::string unescape_redirect(std::string_view text) {
    std::string out;
    for (size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '?') return out.append(text.substr(at));
        int high = text[at] == '%' && text.size() - at > 2 ? hex_value(text[at + 1]) : -1;
        int low = high >= 0 ? hex_value(text[at + 2]) : -1;
        char byte = static_cast<char>(high * 16 + low);
        if (low < 0 || byte <= '%' || byte == 0x7f) {
            out.push_back(text[at]);
            continue;
        }
        at += 2;
        if (byte == '?') return out.append("?").append(text.substr(at + 1));
        out.push_back(byte);
    }
    return out;
}

bool passes(char test, const FileRef& file) {
    if (!file) return false;
    switch (test) {
        case 'f': return file->is_file;
        case 'd': return file->is_directory;
        case 'x': return file->is_executable;
        default: return true;
    }
}

bool is_redirect(uint16_t status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Answer redirect_with(Request& request, const Step& step) {
    Answer answer = Answer::of_status(step.status);
    if (step.has_text) answer.response.location = step.text.evaluate(request);
    return answer;
}

Answer text_with(Request& request, const Step& step) {
    Answer answer = Answer::in_place();
    Response& response = answer.response;
    response.status = step.status;
    request.making = &response;  // the text may name the status
    response.set_body(step.has_text ? step.text.evaluate(request) : std::string_view());
    request.making = nullptr;
    response.content_type = content_type_of(request, request.uri);
    return answer;
}

Answer answer_with(Request& request, const Step& step) {
    if (is_redirect(step.status)) return redirect_with(request, step);
    if (!step.has_text && (step.status >= 400 || step.status == 0)) return Answer::of_status(step.status);
    return text_with(request, step);
}

}  // namespace

Answer Run::go() {
    Answer answer = Answer::pass();
    while (at_ < script_.steps.size() && answer.kind == Answer::Kind::pass) {
        const Step& step = script_.steps[at_++];
        if (step.kind != Step::Kind::if_file) {
            answer = take(step);
            continue;
        }
        path_ = request_.arena.join({evaluate(step.text), std::string_view("", 1)});
        path_.remove_suffix(1);
        auto found = find_file(request_, path_);
        waits_ = !found;
        if (waits_) break;
        decide_by_file(*found);
    }
    return answer;
}

Answer Run::go_on(const Result<FileRef>& found) {
    waits_ = false;
    decide_by_file(found);
    return go();
}

void Run::decide_by_file(const Result<FileRef>& found) {
    const Step& step = script_.steps[at_ - 1];
    decide(step, passes(step.file_test, existing_file(request_, path_, found)));
}

Answer Run::take(const Step& step) {
    switch (step.kind) {
        case Step::Kind::if_set: {
            std::string_view value = step.variable->value(request_).value_or(std::string_view());
            decide(step, !value.empty() && value != "0");
            break;
        }
        case Step::Kind::if_equal: {
            std::string_view value = step.variable->value(request_).value_or(std::string_view());
            decide(step, value == evaluate(step.text));
            break;
        }
        case Step::Kind::if_match:
            decide(step, matches(step, step.variable->value(request_).value_or(std::string_view())));
            break;
        case Step::Kind::if_file: break;
        case Step::Kind::set: step.variable->assign(request_, evaluate(step.text)); break;
        case Step::Kind::rewrite: return rewrite(step);
        case Step::Kind::answer: return answer_with(request_, step);
        case Step::Kind::stop:
            request_.uri_changed = false;
            stop();
            break;
    }
    return Answer::pass();
}

void Run::decide(const Step& step, bool holds) {
    if (holds == step.negated) {
        at_ = step.otherwise;
    } else if (step.location >= 0) {
        enter(request_, *location_.ifs[static_cast<size_t>(step.location)]);
    }
}

// $1 to $9 are those of the latest attempt: they are gone when it failed.
bool Run::matches(const Step& step, std::string_view subject) {
    bool matched = match_into(request_, *step.regex, subject);
    if (!matched) request_.captures.groups = {};
    if (logs_) {
        request_.log().write(Level::notice, request_.log_context(), "\"{}\" {} \"{}\"", step.regex->pattern(),
                             matched ? "matches" : "does not match", subject);
    }
    return matched;
}

Answer Run::rewrite(const Step& step) {
    if (!matches(step, request_.uri)) return Answer::pass();
    request_.internal = true;
    request_.uri_changed = !step.stays;
    request_.uri_is_clients = false;
    if (step.stays) request_.uri_is_locations = false;
    captures_are_quoted_ = step.status != 0;
    if (step.status != 0) return redirect(step);

    std::string_view uri = evaluate(step.text);
    std::string_view args = request_.args;
    if (step.has_args) {
        captures_are_quoted_ = true;
        args = evaluate(step.args);
        if (step.keeps_args && !request_.args.empty()) args = request_.arena.join({args, "&", request_.args});
        captures_are_quoted_ = false;
    } else if (!step.keeps_args) {
        args = {};
    }
    request_.uri = uri;
    request_.args = args;
    request_.has_args = !args.empty();
    if (logs_) {
        request_.log().write(Level::notice, request_.log_context(), "rewritten data: \"{}\", args: \"{}\"", uri, args);
    }
    if (uri.empty()) {
        request_.log().write(Level::error, request_.log_context(), "the rewritten URI has a zero length");
        return Answer::of_status(500);
    }
    if (step.ends) stop();
    return Answer::pass();
}

Answer Run::redirect(const Step& step) {
    std::string location = unescape_redirect(evaluate(step.text));
    if (step.keeps_args && !request_.args.empty()) location.append(step.has_args ? "&" : "?").append(request_.args);
    if (logs_) {
        request_.log().write(Level::notice, request_.log_context(), "rewritten redirect: \"{}\"", location);
    }
    Answer answer = Answer::of_status(step.status);
    answer.response.location = request_.arena.copy(location);
    return answer;
}

// A capture of a path that came encoded is encoded again where it goes into a query.
std::string_view Run::evaluate(const Template& text) {
    bool quotes = captures_are_quoted_ && request_.head.path.find_first_of("%+") != std::string_view::npos;
    return text.evaluate(request_, quotes ? CapturesAs::arguments : CapturesAs::they_are);
}

}  // namespace ringx::http::rewrite
