// GET /livez: whether the event loop of every worker still runs.
//
// Each worker is asked to answer. The workers that have not answered within a second are named in a 503, and
// a supervisor may then restart the process. With `verbose`, the answer has a line per worker.
//
// Threading: the exchange's worker.
#pragma once

#include "net/loop/runtime.hpp"
#include "net/session/http_session.hpp"

namespace stadion::net {

void answer_liveness(runtime& threads, std::shared_ptr<http_exchange> exchange, bool verbose);

} // namespace stadion::net
