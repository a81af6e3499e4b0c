#include "tools/fleet/fleet_findings.hpp"

#include <algorithm>
#include <map>

namespace stadion::tools {
namespace {

using v1::Server;
using findings = std::vector<finding>;

bool serves(const server_report& server) { return server.answers && server.listed.state() == Server::UP; }

bool is_kind(const server_report& server, std::string_view kind) { return server.listed.kind() == kind; }

void judge_server(const server_report& server, findings& out) {
    const auto add = [&](const std::string& what, std::string to_do) {
        out.push_back({fleet_health::degraded, server.listed.server_id(), name_of(server) + " " + what,
                       std::move(to_do)});
    };
    const auto pid = std::to_string(server.listed.pid());
    if (server.listed.state() == Server::DOWN) return add("is down", "see its log");
    if (!server.answers)
        return add("does not answer at " + server.listed.address() + ": " + server.complaint,
                   "see its log; kill -9 " + pid + " has it started again");
    if (server.listed.state() == Server::STARTING) return add("is starting", "");
    if (server.listed.state() == Server::DRAINING)
        return add("is draining: it takes no new clients and ends when the last has gone", "");
    if (is_kind(server, "frontend") && !server.follows_database)
        return add("has lost the database server's feed: what it shows is as of sequence " +
                       std::to_string(server.sequence),
                   "see whether the database server runs");
    if (!server.ready) return add("is not ready: " + server.complaint, "see its log");
    if (server.behind != 0)
        return add("is " + std::to_string(server.behind) +
                       " commits behind the database server and does not catch up",
                   "see its log and the load of its machine");
}

void judge_clock(const server_report& server, findings& out) {
    if (!server.answers || (server.clock_state != "HOLDOVER" && server.clock_state != "UNSURE")) return;
    out.push_back(
        {fleet_health::degraded, server.listed.server_id(),
         name_of(server) + (server.clock_state == "HOLDOVER"
                                ? "'s clock has had no correction lately and goes on by itself (HOLDOVER)"
                                : "'s clock is too uncertain to stamp anything (UNSURE)"),
         "see whether there is a leader, and whether this server reaches it"});
}

void judge_leaders(const fleet_report& report, findings& out) {
    const auto& led = report.election;
    std::map<std::uint32_t, std::string> followers; // by whom they follow
    for (const auto& server : report.servers) {
        const bool takes_part =
            std::find(led.ring.begin(), led.ring.end(), server.listed.server_id()) != led.ring.end();
        if (server.answers && takes_part && server.leader != 0)
            followers[server.leader] += (followers[server.leader].empty() ? "" : ", ") + name_of(server);
    }
    const auto add = [&](std::string what, std::string to_do) {
        out.push_back({fleet_health::degraded, 0, std::move(what), std::move(to_do)});
    };
    if (followers.size() > 1) {
        std::string what = "there are " + std::to_string(followers.size()) + " leaders:";
        for (const auto& [leader, who] : followers)
            what += " " + std::to_string(leader) + " is followed by " + who + ";";
        what.pop_back();
        return add(what,
                   "while an election runs this passes; if it stays, restart those that do not follow " +
                       std::to_string(led.leader));
    }
    for (const auto& [leader, who] : followers)
        if (led.leader != 0 && leader != led.leader)
            add(who + " follow " + std::to_string(leader) + ", but the dispatcher granted the lead to " +
                    std::to_string(led.leader),
                "while an election runs this passes; if it stays, restart them");
    if (led.leader == 0 && led.epoch != 0 && !led.ring.empty())
        add("there is no leader: clocks and the raffle's order stand still",
            "if it stays, see the servers' logs");
}

void judge_numbers(const fleet_report& report, findings& out) {
    const auto count = [&](std::string_view kind) {
        return static_cast<std::uint32_t>(
            std::count_if(report.servers.begin(), report.servers.end(),
                          [&](const auto& server) { return is_kind(server, kind) && serves(server); }));
    };
    const auto is_listed = [&](std::string_view kind) {
        return std::any_of(report.servers.begin(), report.servers.end(),
                           [&](const auto& server) { return is_kind(server, kind); });
    };
    const auto front_ends = count("frontend");
    if (front_ends == 0)
        out.push_back({fleet_health::down, 0, "no front-end serves: clients are sent away",
                       "see the log of the dispatcher, which starts them"});
    else if (front_ends < report.wanted_front_ends)
        out.push_back({fleet_health::degraded, 0,
                       "only " + std::to_string(front_ends) + " of " +
                           std::to_string(report.wanted_front_ends) + " front-ends serve",
                       "the dispatcher starts what is missing; see below, or its log, why that takes long"});
    if (!is_listed("dbserver"))
        out.push_back({fleet_health::degraded, 0,
                       "there is no database server: reads go on, nothing can be written",
                       "see the log of the dispatcher, or start one with `stadion dbserver --dispatcher " +
                           report.dispatcher + "`"});
}

// It has had the time to join, and the dispatcher does not list it.
bool is_missing(const child_report& child, const fleet_report& report) {
    constexpr double joins_within_s = 5;
    return child.seconds > joins_within_s &&
           std::none_of(report.servers.begin(), report.servers.end(), [&](const auto& server) {
               return server.listed.address() == child.address || server.listed.pid() == child.pid;
           });
}

void judge_child(const child_report& child, const fleet_report& report, findings& out) {
    const auto who = "the " + child.kind + " at " + child.address;
    const auto why = (child.last_end.empty() ? "" : ": the last one " + child.last_end) +
                     (child.last_words.empty() ? "" : " (" + child.last_words + ")");
    if (child.is_in_crash_loop)
        out.push_back(
            {fleet_health::degraded, 0,
             who + " dies again and again, " + std::to_string(child.early_deaths) + " times in a row" + why,
             "remove the cause; it is started again by itself"});
    else if (child.pid == 0)
        out.push_back({fleet_health::degraded, 0, who + " does not run" + why,
                       "it is started again by itself, in " + uptime_text(child.seconds)});
    else if (is_missing(child, report))
        out.push_back({fleet_health::degraded, 0,
                       who + " runs, as process " + std::to_string(child.pid) +
                           ", but is not heard of by the dispatcher",
                       "see its log; kill -9 " + std::to_string(child.pid) + " has it started again"});
}

} // namespace

findings find_faults(const fleet_report& report) {
    if (!report.failure.empty())
        return {{fleet_health::down, 0,
                 "the dispatcher at " + report.dispatcher + " does not answer: " + report.failure,
                 "start it on the same --data with `stadion dispatcher`; servers that still run rejoin it"}};
    findings found;
    judge_numbers(report, found);
    judge_leaders(report, found);
    for (const auto& child : report.children) judge_child(child, report, found);
    for (const auto& server : report.servers) {
        judge_server(server, found);
        judge_clock(server, found);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& one, const auto& other) { return one.health > other.health; });
    return found;
}

fleet_health judge(const fleet_report& report) {
    const auto found = find_faults(report);
    return found.empty() ? fleet_health::well : found.front().health;
}

std::string to_text(const finding& one) {
    return one.what + (one.to_do.empty() ? "" : ". To do: " + one.to_do);
}

const char* health_name(fleet_health health) {
    switch (health) {
    case fleet_health::well:
        return "well";
    case fleet_health::degraded:
        return "degraded";
    case fleet_health::down:
        return "down";
    }
    return "";
}

} // namespace stadion::tools
