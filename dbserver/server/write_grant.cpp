#include "dbserver/server/write_grant.hpp"

#include <string>

namespace stadion::dbserver {
namespace {

wire::error refusal(std::string message) {
    auto failure = wire::make_error(wire::status::unavailable, std::move(message));
    failure.retry_after = std::chrono::milliseconds{200};
    return failure;
}

} // namespace

void write_grant::granted(std::uint64_t epoch, time_point now) {
    last_tick_ = now;
    epoch_ = epoch;
    confirmed_ = epoch != 0;
}

void write_grant::tick(time_point now) {
    if (was_paused(now)) confirmed_ = false;
    last_tick_ = now;
}

bool write_grant::may_write(time_point now) const noexcept {
    return !in_fleet_ || (epoch_ != 0 && confirmed_ && !was_paused(now));
}

wire::result<void> write_grant::check(std::uint64_t epoch, time_point now) const {
    const auto ours = epoch_.load();
    if (!may_write(now))
        return refusal(ours == 0
                           ? "the dispatcher has not made this database server the fleet's writer"
                           : "this database server was paused, and the dispatcher has not confirmed yet "
                             "that it is still the fleet's writer");
    if (epoch == 0 || epoch == ours) return {};
    return refusal("this database server writes " +
                   (ours == 0 ? std::string("for no fleet") : "under epoch " + std::to_string(ours)) +
                   ", not under " + std::to_string(epoch));
}

} // namespace stadion::dbserver
