#include "wire/board_json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

namespace stadion::wire {
namespace {

template <typename Integer>
void append_number(std::string& out, Integer value) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

} // namespace

void append_json_string(std::string& out, std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        switch (c) {
        case '"':
            out += "\\\"";
            break;
        case '\\':
            out += "\\\\";
            break;
        case '\n':
            out += "\\n";
            break;
        case '\r':
            out += "\\r";
            break;
        case '\t':
            out += "\\t";
            break;
        default:
            if (static_cast<unsigned char>(c) < 0x20) {
                out += "\\u00";
                out += digits[static_cast<unsigned char>(c) >> 4];
                out += digits[static_cast<unsigned char>(c) & 15];
            } else {
                out += c;
            }
        }
    }
    out += '"';
}

void append_json_seconds(std::string& out, double seconds) {
    const auto microseconds = std::llround(seconds * 1e6);
    append_number(out, microseconds / 1'000'000);
    char fraction[8];
    const auto end =
        std::to_chars(fraction, fraction + sizeof fraction, 1'000'000 + microseconds % 1'000'000).ptr;
    out += '.';
    out.append(fraction + 1, end);
}

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
        append_number(out, points[i].second);
    }
    out += "},\"updated_at\":";
    append_json_seconds(out, score.updated_at());
    out += ",\"version\":";
    append_number(out, score.version());
    out += ",\"sequence\":";
    append_number(out, score.sequence());
    out += '}';
}

void append_json(std::string& out, const v1::MedalTally& tally) {
    out += "{\"team\":";
    append_json_string(out, tally.team());
    out += ",\"medals\":{\"gold\":";
    append_number(out, tally.gold());
    out += ",\"silver\":";
    append_number(out, tally.silver());
    out += ",\"bronze\":";
    append_number(out, tally.bronze());
    out += "},\"updated_at\":";
    append_json_seconds(out, tally.updated_at());
    out += ",\"version\":";
    append_number(out, tally.version());
    out += ",\"sequence\":";
    append_number(out, tally.sequence());
    if (tally.rank() != 0) {
        out += ",\"rank\":";
        append_number(out, tally.rank());
    }
    out += '}';
}

void append_json(std::string& out, const v1::BoardState& state) {
    out += state.frozen() ? "{\"frozen\":true,\"since\":" : "{\"frozen\":false,\"since\":";
    if (state.frozen())
        append_json_seconds(out, state.since());
    else
        out += "null";
    out += ",\"sequence\":";
    append_number(out, state.sequence());
    out += '}';
}

void append_json(std::string& out, const v1::Draw& draw) {
    out += "{\"number\":";
    append_number(out, draw.number());
    out += ",\"request\":";
    append_number(out, draw.request());
    out += ",\"client_id\":";
    append_json_string(out, draw.client_id());
    out += ",\"server_id\":";
    append_number(out, draw.server_id());
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
