// Writing an operation as a line of JSON, and reading it.
#include "dbserver/table/operation.hpp"

#include "wire/board_json.hpp"

#include <algorithm>
#include <array>

namespace stadion::dbserver {
namespace {

constexpr std::array<std::string_view, 6> operation_names{"update_score",  "replace_score", "increment_medal",
                                                          "replace_tally", "reversal",      "freeze"};
constexpr std::array<std::string_view, 3> medal_names{"gold", "silver", "bronze"};

// FNV-1a, 64 bits (Fowler, Noll, Vo).
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 14695981039346656037ull;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    return hash;
}

void append_member(std::string& to, std::string_view key) {
    to += ',';
    append_json_string(to, key);
    to += ':';
}

void append_score_members(std::string& to, const operation& op) {
    if (op.title) append_member(to, "title"), append_json_string(to, *op.title);
    if (op.status) append_member(to, "status"), append_json_string(to, v1::Score::Status_Name(*op.status));
    append_member(to, "points");
    char separator = '{';
    for (const auto& [who, count] : op.points) {
        to += separator;
        append_json_string(to, who);
        to += ':';
        append_json_number(to, count);
        separator = ',';
    }
    if (op.points.empty()) to += '{';
    to += '}';
}

void append_members(std::string& to, const operation& op) {
    to += R"("op":)";
    append_json_string(to, operation_name(op.kind));
    if (!op.name.empty())
        append_member(to, op.prefix == games_prefix ? "game" : "team"), append_json_string(to, op.name);
    switch (op.kind) {
    case operation_kind::update_score:
    case operation_kind::replace_score:
        append_score_members(to, op);
        break;
    case operation_kind::increment_medal:
        append_member(to, "medal"), append_json_string(to, medal_name(op.medal));
        append_member(to, "by"), append_json_number(to, op.by);
        break;
    case operation_kind::replace_tally:
        append_member(to, "gold"), append_json_number(to, op.gold);
        append_member(to, "silver"), append_json_number(to, op.silver);
        append_member(to, "bronze"), append_json_number(to, op.bronze);
        break;
    case operation_kind::reversal:
        append_member(to, "reverses"), append_json_number(to, op.reverses);
        append_member(to, "reason"), append_json_string(to, op.reason);
        break;
    case operation_kind::freeze:
        append_member(to, "frozen"), to += op.frozen ? "true" : "false";
        break;
    }
    if (op.expect_version) append_member(to, "expect"), append_json_number(to, *op.expect_version);
}

bool read_kind(std::string_view name, operation& into) {
    const auto at = std::find(operation_names.begin(), operation_names.end(), name);
    into.kind = static_cast<operation_kind>(at - operation_names.begin());
    return at != operation_names.end();
}

bool read_medal(std::string_view name, operation& into) {
    const auto medal = parse_medal(name);
    into.medal = medal.value_or(medal_kind::gold);
    return medal.has_value();
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

void read_caller(json_reader& in, operation& into) {
    std::uint64_t caller = 0;
    if (!parse_hexadecimal(in.string(), caller)) in.fail();
    into.caller = static_cast<std::uint32_t>(caller);
}

void read_session(json_reader& in, operation& into) {
    const auto session = session_from_text(in.string());
    if (!session) in.fail();
    into.numbered_in.session = session.value_or(session_id{});
}

// Reads the value of one member, whose key is read already.
void read_member(json_reader& in, std::string_view key, operation& into) {
    if (key == "op")
        read_kind(in.string(), into) ? void() : in.fail();
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
    else if (key == "caller")
        read_caller(in, into);
    else if (key == "session")
        read_session(in, into);
    else if (key == "number")
        into.number = in.integer<std::uint64_t>();
    else if (key == "lowest")
        into.numbered_in.lowest_open = in.integer<std::uint64_t>();
    else
        in.fail();
}

} // namespace

std::string_view operation_name(operation_kind what) noexcept {
    return operation_names[static_cast<std::size_t>(what)];
}

std::string_view medal_name(medal_kind what) noexcept { return medal_names[static_cast<std::size_t>(what)]; }

std::optional<medal_kind> parse_medal(std::string_view name) noexcept {
    const auto at = std::find(medal_names.begin(), medal_names.end(), name);
    if (at == medal_names.end()) return std::nullopt;
    return static_cast<medal_kind>(at - medal_names.begin());
}

std::uint64_t request_hash(const operation& op) {
    std::string text;
    append_members(text, op);
    return hash_of(text);
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

void append_line_body(std::string& to, const operation& op) {
    append_members(to, op);
    if (!op.key.empty()) {
        append_member(to, "key"), append_json_string(to, op.key);
        append_member(to, "hash"), append_json_string(to, hexadecimal(op.hash));
        if (op.caller != 0) append_member(to, "caller"), append_json_string(to, hexadecimal(op.caller, 8));
    }
    if (op.number != 0) {
        append_member(to, "session"), append_json_string(to, to_text(op.numbered_in.session));
        append_member(to, "number"), append_json_number(to, op.number);
        append_member(to, "lowest"), append_json_number(to, op.numbered_in.lowest_open);
    }
    if (!op.becomes.empty()) append_member(to, "becomes"), to += op.becomes;
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
            read_member(in, key, into.op);
    }
    return in.ok() && in.at_end() && (into.op.kind == operation_kind::freeze || !into.op.name.empty());
}

std::string line_of_state(const state& what) {
    operation whole;
    whole.name = what.name();
    if (const v1::Score* score = what.score()) {
        whole.kind = operation_kind::replace_score;
        whole.prefix = games_prefix;
        whole.title = score->title();
        whole.status = score->status();
        whole.points = sorted_points(*score);
    } else {
        const v1::MedalTally& tally = *what.tally();
        whole.kind = operation_kind::replace_tally;
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

std::string details_of(operation op) {
    op.key = {};
    op.number = 0;
    op.becomes = {};
    std::string text = "{";
    append_line_body(text, op);
    return text;
}

} // namespace stadion::dbserver
