#include "tools/fleet/fleet_report.hpp"

#include "tools/fleet/fleet_findings.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace stadion::tools {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// A number of that name, whatever type is wanted of it; 0 where there is none.
struct number_in {
    number_in(const json& object, const char* name) {
        if (!object.is_object()) return;
        const auto found = object.find(name);
        if (found != object.end() && found->is_number()) value = found->get<double>();
    }
    template <typename Number>
    operator Number() const {
        return static_cast<Number>(value);
    }
    double value = 0;
};

// The same for texts and truths. Whoever answers may not be a server of ours: no type is taken for granted.
std::string text_in(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool truth_in(const json& object, const char* name, bool otherwise) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() ? found->get<bool>() : otherwise;
}

} // namespace

bool read_status(std::string_view text, server_report& out) {
    const auto status = json::parse(text, nullptr, false);
    if (!status.is_object() || !status.contains("kind")) return false;
    out.state = text_in(status, "state");
    out.clients = number_in(status, "clients");
    out.capacity = number_in(status, "capacity");
    out.sequence = number_in(status, "sequence");
    out.epoch = number_in(status, "epoch");
    out.uptime_s = number_in(status, "uptime_s");
    if (const auto leader = status.find("leader"); leader != status.end())
        out.leader = number_in(*leader, "server_id");
    if (const auto clock = status.find("clock"); clock != status.end() && clock->is_object()) {
        out.clock_state = text_in(*clock, "state");
        out.clock_offset_us = number_in(*clock, "offset_us");
        out.clock_error_us = number_in(*clock, "error_us");
        out.clock_rate_ppb = number_in(*clock, "rate_ppb");
    }
    if (const auto database = status.find("database"); database != status.end() && database->is_object())
        out.follows_database = truth_in(*database, "connected", true);
    if (const auto order = status.find("order"); order != status.end()) {
        out.order_members = number_in(*order, "members");
        out.order_lag = number_in(*order, "lag");
    }
    return true;
}

bool read_election(std::string_view text, election_report& out) {
    const auto status = json::parse(text, nullptr, false);
    if (!status.is_object()) return false;
    out.epoch = number_in(status, "epoch");
    if (const auto leader = status.find("leader"); leader != status.end())
        out.leader = number_in(*leader, "server_id");
    if (const auto ring = status.find("ring"); ring != status.end() && ring->is_array())
        for (const auto& id : *ring)
            if (id.is_number_unsigned()) out.ring.push_back(id.get<std::uint32_t>());
    if (const auto last = status.find("election"); last != status.end() && last->is_object()) {
        out.by = number_in(*last, "by");
        out.seconds_ago = number_in(*last, "seconds_ago");
        out.reason = text_in(*last, "reason");
    }
    return true;
}

bool read_fleet(std::string_view text, fleet_report& out) {
    const auto fleet = json::parse(text, nullptr, false);
    if (!fleet.is_object()) return false;
    if (const auto wanted = fleet.find("wanted"); wanted != fleet.end())
        out.wanted_front_ends = number_in(*wanted, "frontend");
    const auto children = fleet.find("children");
    if (children == fleet.end() || !children->is_array()) return true;
    for (const auto& one : *children) {
        if (!one.is_object()) return false;
        auto& child = out.children.emplace_back();
        child.kind = text_in(one, "kind");
        child.address = text_in(one, "address");
        child.pid = number_in(one, "pid");
        child.seconds = number_in(one, child.pid != 0 ? "runs_for_s" : "starts_in_s");
        child.restarts = number_in(one, "restarts");
        child.early_deaths = number_in(one, "early_deaths");
        child.is_in_crash_loop = truth_in(one, "crash_loop", false);
        child.last_end = text_in(one, "last_end");
        child.last_words = text_in(one, "last_words");
    }
    return true;
}

double sum_of_metric(std::string_view text, std::string_view name, std::string_view except) {
    double sum = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find('\n', begin), text.size());
        const auto line = text.substr(begin, end - begin);
        begin = end + 1;
        if (!line.starts_with(name) || line.size() == name.size()) continue;
        const auto labels_end = line[name.size()] == '{' ? line.rfind('}') : name.size() - 1;
        if (labels_end == std::string_view::npos || (line[name.size()] != '{' && line[name.size()] != ' '))
            continue;
        if (!except.empty() && line.find(except) != std::string_view::npos) continue;
        const auto first = line.find_first_not_of(' ', labels_end + 1);
        if (first == std::string_view::npos) continue;
        double value = 0;
        std::from_chars(line.data() + first, line.data() + line.size(), value);
        sum += value;
    }
    return sum;
}

void set_rates(fleet_report& now, const fleet_report& before, double seconds) {
    if (seconds <= 0) return;
    for (auto& server : now.servers)
        for (const auto& old : before.servers)
            if (old.listed.address() == server.listed.address() && server.requests >= old.requests &&
                old.answers)
                server.requests_per_s = static_cast<double>(server.requests - old.requests) / seconds;
}

std::string name_of(const server_report& server) {
    return server.listed.kind() + "-" + std::to_string(server.listed.server_id());
}

std::string uptime_text(double seconds) {
    const auto whole = static_cast<long long>(std::max(seconds, 0.0));
    char text[48];
    std::snprintf(text, sizeof text, "%02lld:%02lld:%02lld", whole / 3600 % 24, whole / 60 % 60, whole % 60);
    return whole >= 86'400 ? std::to_string(whole / 86'400) + " d " + text : text;
}

namespace {

std::string election_line(const election_report& of) {
    std::string out = of.leader == 0 ? "no leader" : "leader " + std::to_string(of.leader);
    out += ", epoch " + std::to_string(of.epoch);
    if (of.by != 0)
        out += ", last election " + uptime_text(of.seconds_ago) + " ago: " + of.reason + " (asked for by " +
               std::to_string(of.by) + ")";
    out += "; ring";
    for (const auto id : of.ring) out += " " + std::to_string(id);
    return out + "\n";
}

std::string strand_table(const fleet_report& report) {
    std::string out;
    char text[256];
    std::snprintf(text, sizeof text, "%-14s %-15s %10s %10s %10s %8s %8s\n", "SERVER", "CLOCK", "OFFSET us",
                  "ERROR us", "RATE ppb", "ORDER", "LAG");
    out += text;
    for (const auto& server : report.servers) {
        if (server.clock_state.empty()) continue;
        std::snprintf(text, sizeof text, "%-14s %-15s %+10.1f %10.1f %+10.0f %8llu %8llu\n",
                      name_of(server).c_str(), server.clock_state.c_str(), server.clock_offset_us,
                      server.clock_error_us, server.clock_rate_ppb,
                      static_cast<unsigned long long>(server.order_members),
                      static_cast<unsigned long long>(server.order_lag));
        out += text;
    }
    return out;
}

} // namespace

std::string to_table(const fleet_report& report) {
    std::string out;
    char text[256];
    if (!report.failure.empty())
        return "the dispatcher at " + report.dispatcher + " does not answer: " + report.failure + "\n";
    std::snprintf(text, sizeof text, "%-14s %-22s %-9s %15s %10s %10s %6s %6s %12s\n", "SERVER", "ADDRESS",
                  "STATE", "CLIENTS", "REQ/S", "SEQUENCE", "LEADER", "EPOCH", "UPTIME");
    out += text;
    for (const auto& server : report.servers) {
        const auto state =
            server.answers ? server.state : v1::Server::State_Name(server.listed.state()) + "?";
        const auto clients = std::to_string(server.clients) + "/" + std::to_string(server.capacity);
        std::snprintf(text, sizeof text, "%-14s %-22s %-9s %15s %10.0f %10llu %6s %6llu %12s\n",
                      name_of(server).c_str(), server.listed.address().c_str(), state.c_str(),
                      clients.c_str(), server.requests_per_s,
                      static_cast<unsigned long long>(server.sequence),
                      server.leader == 0 ? "-" : std::to_string(server.leader).c_str(),
                      static_cast<unsigned long long>(server.epoch), uptime_text(server.uptime_s).c_str());
        out += text;
    }
    const auto found = find_faults(report);
    for (const auto& one : found) out += "\n" + std::string(health_name(one.health)) + ": " + to_text(one);
    return out + (found.empty() ? "\n" : "\n\n") + election_line(report.election) + strand_table(report);
}

std::string to_lines(const fleet_report& report) {
    std::string out;
    const auto found = find_faults(report);
    for (const auto& one : found) out += "[-] " + to_text(one) + "\n";
    for (const auto& server : report.servers) {
        const auto is_about = [&](const auto& one) { return one.server_id == server.listed.server_id(); };
        if (std::none_of(found.begin(), found.end(), is_about))
            out += "[+] " + name_of(server) + " " + server.listed.address() + " is well\n";
    }
    for (const auto& child : report.children)
        if (child.restarts != 0 && child.pid != 0 && !child.is_in_crash_loop)
            out += "[+] the " + child.kind + " at " + child.address + " was started again " +
                   std::to_string(child.restarts) + " times, last " + uptime_text(child.seconds) +
                   " ago: the one before " + child.last_end + "\n";
    return out;
}

ordered_json to_json(const fleet_report& report) {
    auto servers = ordered_json::array();
    for (const auto& server : report.servers)
        servers.push_back(
            {{"server_id", server.listed.server_id()},
             {"kind", server.listed.kind()},
             {"address", server.listed.address()},
             {"pid", server.listed.pid()},
             {"state", server.answers ? server.state : v1::Server::State_Name(server.listed.state())},
             {"answers", server.answers},
             {"ready", server.ready},
             {"follows_database", server.follows_database},
             {"behind", server.behind},
             {"clients", server.clients},
             {"capacity", server.capacity},
             {"requests", server.requests},
             {"requests_per_s", std::round(server.requests_per_s * 10) / 10},
             {"sequence", server.sequence},
             {"leader", server.leader},
             {"epoch", server.epoch},
             {"uptime_s", server.uptime_s},
             {"clock",
              {{"state", server.clock_state},
               {"offset_us", server.clock_offset_us},
               {"error_us", server.clock_error_us},
               {"rate_ppb", server.clock_rate_ppb}}},
             {"order", {{"members", server.order_members}, {"lag", server.order_lag}}}});
    const auto& led = report.election;
    auto findings = ordered_json::array();
    for (const auto& one : find_faults(report))
        findings.push_back({{"health", health_name(one.health)},
                            {"server_id", one.server_id},
                            {"what", one.what},
                            {"to_do", one.to_do}});
    return {{"health", health_name(judge(report))},
            {"findings", std::move(findings)},
            {"dispatcher", report.dispatcher},
            {"failure", report.failure},
            {"wanted_front_ends", report.wanted_front_ends},
            {"election",
             {{"leader", led.leader},
              {"epoch", led.epoch},
              {"ring", led.ring},
              {"by", led.by},
              {"reason", led.reason},
              {"seconds_ago", led.seconds_ago}}},
            {"servers", std::move(servers)}};
}

} // namespace stadion::tools
