// The refusal of what a leader says that has been replaced: FAILED_PRECONDITION with the epoch that is known
// among the error's details, from which the sender learns that it leads no more.
#pragma once

#include "wire/result.hpp"

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

namespace stadion::net {

inline wire::error stale_epoch(std::uint64_t known) {
    auto failure = wire::make_error(wire::status::failed_precondition,
                                    "the message is of an older epoch than " + std::to_string(known));
    failure.details["epoch"] = std::to_string(known);
    return failure;
}

// The refusal of what the dispatcher has not granted: what it has is named. Leader 0: nobody leads yet.
inline wire::error not_granted(std::uint64_t epoch, std::uint32_t leader) {
    const std::string who = leader == 0 ? "nobody leads yet" : "server " + std::to_string(leader) + " leads";
    auto failure = wire::make_error(wire::status::failed_precondition,
                                    "under epoch " + std::to_string(epoch) + ", the newest granted, " + who);
    failure.details["epoch"] = std::to_string(epoch);
    failure.details["leader_id"] = std::to_string(leader);
    return failure;
}

// The epoch that such a refusal tells; nothing if it is another one.
inline std::optional<std::uint64_t> epoch_of(const wire::error& refusal) {
    const auto found = refusal.details.find("epoch");
    if (refusal.code != wire::status::failed_precondition || found == refusal.details.end())
        return std::nullopt;
    return std::strtoull(found->second.c_str(), nullptr, 10);
}

} // namespace stadion::net
