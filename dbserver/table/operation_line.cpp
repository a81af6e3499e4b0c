// An operation as a line of JSON, and back.
#include "dbserver/table/operation.hpp"

#include "wire/board_json.hpp"

#include <algorithm>
#include <array>

namespace stadion::dbserver {
namespace {

constexpr std::array<std::string_view, 6> verb_names{"update_score",  "replace_score", "increment_medal",
                                                     "replace_tally", "reversal",      "freeze"};
constexpr std::array<std::string_view, 3> medal_names{"gold", "silver", "bronze"};

// FNV-1a, 64 bits (Fowler, Noll, Vo): tells one request from another under the same key.
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
        append_member(to, "medal"), append_json_string(to, medal_name(what.medal));
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

std::string_view verb_name(verb what) noexcept { return verb_names[static_cast<std::size_t>(what)]; }

std::string_view medal_name(medal_kind what) noexcept { return medal_names[static_cast<std::size_t>(what)]; }

std::optional<medal_kind> parse_medal(std::string_view name) noexcept {
    const auto at = std::find(medal_names.begin(), medal_names.end(), name);
    if (at == medal_names.end()) return std::nullopt;
    return static_cast<medal_kind>(at - medal_names.begin());
}

std::uint64_t request_hash(const operation& what) {
    std::string text;
    append_members(text, what);
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

void append_line_body(std::string& to, const operation& what) {
    append_members(to, what);
    if (!what.key.empty()) {
        append_member(to, "key"), append_json_string(to, what.key);
        append_member(to, "hash"), append_json_string(to, hexadecimal(what.hash));
        if (what.caller != 0)
            append_member(to, "caller"), append_json_string(to, hexadecimal(what.caller, 8));
    }
    if (what.number != 0) {
        append_member(to, "session"), append_json_string(to, to_text(what.numbered_in.session));
        append_member(to, "number"), append_json_number(to, what.number);
        append_member(to, "lowest"), append_json_number(to, what.numbered_in.lowest_open);
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
    what.number = 0;
    what.becomes = {};
    std::string text = "{";
    append_line_body(text, what);
    return text;
}

} // namespace stadion::dbserver
