// How a fleet is: what the dispatcher says of its servers, and what each says of itself. Pure;
// fleet_probe.hpp asks, fleet_findings.hpp judges.
#pragma once

#include "wire/proto/dispatcher.pb.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::tools {

// What one server says of itself, by GET /status, /readyz and /metrics.
struct server_report {
    v1::Server listed; // as the dispatcher knows it
    bool answers = false;
    bool ready = false;
    std::string complaint; // why it does not answer, or is not ready
    std::string state;
    std::uint64_t clients = 0;
    std::uint64_t capacity = 0;
    std::uint64_t sequence = 0;
    std::uint64_t epoch = 0;
    std::uint64_t requests = 0; // since it started; without what servers say to each other
    std::uint32_t leader = 0;
    double uptime_s = 0;
    double requests_per_s = 0; // since the report before
    bool follows_database = true;
    std::uint64_t behind = 0; // commits of the database server that it had not got after a while

    // Its clock, and what it has submitted to the order and not got back yet.
    std::string clock_state;
    double clock_offset_us = 0; // ahead of the fleet, by the last correction
    double clock_error_us = 0;
    double clock_rate_ppb = 0;
    std::uint64_t order_members = 0;
    std::uint64_t order_lag = 0;
};

// Who leads and how that came about, as the dispatcher has it.
struct election_report {
    std::uint32_t leader = 0;
    std::uint64_t epoch = 0;
    std::vector<std::uint32_t> ring;
    std::uint32_t by = 0; // who asked for the last election; 0: none since the dispatcher started
    std::string reason;
    double seconds_ago = 0;
};

// A process that the dispatcher looks after.
struct child_report {
    std::string kind;
    std::string address;
    std::uint32_t pid = 0; // 0: it does not run
    double seconds = 0;    // how long it has run; without a pid, until it is started again
    std::uint32_t restarts = 0;
    std::uint32_t early_deaths = 0; // in a row
    bool is_in_crash_loop = false;
    std::string last_end, last_words; // of the process before
};

struct fleet_report {
    std::string dispatcher;
    std::string failure; // why the dispatcher could not be asked; empty: it was
    std::vector<server_report> servers;
    election_report election;
    std::uint32_t wanted_front_ends = 0;
    std::vector<child_report> children;
};

// Fills in what /status answered; false when it is not that.
bool read_status(std::string_view json, server_report& out);

// The same of the dispatcher's /status.
bool read_election(std::string_view json, election_report& out);

// The dispatcher's /fleet: how many are wanted, and how its children fare.
bool read_fleet(std::string_view json, fleet_report& out);

// The sum of all samples of a metric in the Prometheus text format, over all labels but those that contain
// `except`, if that is given.
double sum_of_metric(std::string_view text, std::string_view name, std::string_view except = {});

// Rates from two reports of the same fleet that are `seconds` apart; a server that started anew in between
// has none.
void set_rates(fleet_report& now, const fleet_report& before, double seconds);

// "frontend-3"
std::string name_of(const server_report& server);
// "2 d 03:04:05", "00:00:07"
std::string uptime_text(double seconds);
// For a person: a table with a line per server, who leads and why, and a table of their strands.
std::string to_table(const fleet_report& report);
// A line per server, and before them what is wrong and what to do about it.
std::string to_lines(const fleet_report& report);
nlohmann::ordered_json to_json(const fleet_report& report);

} // namespace stadion::tools
