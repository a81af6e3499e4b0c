// GET /livez: does every worker of this process still turn its loop?
//
// Each is asked to answer; those that have not within `answer_within` are named with 503. A supervisor may
// then take the process for hung and start it anew. A line per worker with `verbose`. Threading: the
// exchange's worker.
#pragma once

#include "net/loop/runtime.hpp"
#include "net/session/http_session.hpp"

namespace stadion::net {

void answer_liveness(runtime& threads, std::shared_ptr<http_exchange> exchange, bool verbose);

} // namespace stadion::net
