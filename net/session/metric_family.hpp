// Makes Prometheus metric families from values that are counted elsewhere.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

namespace stadion::net {

using metric_labels = std::vector<prometheus::ClientMetric::Label>;

inline prometheus::MetricFamily metric_family(std::string name, std::string help,
                                              prometheus::MetricType type) {
    prometheus::MetricFamily one;
    one.name = std::move(name);
    one.help = std::move(help);
    one.type = type;
    return one;
}

inline prometheus::ClientMetric counter_value(std::uint64_t value, metric_labels labels = {}) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = static_cast<double>(value);
    return metric;
}

inline prometheus::ClientMetric gauge_value(double value, metric_labels labels = {}) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    return metric;
}

} // namespace stadion::net
