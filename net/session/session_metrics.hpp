// The counters of server_metrics.hpp as Prometheus metric families.
#pragma once

#include "net/session/server_context.hpp"

#include <prometheus/metric_family.h>

namespace stadion::net {

std::vector<prometheus::MetricFamily> collect_session_metrics(const server_context& server,
                                                              std::size_t connections);

} // namespace stadion::net
