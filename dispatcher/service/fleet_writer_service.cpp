// fleet_service and the writer: which database server is admitted, and what of it is persisted.
#include "dispatcher/service/fleet_service.hpp"

#include <spdlog/spdlog.h>

namespace stadion::dispatcher {
namespace {

// How often the newest commit that was seen is persisted.
constexpr std::chrono::seconds writer_persist_every{5};

balancer::time_point now() { return std::chrono::steady_clock::now(); }

} // namespace

// A refusal is logged once, not at each new attempt of the same server.
wire::result<void> fleet_service::may_join(const v1::JoinRequest& request) {
    if (request.kind() != "dbserver") return {};
    bool is_child = false;
    for (const auto& child : children_->table().running())
        is_child = is_child || (child.kind == "dbserver" && child.pid == request.pid());
    auto fine = writer_->may_join(request.board(), is_child, now());
    const auto who = request.address() + " of process " + std::to_string(request.pid());
    if (!fine && std::exchange(refused_, who) != who)
        spdlog::warn("the database server at {} is not taken in: {}", who, fine.error().message);
    return fine;
}

wire::result<void> fleet_service::grant_writer(const v1::JoinRequest& request, v1::JoinResponse& answer) {
    if (request.kind() != "dbserver") return {};
    const auto before = writer_->record();
    const bool had_writer = writer_->has_writer();
    answer.set_seen_sequence(writer_->grant(answer.server_id(), {request.board(), request.sequence()}));
    const auto& record = writer_->record();
    refused_.clear();
    if (before.epoch != 0 && before.board != record.board)
        spdlog::warn(
            "the fleet has another board: {} of database server {}, and no longer {}, of which {} commits "
            "had been seen; everybody who follows it begins anew",
            record.board, record.server_id, before.board, before.sequence);
    if (had_writer && before.server_id != record.server_id)
        registry_->drop_silent(
            balancer::server_id{before.server_id}); // the new writer holds its folder, so it is dead
    return persist([&](persistent_state& content) { content.writer = record; });
}

void fleet_service::persist_writer() {
    const auto& known = state_.content().writer;
    const auto& record = writer_->record();
    const bool is_news = known.board != record.board || known.epoch != record.epoch;
    if (!is_news && now() - writer_persisted_at_ < writer_persist_every) return;
    writer_persisted_at_ = now();
    const auto persisted = persist([&](persistent_state& content) { content.writer = record; });
    if (!persisted) spdlog::error("the writer is not remembered: {}", persisted.error().message);
}

} // namespace stadion::dispatcher
