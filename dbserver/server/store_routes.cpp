#include "dbserver/server/store_routes.hpp"

#include "net/http/idempotency_key.hpp"

#include <nlohmann/json.hpp>

namespace stadion::dbserver {
namespace {

constexpr std::size_t mutations_max = 1000;      // in one Commit
constexpr std::size_t state_bytes_max = 4 << 20; // in its answer; a state has at most 64 KiB

// All outcomes, with their states as long as the response has room for them.
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

// A server names the caller that it writes for. Of other callers the address is taken.
wire::result<std::vector<v1::Mutation>> mutations_of(const v1::CommitRequest& request, net::call& one) {
    const auto refused = [](std::string why) {
        return wire::make_error(wire::status::invalid_argument, std::move(why));
    };
    if (static_cast<std::size_t>(request.mutations_size()) > mutations_max)
        return refused("Commit takes at most 1000 mutations, not " +
                       std::to_string(request.mutations_size()));
    std::vector<v1::Mutation> mutations(request.mutations().begin(), request.mutations().end());
    if (const auto& key = one.metadata().idempotency_key(); !key.empty()) {
        if (mutations.size() != 1 || !mutations[0].idempotency_key().empty())
            return refused(
                "the mutations of a Commit have an idempotency key each; one for the whole is not known");
        mutations[0].set_idempotency_key(key);
    }
    const bool is_server =
        net::access_policy::check(one.roles(), net::roles(net::role::server), "").has_value();
    for (auto& mutation : mutations) {
        if (mutation.number() != 0 && !is_server)
            return refused("only a server numbers its mutations; others give them idempotency keys");
        if (!is_server || mutation.caller().empty())
            mutation.set_caller(net::caller_name(one.link().peer().address()));
    }
    return mutations;
}

void commit(const v1::CommitRequest& request, net::call& one, store_feed& feed, const fleet_driver& fleet) {
    if (auto fine = fleet.may_commit(request.writer_epoch()); !fine) return one.fail(fine.error());
    if (request.mutations_size() == 0) {
        v1::CommitResponse response;
        response.set_sequence(fleet.seen().sequence);
        return one.reply(response);
    }
    auto mutations = mutations_of(request, one);
    if (!mutations) return one.fail(mutations.error());
    auto pending = one.defer();
    if (!pending) return;
    const numbering numbered_in{{request.session().opening(), request.session().number()},
                                request.lowest_open()};
    auto answer = [pending](std::vector<v1::Outcome> outcomes) {
        pending->reply(to_response(std::move(outcomes)));
    };
    feed.commit(pending->home(), *std::move(mutations), std::move(answer), numbered_in);
}

wire::result<v1::WriteSession> begin_session(store& in) {
    const auto id = in.begin_session();
    if (!id) return id.error();
    v1::WriteSession session;
    session.set_opening(id->opening);
    session.set_number(id->number);
    return session;
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
                           {"write_sessions", health.sessions},
                           {"warnings", health.warnings}};
    });
}

} // namespace

void add_store_routes(net::server& to, store& from, store_feed& feed,
                      std::shared_ptr<const fleet_driver> fleet) {
    to.rpc().on_call<v1::CommitRequest>("Database", "Commit", net::role::scorer | net::role::server,
                                        [&feed, fleet](const v1::CommitRequest& request, net::call& one) {
                                            commit(request, one, feed, *fleet);
                                        });
    to.rpc().on<v1::BeginSessionRequest>(
        "Database", "BeginSession", net::roles(net::role::server),
        [&from](const v1::BeginSessionRequest&, net::call&) { return begin_session(from); });
    add_health(to, from);
}

} // namespace stadion::dbserver
