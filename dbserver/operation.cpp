#include "dbserver/operation.hpp"

#include "wire/board_json.hpp"
#include "wire/utf8.hpp"

#include <algorithm>
#include <array>

namespace stadion::dbserver {
namespace {

constexpr std::array<std::string_view, 6> verb_names{"update_score",  "replace_score", "increment_medal",
                                                     "replace_tally", "reversal",      "freeze"};
constexpr std::array<std::string_view, 3> medal_names{"gold", "silver", "bronze"};

using failure = std::optional<wire::error>;

failure invalid(std::string message) {
    return wire::make_error(wire::status::invalid_argument, std::move(message));
}

std::string quoted(std::string_view text) {
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
        return invalid(kind + " " + quoted(name) + " has control characters");
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
    const auto medal = std::find(medal_names.begin(), medal_names.end(), request.medal());
    if (medal == medal_names.end())
        return invalid("medal is " + quoted(request.medal()) + "; it must be gold, silver or bronze");
    into.medal = static_cast<medal_kind>(medal - medal_names.begin());
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
        return invalid("a medal count of " + quoted(into.name) + " is above " +
                       std::to_string(within.medals_max));
    return {};
}

failure apply_increment(const operation& what, const limits& within, v1::MedalTally& tally) {
    const std::array<std::uint32_t, 3> counts{tally.gold(), tally.silver(), tally.bronze()};
    const auto which = static_cast<std::size_t>(what.medal);
    const std::int64_t after = std::int64_t{counts[which]} + what.by;
    if (after < 0 || after > within.medals_max)
        return wire::make_error(wire::status::failed_precondition,
                                std::string(what.name) + " has " + std::to_string(counts[which]) + " " +
                                    std::string(medal_names[which]) + "; " + std::to_string(what.by) +
                                    (after < 0 ? " would make it less than none" : " would be too many"));
    const auto count = static_cast<std::uint32_t>(after);
    if (what.medal == medal_kind::gold) tally.set_gold(count);
    if (what.medal == medal_kind::silver) tally.set_silver(count);
    if (what.medal == medal_kind::bronze) tally.set_bronze(count);
    return {};
}

failure apply_score(const operation& what, const limits& within, v1::Score& score) {
    if (what.title) score.set_title(std::string(*what.title));
    if (what.status) score.set_status(*what.status);
    auto& points = *score.mutable_points();
    if (what.what == verb::replace_score) {
        if (!what.title) score.clear_title();
        if (!what.status) score.clear_status();
        points.clear();
    }
    for (const auto& [who, count] : what.points) points[std::string(who)] = count;
    if (points.size() > within.points_per_game_max)
        return invalid("game " + quoted(what.name) + " would have points of " +
                       std::to_string(points.size()) + " sides; at most " +
                       std::to_string(within.points_per_game_max) + " are allowed");
    return {};
}

// FNV-1a, 64 bits (Fowler, Noll, Vo): tells one request from another under the same key.
std::uint64_t request_hash(std::string_view text) {
    std::uint64_t hash = 14695981039346656037ull;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    return hash;
}

void append_member(std::string& to, std::string_view key) {
    to += ',';
    append_json_string(to, key);
    to += ':';
}

void append_score_members(std::string& to, const operation& what) {
    if (what.title) append_member(to, "title"), append_json_string(to, *what.title);
    if (what.status)
        append_member(to, "status"), append_json_string(to, v1::Score::Status_Name(*what.status));
    append_member(to, "points");
    char separator = '{';
    for (const auto& [who, count] : what.points) {
        to += separator;
        append_json_string(to, who);
        to += ':';
        append_json_number(to, count);
        separator = ',';
    }
    if (what.points.empty()) to += '{';
    to += '}';
}

void append_members(std::string& to, const operation& what) {
    to += R"("op":)";
    append_json_string(to, verb_name(what.what));
    if (!what.name.empty())
        append_member(to, what.prefix == games_prefix ? "game" : "team"), append_json_string(to, what.name);
    switch (what.what) {
    case verb::update_score:
    case verb::replace_score:
        append_score_members(to, what);
        break;
    case verb::increment_medal:
        append_member(to, "medal"), append_json_string(to, medal_names[static_cast<std::size_t>(what.medal)]);
        append_member(to, "by"), append_json_number(to, what.by);
        break;
    case verb::replace_tally:
        append_member(to, "gold"), append_json_number(to, what.gold);
        append_member(to, "silver"), append_json_number(to, what.silver);
        append_member(to, "bronze"), append_json_number(to, what.bronze);
        break;
    case verb::reversal:
        append_member(to, "reverses"), append_json_number(to, what.reverses);
        append_member(to, "reason"), append_json_string(to, what.reason);
        break;
    case verb::freeze:
        append_member(to, "frozen"), to += what.frozen ? "true" : "false";
        break;
    }
    if (what.expect_version) append_member(to, "expect"), append_json_number(to, *what.expect_version);
}

bool read_verb(std::string_view name, operation& into) {
    const auto at = std::find(verb_names.begin(), verb_names.end(), name);
    into.what = static_cast<verb>(at - verb_names.begin());
    return at != verb_names.end();
}

bool read_medal(std::string_view name, operation& into) {
    const auto at = std::find(medal_names.begin(), medal_names.end(), name);
    into.medal = static_cast<medal_kind>(at - medal_names.begin());
    return at != medal_names.end();
}

void read_points(json_reader& in, operation& into) {
    in.begin_object();
    for (std::string_view who; in.next_key(who);) into.points.emplace_back(who, in.integer<std::int32_t>());
}

void read_status(json_reader& in, operation& into) {
    const auto status = wire::parse_status(in.string());
    if (!status) in.fail();
    into.status = status.value_or(v1::Score::START_LIST);
}

// A member of an operation; the caller has read the key.
void read_member(json_reader& in, std::string_view key, operation& into) {
    if (key == "op")
        read_verb(in.string(), into) ? void() : in.fail();
    else if (key == "game")
        into.prefix = games_prefix, into.name = in.string();
    else if (key == "team")
        into.prefix = teams_prefix, into.name = in.string();
    else if (key == "title")
        into.title = in.string();
    else if (key == "status")
        read_status(in, into);
    else if (key == "points")
        read_points(in, into);
    else if (key == "medal")
        read_medal(in.string(), into) ? void() : in.fail();
    else if (key == "by")
        into.by = in.integer<std::int32_t>();
    else if (key == "gold")
        into.gold = in.integer<std::uint32_t>();
    else if (key == "silver")
        into.silver = in.integer<std::uint32_t>();
    else if (key == "bronze")
        into.bronze = in.integer<std::uint32_t>();
    else if (key == "reverses")
        into.reverses = in.integer<std::uint64_t>();
    else if (key == "reason")
        into.reason = in.string();
    else if (key == "becomes")
        into.becomes = in.raw_value();
    else if (key == "frozen")
        into.frozen = in.boolean();
    else if (key == "expect")
        into.expect_version = in.integer<std::uint32_t>();
    else if (key == "key")
        into.key = in.string();
    else if (key == "hash")
        parse_hexadecimal(in.string(), into.hash) ? void() : in.fail();
    else
        in.fail();
}

failure read_request(const v1::Mutation& mutation, const limits& within, operation& into) {
    into.key = mutation.idempotency_key();
    if (failure f = check_text("idempotency key", into.key, within.key_bytes_max)) return f;
    if (mutation.has_expect_version()) into.expect_version = mutation.expect_version();
    switch (mutation.operation_case()) {
    case v1::Mutation::kUpdateScore:
        into.what = verb::update_score;
        return read_score(mutation.update_score(), within, into);
    case v1::Mutation::kReplaceScore:
        into.what = verb::replace_score;
        return read_score(mutation.replace_score(), within, into);
    case v1::Mutation::kIncrementMedal:
        into.what = verb::increment_medal;
        return read_increment(mutation.increment_medal(), within, into);
    case v1::Mutation::kReplaceTally:
        into.what = verb::replace_tally;
        return read_tally(mutation.replace_tally(), within, into);
    case v1::Mutation::kReversal:
        into.what = verb::reversal;
        into.reverses = mutation.reversal().sequence();
        into.reason = mutation.reversal().reason();
        return check_text("reason", into.reason, within.reason_bytes_max);
    case v1::Mutation::kFreeze:
        into.what = verb::freeze;
        into.frozen = mutation.freeze().frozen();
        return {};
    case v1::Mutation::OPERATION_NOT_SET:
        break;
    }
    return invalid("the mutation has no operation");
}

} // namespace

std::string_view verb_name(verb what) noexcept { return verb_names[static_cast<std::size_t>(what)]; }

failure read_mutation(const v1::Mutation& mutation, const limits& within, operation& into) {
    if (failure f = read_request(mutation, within, into)) return f;
    if (into.key.empty()) return {};
    std::string text;
    append_members(text, into);
    into.hash = request_hash(text);
    return {};
}

failure apply(const operation& what, const limits& within, table_value& draft) {
    if (auto* score = std::get_if<v1::Score>(&draft)) {
        if (what.prefix == games_prefix) return apply_score(what, within, *score);
    } else if (auto& tally = std::get<v1::MedalTally>(draft); what.prefix == teams_prefix) {
        if (what.what == verb::increment_medal) return apply_increment(what, within, tally);
        tally.set_gold(what.gold);
        tally.set_silver(what.silver);
        tally.set_bronze(what.bronze);
        return {};
    }
    return wire::make_error(wire::status::internal, "an operation met a table of another kind");
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

void append_line_head(std::string& to, std::uint64_t sequence, std::int64_t at_us, std::uint32_t version) {
    to += R"({"sequence":)";
    append_json_number(to, sequence);
    to += R"(,"at":)";
    append_json_number(to, at_us);
    to += R"(,"version":)";
    append_json_number(to, version);
    to += ',';
}

void append_line_body(std::string& to, const operation& what) {
    append_members(to, what);
    if (!what.key.empty()) {
        append_member(to, "key"), append_json_string(to, what.key);
        append_member(to, "hash"), append_json_string(to, hexadecimal(what.hash));
    }
    if (!what.becomes.empty()) append_member(to, "becomes"), to += what.becomes;
    to += '}';
}

bool read_line(json_reader& in, line& into) {
    in.begin_object();
    for (std::string_view key; in.next_key(key);) {
        if (key == "sequence")
            into.sequence = in.integer<std::uint64_t>();
        else if (key == "at")
            into.at_us = in.integer<std::int64_t>();
        else if (key == "version")
            into.version = in.integer<std::uint32_t>();
        else
            read_member(in, key, into.what);
    }
    return in.ok() && in.at_end() && (into.what.what == verb::freeze || !into.what.name.empty());
}

std::string line_of_state(const state& what) {
    operation whole;
    whole.name = what.name();
    if (const v1::Score* score = what.score()) {
        whole.what = verb::replace_score;
        whole.prefix = games_prefix;
        whole.title = score->title();
        whole.status = score->status();
        whole.points = sorted_points(*score);
    } else {
        const v1::MedalTally& tally = *what.tally();
        whole.what = verb::replace_tally;
        whole.prefix = teams_prefix;
        whole.gold = tally.gold();
        whole.silver = tally.silver();
        whole.bronze = tally.bronze();
    }
    std::string text;
    append_line_head(text, what.sequence(), what.updated_at_us(), what.version());
    append_line_body(text, whole);
    return text += '\n';
}

std::string details_of(operation what) {
    what.key = {};
    what.becomes = {};
    std::string text = "{";
    append_line_body(text, what);
    return text;
}

} // namespace stadion::dbserver
