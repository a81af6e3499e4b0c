#include "tools/replay/tournament.hpp"

#include "wire/number.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace stadion::tools {
namespace {

using nlohmann::json;

constexpr std::size_t name_bytes_max = 128;
constexpr int minute_max = 200;

// Why the match being read cannot be.
struct bad_match {
    std::string why;
};

std::optional<int> to_number(std::string_view text) {
    const auto value = wire::parse_number<int>(text);
    return value && *value >= 0 ? value : std::nullopt;
}

std::string text_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string team_name(const json& match, const char* key) {
    const auto found = match.find(key);
    if (found == match.end()) throw bad_match{std::string("it has no ") + key};
    auto name = found->is_object() ? text_of(*found, "name") : text_of(match, key);
    if (name.empty()) throw bad_match{"a team called ''"};
    if (name.size() > name_bytes_max) throw bad_match{"a name of more than 128 bytes"};
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::any_of(name.begin(), name.end(), is_control)) throw bad_match{"a name with a control character"};
    return name;
}

// "-6", "+5:30", or nothing: how far a zone is ahead of UTC.
std::optional<std::chrono::minutes> minutes_east(std::string_view zone) {
    if (zone.empty()) return std::chrono::minutes(0);
    const auto colon = std::min(zone.find(':'), zone.size());
    const auto hours = to_number(zone.substr(1, colon - 1));
    const auto minutes = colon == zone.size() ? std::optional(0) : to_number(zone.substr(colon + 1));
    if ((zone[0] != '+' && zone[0] != '-') || !hours || !minutes || *hours > 14 || *minutes > 59)
        return std::nullopt;
    const auto distance = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
    return zone[0] == '+' ? distance : -distance;
}

// "2022-11-22" and "13:00", or "13:00 UTC-6"; without a time midnight.
std::chrono::sys_seconds kick_off_of(const std::string& date, const std::string& time) {
    const auto part = [](std::string_view text, std::size_t at, std::size_t size) {
        return at + size <= text.size() ? to_number(text.substr(at, size)) : std::nullopt;
    };
    const auto year = part(date, 0, 4), month = part(date, 5, 2), day = part(date, 8, 2);
    if (date.size() != 10 || !year || !month || !day) throw bad_match{"the date '" + date + "'"};
    const std::chrono::year_month_day when{std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!when.ok()) throw bad_match{"the date '" + date + "'"};
    const std::chrono::sys_seconds midnight = std::chrono::sys_days(when);
    if (time.empty()) return midnight;

    const auto colon = time.find(':');
    const auto hour = to_number(std::string_view(time).substr(0, colon));
    const auto minute = colon == std::string::npos ? std::nullopt : part(time, colon + 1, 2);
    if (!hour || !minute || *hour > 24 || *minute > 59) throw bad_match{"the time '" + time + "'"};
    const auto local = midnight + std::chrono::hours(*hour) + std::chrono::minutes(*minute);
    const auto zone = time.find("UTC");
    if (zone == std::string::npos) return local;
    const auto east = minutes_east(std::string_view(time).substr(zone + 3));
    if (!east) throw bad_match{"the time '" + time + "'"};
    return local - *east;
}

// 48, "48" or "45+2", or 45 with an offset of 2.
goal parse_goal(const json& listed, int team) {
    goal scored;
    scored.team = team;
    const auto minute = listed.find("minute");
    if (minute == listed.end()) throw bad_match{"a goal in minute ''"};
    if (minute->is_number_integer()) {
        scored.minute = minute->get<int>();
    } else {
        const auto text = minute->is_string() ? minute->get<std::string>() : std::string();
        const auto plus = text.find('+');
        const auto whole = to_number(std::string_view(text).substr(0, plus));
        const auto added =
            plus == std::string::npos ? std::optional(0) : to_number(std::string_view(text).substr(plus + 1));
        if (!whole || !added) throw bad_match{"a goal in minute " + minute->dump()};
        scored.minute = *whole;
        scored.added = *added;
    }
    if (const auto offset = listed.find("offset"); offset != listed.end() && offset->is_number_integer())
        scored.added = offset->get<int>();
    if (scored.minute < 0 || scored.minute > minute_max || scored.added < 0 || scored.added > minute_max)
        throw bad_match{"a goal in minute " + minute->dump()};
    return scored;
}

void add_goals(match& to, const json& from, const char* key, int team) {
    const auto listed = from.find(key);
    if (listed == from.end() || !listed->is_array()) return;
    for (const auto& one : *listed) to.goals.push_back(parse_goal(one, team));
}

// The score after extra time where there was one; a shoot-out is no part of it.
std::optional<std::array<int, 2>> final_score(const json& from) {
    const auto score = from.find("score");
    if (score == from.end() || !score->is_object()) return std::nullopt;
    for (const char* key : {"et", "ft"}) {
        const auto found = score->find(key);
        if (found != score->end() && found->is_array() && found->size() == 2)
            return std::array<int, 2>{(*found)[0].get<int>(), (*found)[1].get<int>()};
    }
    return std::nullopt;
}

match parse_match(const json& from, const std::string& round) {
    match parsed;
    parsed.teams = {team_name(from, "team1"), team_name(from, "team2")};
    if (parsed.teams[0] == parsed.teams[1]) throw bad_match{"a team that plays against itself"};
    const auto date = text_of(from, "date");
    parsed.kick_off = kick_off_of(date, text_of(from, "time"));
    parsed.game = date + ' ' + parsed.teams[0] + '-' + parsed.teams[1];
    if (parsed.game.size() > name_bytes_max) throw bad_match{"a name of more than 128 bytes"};

    auto stage = text_of(from, "round").empty() ? round : text_of(from, "round");
    if (const auto group = text_of(from, "group"); !group.empty())
        stage += (stage.empty() ? "" : ", ") + group;
    parsed.title = (stage.empty() ? "" : stage + ": ") + parsed.teams[0] + " – " + parsed.teams[1];

    add_goals(parsed, from, "goals1", 0);
    add_goals(parsed, from, "goals2", 1);
    std::stable_sort(parsed.goals.begin(), parsed.goals.end(), [](const goal& a, const goal& b) {
        return std::tuple(a.minute, a.added) < std::tuple(b.minute, b.added);
    });
    const auto score = final_score(from);
    parsed.is_played = score.has_value() || !parsed.goals.empty();
    std::array<int, 2> listed{};
    for (const auto& scored : parsed.goals) ++listed[static_cast<std::size_t>(scored.team)];
    parsed.score_differs = score && *score != listed;
    return parsed;
}

void add_matches(tournament& to, const json& matches, const std::string& round) {
    for (const auto& one : matches) {
        try {
            to.matches.push_back(parse_match(one, round));
        } catch (const bad_match& bad) {
            throw bad_match{"match " + std::to_string(to.matches.size() + 1) + " has " + bad.why};
        }
    }
}

// Two teams may meet twice on a day: names are made different.
void tell_apart(tournament& event) {
    std::map<std::string, int> seen;
    for (auto& one : event.matches)
        if (const int count = ++seen[one.game]; count > 1) one.game += " (" + std::to_string(count) + ")";
}

} // namespace

wire::result<tournament> parse_tournament(std::string_view text) {
    const auto refuse = [](std::string why) {
        return wire::make_error(wire::status::invalid_argument, std::move(why));
    };
    try {
        const auto parsed = json::parse(text);
        tournament event;
        event.name = parsed.is_object() ? text_of(parsed, "name") : std::string();
        if (parsed.is_object() && parsed.contains("matches")) {
            add_matches(event, parsed["matches"], {});
        } else if (parsed.is_object() && parsed.contains("rounds")) {
            for (const auto& round : parsed["rounds"])
                add_matches(event, round.at("matches"), text_of(round, "name"));
        } else {
            return refuse("there is no list of `matches` in it");
        }
        tell_apart(event);
        return event;
    } catch (const bad_match& bad) {
        return refuse(bad.why);
    } catch (const json::exception& failure) {
        return refuse(failure.what());
    }
}

std::chrono::minutes elapsed(int minute, int added) {
    const int breaks = minute <= 45 ? 0 : minute <= 90 ? 15 : minute <= 105 ? 30 : 35;
    return std::chrono::minutes(minute + added + breaks);
}

std::vector<score_update> timeline(const tournament& event) {
    std::vector<score_update> updates;
    for (std::size_t i = 0; i < event.matches.size(); ++i) {
        const auto& one = event.matches[i];
        score_update update{one.kick_off, i, {}, one.is_played ? v1::Score::LIVE : v1::Score::START_LIST};
        updates.push_back(update);
        if (!one.is_played) continue;
        auto end = one.kick_off + elapsed(90, 0);
        for (const auto& scored : one.goals) {
            ++update.points[static_cast<std::size_t>(scored.team)];
            // A goal in added time comes before the next half begins, however long it was added.
            update.at = std::max(update.at, one.kick_off + elapsed(scored.minute, scored.added));
            updates.push_back(update);
        }
        update.at = std::max(end, update.at);
        update.status = v1::Score::OFFICIAL;
        updates.push_back(update);
    }
    std::stable_sort(updates.begin(), updates.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    return updates;
}

v1::UpdateScoreByGameRequest to_request(const match& of, const score_update& update) {
    v1::UpdateScoreByGameRequest request;
    request.set_game(of.game);
    request.set_title(of.title);
    request.set_status(update.status);
    for (std::size_t team = 0; team < of.teams.size(); ++team)
        (*request.mutable_points())[of.teams[team]] = update.points[team];
    return request;
}

} // namespace stadion::tools
