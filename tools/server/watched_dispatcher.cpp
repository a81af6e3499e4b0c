#include "tools/server/watched_dispatcher.hpp"

#include "dispatcher/service/state_file.hpp"
#include "dispatcher/service/supervisor_driver.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iterator>
#include <utility>

namespace stadion::tools {
namespace {

constexpr balancer::restart_settings restarts{.delay_max = std::chrono::milliseconds(5'000)};

std::string seconds_text(std::chrono::steady_clock::duration length) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(length).count());
    return text;
}

} // namespace

watched_dispatcher::watched_dispatcher(net::worker& home, std::string program,
                                       std::vector<std::string> arguments)
    : home_(home),
      program_(std::move(program)),
      arguments_(std::move(arguments)),
      again_(home.context()),
      policy_(restarts) {}

void watched_dispatcher::start() {
    started_at_ = clock::now();
    auto process = net::child_process::start(home_, program_, arguments_,
                                             {.on_line = [this](std::string_view line) { heard(line); },
                                              .on_end = [this](const net::process_end& how) { ended(how); }},
                                             {}, net::child_process::lifetime::of_parent);
    if (process) {
        process_ = *std::move(process);
        return;
    }
    on_news(process.error().message);
    if (!is_complete_) return finish(1);
    start_after(policy_.died(started_at_, clock::now()).delay);
}

void watched_dispatcher::stop() {
    is_stopping_ = true;
    again_.cancel();
    if (process_) return process_->send_signal(SIGTERM);
    finish(0);
}

void watched_dispatcher::finish(int status) {
    if (const auto tell = std::exchange(on_end, nullptr)) tell(status);
}

void watched_dispatcher::start_after(std::chrono::milliseconds delay) {
    again_.expires_after(delay);
    again_.async_wait([this](net::error_code failure) {
        if (!failure && !is_stopping_) start();
    });
}

void watched_dispatcher::heard(std::string_view line) {
    constexpr std::string_view mark = "ready ";
    const auto space = line.rfind(' ');
    if (!line.starts_with(mark) || space < mark.size()) return;
    const auto kind = line.substr(mark.size(), space - mark.size()), address = line.substr(space + 1);
    if (!is_complete_) on_ready(kind, address);
    if (kind != "dispatcher") return;
    if (std::exchange(is_away_, false))
        on_news("the dispatcher is back at " + std::string(address) + ", as process " +
                std::to_string(process_->pid()) + ", after " + seconds_text(clock::now() - died_at_));
    // The next one has to be where clients and servers know this one to be.
    if (std::exchange(is_complete_, true)) return;
    constexpr std::string_view port = "--port=";
    std::erase_if(arguments_, [&](const auto& argument) { return argument.starts_with(port); });
    arguments_.push_back(std::string(port) + std::string(address.substr(address.rfind(':') + 1)));
}

void watched_dispatcher::ended(const net::process_end& how) {
    const auto pid = std::to_string(process_->pid());
    process_.reset();
    if (is_stopping_) return finish(how.signal == 0 ? how.exit_code : 128 + how.signal);
    if (how.signal == 0 && how.exit_code != 0 && !is_complete_) return finish(how.exit_code);
    if (how.signal == 0 && how.exit_code == 0) {
        on_news("the dispatcher (process " + pid + ") was told to stop and has stopped everything");
        return finish(0);
    }
    if (!std::exchange(is_away_, true)) died_at_ = clock::now();
    const auto decision = policy_.died(started_at_, died_at_);
    on_news("the dispatcher (process " + pid + ") " + how.text() +
            "; its servers go on serving; starting it again" +
            (decision.delay.count() == 0 ? "" : " in " + seconds_text(decision.delay)) +
            (decision.crash_loop ? ", the " + std::to_string(decision.early_deaths) +
                                       "th time in a row: what it says above tells why"
                                 : ""));
    start_after(decision.delay);
}

void stop_leftovers(net::worker& home, const std::string& folder, std::chrono::milliseconds bound,
                    std::function<void()> done) {
    auto opened = dispatcher::state_file::open(folder);
    if (!opened) return done();
    const auto state = std::make_shared<dispatcher::state_file>(*std::move(opened));
    dispatcher::adoption_plan plan;
    const auto& children = state->content().children;
    std::copy_if(children.begin(), children.end(), std::back_inserter(plan.adopt), dispatcher::is_running);
    if (plan.adopt.empty()) return done();
    dispatcher::supervisor_options nothing_new;
    nothing_new.arguments = [](const auto&, const auto&) { return std::vector<std::string>(); };
    const auto driver = std::make_shared<dispatcher::supervisor_driver>(home, std::move(nothing_new));
    driver->begin(plan, plan.adopt.front().dispatcher);
    // It must not end within its own callback.
    driver->stop(bound, [&home, state, driver, done = std::move(done)] {
        home.post([state, driver, done] { done(); });
    });
}

} // namespace stadion::tools
