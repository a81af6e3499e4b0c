// `stadion top`: a live view of the fleet.
#include "tools/command/commands.hpp"
#include "tools/command/fleet_options.hpp"
#include "tools/command/wait_for.hpp"
#include "tools/fleet/fleet_probe.hpp"

#include <nlohmann/json.hpp>

#include <ctime>
#include <memory>

namespace stadion::tools {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

struct top_options {
    fleet_options fleet;
    bool once = false;
    double every_s = 1;
};

constexpr auto ask_within = 1'000ms;
constexpr auto rate_measured_over = 500ms; // when there is only one look
constexpr const char* home_and_clear = "\033[H\033[J";

std::string heading(const fleet_report& report) {
    const auto now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    char text[32];
    std::strftime(text, sizeof text, "%H:%M:%S", &local);
    std::size_t clients = 0;
    for (const auto& server : report.servers)
        if (server.listed.kind() == "frontend") clients += server.clients;
    return "stadion " + report.dispatcher + "  " + text + "  " + std::to_string(report.servers.size()) +
           " servers, " + std::to_string(clients) + " clients\n\n";
}

class viewer {
public:
    viewer(const top_options& wanted, console& terminal, net::worker& home)
        : wanted_(wanted),
          console_(terminal),
          home_(home),
          probe_(home, wanted.fleet.dispatcher, wanted.fleet.token) {}

    int run() {
        const bool is_single = wanted_.once || wanted_.fleet.json;
        if (!look()) return failed;
        while (wait(is_single ? rate_measured_over
                              : std::chrono::duration_cast<std::chrono::milliseconds>(
                                    std::chrono::duration<double>(wanted_.every_s)))) {
            if (!look()) return done;
            if (is_single) break;
            console_.print((console_.is_terminal() ? home_and_clear : "") + heading(last_) + to_table(last_));
        }
        if (!is_single) return done; // Ctrl-C
        auto text = wanted_.fleet.json ? to_json(last_).dump() : to_table(last_);
        if (text.ends_with('\n')) text.pop_back();
        console_.print(text);
        return last_.failure.empty() ? done : failed;
    }

private:
    bool look() {
        auto report = wait_for(console_, home_, probe_.ask(ask_within));
        if (!report) return false;
        const auto now = clock::now();
        set_rates(*report, last_, std::chrono::duration<double>(now - last_at_).count());
        last_ = std::move(*report);
        last_at_ = now;
        return true;
    }

    // False when Ctrl-C came before the time had passed.
    bool wait(std::chrono::milliseconds length) {
        const auto until = clock::now() + length;
        console_.wait_until([] { return false; }, length);
        return clock::now() >= until;
    }

    const top_options& wanted_;
    console& console_;
    net::worker& home_;
    fleet_probe probe_;
    fleet_report last_;
    clock::time_point last_at_ = clock::now();
};

int run_top(const top_options& wanted) {
    console terminal({});
    net::runtime threads(1);
    viewer view(wanted, terminal, threads.at(0));
    const int status = view.run();
    threads.stop();
    return status;
}

} // namespace

void add_top(command program) {
    const auto top = program.subcommand("top", "a live view of the fleet; Ctrl-C ends it");
    const auto wanted = std::make_shared<top_options>();
    add_fleet_options(top, wanted->fleet);
    top.flag("--once", wanted->once, "print it once and end; so does --json");
    top.option("--every", wanted->every_s, "seconds between two looks").show_default().range(0.1, 3600.0);
    top.runs([wanted] { return run_top(*wanted); });
}

} // namespace stadion::tools
