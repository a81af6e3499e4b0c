// A recorded tournament (openfootball's worldcup.json) and the score updates it consists of, in the order of
// time.
//
// Each match becomes a game named "DATE TEAM1-TEAM2", with " (2)" behind it for a second one of that name.
// Its points are the goals listed, by the two teams' names; shoot-outs do not count. An own goal stands in
// the list of the team it counts for (in the files of 2022 and 2026 every list is as long as the final score
// says), so lists are taken as they are. A match without goals is 0-0, one without a score has not been
// played. Pure.
#pragma once

#include "wire/proto/board.pb.h"
#include "wire/result.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::tools {

struct goal {
    int team = 0; // 0 or 1
    int minute = 0;
    int added = 0; // the 2 of 45+2
};

struct match {
    std::string game;
    std::string title;
    std::array<std::string, 2> teams;
    std::chrono::sys_seconds kick_off{};
    std::vector<goal> goals;    // in the order of time
    bool is_played = false;     // it has a score or goals
    bool score_differs = false; // the goals listed do not add up to the score the file has
};

struct tournament {
    std::string name;
    std::vector<match> matches;
};

// Both shapes there are: `matches`, or `rounds` that hold them. INVALID_ARGUMENT, naming the match, for
// anything else.
wire::result<tournament> parse_tournament(std::string_view json);

struct score_update {
    std::chrono::sys_seconds at{};
    std::size_t match = 0; // which of the tournament's
    std::array<std::int32_t, 2> points{};
    v1::Score::Status status = v1::Score::START_LIST;
};

// Of each match that was played: LIVE 0-0 at kick-off, each goal, OFFICIAL at the end. One that was not is on
// the start list.
std::vector<score_update> timeline(const tournament& event);

v1::UpdateScoreByGameRequest to_request(const match& of, const score_update& update);

// How long after kick-off a minute of the match comes, with breaks long enough that time added to one half
// comes before the next.
std::chrono::minutes elapsed(int minute, int added);

} // namespace stadion::tools
