// The refusal of a message from a leader that has been replaced: FAILED_PRECONDITION. Its details name the
// newest known epoch, from which the sender learns that it no longer leads.
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

// The refusal of an epoch that the dispatcher has not granted. It names the newest granted epoch and its
// leader; leader 0 means that nobody leads yet.
inline wire::error not_granted(std::uint64_t epoch, std::uint32_t leader) {
    const std::string who = leader == 0 ? "nobody leads yet" : "server " + std::to_string(leader) + " leads";
    auto failure = wire::make_error(wire::status::failed_precondition,
                                    "under epoch " + std::to_string(epoch) + ", the newest granted, " + who);
    failure.details["epoch"] = std::to_string(epoch);
    failure.details["leader_id"] = std::to_string(leader);
    return failure;
}

// The epoch in such a refusal; nothing for any other error.
inline std::optional<std::uint64_t> epoch_of(const wire::error& refusal) {
    const auto found = refusal.details.find("epoch");
    if (refusal.code != wire::status::failed_precondition || found == refusal.details.end())
        return std::nullopt;
    return std::strtoull(found->second.c_str(), nullptr, 10);
}

} // namespace stadion::net
