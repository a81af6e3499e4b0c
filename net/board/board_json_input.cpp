#include "net/board/board_json_input.hpp"

#include "wire/board_json.hpp"
#include "wire/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <limits>

namespace stadion::net {
namespace {

using nlohmann::json;

wire::error invalid(std::string message) {
    return wire::make_error(wire::status::invalid_argument, std::move(message));
}

wire::result<json> parse_object(std::string_view body) {
    if (auto sound = wire::check_json(body); !sound) return sound.error();
    auto parsed = json::parse(body, nullptr, false);
    if (!parsed.is_object()) return invalid("the body is not a JSON object");
    return parsed;
}

template <typename Integer>
wire::result<Integer> integer(const json& value, const std::string& name) {
    if (value.is_number_integer() || value.is_number_unsigned()) {
        const bool fits = value.is_number_unsigned()
                              ? value.get<std::uint64_t>() <=
                                    static_cast<std::uint64_t>(std::numeric_limits<Integer>::max())
                              : value.get<std::int64_t>() >= std::numeric_limits<Integer>::min() &&
                                    value.get<std::int64_t>() <= std::numeric_limits<Integer>::max();
        if (fits) return value.get<Integer>();
    }
    return invalid(name + " is not an integer from " + std::to_string(std::numeric_limits<Integer>::min()) +
                   " to " + std::to_string(std::numeric_limits<Integer>::max()));
}

wire::result<std::string> text(const json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end()) return invalid(std::string(name) + " is missing");
    if (!found->is_string()) return invalid(std::string(name) + " is not a string");
    return found->get<std::string>();
}

} // namespace

wire::result<v1::UpdateScoreByGameRequest> parse_score_update(std::string_view body, std::string_view game) {
    auto object = parse_object(body);
    if (!object) return object.error();
    v1::UpdateScoreByGameRequest update;
    if (game.empty() || object->contains("game")) {
        auto name = text(*object, "game");
        if (!name) return name.error();
        if (!game.empty() && *name != game) return invalid("game '" + *name + "' is not the one of the path");
        update.set_game(*name);
    } else {
        update.set_game(std::string(game));
    }
    if (object->contains("title")) {
        auto title = text(*object, "title");
        if (!title) return title.error();
        update.set_title(*title);
    }
    if (object->contains("status")) {
        auto name = text(*object, "status");
        if (!name) return name.error();
        const auto status = wire::parse_status(*name);
        if (!status)
            return invalid("status '" + *name +
                           "' is none of START_LIST, LIVE, INTERMEDIATE, UNOFFICIAL, OFFICIAL, PROTESTED");
        update.set_status(*status);
    }
    if (const auto points = object->find("points"); points != object->end()) {
        if (!points->is_object()) return invalid("points is not an object of team: number");
        for (const auto& [team, value] : points->items()) {
            auto number = integer<std::int32_t>(value, "points of " + team);
            if (!number) return number.error();
            (*update.mutable_points())[team] = *number;
        }
    }
    return update;
}

wire::result<v1::IncrementMedalTallyRequest> parse_medal_increment(std::string_view body) {
    auto object = parse_object(body);
    if (!object) return object.error();
    auto team = text(*object, "team");
    if (!team) return team.error();
    auto medal = text(*object, "medal");
    if (!medal) return medal.error();
    v1::IncrementMedalTallyRequest request;
    request.set_team(*team);
    request.set_medal(*medal);
    request.set_by(1);
    if (object->contains("by")) {
        auto by = integer<std::int32_t>((*object)["by"], "by");
        if (!by) return by.error();
        request.set_by(*by);
    }
    return request;
}

wire::result<v1::MedalTally> parse_tally(std::string_view body, std::string_view team) {
    auto object = parse_object(body);
    if (!object) return object.error();
    const auto nested = object->find("medals");
    if (nested != object->end() && !nested->is_object()) return invalid("medals is not an object");
    const json& medals = nested == object->end() ? *object : *nested;
    v1::MedalTally tally;
    tally.set_team(std::string(team));
    const auto take = [&](const char* name, auto set) -> wire::result<void> {
        if (!medals.contains(name)) return {};
        auto number = integer<std::uint32_t>(medals[name], name);
        if (!number) return number.error();
        set(*number);
        return {};
    };
    if (auto done = take("gold", [&](std::uint32_t n) { tally.set_gold(n); }); !done) return done.error();
    if (auto done = take("silver", [&](std::uint32_t n) { tally.set_silver(n); }); !done) return done.error();
    if (auto done = take("bronze", [&](std::uint32_t n) { tally.set_bronze(n); }); !done) return done.error();
    return tally;
}

wire::result<bool> parse_frozen(std::string_view body) {
    auto object = parse_object(body);
    if (!object) return object.error();
    const auto frozen = object->find("frozen");
    if (frozen == object->end() || !frozen->is_boolean()) return invalid("frozen is true or false");
    return frozen->get<bool>();
}

wire::result<std::string> parse_reason(std::string_view body) {
    auto object = parse_object(body);
    if (!object) return object.error();
    return text(*object, "reason");
}

} // namespace stadion::net
