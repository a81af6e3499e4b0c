// What the same machine does with the same bytes when nobody thinks about them: a minimal Asio server in a
// process of its own, one read, one write. Every ratio of `stadion bench` is to this, measured in the same
// run.
//
// It has two ports. On the first everything comes back. On the second a connection that says nothing listens;
// what any other one says goes to all listeners, a copy each, and back to the speaker.
#pragma once

#include "wire/result.hpp"

#include <string>

namespace stadion::tools {

class bench_echo {
public:
    // Forks; to be called before the process has threads. The child ends with its parent.
    static wire::result<bench_echo> start(std::size_t threads);
    bench_echo(bench_echo&& other) noexcept;
    bench_echo& operator=(bench_echo&&) = delete;
    ~bench_echo();

    const std::string& address() const noexcept { return echo_; }
    const std::string& broadcast_address() const noexcept { return broadcast_; }
    int pid() const noexcept { return pid_; }

private:
    bench_echo() = default;
    int pid_ = -1;
    std::string echo_;
    std::string broadcast_;
};

} // namespace stadion::tools
