#include "dbserver/table/state_json.hpp"

#include "wire/board_json.hpp"

#include <algorithm>

namespace stadion::dbserver {
namespace {

// Writes the members of an object, each on a line of its own.
class object_writer {
public:
    object_writer(std::string& to, int depth) : to_(to), depth_(depth) { to_ += '{'; }

    std::string& key(std::string_view name) {
        if (!first_) to_ += ',';
        first_ = false;
        line(depth_ + 1);
        append_json_string(to_, name);
        to_ += ": ";
        return to_;
    }

    void end() {
        if (!first_) line(depth_);
        to_ += '}';
    }

private:
    void line(int depth) {
        to_ += '\n';
        to_.append(static_cast<std::size_t>(depth) * 2, ' ');
    }

    std::string& to_;
    int depth_;
    bool first_ = true;
};

void append_score(object_writer& object, const v1::Score& score) {
    append_json_string(object.key("game"), score.game());
    append_json_string(object.key("title"), score.title());
    append_json_string(object.key("status"), v1::Score::Status_Name(score.status()));
    object_writer points(object.key("points"), 1);
    for (const auto& [who, count] : sorted_points(score)) append_json_number(points.key(who), count);
    points.end();
}

void append_tally(object_writer& object, const v1::MedalTally& tally) {
    append_json_string(object.key("team"), tally.team());
    object_writer medals(object.key("medals"), 1);
    append_json_number(medals.key("gold"), tally.gold());
    append_json_number(medals.key("silver"), tally.silver());
    append_json_number(medals.key("bronze"), tally.bronze());
    medals.end();
}

void read_points(json_reader& in, v1::Score& score) {
    in.begin_object();
    for (std::string_view who; in.next_key(who);)
        (*score.mutable_points())[std::string(who)] = in.integer<std::int32_t>();
}

void read_status(json_reader& in, v1::Score& score) {
    if (const auto status = wire::parse_status(in.string()))
        score.set_status(*status);
    else
        in.fail();
}

void read_medals(json_reader& in, v1::MedalTally& tally) {
    in.begin_object();
    for (std::string_view medal; in.next_key(medal);) {
        const auto count = in.integer<std::uint32_t>();
        if (medal == "gold")
            tally.set_gold(count);
        else if (medal == "silver")
            tally.set_silver(count);
        else if (medal == "bronze")
            tally.set_bronze(count);
        else
            in.fail();
    }
}

} // namespace

std::vector<std::pair<std::string_view, std::int32_t>> sorted_points(const v1::Score& score) {
    std::vector<std::pair<std::string_view, std::int32_t>> points(score.points().begin(),
                                                                  score.points().end());
    std::sort(points.begin(), points.end());
    return points;
}

std::string to_json(const state& what) {
    std::string text;
    text.reserve(256);
    std::visit([&](const auto& value) { wire::append_json(text, value); }, what.value());
    return text;
}

std::string to_table_file(const state& what) {
    std::string text;
    text.reserve(256);
    object_writer object(text, 0);
    if (const v1::Score* score = what.score())
        append_score(object, *score);
    else
        append_tally(object, *what.tally());
    append_json_seconds(object.key("updated_at"), what.updated_at_us());
    append_json_number(object.key("version"), what.version());
    append_json_number(object.key("sequence"), what.sequence());
    object.end();
    return text += '\n';
}

std::shared_ptr<state> state_from_json(std::string_view text) {
    v1::Score score;
    v1::MedalTally tally;
    std::int64_t updated_at_us = 0;
    std::uint32_t version = 0;
    std::uint64_t sequence = 0;

    json_reader in(text);
    in.begin_object();
    for (std::string_view key; in.next_key(key);) {
        if (key == "game")
            score.set_game(std::string(in.string()));
        else if (key == "title")
            score.set_title(std::string(in.string()));
        else if (key == "status")
            read_status(in, score);
        else if (key == "points")
            read_points(in, score);
        else if (key == "team")
            tally.set_team(std::string(in.string()));
        else if (key == "medals")
            read_medals(in, tally);
        else if (key == "updated_at")
            updated_at_us = in.seconds();
        else if (key == "version")
            version = in.integer<std::uint32_t>();
        else if (key == "sequence")
            sequence = in.integer<std::uint64_t>();
        else
            in.fail();
    }
    if (!in.ok() || !in.at_end() || score.game().empty() == tally.team().empty()) return nullptr;
    auto read = score.game().empty() ? std::make_shared<state>(std::move(tally))
                                     : std::make_shared<state>(std::move(score));
    read->stamp(sequence, version, updated_at_us);
    return read;
}

} // namespace stadion::dbserver
