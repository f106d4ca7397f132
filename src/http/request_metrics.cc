#include "http/request_metrics.h"

#include <string_view>

#include "http/request.h"

namespace ringx::http {
namespace {

using enum Figure::Type;

constexpr Figure in_progress{"processing", "processing", gauge, "Requests that are being answered."};
constexpr Figure requests_by_method{"requests", "requests_total", counter, "Requests that ended, by method."};
constexpr Figure responses_by_class{"responses", "responses_total", counter, "Responses, by class of their status."};
constexpr Figure discarded_requests{"discarded", "discarded_total", counter, "Requests closed without a response."};
constexpr Figure received{"received_bytes", "received_bytes_total", counter, "Bytes of requests, heads included."};
constexpr Figure sent{"sent_bytes", "sent_bytes_total", counter, "Bytes of responses, heads included."};
constexpr Figure duration{"duration_seconds", "request_duration_seconds", counter,
                          "From the first byte of a request to the end of its response."};

constexpr std::string_view method_names[] = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "OPTIONS", "PROPFIND", "PROPPATCH", "LOCK",
    "UNLOCK", "PATCH", "TRACE", "CONNECT", "other",
};
static_assert(std::size(method_names) == RequestMetrics::methods);

constexpr std::string_view class_names[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
static_assert(std::size(class_names) == RequestMetrics::classes);

}  // namespace

void RequestMetrics::add(const RequestMetrics& other, bool living) {
    if (living) processing.add(other.processing.value());
    for (size_t i = 0; i < classes; ++i) responses[i].add(other.responses[i].value());
    discarded.add(other.discarded.value());
    for (size_t i = 0; i < methods; ++i) requests[i].add(other.requests[i].value());
    received_bytes.add(other.received_bytes.value());
    sent_bytes.add(other.sent_bytes.value());
    duration_us.add(other.duration_us);
}

void RequestMetrics::count(const Request& request, uint64_t ended_us) {
    count_but_time(request);
    duration_us.add(ended_us - request.started_us);
}

void RequestMetrics::count_tunnel(const Request& request) { count_but_time(request); }

void RequestMetrics::count_but_time(const Request& request) {
    size_t status_class = request.sent_status / 100u - 1u;
    if (request.sent_bytes > 0 && status_class < classes) {
        responses[status_class].add(1);
    } else {
        discarded.add(1);
    }
    requests[static_cast<size_t>(request.method())].add(1);
    received_bytes.add(request.received_bytes);
    sent_bytes.add(request.sent_bytes);
}

void RequestMetrics::tell_processing(Report& report) const { report.value(in_progress, processing.value()); }

void RequestMetrics::tell(Report& report) const {
    for (size_t i = 0; i < methods; ++i) {
        // Of a thousand zones, hardly one knows more than these three.
        bool is_usual = i <= static_cast<size_t>(Method::post);
        uint64_t count = requests[i].value();
        if (is_usual || count > 0) report.part(requests_by_method, "method", method_names[i], count);
    }
    for (size_t i = 0; i < classes; ++i) {
        report.part(responses_by_class, "class", class_names[i], responses[i].value());
    }
    report.value(discarded_requests, discarded.value());
    report.value(received, received_bytes.value());
    report.value(sent, sent_bytes.value());
    report.seconds(duration, duration_us);
}

}  // namespace ringx::http
