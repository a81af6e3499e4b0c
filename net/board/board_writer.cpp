#include "net/board/board_writer.hpp"

#include "wire/error_message.hpp"

namespace stadion::net {

wire::result<void> to_result(const v1::Outcome& outcome) {
    if (outcome.result() == v1::Outcome::APPLIED || outcome.result() == v1::Outcome::DUPLICATE) return {};
    const auto code = outcome.code() == 0 ? wire::status::unknown : static_cast<wire::status>(outcome.code());
    auto failure = wire::to_error(code, outcome.error());
    failure.outcome_unknown = failure.outcome_unknown || outcome.result() == v1::Outcome::UNKNOWN;
    return failure;
}

} // namespace stadion::net
