// The invariants that must hold after every simulated step. The monitor sees all servers at once, and the
// true time.
#pragma once

#include "clocksync/clock/berkeley.hpp"
#include "clocksync/election/election.hpp"
#include "clocksync/order/ordered_multicast.hpp"
#include "clocksync/raffle/raffle.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace stadion::support {

using clocksync::instant;

class monitor {
public:
    const std::optional<std::string>& violation() const { return violation_; }
    void fail(std::string what) {
        if (!violation_) violation_ = std::move(what);
    }

    // ---- election
    void granted(const clocksync::lock_record& before, clocksync::epoch_number epoch,
                 clocksync::server_id who, clocksync::election_reason reason, bool trouble, bool tenure_over,
                 bool better_by_margin);
    void crashed(clocksync::server_id who); // its frozen scores are forgotten with it
    void froze_score(clocksync::epoch_number epoch, clocksync::server_id who, double score);
    void decided(clocksync::epoch_number epoch, clocksync::server_id leader,
                 const std::vector<clocksync::server_id>& alive_throughout);
    void followed(clocksync::epoch_number epoch, clocksync::server_id leader);
    void election_step(clocksync::server_id who, clocksync::epoch_number before,
                       clocksync::epoch_number after, const clocksync::election_actions& actions);

    // ---- order. A message is known by its process (server and life), incarnation and number.
    struct message_name {
        clocksync::server_id origin;
        std::uint64_t incarnation;
        std::uint64_t number;
        auto operator<=>(const message_name&) const = default;
    };
    struct log_position { // where one process stands
        clocksync::view_id history;
        std::uint64_t index = 0;
    };
    void submitted(const message_name& name, std::string_view payload,
                   const std::vector<clocksync::request_run>& runs, const log_position& seen);
    void delivered(log_position& at, const message_name& name, std::string_view payload);
    void restored(log_position& at, clocksync::view_id history, std::uint64_t index);
    void raffle_at(const log_position& at, const std::string& hash, std::uint64_t requests);
    void entered(const log_position& at, clocksync::view_id view);
    bool was_delivered(const message_name& name) const { return delivered_.contains(name); }
    std::uint64_t longest_log() const;

    // ---- clock
    void corrects(clocksync::server_id who, clocksync::epoch_number epoch);
    struct clock_watch { // of one process
        bool watched = false;
        instant local{0};
        std::int64_t reading = 0;
        bool serving = false;
    };
    void clock_step(clock_watch& watch, const clocksync::cluster_clock& clock, instant local);
    struct clock_reading {
        clocksync::server_id who;
        std::int64_t reading;
        std::int64_t error;
    };
    void clocks_agree(const std::vector<clock_reading>& all);

    std::uint64_t elections() const { return leaders_.size(); }
    std::uint64_t views() const { return boundaries_.size(); }

private:
    struct known_message {
        std::string payload;
        std::vector<clocksync::request_run> runs;
        log_position seen;
    };
    struct history_log {
        std::vector<message_name> messages;
        std::map<std::pair<clocksync::server_id, std::uint64_t>, std::uint64_t> last_number;
        std::set<message_name> names;
        std::vector<std::string> hashes; // raffle's, after each index
        std::vector<std::uint64_t> requests;
        std::set<std::pair<std::string, std::uint64_t>> counted; // (client, request)
        std::vector<std::uint64_t> unique;                       // how many after each index
    };

    std::optional<std::string> violation_;
    clocksync::epoch_number granted_ = 0;
    std::map<clocksync::epoch_number, clocksync::server_id> leaders_;
    std::map<clocksync::epoch_number, std::map<clocksync::server_id, double>> scores_;
    std::map<message_name, known_message> messages_;
    std::set<message_name> delivered_;
    std::map<clocksync::view_id, history_log> logs_;
    std::map<clocksync::view_id, std::uint64_t> boundaries_;
};

} // namespace stadion::support
