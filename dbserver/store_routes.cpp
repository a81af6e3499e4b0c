#include "dbserver/store_routes.hpp"

#include <nlohmann/json.hpp>

namespace stadion::dbserver {
namespace {

constexpr std::size_t mutations_max = 1000;      // in one Commit
constexpr std::size_t state_bytes_max = 4 << 20; // in its answer; a state has at most 64 KiB

// Of every mutation what became of it, and its state as long as there is room for it in the answer.
v1::CommitResponse to_response(std::vector<v1::Outcome> outcomes) {
    v1::CommitResponse response;
    std::size_t bytes = 0;
    for (auto& one : outcomes) {
        response.set_sequence(std::max(response.sequence(), one.sequence()));
        const auto size = one.ByteSizeLong();
        if (one.state_case() != v1::Outcome::STATE_NOT_SET && bytes + size > state_bytes_max) {
            one.clear_state();
            one.set_state_left_out(true);
        } else {
            bytes += size;
        }
        *response.add_outcomes() = std::move(one);
    }
    return response;
}

void commit(const v1::CommitRequest& request, std::shared_ptr<net::pending_call> pending, store_feed& feed) {
    if (request.mutations_size() == 0 || static_cast<std::size_t>(request.mutations_size()) > mutations_max)
        return pending->fail(
            wire::make_error(wire::status::invalid_argument, "Commit takes 1 to 1000 mutations, not " +
                                                                 std::to_string(request.mutations_size())));
    std::vector<v1::Mutation> mutations(request.mutations().begin(), request.mutations().end());
    if (const auto& key = pending->metadata().idempotency_key(); !key.empty()) {
        if (mutations.size() != 1 || !mutations[0].idempotency_key().empty())
            return pending->fail(wire::make_error(
                wire::status::invalid_argument,
                "the mutations of a Commit have an idempotency key each; one for the whole is not known"));
        mutations[0].set_idempotency_key(key);
    }
    feed.commit(pending->home(), std::move(mutations), [pending](std::vector<v1::Outcome> outcomes) {
        pending->reply(to_response(std::move(outcomes)));
    });
}

const char* condition_name(condition state) {
    switch (state) {
    case condition::serving:
        return "serving";
    case condition::disk_full:
        return "disk_full";
    case condition::poisoned:
        return "poisoned";
    case condition::stopped:
        return "stopped";
    }
    return "unknown";
}

void add_health(net::server& to, store& from) {
    to.add_check("store", [&from]() -> wire::result<void> {
        const auto health = from.health();
        if (health.state == condition::serving) return {};
        return wire::make_error(wire::status::unavailable, health.detail);
    });
    to.add_status([&from](nlohmann::ordered_json& status) {
        const auto health = from.health();
        status["sequence"] = health.sequence;
        status["store"] = {{"state", condition_name(health.state)},
                           {"detail", health.detail},
                           {"frozen", health.frozen},
                           {"checkpoint_sequence", health.checkpoint_sequence},
                           {"batches", health.batches},
                           {"mutations", health.mutations},
                           {"pending_mutations", health.pending_mutations},
                           {"tables", health.tables},
                           {"segments", health.segments},
                           {"idempotency_keys", health.idempotency_keys},
                           {"warnings", health.warnings}};
    });
}

} // namespace

void add_store_routes(net::server& to, store& from, store_feed& feed) {
    to.rpc().on_later<v1::CommitRequest>("Database", "Commit", net::role::scorer | net::role::server,
                                         [&feed](const v1::CommitRequest& request, auto pending) {
                                             commit(request, std::move(pending), feed);
                                         });
    add_health(to, from);
}

} // namespace stadion::dbserver
