#include "net/session/session_metrics.hpp"

#include "net/loop/thrown.hpp"
#include "net/session/metric_family.hpp"

namespace stadion::net {
namespace {

prometheus::ClientMetric duration_histogram(const server_metrics& metrics) {
    prometheus::ClientMetric metric;
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < server_metrics::buckets; ++i) {
        cumulative += metrics.sum([i](auto& slots) -> auto& { return slots.duration[i]; });
        metric.histogram.bucket.push_back({cumulative, static_cast<double>(std::uint64_t{1} << i) / 1e6});
    }
    metric.histogram.sample_count = cumulative;
    metric.histogram.sample_sum =
        static_cast<double>(metrics.sum([](auto& slots) -> auto& { return slots.duration_us_sum; })) / 1e6;
    return metric;
}

} // namespace

std::vector<prometheus::MetricFamily> collect_session_metrics(const server_context& server,
                                                              std::size_t connections) {
    using prometheus::MetricType;
    const auto& metrics = server.metrics;

    auto requests = metric_family("stadion_requests_total", "Requests by method.", MetricType::Counter);
    for (const auto* method : server.rpc.offered())
        requests.metric.push_back(
            counter_value(metrics.sum([&](auto& slots) -> auto& { return slots.requests[method->number]; }),
                          {{"method", method->full_name()}}));

    auto answers =
        metric_family("stadion_answers_total", "Answers to wire requests by status.", MetricType::Counter);
    for (std::size_t i = 0; i < 17; ++i)
        answers.metric.push_back(
            counter_value(metrics.sum([i](auto& slots) -> auto& { return slots.answers[i]; }),
                          {{"status", std::string(wire::status_name(static_cast<wire::status>(i)))}}));

    auto duration = metric_family("stadion_request_seconds", "Time wire requests spent in the server.",
                                  MetricType::Histogram);
    duration.metric.push_back(duration_histogram(metrics));

    auto http = metric_family("stadion_http_requests_total", "HTTP requests.", MetricType::Counter);
    http.metric.push_back(
        counter_value(metrics.sum([](auto& slots) -> auto& { return slots.http_requests; })));

    auto events =
        metric_family("stadion_events_sent_total", "Events pushed to subscribers.", MetricType::Counter);
    events.metric.push_back(
        counter_value(metrics.sum([](auto& slots) -> auto& { return slots.events_sent; })));

    auto open = metric_family("stadion_connections", "Open connections.", MetricType::Gauge);
    open.metric.push_back(gauge_value(static_cast<double>(connections)));

    auto queued = metric_family(
        "stadion_held_bytes", "Bytes that connections hold: unsent, or not handled yet.", MetricType::Gauge);
    queued.metric.push_back(gauge_value(static_cast<double>(bytes_held_here())));

    auto thrown =
        metric_family("stadion_exceptions_total",
                      "Connections, requests and tasks that an exception has ended.", MetricType::Counter);
    thrown.metric.push_back(counter_value(thrown_total()));

    return {requests, answers, duration, http, events, open, queued, thrown};
}

} // namespace stadion::net
