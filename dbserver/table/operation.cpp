#include "dbserver/table/operation.hpp"

#include "wire/utf8.hpp"

#include <algorithm>
#include <array>

namespace stadion::dbserver {
namespace {

using failure = std::optional<wire::error>;

failure invalid(std::string message) {
    return wire::make_error(wire::status::invalid_argument, std::move(message));
}

std::string in_quotes(std::string_view text) {
    std::string shown;
    append_json_string(shown, text.substr(0, 160));
    return shown;
}

failure check_name(std::string_view what, std::string_view name, const limits& within) {
    const std::string kind(what);
    if (name.empty()) return invalid(kind + " must not be empty");
    if (name.size() > within.name_bytes_max)
        return invalid(kind + " is " + std::to_string(name.size()) + " bytes long; at most " +
                       std::to_string(within.name_bytes_max) + " are allowed");
    if (!wire::is_utf8(name)) return invalid(kind + " is not UTF-8");
    if (wire::has_control_characters(name))
        return invalid(kind + " " + in_quotes(name) + " has control characters");
    return {};
}

failure check_text(std::string_view what, std::string_view text, std::size_t bytes_max) {
    if (text.size() > bytes_max)
        return invalid(std::string(what) + " is " + std::to_string(text.size()) + " bytes long; at most " +
                       std::to_string(bytes_max) + " are allowed");
    if (!wire::is_utf8(text)) return invalid(std::string(what) + " is not UTF-8");
    return {};
}

failure read_score(const v1::UpdateScoreByGameRequest& request, const limits& within, operation& into) {
    into.prefix = games_prefix;
    into.name = request.game();
    if (failure f = check_name("game", into.name, within)) return f;
    if (request.has_title()) {
        into.title = request.title();
        if (failure f = check_text("title", *into.title, within.title_bytes_max)) return f;
    }
    if (request.has_status()) {
        into.status = request.status();
        if (!v1::Score::Status_IsValid(request.status()))
            return invalid("status " + std::to_string(request.status()) + " is not known");
    }
    if (request.points().size() > within.points_per_game_max)
        return invalid("points name " + std::to_string(request.points().size()) + " sides; at most " +
                       std::to_string(within.points_per_game_max) + " are allowed");
    into.points.assign(request.points().begin(), request.points().end());
    std::sort(into.points.begin(), into.points.end());
    for (const auto& [who, count] : into.points)
        if (failure f = check_name("a name in points", who, within)) return f;
    return {};
}

failure read_increment(const v1::IncrementMedalTallyRequest& request, const limits& within, operation& into) {
    into.prefix = teams_prefix;
    into.name = request.team();
    if (failure f = check_name("team", into.name, within)) return f;
    const auto medal = parse_medal(request.medal());
    if (!medal)
        return invalid("medal is " + in_quotes(request.medal()) + "; it must be gold, silver or bronze");
    into.medal = *medal;
    into.by = request.by();
    if (into.by == 0) return invalid("by must not be 0");
    return {};
}

failure read_tally(const v1::MedalTally& tally, const limits& within, operation& into) {
    into.prefix = teams_prefix;
    into.name = tally.team();
    into.gold = tally.gold();
    into.silver = tally.silver();
    into.bronze = tally.bronze();
    if (failure f = check_name("team", into.name, within)) return f;
    if (std::max({into.gold, into.silver, into.bronze}) > within.medals_max)
        return invalid("a medal count of " + in_quotes(into.name) + " is above " +
                       std::to_string(within.medals_max));
    return {};
}

failure apply_increment(const operation& op, const limits& within, v1::MedalTally& tally) {
    const std::array<std::uint32_t, 3> counts{tally.gold(), tally.silver(), tally.bronze()};
    const auto which = static_cast<std::size_t>(op.medal);
    const std::int64_t after = std::int64_t{counts[which]} + op.by;
    if (after < 0 || after > within.medals_max)
        return wire::make_error(wire::status::failed_precondition,
                                std::string(op.name) + " has " + std::to_string(counts[which]) + " " +
                                    std::string(medal_name(op.medal)) + "; " + std::to_string(op.by) +
                                    (after < 0 ? " would make it less than none" : " would be too many"));
    const auto count = static_cast<std::uint32_t>(after);
    if (op.medal == medal_kind::gold) tally.set_gold(count);
    if (op.medal == medal_kind::silver) tally.set_silver(count);
    if (op.medal == medal_kind::bronze) tally.set_bronze(count);
    return {};
}

failure apply_score(const operation& op, const limits& within, v1::Score& score) {
    if (op.title) score.set_title(std::string(*op.title));
    if (op.status) score.set_status(*op.status);
    auto& points = *score.mutable_points();
    if (op.kind == operation_kind::replace_score) {
        if (!op.title) score.clear_title();
        if (!op.status) score.clear_status();
        points.clear();
    }
    for (const auto& [who, count] : op.points) points[std::string(who)] = count;
    if (points.size() > within.points_per_game_max)
        return invalid("game " + in_quotes(op.name) + " would have points of " +
                       std::to_string(points.size()) + " sides; at most " +
                       std::to_string(within.points_per_game_max) + " are allowed");
    return {};
}

failure read_request(const v1::Mutation& mutation, const limits& within, operation& into) {
    into.key = mutation.idempotency_key();
    if (failure f = check_text("idempotency key", into.key, within.key_bytes_max)) return f;
    if (!into.key.empty() && mutation.number() != 0)
        return invalid("a mutation has an idempotency key or a number in a session, not both");
    into.number = mutation.number();
    if (mutation.has_expect_version()) into.expect_version = mutation.expect_version();
    switch (mutation.operation_case()) {
    case v1::Mutation::kUpdateScore:
        into.kind = operation_kind::update_score;
        return read_score(mutation.update_score(), within, into);
    case v1::Mutation::kReplaceScore:
        into.kind = operation_kind::replace_score;
        return read_score(mutation.replace_score(), within, into);
    case v1::Mutation::kIncrementMedal:
        into.kind = operation_kind::increment_medal;
        return read_increment(mutation.increment_medal(), within, into);
    case v1::Mutation::kReplaceTally:
        into.kind = operation_kind::replace_tally;
        return read_tally(mutation.replace_tally(), within, into);
    case v1::Mutation::kReversal:
        into.kind = operation_kind::reversal;
        into.reverses = mutation.reversal().sequence();
        into.reason = mutation.reversal().reason();
        return check_text("reason", into.reason, within.reason_bytes_max);
    case v1::Mutation::kFreeze:
        into.kind = operation_kind::freeze;
        into.frozen = mutation.freeze().frozen();
        return {};
    case v1::Mutation::OPERATION_NOT_SET:
        break;
    }
    return invalid("the mutation has no operation");
}

} // namespace

failure read_mutation(const v1::Mutation& mutation, const limits& within, operation& into) {
    if (failure f = read_request(mutation, within, into)) return f;
    if (into.key.empty()) return {};
    into.hash = request_hash(into);
    return {};
}

failure apply(const operation& op, const limits& within, table_value& draft) {
    if (auto* score = std::get_if<v1::Score>(&draft)) {
        if (op.prefix == games_prefix) return apply_score(op, within, *score);
    } else if (auto& tally = std::get<v1::MedalTally>(draft); op.prefix == teams_prefix) {
        if (op.kind == operation_kind::increment_medal) return apply_increment(op, within, tally);
        tally.set_gold(op.gold);
        tally.set_silver(op.silver);
        tally.set_bronze(op.bronze);
        return {};
    }
    return wire::make_error(wire::status::internal, "an operation met a table of another kind");
}

failure check_size(const table_value& made, const limits& within) {
    constexpr std::size_t stamp_bytes_max = 32; // sequence, version and time, which are not known yet
    const auto* score = std::get_if<v1::Score>(&made);
    if (!score) return {};
    const std::size_t bytes = score->ByteSizeLong() + stamp_bytes_max;
    if (bytes <= within.game_bytes_max) return {};
    return wire::make_error(wire::status::resource_exhausted,
                            "game " + in_quotes(score->game()) + " would have " + std::to_string(bytes) +
                                " bytes; at most " + std::to_string(within.game_bytes_max) +
                                " are allowed: name fewer sides, or with shorter names");
}

table_value empty_value(std::string_view prefix, std::string_view name) {
    if (prefix == games_prefix) {
        v1::Score score;
        score.set_game(std::string(name));
        return score;
    }
    v1::MedalTally tally;
    tally.set_team(std::string(name));
    return tally;
}

} // namespace stadion::dbserver
