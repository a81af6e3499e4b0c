// Carries out mutations at the database server: found through the dispatcher, tried again under the same keys
// until all are applied. Threading: the worker given.
#pragma once

#include "net/rpc/link.hpp"
#include "wire/proto/database.pb.h"

namespace stadion::tools {

struct load_target {
    std::string dispatcher;
    std::string token;
    std::chrono::milliseconds within{30'000};
};

// Gives mutations without an idempotency key one of their own. The sequence of the last; or the failure that
// made trying again useless.
net::awaitable<wire::result<std::uint64_t>> commit_all(net::worker& home, load_target to,
                                                       std::vector<v1::Mutation> mutations);

} // namespace stadion::tools
