#include "tools/client/board_text.hpp"

#include <map>

namespace stadion::tools {

std::string to_line(const v1::Score& score) {
    auto text = score.game() + ":";
    const std::map<std::string, std::int32_t> in_order(score.points().begin(), score.points().end());
    const char* separator = " ";
    for (const auto& [team, points] : in_order) {
        text += separator + team + " " + std::to_string(points);
        separator = ", ";
    }
    return text + " (" + v1::Score::Status_Name(score.status()) + ")";
}

std::string to_line(const v1::MedalTally& tally) {
    auto rank = tally.rank() == 0 ? std::string() : std::to_string(tally.rank()) + ". ";
    if (rank.size() == 3) rank.insert(0, " ");
    return rank + tally.team() + ": " + std::to_string(tally.gold()) + " gold, " +
           std::to_string(tally.silver()) + " silver, " + std::to_string(tally.bronze()) + " bronze";
}

std::string to_line(const v1::Event& event) {
    const auto number = "#" + std::to_string(event.sequence()) + " ";
    switch (event.item_case()) {
    case v1::Event::kScore:
        return number + to_line(event.score());
    case v1::Event::kTally:
        return number + to_line(event.tally());
    case v1::Event::kPost:
        return number + event.post().user() + ": " + event.post().text();
    case v1::Event::kQuestion:
        return number + "question " + std::to_string(event.question().question_id()) + ": " +
               event.question().title();
    case v1::Event::kDraw:
        return number + "draw " + std::to_string(event.draw().number()) + ": " + event.draw().client_id() +
               " wins";
    case v1::Event::kReset:
        return number + "reset: what came before may be missing";
    case v1::Event::kState:
        return number + (event.state().frozen() ? "the board is frozen" : "the board is thawed");
    case v1::Event::ITEM_NOT_SET:
        return number + event.topic();
    }
    return number;
}

} // namespace stadion::tools
