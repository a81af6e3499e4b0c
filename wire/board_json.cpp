#include "wire/board_json.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace stadion::wire {
namespace {

void append_seconds(std::string& out, double seconds) {
    append_json_seconds(out, static_cast<std::int64_t>(std::llround(seconds * 1e6)));
}

} // namespace

void append_json(std::string& out, const v1::Score& score) {
    std::vector<std::pair<std::string_view, std::int32_t>> points;
    points.reserve(static_cast<std::size_t>(score.points_size()));
    for (const auto& [team, value] : score.points()) points.emplace_back(team, value);
    std::sort(points.begin(), points.end());

    out += "{\"game\":";
    append_json_string(out, score.game());
    out += ",\"title\":";
    append_json_string(out, score.title());
    out += ",\"status\":\"";
    out += v1::Score::Status_Name(score.status());
    out += "\",\"points\":{";
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (i != 0) out += ',';
        append_json_string(out, points[i].first);
        out += ':';
        append_json_number(out, points[i].second);
    }
    out += "},\"updated_at\":";
    append_seconds(out, score.updated_at());
    out += ",\"version\":";
    append_json_number(out, score.version());
    out += ",\"sequence\":";
    append_json_number(out, score.sequence());
    out += '}';
}

void append_json(std::string& out, const v1::MedalTally& tally) {
    out += "{\"team\":";
    append_json_string(out, tally.team());
    out += ",\"medals\":{\"gold\":";
    append_json_number(out, tally.gold());
    out += ",\"silver\":";
    append_json_number(out, tally.silver());
    out += ",\"bronze\":";
    append_json_number(out, tally.bronze());
    out += "},\"updated_at\":";
    append_seconds(out, tally.updated_at());
    out += ",\"version\":";
    append_json_number(out, tally.version());
    out += ",\"sequence\":";
    append_json_number(out, tally.sequence());
    if (tally.rank() != 0) {
        out += ",\"rank\":";
        append_json_number(out, tally.rank());
    }
    out += '}';
}

void append_json(std::string& out, const v1::BoardState& state) {
    out += state.frozen() ? "{\"frozen\":true,\"since\":" : "{\"frozen\":false,\"since\":";
    if (state.frozen())
        append_seconds(out, state.since());
    else
        out += "null";
    out += ",\"sequence\":";
    append_json_number(out, state.sequence());
    out += '}';
}

void append_json(std::string& out, const v1::Draw& draw) {
    out += "{\"number\":";
    append_json_number(out, draw.number());
    out += ",\"request\":";
    append_json_number(out, draw.request());
    out += ",\"client_id\":";
    append_json_string(out, draw.client_id());
    out += ",\"server_id\":";
    append_json_number(out, draw.server_id());
    out += ",\"hash\":";
    append_json_string(out, draw.hash());
    out += '}';
}

std::optional<v1::Score::Status> parse_status(std::string_view name) {
    v1::Score::Status status{};
    if (v1::Score::Status_Parse(std::string(name), &status)) return status;
    return std::nullopt;
}

} // namespace stadion::wire
