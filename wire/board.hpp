// The board: the current score of every game and the medals of every team, and the recent events that made
// it.
//
// A replica is built from a feed: events in sequence order, or a snapshot of states. Every worker of a server
// has one of its own, so reading needs no lock; what they share are immutable events, each encoded once.
// Pure: no I/O, no clock. Bounds: the events kept for resuming are at most `events_max`, of `event_bytes_max`
// together as they are encoded.
#pragma once

#include "wire/proto/board.pb.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::wire {

// One event, and at the same time the state it made. Immutable; any thread.
class board_event {
public:
    explicit board_event(v1::Event event);
    // `payload` is the encoding of `event`.
    board_event(v1::Event event, std::string payload);

    std::uint64_t sequence() const noexcept { return event_.sequence(); }
    const std::string& topic() const noexcept { return event_.topic(); }
    const std::string& payload() const noexcept { return payload_; } // encoded v1::Event
    const v1::Event& event() const noexcept { return event_; }
    const v1::Score* score() const noexcept { return event_.has_score() ? &event_.score() : nullptr; }
    const v1::MedalTally* tally() const noexcept { return event_.has_tally() ? &event_.tally() : nullptr; }
    // The board was frozen or thawed.
    const v1::BoardState* marker() const noexcept { return event_.has_state() ? &event_.state() : nullptr; }
    std::uint32_t version() const noexcept;

    const std::string& state_payload() const noexcept {
        return state_payload_;
    }                                       // encoded Score or MedalTally
    const std::string& state_json() const;  // as REST answers it
    const std::string& json() const;        // {"sequence","topic","score"|"tally":…}
    std::string_view type() const noexcept; // "score", "tally", …

private:
    void make_json() const;

    v1::Event event_;
    std::string payload_;
    std::string state_payload_;
    mutable std::once_flag json_once_;
    mutable std::string state_json_;
    mutable std::string json_;
};

using board_event_ptr = std::shared_ptr<const board_event>;

// Which topics somebody wants. "games/hockey" is one topic, "games/*" all that begin with "games/".
class topic_filter {
public:
    topic_filter() = default; // everything
    explicit topic_filter(std::vector<std::string> topics);

    bool matches(std::string_view topic) const noexcept;
    const std::vector<std::string>& topics() const noexcept { return topics_; }
    // Whether it names single topics only, so that they can be looked up.
    bool is_exact() const noexcept { return !topics_.empty() && prefixes_.empty(); }

private:
    std::string_view prefix(std::uint32_t place) const noexcept {
        return std::string_view(topics_[place]).substr(0, topics_[place].size() - 1);
    }

    std::vector<std::string> topics_; // sorted, without repetition; empty: everything
    // Where in topics_ a prefix stands, by prefix; none that begins with another.
    std::vector<std::uint32_t> prefixes_;
};

class board {
public:
    explicit board(std::size_t events_max = 65'536, std::size_t event_bytes_max = 32 << 20)
        : events_max_(events_max), event_bytes_max_(event_bytes_max) {}

    // The next event of the feed. Those at or below `sequence` are ignored; a gap forgets the older events,
    // because nobody could resume across it. False when it was ignored.
    bool apply(const board_event_ptr& event);

    // A snapshot: what is now, however it came to be. `states` replace everything, `sequence` is theirs. The
    // events kept stay when they lead up to the snapshot without a gap.
    void replace(std::uint64_t sequence, const std::vector<board_event_ptr>& states);

    // Recent events from before a snapshot, for resuming only. To be followed by `replace`.
    void remember(const board_event_ptr& event);

    std::uint64_t sequence() const noexcept { return sequence_; }
    board_event_ptr find_game(std::string_view name) const;
    board_event_ptr find_team(std::string_view name) const;
    std::size_t games() const noexcept { return games_.size(); }
    std::size_t teams() const noexcept { return teams_.size(); }

    // Games in order of their names, after `after`, at most `limit`.
    std::vector<board_event_ptr> list_games(std::optional<v1::Score::Status> status, std::string_view after,
                                            std::size_t limit) const;

    struct ranked {
        board_event_ptr team;
        std::uint32_t rank;
    };
    // By gold, silver, bronze, then name; equal tallies share a rank and the next places stay empty.
    const std::vector<ranked>& ranking() const;
    std::uint32_t rank_of(std::string_view team) const;

    // Whether every event after `since` is still held.
    bool holds_since(std::uint64_t since) const noexcept { return since >= floor_; }
    // The first event held after `since`, or null.
    board_event_ptr next_after(std::uint64_t since) const;
    // Every event held after `since`, oldest first, at most the newest `limit`.
    std::vector<board_event_ptr> events_after(std::uint64_t since, std::size_t limit) const;

    // The current states that match and are newer than `since`, in sequence order, at most `limit`.
    std::vector<board_event_ptr> states_after(std::uint64_t since, const topic_filter& filter,
                                              std::size_t limit = SIZE_MAX) const;

private:
    using table = std::map<std::string, board_event_ptr, std::less<>>;

    void put(const board_event_ptr& event);
    void put_into(table& names, const std::string& name, const board_event_ptr& event);
    board_event_ptr find_topic(std::string_view topic) const;
    void forget_events(std::uint64_t floor);

    std::size_t events_max_;
    std::size_t event_bytes_max_;
    std::uint64_t sequence_ = 0;
    std::uint64_t floor_ = 0; // every event after this one is in events_
    table games_;
    table teams_;
    std::map<std::uint64_t, board_event_ptr> states_; // of both, by sequence
    std::deque<board_event_ptr> events_;
    std::size_t event_bytes_ = 0;
    mutable std::vector<ranked> ranking_;
    mutable std::map<std::string, std::uint32_t, std::less<>> ranks_;
    mutable bool ranking_is_current_ = false;
};

} // namespace stadion::wire
