#include "tools/bench/bench_report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace stadion::tools {
namespace {

double microseconds(const latency_histogram& latency, double percent) {
    return static_cast<double>(latency.percentile(percent).count()) / 1000;
}

nlohmann::ordered_json percentiles(const latency_histogram& of) {
    return {{"p50", microseconds(of, 50)},
            {"p90", microseconds(of, 90)},
            {"p99", microseconds(of, 99)},
            {"p99.9", microseconds(of, 99.9)},
            {"max", microseconds(of, 100)}};
}

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, value < 100 ? "%.2f" : "%.0f", value);
    std::string out = text;
    if (value < 100) return out;
    for (auto at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > 0; at -= 3)
        out.insert(static_cast<std::size_t>(at), ",");
    return out;
}

std::string verdict(const bench_row& row) {
    if (!row.reach) return "";
    const double value = row.reach_is_ratio ? ratio(row) : median(row.runs);
    const bool reached = row.less_is_better ? value <= *row.reach : value >= *row.reach;
    return (reached ? "reaches " : "short of ") + number(*row.reach);
}

// By characters, as "×" and "µ" have two bytes.
std::string pad(std::string text, std::size_t width, bool left = false) {
    const auto shown = static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
    if (shown < width) text.insert(left ? 0 : text.size(), std::string(width - shown, ' '));
    return text;
}

} // namespace

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const auto middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double ratio(const bench_row& row) {
    const double peer = median(row.peer_runs);
    return peer == 0 ? 0 : median(row.runs) / peer;
}

std::string to_table(const std::vector<bench_row>& rows) {
    const auto line = [](const std::vector<std::string>& cells) {
        constexpr std::size_t widths[] = {27, 14, 20, 7, 10, 10, 10, 10};
        std::string text = pad(cells[0], widths[0]);
        for (std::size_t i = 1; i < std::size(widths); ++i) text += " " + pad(cells[i], widths[i], true);
        return text + (cells[8].empty() ? "" : "  " + cells[8]) + "\n";
    };
    const auto at = [](const latency_histogram& of, double percent) {
        return of.count() != 0 ? number(microseconds(of, percent)) : std::string();
    };
    auto out = line({"SCENARIO", "STADION", "PEER", "RATIO", "p50 µs", "p90 µs", "p99 µs", "p99.9 µs", ""});
    for (const auto& row : rows) {
        if (!row.problem.empty()) {
            out += pad(row.scenario, 27) + " " + row.problem + "\n";
            continue;
        }
        out += line({row.scenario, number(median(row.runs)) + row.unit,
                     row.peer_runs.empty() ? "" : row.peer + " " + number(median(row.peer_runs)),
                     row.peer_runs.empty() ? "" : number(ratio(row)), at(row.latency, 50),
                     at(row.latency, 90), at(row.latency, 99), at(row.latency, 99.9),
                     verdict(row) + (row.failed == 0 ? "" : "  " + std::to_string(row.failed) + " failed")});
        if (row.to_last.count() != 0)
            out += line({"  until the last has it", "", "", "", at(row.to_last, 50), at(row.to_last, 90),
                         at(row.to_last, 99), at(row.to_last, 99.9),
                         row.not_to_all == 0 ? "" : std::to_string(row.not_to_all) + " not to all"});
    }
    return out;
}

nlohmann::ordered_json to_json(const std::vector<bench_row>& rows) {
    auto list = nlohmann::ordered_json::array();
    for (const auto& row : rows) {
        nlohmann::ordered_json one{{"scenario", row.scenario}};
        if (!row.problem.empty()) {
            one["problem"] = row.problem;
        } else {
            one["median"] = median(row.runs);
            one["unit"] = row.unit;
            one["runs"] = row.runs;
            one["failed"] = row.failed;
            if (!row.peer_runs.empty()) {
                one["peer"] = row.peer;
                one["peer_median"] = median(row.peer_runs);
                one["peer_runs"] = row.peer_runs;
                one["ratio"] = ratio(row);
            }
            if (row.latency.count() != 0) one["latency_us"] = percentiles(row.latency);
            if (row.to_last.count() != 0) {
                one["until_last_us"] = percentiles(row.to_last);
                one["not_to_all"] = row.not_to_all;
            }
            if (row.reach)
                one["reach"] = {{"value", *row.reach}, {"of", row.reach_is_ratio ? "ratio" : "median"}};
        }
        list.push_back(std::move(one));
    }
    return {{"scenarios", std::move(list)}};
}

} // namespace stadion::tools
