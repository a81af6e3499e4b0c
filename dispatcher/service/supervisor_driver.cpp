#include "dispatcher/service/supervisor_driver.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>

namespace stadion::dispatcher {

bool is_running(const child_record& child) {
    return child.pid != 0 && net::process_born(static_cast<int>(child.pid)) == child.born;
}

supervisor_driver::supervisor_driver(net::worker& home, supervisor_options options)
    : home_(home),
      options_(std::move(options)),
      table_(options_.restarts),
      due_(home.context()),
      bound_(home.context()) {}

supervisor_driver::~supervisor_driver() = default;

void supervisor_driver::begin(const adoption_plan& plan, std::string own) {
    own_address_ = std::move(own);
    for (const auto& child : plan.adopt) adopt(child);
    for (const auto& child : plan.start) table_.want(child.kind, child.address);
    start_due();
}

void supervisor_driver::want(std::string kind, std::string address) {
    table_.want(std::move(kind), std::move(address));
    start_due();
}

void supervisor_driver::adopt(const child_record& child) {
    const int pid = static_cast<int>(child.pid);
    auto process = net::child_process::adopt(
        home_, pid, {.on_line = {}, .on_end = [this, pid](net::process_end how) { ended(pid, how); }});
    // It may have died since the plan was made, and its pid may be in use again.
    if (!process || net::process_born(pid) != child.born) {
        table_.want(child.kind, child.address);
        return;
    }
    spdlog::info("adopted {} {} at {}", child.kind, pid, child.address);
    table_.adopt(child, clock::now());
    ++adopted_;
    if (!child.dispatcher.empty() && child.dispatcher != own_address_) {
        spdlog::warn("{} {} reports to {}, where we are not: starting it again", child.kind, pid,
                     child.dispatcher);
        (*process)->send_signal(SIGTERM);
    }
    watch(*std::move(process));
}

void supervisor_driver::watch(std::unique_ptr<net::child_process> process) {
    const int pid = process->pid();
    processes_[pid] = std::move(process);
}

void supervisor_driver::start_due() {
    for (const auto& what : table_.take_due(clock::now())) launch(what);
    const auto next = table_.next_due();
    if (!next) return;
    due_.expires_at(*next);
    due_.async_wait([this](net::error_code failure) {
        if (!failure) start_due();
    });
}

void supervisor_driver::launch(const child_table::launch& what) {
    // The handlers need the pid, which is known before any of them runs.
    auto pid = std::make_shared<int>(0);
    const auto record_start = [&](int started) {
        *pid = started;
        const auto born = net::process_born(started);
        table_.launched(what.slot, static_cast<std::uint32_t>(started), born.value_or(0), own_address_,
                        clock::now());
        changed();
    };
    auto process =
        net::child_process::start(home_, options_.program, options_.arguments(what.kind, what.address),
                                  {.on_line = [this, pid](std::string_view line) { heard(*pid, line); },
                                   .on_end = [this, pid](net::process_end how) { ended(*pid, how); }},
                                  record_start);
    if (!process) {
        spdlog::error("{}", process.error().message);
        return table_.launch_failed(what.slot, clock::now(), process.error().message);
    }
    spdlog::info("started {} {} for {}", what.kind, *pid, what.address);
    watch(*std::move(process));
}

void supervisor_driver::heard(int pid, std::string_view line) {
    constexpr std::string_view mark = "ready ", failure = "failed ";
    if (line.starts_with(failure))
        return table_.last_words(static_cast<std::uint32_t>(pid), std::string(line.substr(failure.size())));
    const auto space = line.rfind(' ');
    if (!line.starts_with(mark) || space < mark.size()) return;
    bound(static_cast<std::uint32_t>(pid), std::string(line.substr(space + 1)));
}

// The address is compared too: a server on another machine may have the same pid as a child.
void supervisor_driver::retire(std::uint32_t pid, std::string_view address) {
    for (const auto& child : table_.running())
        if (child.pid == pid && child.address == address) table_.retire(pid);
}

void supervisor_driver::bound(std::uint32_t pid, const std::string& address) {
    table_.bound(pid, address);
    changed();
}

void supervisor_driver::ended(int pid, const net::process_end& how) {
    const auto notice = table_.died(static_cast<std::uint32_t>(pid), clock::now(), how.text());
    processes_.erase(pid); // destroys the callback that runs now; nothing of it is used below
    if (!notice) return;
    if (notice->expected) {
        spdlog::info("{} {} {}", notice->last.kind, pid, how.text());
    } else {
        ++restarts_;
        spdlog::warn("{} {} at {} {}; starting it again in {} ms", notice->last.kind, pid,
                     notice->last.address, how.text(), notice->restart.delay.count());
        if (notice->restart.crash_loop)
            spdlog::error("{} has died {} times in a row soon after its start", notice->last.kind,
                          notice->restart.early_deaths);
    }
    changed();
    start_due();
    if (on_stopped_) stop_next();
}

bool supervisor_driver::any_running(std::string_view kind) const {
    const auto children = table_.running();
    return std::any_of(children.begin(), children.end(),
                       [&](const auto& child) { return child.kind == kind; });
}

void supervisor_driver::stop(std::chrono::milliseconds bound, std::function<void()> done) {
    table_.stop();
    due_.cancel();
    on_stopped_ = std::move(done);
    stop_bound_ = bound;
    to_stop_ = {"dbserver", "frontend"};
    stop_next();
}

// Asks the children of the next kind, once those asked before have gone.
void supervisor_driver::stop_next() {
    if (any_running(stopping_)) return;
    bound_.cancel();
    while (!to_stop_.empty()) {
        stopping_ = to_stop_.back();
        to_stop_.pop_back();
        if (any_running(stopping_)) return ask_to_stop();
    }
    if (auto done = std::exchange(on_stopped_, nullptr)) done();
}

void supervisor_driver::ask_to_stop() {
    const auto send = [this](int signal) {
        for (const auto& child : table_.running()) {
            if (child.kind != stopping_) continue;
            if (signal == SIGKILL)
                spdlog::warn("{} {} did not stop in time; killing it", child.kind, child.pid);
            processes_.at(static_cast<int>(child.pid))->send_signal(signal);
        }
    };
    send(SIGTERM);
    bound_.expires_after(stop_bound_);
    bound_.async_wait([send](net::error_code failure) {
        if (!failure) send(SIGKILL);
    });
}

void supervisor_driver::kill_all() noexcept {
    for (auto& [pid, process] : processes_) process->send_signal(SIGKILL);
}

} // namespace stadion::dispatcher
