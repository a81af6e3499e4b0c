#include "dbserver/table/state.hpp"

#include "dbserver/table/state_json.hpp"

namespace stadion::dbserver {

void state::stamp(std::uint64_t sequence, std::uint32_t version, std::int64_t updated_at_us) {
    updated_at_us_ = updated_at_us;
    std::visit(
        [&](auto& value) {
            value.set_sequence(sequence);
            value.set_version(version);
            value.set_updated_at(static_cast<double>(updated_at_us) / 1e6);
        },
        value_);
}

std::string state::table() const { return std::string(score() ? games_prefix : teams_prefix).append(name()); }

const std::string& state::name() const noexcept {
    const v1::Score* game = score();
    return game ? game->game() : tally()->team();
}

std::uint64_t state::sequence() const noexcept {
    return std::visit([](const auto& value) { return value.sequence(); }, value_);
}

std::uint32_t state::version() const noexcept {
    return std::visit([](const auto& value) { return value.version(); }, value_);
}

const std::string& state::json() const {
    std::call_once(json_once_, [this] { json_ = to_json(*this); });
    return json_;
}

const std::string& state::message() const {
    std::call_once(message_once_, [this] {
        std::visit([this](const auto& value) { value.SerializeToString(&message_); }, value_);
    });
    return message_;
}

} // namespace stadion::dbserver
