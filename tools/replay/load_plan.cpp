#include "tools/replay/load_plan.hpp"

#include "tools/replay/csv.hpp"
#include "tools/replay/tournament.hpp"
#include "wire/board_json.hpp"
#include "wire/number.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <set>

namespace stadion::tools {
namespace {

using nlohmann::json;

constexpr std::size_t name_bytes_max = 128;

std::optional<std::string> problem_of_name(std::string_view name) {
    if (name.empty()) return "the name is empty";
    if (name.size() > name_bytes_max) return "the name has more than 128 bytes";
    for (const char c : name)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "the name has a control character";
    return std::nullopt;
}

// The columns by name.
class medal_columns {
public:
    explicit medal_columns(const std::vector<std::string>& header) : count_(header.size()) {
        for (std::size_t i = 0; i < header.size(); ++i) places_[header[i]] = i;
    }

    std::optional<std::string> missing() const {
        for (const auto* name : {"team", "gold", "silver", "bronze"})
            if (!places_.contains(name)) return name;
        return std::nullopt;
    }

    // What is wrong with the row; nothing when `out` is filled.
    std::optional<std::string> read(const csv_row& row, v1::MedalTally& out) const {
        if (row.fields.size() != count_)
            return std::to_string(row.fields.size()) + " fields instead of " + std::to_string(count_);
        const auto field = [&](const char* name) -> const std::string& {
            return row.fields[places_.at(name)];
        };
        if (auto problem = problem_of_name(field("team"))) return problem;
        std::map<std::string, std::uint32_t> counts;
        for (const auto* name : {"gold", "silver", "bronze", "total"}) {
            if (!places_.contains(name)) continue;
            const auto count = wire::parse_number<std::uint32_t>(field(name));
            if (!count) return std::string(name) + " is '" + field(name) + "', not a number";
            counts[name] = *count;
        }
        const auto sum = std::uint64_t{counts["gold"]} + counts["silver"] + counts["bronze"];
        if (places_.contains("total") && counts["total"] != sum)
            return "the medals add up to " + std::to_string(sum) + ", not " + field("total");
        out.set_team(field("team"));
        out.set_gold(counts["gold"]);
        out.set_silver(counts["silver"]);
        out.set_bronze(counts["bronze"]);
        return std::nullopt;
    }

private:
    std::map<std::string, std::size_t, std::less<>> places_;
    std::size_t count_;
};

void plan_medals(std::string_view text, load_plan& plan) {
    plan.what = "medal table";
    const auto rows = parse_csv(text);
    if (!rows) return plan.problems.push_back(rows.error().message);
    if (rows->empty()) return plan.problems.push_back("the file is empty");
    const medal_columns columns(rows->front().fields);
    if (const auto missing = columns.missing())
        return plan.problems.push_back("line 1: there is no column called " + *missing);
    std::set<std::string> seen;
    for (auto row = rows->begin() + 1; row != rows->end(); ++row) {
        v1::MedalTally tally;
        auto problem = columns.read(*row, tally);
        if (!problem && !seen.insert(tally.team()).second) problem = tally.team() + " is there a second time";
        if (problem)
            plan.problems.push_back("line " + std::to_string(row->line) + ": " + *problem);
        else
            *plan.mutations.emplace_back().mutable_replace_tally() = tally;
    }
}

// What is wrong with the game; nothing when `out` is filled.
std::optional<std::string> read_game(const json& source, v1::UpdateScoreByGameRequest& out) {
    out.set_game(source.at("game").get<std::string>());
    if (auto problem = problem_of_name(out.game())) return problem;
    if (const auto title = source.find("title"); title != source.end())
        out.set_title(title->get<std::string>());
    if (const auto status = source.find("status"); status != source.end()) {
        const auto known = wire::parse_status(status->get<std::string>());
        if (!known) return "no such status: " + status->get<std::string>();
        out.set_status(*known);
    }
    for (const auto& [team, points] : source.at("points").items()) {
        if (auto problem = problem_of_name(team)) return problem;
        if (!points.is_number_integer() || points < INT32_MIN || points > INT32_MAX)
            return "the points of " + team + " are " + points.dump();
        (*out.mutable_points())[team] = points.get<std::int32_t>();
    }
    return std::nullopt;
}

void plan_game_list(const json& list, load_plan& plan) {
    std::size_t number = 0;
    for (const auto& source : list) {
        ++number;
        v1::UpdateScoreByGameRequest game;
        std::optional<std::string> problem;
        try {
            problem = read_game(source, game);
        } catch (const json::exception& bad) {
            problem = bad.what();
        }
        if (problem)
            plan.problems.push_back("game " + std::to_string(number) + ": " + *problem);
        else
            *plan.mutations.emplace_back().mutable_replace_score() = game;
    }
}

void plan_tournament(std::string_view text, load_plan& plan) {
    const auto event = parse_tournament(text);
    if (!event) return plan.problems.push_back(event.error().message);
    std::map<std::size_t, score_update> last;
    for (const auto& update : timeline(*event)) last[update.match] = update;
    for (const auto& [index, update] : last)
        *plan.mutations.emplace_back().mutable_replace_score() = to_request(event->matches[index], update);
}

void plan_games(std::string_view text, load_plan& plan) {
    plan.what = "game list";
    const auto source = json::parse(text, nullptr, false);
    if (source.is_discarded()) return plan.problems.push_back("it is not valid JSON");
    if (source.is_array()) return plan_game_list(source, plan);
    if (source.contains("games") && source.at("games").is_array())
        return plan_game_list(source.at("games"), plan);
    plan_tournament(text, plan);
}

} // namespace

load_plan plan_load(std::string_view text) {
    load_plan plan;
    const auto first = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
    if (first != std::string_view::npos && (text[first] == '[' || text[first] == '{'))
        plan_games(text.substr(first), plan);
    else
        plan_medals(text, plan);
    return plan;
}

} // namespace stadion::tools
