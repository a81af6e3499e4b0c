#include "net/board_writer.hpp"

namespace stadion::net {

wire::result<void> to_result(const v1::Outcome& outcome) {
    if (outcome.result() == v1::Outcome::APPLIED || outcome.result() == v1::Outcome::DUPLICATE) return {};
    wire::error failure;
    failure.code = outcome.code() == 0 ? wire::status::unknown : static_cast<wire::status>(outcome.code());
    failure.message = outcome.error().message();
    failure.origin = outcome.error().origin();
    failure.retry_after = std::chrono::milliseconds(outcome.error().retry_after_ms());
    failure.outcome_unknown = outcome.error().outcome_unknown() || outcome.result() == v1::Outcome::UNKNOWN;
    for (const auto& [key, value] : outcome.error().details()) failure.details[key] = value;
    return failure;
}

} // namespace stadion::net
